#include "reel/base/detail/shared_library.h"

#include <dlfcn.h>

#include "reel/base/fail.h"

namespace reel::detail {

SharedLibrary::SharedLibrary(const char* op, const char* file, const char* package)
    : op_(op), file_(file), handle_(::dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) {
    fail(op, "expected the library {}, got \"{}\"\nhelp: apt-get install {}", file, ::dlerror(),
         package);
  }
}

void* SharedLibrary::address_of(const char* name) const {
  void* const address = ::dlsym(handle_, name);
  check(address != nullptr, op_, "expected {} to have {}, got another version of it", file_, name);
  return address;
}

}  // namespace reel::detail
