#pragma once

#include <cmath>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "reel/base/dtype.h"
#include "reel/base/export.h"
#include "reel/base/fields.h"

namespace reel::optim {
namespace detail {

// ---- options as numbers, by reflection

/// A pair is saved as "betas.0" and "betas.1", an array alike; anything else under its name.
template <class Options, class Visit>
void visit_numbers(Options& options, const Visit& visit) {
  for_each_field(options, [&](std::string_view name, auto& option) {
    const auto part = [&](int i) { return std::string(name) + "." + std::to_string(i); };
    if constexpr (requires { option.first; }) {
      visit(part(0), option.first);
      visit(part(1), option.second);
    } else if constexpr (requires { option.size(); }) {
      int i = 0;
      for (auto& number : option) visit(part(i++), number);
    } else {
      visit(std::string(name), option);
    }
  });
}

/// None is NaN.
template <class T>
double to_number(const T& option) {
  if constexpr (requires { option.has_value(); }) {
    return option.has_value() ? static_cast<double>(*option) : std::nan("");
  } else {
    return static_cast<double>(option);
  }
}

/// Where a number for an option comes from, for messages.
struct NumberSource {
  const char* op;  ///< who sets it
  Size group;
};
[[noreturn]] REEL_API void throw_not_held(const NumberSource& source, const std::string& name,
                                          double value, const char* expected);

/// Throws for a number that an option of this type cannot hold.
template <class T>
void set_from_number(T& option, double value, const NumberSource& source, const std::string& name) {
  if constexpr (std::is_same_v<T, bool>) {
    if (value != 0 && value != 1) throw_not_held(source, name, value, "0 or 1");
    option = value != 0;
  } else if constexpr (std::is_integral_v<T>) {
    static_assert(sizeof(T) == 8);
    if (!(std::abs(value) <= 9007199254740992.0) || value != std::floor(value)) {
      throw_not_held(source, name, value, "a whole number of at most 2^53");
    }
    option = static_cast<T>(value);
  } else if constexpr (std::is_enum_v<T>) {
    // An enum of options counts from 0 and ends with `last`.
    if (!(value >= 0 && value <= static_cast<double>(T::last)) || value != std::floor(value)) {
      throw_not_held(source, name, value, "the number of a choice");
    }
    option = static_cast<T>(value);
  } else if constexpr (requires { option.has_value(); }) {
    if (std::isnan(value)) {
      option.reset();
    } else {
      set_from_number(option.emplace(), value, source, name);
    }
  } else {
    option = value;
  }
}

template <class T>
std::optional<double> number_or_none(const T& option) {
  if constexpr (requires { option.has_value(); }) {
    if (!option.has_value()) return {};
  }
  return to_number(option);
}

[[noreturn]] REEL_API void throw_no_groups(const char* optimizer);

/// A value of an option for a message.
struct Shown {
  std::string_view name;
  std::vector<std::optional<double>> values;
};
[[noreturn]] REEL_API void throw_out_of_limits(const char* optimizer, const char* expected,
                                               const Shown& option);
[[noreturn]] REEL_API void throw_do_not_go_together(const char* optimizer, const char* expected,
                                                    std::initializer_list<Shown> options);

}  // namespace detail

/// What options hold themselves to in their `check`: says which limits they have, and in an error
/// names an option after the field it is. A pair or an array is held to them in each of its
/// numbers; an option that is none passes.
///
/// **Example** `void check(const auto& must) const { must.be_at_least_0(lr, eps); }`
template <class Options>
class Limits {
 public:
  /// Of `options` and the optimizer or schedule that errors name; both must outlive it.
  Limits(const char* optimizer, const Options& options) : optimizer_(optimizer), of_(options) {}

  /// Finite and at least 0.
  template <class... T>
  void be_at_least_0(const T&... options) const {
    (hold(options, "a finite {} of at least 0", [](double x) { return x >= 0; }), ...);
  }
  /// Finite and above 0.
  template <class... T>
  void be_above_0(const T&... options) const {
    (hold(options, "a finite {} above 0", [](double x) { return x > 0; }), ...);
  }
  /// Neither infinite nor NaN.
  template <class... T>
  void be_finite(const T&... options) const {
    (hold(options, "a finite {}", [](double) { return true; }), ...);
  }
  /// In [0, 1): how much an average keeps.
  template <class... T>
  void be_below_1(const T&... options) const {
    (hold(options, "{} in [0, 1)", [](double x) { return x >= 0 && x < 1; }), ...);
  }
  /// In [0, 1].
  template <class... T>
  void be_in_0_to_1(const T&... options) const {
    (hold(options, "{} in [0, 1]", [](double x) { return x >= 0 && x <= 1; }), ...);
  }
  /// What options must be to each other: throws "expected <expected>, got <name> <value> and ...".
  template <class... T>
  void agree(bool condition, const char* expected, const T&... options) const {
    if (!condition) {
      detail::throw_do_not_go_together(optimizer_, expected, {show(options)...});
    }
  }

 private:
  template <class T, class Holds>
  void hold(const T& option, const char* expected, const Holds& holds) const {
    const auto good = [&](const auto& part) {
      const std::optional<double> x = detail::number_or_none(part);
      return !x.has_value() || (holds(*x) && std::isfinite(*x));
    };
    bool all = true;
    if constexpr (requires { option.first; }) {
      all = good(option.first) && good(option.second);
    } else if constexpr (requires { option.size(); }) {
      for (const auto& part : option) all = all && good(part);
    } else {
      all = good(option);
    }
    if (!all) detail::throw_out_of_limits(optimizer_, expected, show(option));
  }

  template <class T>
  detail::Shown show(const T& option) const {
    detail::Shown shown{name_of(option), {}};
    const auto add = [&](const auto& part) {
      shown.values.push_back(detail::number_or_none(part));
    };
    if constexpr (requires { option.first; }) {
      add(option.first);
      add(option.second);
    } else if constexpr (requires { option.size(); }) {
      for (const auto& part : option) add(part);
    } else {
      add(option);
    }
    return shown;
  }

  /// Of the field that lies where the option lies.
  template <class T>
  std::string_view name_of(const T& option) const {
    std::string_view found;
    for_each_field(of_, [&](std::string_view name, const auto& field) {
      if (static_cast<const void*>(&field) == static_cast<const void*>(&option)) found = name;
    });
    return found;
  }

  const char* optimizer_;
  const Options& of_;
};

}  // namespace reel::optim
