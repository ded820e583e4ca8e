#pragma once

/// @file
/// The deep copy of a module, type by type: behind `nn::clone`.

#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/nn/detail/walk.h"

namespace reel::nn::detail {

/// What a deep copy has copied so far, so that what was shared stays shared. Another one may say
/// otherwise what stands for a tensor: a module with other tensors is a copy too.
class REEL_API CopyMemo {
 public:
  CopyMemo() = default;
  virtual ~CopyMemo() = default;
  CopyMemo(const CopyMemo&) = delete;
  CopyMemo& operator=(const CopyMemo&) = delete;

  virtual Tensor tensor(const Tensor& original, TensorKind kind);

  std::shared_ptr<void>& shared(const void* original);

 private:
  std::vector<std::pair<Tensor, Tensor>> tensors_;
  std::vector<std::pair<const void*, std::shared_ptr<void>>> shared_;
};

template <class T>
std::remove_const_t<T> deep_copy(T& node, CopyMemo& memo);

template <class T>
T copy_pointer(const T& pointer, CopyMemo& memo) {
  using Target = std::remove_cvref_t<decltype(*pointer)>;
  if (!pointer) return T{};
  if constexpr (requires { typename T::value_type; }) {  // std::optional
    return T(deep_copy(*pointer, memo));
  } else {
    static_assert(!std::is_polymorphic_v<Target>,
                  "Reel: cannot clone what a pointer to a polymorphic class points to, because its "
                  "real type is unknown: hold it in an nn::AnyModule");
    if constexpr (requires { pointer.use_count(); }) {
      std::shared_ptr<void>& copied = memo.shared(pointer.get());
      if (copied == nullptr) {
        auto fresh = std::make_shared<Target>(deep_copy(*pointer, memo));
        // Not through `copied`: copying what it points to may have moved it.
        memo.shared(pointer.get()) = fresh;
        return fresh;
      }
      return std::static_pointer_cast<Target>(copied);
    } else {
      return T(new Target(deep_copy(*pointer, memo)));
    }
  }
}

template <class T>
T copy_sequence(const T& range, CopyMemo& memo) {
  if constexpr (TupleLike<T>) {  // std::array
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return T{{deep_copy(range[I], memo)...}};
    }(std::make_index_sequence<std::tuple_size_v<T>>{});
  } else {
    T copy;
    for (const auto& element : range) copy.insert(copy.end(), deep_copy(element, memo));
    return copy;
  }
}

template <class Field>
void copy_in_place(Field& field, CopyMemo& memo) {
  if constexpr (std::is_array_v<Field>) {
    for (auto& element : field) copy_in_place(element, memo);
  } else if constexpr (member<Field> != Member::setting && member<Field> != Member::function) {
    field = deep_copy(field, memo);
  }
}

/// A copy that shares no tensor with `node`, made of the copies of its parts: works for members
/// that can be moved only.
template <class T>
std::remove_const_t<T> deep_copy(T& node, CopyMemo& memo) {
  using Plain = std::remove_const_t<T>;
  constexpr Member kind = member<T>;
  if constexpr (kind == Member::tensor) {
    Plain copy = node;
    static_cast<Tensor&>(copy) = memo.tensor(node, tensor_kind<Plain>);
    return copy;
  } else if constexpr (kind == Member::custom) {
    return Plain::reel_copy(node, memo);
  } else if constexpr (kind == Member::map) {
    Plain copy;
    for (const auto& [key, value] : node) copy.emplace(key, deep_copy(value, memo));
    return copy;
  } else if constexpr (kind == Member::sequence) {
    return copy_sequence<Plain>(node, memo);
  } else if constexpr (kind == Member::tuple) {
    return std::apply([&](auto&... element) { return Plain{deep_copy(element, memo)...}; }, node);
  } else if constexpr (kind == Member::pointer) {
    return copy_pointer<Plain>(node, memo);
  } else if constexpr (kind == Member::fields && reel::detail::ListsOwnFields<Plain>) {
    static_assert(std::is_copy_constructible_v<Plain>,
                  "Reel: a class with REEL_FIELDS must be copyable to be cloned: its copy is made "
                  "first, then its fields are replaced by copies of their own");
    Plain copy = node;
    with_fields(copy, [&](auto&... field) { (copy_in_place(field, memo), ...); });
    return copy;
  } else if constexpr (kind == Member::fields && !std::is_trivially_destructible_v<Plain>) {
    return with_fields(node, [&](auto&... field) { return Plain{deep_copy(field, memo)...}; });
  } else {
    return node;
  }
}

}  // namespace reel::nn::detail
