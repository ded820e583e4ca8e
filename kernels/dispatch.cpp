#include "reel/kernels/dispatch.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace reel::kernels {
namespace {

#if defined(__x86_64__)
Isa highest() {
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  return v4 ? Isa::v4 : v3 ? Isa::v3 : Isa::v2;
}

Isa choose() {
  const char* wish = std::getenv("REEL_ISA");
  for (Isa level : {Isa::v2, Isa::v3, Isa::v4}) {
    if (wish != nullptr && std::string_view(wish) == name(level)) return std::min(level, highest());
  }
  return highest();
}
#else
Isa choose() { return Isa::generic; }
#endif

}  // namespace

Isa isa() {
  static const Isa level = choose();
  return level;
}

const char* name(Isa level) {
  constexpr const char* names[] = {"generic", "v2", "v3", "v4"};
  return names[static_cast<int>(level)];
}

}  // namespace reel::kernels
