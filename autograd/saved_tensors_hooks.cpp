#include "reel/autograd/saved_tensors_hooks.h"

#include "reel/autograd/tape.h"
#include "reel/base/fail.h"

namespace reel::detail {
namespace {

/// Stands where the elements of a tensor would be.
struct Packed final : ForeignMemory {
  std::shared_ptr<const PackHooks> hooks;
  std::shared_ptr<const void> packed;
  Tensor leaf;  // what was saved, if it was one that requires grad: its gradient must find it
};

constexpr const char* name = "SavedTensorsHooks";

/// What stands for a tensor.
Tensor stand_in(const Tensor& tensor, const std::shared_ptr<const PackHooks>& hooks) {
  auto content = std::make_unique<Packed>();
  content->hooks = hooks;
  content->packed = hooks->pack(tensor.detach());
  const TensorImpl& from = tensor.impl();
  Node* node = from.requires_grad() ? from.current() : nullptr;
  if (from.requires_grad() && node == nullptr) content->leaf = tensor;
  Tensor made(new (allocate(sizeof(TensorImpl))) TensorImpl);
  TensorImpl& body = made.impl();
  body.dtype = from.dtype;
  body.shape = from.shape;
  body.strides = contiguous_strides(from.shape);
  body.numel = from.numel;
  body.storage = new_foreign_storage(nullptr, 0, content.release());
  body.storage->version.store(1, std::memory_order_relaxed);  // no `Saved` expects that of it
  if (node != nullptr) {
    add_ref(node->refs);
    body.node = node;
    body.followed = Followed::yes;
  }
  return made;
}

/// Packs what it is shown, once.
struct Packer final : SavedVisitor {
  const std::shared_ptr<const PackHooks> hooks;

  explicit Packer(std::shared_ptr<const PackHooks> by) : hooks(std::move(by)) {}
  void visit(const Saved& saved) override {
    const auto* foreign = saved.held().impl().storage->foreign;
    if (dynamic_cast<const Packed*>(foreign) == nullptr) {
      saved.replace(stand_in(saved.held(), hooks));
    }
  }
};

}  // namespace

void pack_saved(Node& node) {
  const NoGradGuard no_grad;
  struct Restore {
    const std::shared_ptr<const PackHooks>* packing;
    ~Restore() { tape.packing = packing; }
  };
  const Restore at_end{std::exchange(tape.packing, nullptr)};
  Packer packer(*at_end.packing);
  if (node.output != nullptr) {
    add_ref(node.output->refs);
    Tensor packed = stand_in(Tensor(node.output), packer.hooks);
    drop(std::exchange(node.output, packed.release()));
    node.output_version = 0;
  }
  visit_saved(node, packer);
}

const Tensor& unpacked(const Tensor& tensor) {
  const TensorImpl& body = tensor.impl();
  const auto* content = dynamic_cast<const Packed*>(body.storage->foreign);
  if (content == nullptr) changed_in_place(tensor);
  check(tape.unpacked != nullptr, name, "expected a backward that asks for what was packed");
  for (const auto& [key, value] : *tape.unpacked) {
    if (key == &body) return value;
  }
  Tensor made;
  {
    const NoGradGuard no_grad;
    made = content->hooks->unpack(content->packed.get());
  }
  check(made.defined(), name,
        "expected unpack to return a tensor of shape {}, got an undefined one", body.shape);
  check(made.shape() == body.shape && made.dtype() == body.dtype, name,
        "expected unpack to return a tensor of shape {} and dtype {}, got {} and {}", body.shape,
        body.dtype, made.shape(), made.dtype());
  made = alias(made, made.shape(), made.strides());
  if (grad_enabled() && body.node != nullptr) {
    add_ref(body.node->refs);
    made.impl().node = body.node;
    made.impl().followed = Followed::yes;
  } else if (content->leaf.defined()) {
    made =
        record("unpack", std::move(made), wrt(content->leaf, [](const Tensor& dy) { return dy; }));
  }
  return tape.unpacked->emplace_back(&body, std::move(made)).second;
}

}  // namespace reel::detail
