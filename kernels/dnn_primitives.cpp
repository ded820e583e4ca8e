#include "reel/kernels/dnn_primitives.h"

#include <atomic>
#include <cstdlib>

#include "reel/kernels/buffer.h"
#include "reel/kernels/dnn.h"

namespace reel::kernels {
namespace dnn {
namespace {

/// Primitives that oneDNN keeps for all threads, besides what each keeps here. Its own default of
/// 1024 can come to 300 MB of generated code.
void limit_primitives() {
  if (std::getenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY") != nullptr) return;
  if (std::getenv("DNNL_PRIMITIVE_CACHE_CAPACITY") != nullptr) return;
  dnnl::set_primitive_cache_capacity(256);
}

[[noreturn]] void unsuccessful(dnnl_status_t status) {
  fail("oneDNN", "expected a primitive to run, got status {}", static_cast<int>(status));
}

std::atomic<std::uint32_t> emptied{0};

}  // namespace

dnnl::engine& engine() {
  // Never destroyed: caches of other threads may outlive static objects.
  static auto* const cpu = [] {
    limit_primitives();
    return new dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return *cpu;
}

dnnl::primitive_attr attributes(bool accumulate) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (accumulate) {
    dnnl::post_ops ops;
    ops.append_sum(1.f);
    attr.set_post_ops(ops);
  }
  return attr;
}

void Call::run(dnnl::stream& stream, std::initializer_list<const void*> memory) {
  const Buffer scratch(scratch_bytes_);
  std::size_t i = 0;
  for (const void* data : memory) bind(i++, const_cast<void*>(data));
  if (scratch_bytes_ != 0) bind(i, scratch.data());
  const dnnl_status_t status =
      dnnl_primitive_execute(primitive_.get(), stream.get(), count_, handles_.data());
  if (status != dnnl_success) [[unlikely]]
    unsuccessful(status);
}

void Call::add(const Argument& argument) {
  dnnl::memory& memory = memories_[static_cast<std::size_t>(count_)];
  memory = dnnl::memory(argument.desc, engine(), nullptr);
  handles_[static_cast<std::size_t>(count_++)] = {argument.index, memory.get()};
}

Context::Context() {
  static const bool registered = (detail::on_empty_cache(dnn_empty_cache), true);
  static_cast<void>(registered);
}

Context& context() {
  thread_local Context mine;
  const std::uint32_t now = emptied.load(std::memory_order_relaxed);
  if (mine.emptied != now) [[unlikely]] {
    mine.matmuls.clear();
    mine.convs.clear();
    mine.emptied = now;
  }
  return mine;
}

}  // namespace dnn

void dnn_empty_cache() {
  dnn::emptied.fetch_add(1, std::memory_order_relaxed);
  dnn::context();
  const int capacity = dnnl::get_primitive_cache_capacity();
  dnnl::set_primitive_cache_capacity(0);
  dnnl::set_primitive_cache_capacity(capacity);
}

}  // namespace reel::kernels
