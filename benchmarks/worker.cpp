// One line to the worker, one line back:
//   prepare CASE   ->  ready | none | error TEXT
//   run N          ->  the seconds of N iterations | error TEXT
//   drop           ->  ready

#include "worker.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>

namespace bench {

namespace {

/// Binds the process to the first `count` of its CPUs: how JAX is told its number of threads.
void use_cpus(int count) {
  cpu_set_t all, chosen;
  CPU_ZERO(&chosen);
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&chosen) < count; ++cpu) {
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &chosen);
  }
  sched_setaffinity(0, sizeof chosen, &chosen);
}

class Worker {
 public:
  Worker(const std::string& python, const std::string& library, int threads) : library_(library) {
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) {
      throw std::runtime_error("no pipe");
    }
    pid_ = fork();
    if (pid_ == 0) {
      dup2(to[0], 0);
      dup2(from[1], 1);
      const std::string count = std::to_string(threads);
      setenv("OMP_NUM_THREADS", count.c_str(), 1);
      if (library == "JAX") use_cpus(threads);
      execl(python.c_str(), python.c_str(), BENCH_SOURCE "/python/worker.py", library.c_str(),
            count.c_str(), nullptr);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    to_ = fdopen(to[1], "w");
    from_ = fdopen(from[0], "r");
    if (pid_ < 0 || to_ == nullptr || from_ == nullptr) throw std::runtime_error("no process");
    if (const std::string answer = read(); answer != "ready") throw std::runtime_error(answer);
  }

  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  ~Worker() {
    if (to_ != nullptr) std::fclose(to_);  // ends its loop
    if (from_ != nullptr) std::fclose(from_);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }

  std::string ask(const std::string& question) {
    if (std::fprintf(to_, "%s\n", question.c_str()) < 0 || std::fflush(to_) != 0) {
      throw std::runtime_error(library_ + " ended");
    }
    std::string answer = read();
    if (answer.rfind("error", 0) == 0) throw std::runtime_error(answer);
    return answer;
  }

 private:
  std::string read() {
    char line[4096];
    if (std::fgets(line, sizeof line, from_) == nullptr) {
      throw std::runtime_error(library_ + " ended");
    }
    std::string answer = line;
    while (!answer.empty() && answer.back() == '\n') answer.pop_back();
    return answer;
  }

  std::string library_;
  pid_t pid_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

using Workers = std::map<int, std::shared_ptr<Worker>>;  // threads -> process

}  // namespace

Side python_side(const std::string& python, const std::string& library) {
  signal(SIGPIPE, SIG_IGN);  // a worker that died is an error of its case, not our end
  const auto workers = std::make_shared<Workers>();
  (*workers)[1] = std::make_shared<Worker>(python, library, 1);
  return {library, [=](const Case& c) -> Step {
            std::shared_ptr<Worker>& worker = (*workers)[c.threads];
            if (!worker) worker = std::make_shared<Worker>(python, library, c.threads);
            if (worker->ask("prepare " + c.name()) != "ready") return {};
            // Dropped with the step.
            const std::shared_ptr<Worker> held(worker.get(), [worker](Worker* busy) {
              try {
                busy->ask("drop");
              } catch (const std::exception&) {  // it ended: its next case will say so
              }
            });
            return [held](std::int64_t n) {
              return std::strtod(held->ask("run " + std::to_string(n)).c_str(), nullptr);
            };
          }};
}

}  // namespace bench
