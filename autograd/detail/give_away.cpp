#include "reel/autograd/detail/give_away.h"

#include "reel/autograd/detail/in_place.h"
#include "reel/autograd/tape.h"

namespace reel::detail {
namespace {

bool is_sole(const std::atomic<std::uint32_t>& refs) {
  return refs.load(std::memory_order_acquire) == 1;
}

}  // namespace

bool is_only_user(const TensorImpl& x) {
  if (is_sole(x.storage->refs)) return true;
  if (x.storage->refs.load(std::memory_order_relaxed) != 2) return false;
  const TensorImpl& base = base_of(const_cast<TensorImpl&>(x));
  return &base != &x && is_sole(base.refs) && base.storage == x.storage &&
         !x.storage->rewritten.load(std::memory_order_relaxed);
}

bool is_own_buffer(const Tensor& tensor) {
  const TensorImpl& impl = tensor.impl();
  return is_sole(impl.refs) && is_only_user(impl) && impl.storage->is_own() && !impl.is_number &&
         (impl.contiguous || is_dense(impl.shape, impl.strides));
}

bool is_given_away(const Tensor& x) {
  if (!is_own_buffer(x)) return false;  // which also says that no rule has kept it
  const TensorImpl& impl = x.impl();
  return !impl.requires_grad() || (impl.node != nullptr && grad_enabled() &&
                                   is_sole(impl.node->refs) && impl.node->extras == nullptr);
}

void append(const Tensor& x, const Epilogue& last) {
  Node* node = x.impl().node;
  if (node == nullptr) return;
  node->epilogue = &last;
  node->holds = true;
  describe_output(*node, x, true);
}

bool remove(const Tensor& x, const Epilogue& last) {
  const TensorImpl& impl = x.impl();
  Node* node = impl.node;
  if (node == nullptr || node->epilogue != &last || !grad_enabled() || !is_sole(impl.refs) ||
      !is_sole(node->refs) || node->extras != nullptr) {
    return false;
  }
  node->epilogue = nullptr;
  drop(std::exchange(node->output, nullptr));
  return true;
}

}  // namespace reel::detail
