#include "reel/base/detail/guarded_blocks.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <initializer_list>

using namespace reel;

namespace {

/// Whether `f` comes back, tried in a process of its own.
template <class F>
bool survives(const F& f) {
  const pid_t child = fork();
  if (child == 0) {
    // Neither doctest's report of a crash nor the allocator's message is wanted here.
    for (const int fatal : {SIGSEGV, SIGABRT}) signal(fatal, SIG_DFL);
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    f();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status == 0;
}

}  // namespace

TEST_CASE("a guarded block is aligned, full of NaN, and usable to its end") {
  for (const std::size_t bytes : {0UL, 1UL, 63UL, 64UL, 65UL, 4096UL, 4100UL, 100'000UL}) {
    CAPTURE(bytes);
    void* block = detail::allocate_guarded(bytes);
    REQUIRE(block != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
    if (bytes >= sizeof(float)) CHECK(std::isnan(*static_cast<float*>(block)));
    std::memset(block, 0, bytes);
    detail::deallocate_guarded(block, bytes);
  }
}

TEST_CASE("touching what is not part of a guarded block ends the program") {
  for (const std::size_t bytes : {64UL, 100UL, 8192UL}) {
    CAPTURE(bytes);
    auto* block = static_cast<volatile char*>(detail::allocate_guarded(bytes));
    const auto free = [&] { detail::deallocate_guarded(const_cast<char*>(block), bytes); };
    CHECK(survives([&] {
      block[bytes - 1] = 0;
      free();
    }));
    CHECK_FALSE(survives([&] {
      block[bytes] = 0;  // at once, or when it is freed
      free();
    }));
    CHECK_FALSE(survives([&] { block[(bytes + 63) / 64 * 64] = 0; }));
    CHECK_FALSE(survives([&] { static_cast<void>(block[(bytes + 63) / 64 * 64]); }));
    CHECK_FALSE(survives([&] {
      block[-1] = 0;
      free();
    }));
    CHECK_FALSE(survives([&] {
      free();
      block[0] = 0;
    }));
    free();
  }
}
