#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>

#include "reel/autograd/tensor.h"

namespace reel::nn {

class Hooks;

namespace detail {

template <class T>
consteval const char* spelled_type() {
  return __PRETTY_FUNCTION__;
}

/// The full name of a type as the compiler spells it.
template <class T>
consteval std::string_view type_name() {
  std::string_view text = spelled_type<T>();
  text.remove_prefix(text.find("T = ") + 4);
  return text.substr(0, text.rfind(']'));
}

}  // namespace detail

/// One module inside another, as `nn::apply` shows it.
class ModuleRef {
 public:
  template <class T>
  ModuleRef(T& module, const std::string& path)
      : module_(const_cast<std::remove_const_t<T>*>(&module)),
        type_(&typeid(T)),
        type_name_(detail::type_name<std::remove_const_t<T>>()),
        path_(path) {
    if constexpr (requires { requires std::is_same_v<decltype((module.training)), bool&>; })
      training_ = &module.training;
    if constexpr (requires { requires std::is_same_v<decltype((module.hooks)), Hooks&>; })
      hooks_ = &module.hooks;
  }

  /// The module if it is a `T`, else null: `if (auto* linear = module.as<nn::Linear>())`.
  template <class T>
  T* as() const {
    return *type_ == typeid(T) ? static_cast<T*>(module_) : nullptr;
  }

  /// Where it is: `encoder.layers.0`; empty for the outermost module. Valid during the call.
  std::string_view path() const { return path_; }
  /// Its type's full name as the compiler spells it.
  std::string_view type_name() const { return type_name_; }
  /// Its field `bool training`, null where it has none.
  bool* training() const { return training_; }
  /// Its field `nn::Hooks hooks`, null where it has none.
  Hooks* hooks() const { return hooks_; }
  const std::type_info& type() const { return *type_; }
  const void* address() const { return module_; }

 private:
  void* module_;
  const std::type_info* type_;
  std::string_view type_name_;
  const std::string& path_;
  bool* training_ = nullptr;
  Hooks* hooks_ = nullptr;
};

namespace detail {

enum class TensorKind : std::uint8_t { parameter, buffer, plain };

/// The value of an option, in the few forms that a summary prints.
struct Setting {
  enum class Kind : std::uint8_t { other, boolean, integer, floating, text, sizes };

  Kind kind = Kind::other;
  bool required = false;  // has no default, so a summary prints it without its name
  Size integer = 0;
  double floating = 0;
  std::string_view text = {};
  Shape sizes = {};
};

/// What a walk over a module reports. Not a template, so that each type of module is walked by one
/// function, whatever is asked of it.
class REEL_API Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void enter(const ModuleRef&) {}
  virtual void leave(const ModuleRef&) {}
  virtual void tensor(const Tensor&, TensorKind) {}
  virtual void setting(const Setting&) {}

  /// Goes down to a field or element, and back up again: `pop` takes what `push` returned.
  std::size_t push(std::string_view name);
  std::size_t push(std::size_t index);
  void pop(std::size_t mark) { path_.resize(mark); }

  const std::string& path() const { return path_; }
  /// The last part of the path.
  std::string_view name() const;

 private:
  std::string path_;
};

}  // namespace detail
}  // namespace reel::nn
