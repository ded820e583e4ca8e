#pragma once

// A disk that is full, and a process that is killed.

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace reel::testing {

/// Until the end of the scope files end at so many bytes: a disk that is full.
class FilesOfAtMost {
 public:
  explicit FilesOfAtMost(rlim_t bytes) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    const rlimit less{bytes, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &less) == 0);
  }
  ~FilesOfAtMost() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FilesOfAtMost(const FilesOfAtMost&) = delete;
  FilesOfAtMost& operator=(const FilesOfAtMost&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = std::signal(SIGXFSZ, SIG_IGN);
};

/// Runs `f` in a process that is killed once `f` is through, and returns when it is gone.
template <class F>
void in_a_killed_process(F&& f) {
  const pid_t child = ::fork();
  if (child == 0) {
    f();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
}

}  // namespace reel::testing
