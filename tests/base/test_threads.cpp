#include "reel/base/threads.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "reel/base/detail/usable_cpus.h"
#include "reel/base/error.h"

using namespace reel;
using reel::detail::usable_cpus;

namespace {

/// A folder with files as the kernel shows them.
class FakeRoot {
 public:
  FakeRoot()
      : folder_(std::filesystem::temp_directory_path() /
                ("reel_test_threads_" + std::to_string(getpid()))) {
    std::filesystem::remove_all(folder_);
  }
  ~FakeRoot() { std::filesystem::remove_all(folder_); }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  FakeRoot& file(const std::string& name, const std::string& text) {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return *this;
  }
  int cpus(int bound) const { return usable_cpus(bound, folder_); }

 private:
  std::filesystem::path folder_;
};

}  // namespace

TEST_CASE("the number of threads can be set and must be positive") {
  const int before = get_num_threads();
  set_num_threads(3);
  CHECK(get_num_threads() == 3);
  CHECK_THROWS_WITH_AS(set_num_threads(0),
                       "[set_num_threads] expected a positive number of threads, got 0", Error);
  set_num_threads(before);
}

TEST_CASE("without control groups all CPUs count to which the process is bound") {
  CHECK(FakeRoot().cpus(7) == 7);
  CHECK(FakeRoot().file("proc/self/cgroup", "0::/\n").cpus(7) == 7);
}

TEST_CASE("a quota of version 2 gives whole CPUs, rounded up") {
  FakeRoot root;
  root.file("proc/self/cgroup", "0::/\n");
  CHECK(root.file("sys/fs/cgroup/cpu.max", "200000 100000\n").cpus(8) == 2);
  CHECK(root.file("sys/fs/cgroup/cpu.max", "150000 100000\n").cpus(8) == 2);
  CHECK(root.file("sys/fs/cgroup/cpu.max", "10000 100000\n").cpus(8) == 1);
  CHECK(root.file("sys/fs/cgroup/cpu.max", "1600000 100000\n").cpus(8) == 8);
  CHECK(root.file("sys/fs/cgroup/cpu.max", "max 100000\n").cpus(8) == 8);
}

TEST_CASE("the least quota of a group and of those around it counts") {
  FakeRoot root;
  root.file("proc/self/cgroup", "0::/machine/guest\n")
      .file("sys/fs/cgroup/machine/cpu.max", "300000 100000\n")
      .file("sys/fs/cgroup/machine/guest/cpu.max", "max 100000\n");
  CHECK(root.cpus(8) == 3);
  CHECK(root.file("sys/fs/cgroup/machine/guest/cpu.max", "100000 50000\n").cpus(8) == 2);
}

TEST_CASE("a quota of version 1 is found, also where the path is the host's") {
  FakeRoot root;
  root.file("proc/self/cgroup", "5:cpuset:/docker/a1\n4:cpu,cpuacct:/docker/a1\n0::/docker/a1\n")
      .file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
      .file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  CHECK(root.cpus(8) == 8);
  CHECK(root.file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n").cpus(8) == 3);
}

TEST_CASE("files that hold no numbers change nothing") {
  FakeRoot root;
  root.file("proc/self/cgroup", "no colons\n0::/../..\n4:cpu:\n")
      .file("sys/fs/cgroup/cpu.max", "what\n")
      .file("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "");
  CHECK(root.cpus(4) == 4);
}
