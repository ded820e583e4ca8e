#pragma once

#include "reel/base/export.h"

namespace reel::detail {

/// A library that is loaded when it is first used: a program that reads no pictures does not pay
/// for their decoders when it starts, and an installed Reel needs no development packages of them.
/// It stays loaded until the process ends.
class REEL_API SharedLibrary {
 public:
  /// Loads `file` ("libpng16.so.16"). Throws an `Error` that names `op` and the Debian package that
  /// has it.
  SharedLibrary(const char* op, const char* file, const char* package);

  /// Points `function` to the function `name`. Throws an `Error` where the library has none.
  template <class Function>
  void find(Function*& function, const char* name) const {
    function = reinterpret_cast<Function*>(address_of(name));
  }

 private:
  void* address_of(const char* name) const;

  const char* op_;
  const char* file_;
  void* handle_;
};

}  // namespace reel::detail
