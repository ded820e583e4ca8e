#pragma once

#include <concepts>
#include <cstddef>
#include <string>

#include "reel/base/export.h"

namespace reel {

/// The name of an op, as the tape keeps it: `OpName name = "mul"`.
///
/// A literal is kept as it stands and costs nothing; a name made at run time is copied once and
/// lives as long as the program, so that a tensor recorded under it may outlive the string.
class OpName {
 public:
  /// A literal, kept as it stands.
  template <std::size_t N>
  consteval OpName(const char (&literal)[N]) : text_(literal) {}
  /// A name made at run time, copied once for the whole program.
  OpName(const std::string& name) : text_(interned(name)) {}
  /// The same, as `c_str()` gives it.
  template <std::same_as<const char*> Pointer>
  OpName(const Pointer& name) : text_(interned(name)) {}

  /// The text, which is never freed.
  constexpr operator const char*() const { return text_; }

 private:
  REEL_API static const char* interned(const std::string& name);

  const char* text_;
};

}  // namespace reel
