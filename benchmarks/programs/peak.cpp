// Runs a program and prints the most memory it held at once, in KiB:
//   program_peak COMMAND...
// A child counts what its parent held when it was forked, and the benchmark holds a lot: this one
// holds nothing.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(2, 1);
    execvp(argv[1], argv + 1);
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (wait4(pid, &status, 0, &usage) != pid || status != 0) return 1;
  std::printf("%ld\n", usage.ru_maxrss);
}
