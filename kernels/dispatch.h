#pragma once

// Internal: the files in simd/ are compiled once per instruction set; this picks one at run time.

namespace reel::kernels {

/// The levels of x86-64 that kernels are compiled for; `generic` on every other machine.
enum class Isa { generic, v2, v3, v4 };

/// The highest level that this CPU has, found once. The environment variable `REEL_ISA` (`v2`,
/// `v3` or `v4`) asks for a lower one, so that tests can compare them.
Isa isa();

/// `v2`, `v3`, `v4` or `generic`.
const char* name(Isa level);

}  // namespace reel::kernels

/// Declares `const Table& function()` of every level, which `simd/*.cpp` defines as
/// `reel::kernels::REEL_ISA::function`, and `reel::kernels::function()`, which picks one.
/// Use it inside `namespace reel::kernels`.
#if defined(__x86_64__)
#define REEL_DISPATCH_TABLE(Table, function)                         \
  namespace v2 {                                                     \
  const Table& function();                                           \
  }                                                                  \
  namespace v3 {                                                     \
  const Table& function();                                           \
  }                                                                  \
  namespace v4 {                                                     \
  const Table& function();                                           \
  }                                                                  \
  inline const Table& function() {                                   \
    static const Table& table = isa() == Isa::v4   ? v4::function()  \
                                : isa() == Isa::v3 ? v3::function()  \
                                                   : v2::function(); \
    return table;                                                    \
  }
#else
#define REEL_DISPATCH_TABLE(Table, function) \
  namespace generic {                        \
  const Table& function();                   \
  }                                          \
  inline const Table& function() { return generic::function(); }
#endif
