#pragma once

// Internal: oneDNN's primitives as dnn.cpp uses them, made once for each shape and thread, and what
// its versions 2 and 3 say differently.

#include <array>
#include <cstddef>
#include <cstdint>
#include <dnnl.hpp>
#include <initializer_list>
#include <memory>
#include <vector>

#include "reel/base/dtype.h"
#include "reel/base/fail.h"

namespace reel::kernels::dnn {

using Desc = dnnl::memory::desc;

dnnl::engine& engine();

// ---- the two versions of oneDNN's API

#if DNNL_VERSION_MAJOR >= 3
template <class P, class... Args>
auto describe(const dnnl::primitive_attr& attr, const Args&... args) {
  return typename P::primitive_desc(engine(), args..., attr);
}
template <class P, class Hint, class... Args>
auto describe_backward(const dnnl::primitive_attr& attr, const Hint& hint, const Args&... args) {
  return typename P::primitive_desc(engine(), args..., hint, attr);
}
#else
template <class P, class... Args>
auto describe(const dnnl::primitive_attr& attr, const Args&... args) {
  return typename P::primitive_desc(typename P::desc(args...), attr, engine());
}
template <class P, class Hint, class... Args>
auto describe_backward(const dnnl::primitive_attr& attr, const Hint& hint, const Args&... args) {
  return typename P::primitive_desc(typename P::desc(args...), attr, engine(), hint);
}
#endif

/// With scratch memory given by the caller; the result is added to what is there, if asked.
dnnl::primitive_attr attributes(bool accumulate);

// ---- primitives ready to run

/// One argument of a primitive: its number, its layout and, when it runs, its memory.
struct Argument {
  int index;
  Desc desc;
};

/// A primitive with its arguments; memory is named anew for every run.
class Call {
 public:
  Call() = default;

  template <class PrimitiveDesc>
  Call(const PrimitiveDesc& desc, const dnnl::primitive& primitive,
       std::initializer_list<Argument> arguments)
      : primitive_(primitive), scratch_bytes_(desc.scratchpad_desc().get_size()) {
    for (const Argument& argument : arguments) {
      // A zero descriptor stands for an argument that is not there (no bias).
      if (argument.desc.get_size() != 0) add(argument);
    }
    if (scratch_bytes_ != 0) add({DNNL_ARG_SCRATCHPAD, desc.scratchpad_desc()});
  }

  void run(dnnl::stream& stream, std::initializer_list<const void*> memory);

 private:
  void add(const Argument& argument);
  void bind(std::size_t i, void* data) { dnnl_memory_set_data_handle(handles_[i].memory, data); }

  dnnl::primitive primitive_;
  std::array<dnnl::memory, 5> memories_;
  std::array<dnnl_exec_arg_t, 5> handles_{};
  int count_ = 0;
  std::size_t scratch_bytes_ = 0;
};

/// A table with one place for each key's hash: a newcomer replaces what was there.
template <class Key, class Value, std::size_t slots>
class Cache {
 public:
  template <class Make>
  Value& get(const Key& key, const Make& make) {
    if (slots_.empty()) slots_.resize(slots);
    Slot& slot = slots_[hash(key) % slots];
    if (slot.value == nullptr || !(slot.key == key)) {
      slot.value = nullptr;
      slot.value = std::make_unique<Value>(make());
      slot.key = key;
    }
    return *slot.value;
  }
  void clear() { slots_.clear(); }

 private:
  struct Slot {
    Key key;
    std::unique_ptr<Value> value;
  };
  static std::size_t hash(const Key& key) {
    std::uint64_t h = 0;
    for (Size value : key) h = (h ^ static_cast<std::uint64_t>(value)) * 0x9E3779B97F4A7C15u;
    return static_cast<std::size_t>(h >> 40);
  }
  std::vector<Slot> slots_;
};

/// A convolution in one direction, and what brings the weights into its own format (or, their
/// gradient, out of it) if that is not the plain one.
struct ConvCall {
  Call call;
  Call reorder;
  Desc weights;
  bool reorders = false;
};

using MatmulKey = std::array<Size, 9>;
using ConvKey = std::array<Size, 23>;

/// What one thread keeps.
struct Context {
  Context();

  dnnl::stream stream{engine()};
  Cache<MatmulKey, Call, 512> matmuls;
  Cache<ConvKey, ConvCall, 256> convs;
  std::uint32_t emptied = 0;  // the last call of dnn_empty_cache that it has followed
};

/// This thread's, emptied where `dnn_empty_cache` asked for it.
Context& context();

template <class F>
auto building(const char* what, const F& build) {
  try {
    return build();
  } catch (const dnnl::error& error) {
    fail(what, "expected oneDNN to know this shape, got: {}", error.what());
  }
}

}  // namespace reel::kernels::dnn
