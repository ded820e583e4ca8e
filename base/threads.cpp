#include "reel/base/threads.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>

#include "reel/base/detail/usable_cpus.h"
#include "reel/base/fail.h"

namespace reel {
namespace detail {
namespace {

using std::filesystem::path;
constexpr double unlimited = std::numeric_limits<double>::infinity();

/// The CPUs that the quota of one control group is worth.
double quota_of(const path& group) {
  double quota = 0, period = 0;
  std::ifstream both(group / "cpu.max");  // "max 100000" where there is none
  if (both >> quota >> period && period > 0) return quota / period;
  std::ifstream first(group / "cpu.cfs_quota_us"), second(group / "cpu.cfs_period_us");
  if (first >> quota && second >> period && quota > 0 && period > 0) return quota / period;
  return unlimited;
}

/// The least of the quotas of a group and of those around it. Inside a container the path may be
/// that of the host, of which only the end of the walk exists.
double least_quota(const path& mount, const path& group) {
  double least = quota_of(mount);
  for (path p = group.lexically_normal(); p.has_relative_path(); p = p.parent_path())
    least = std::min(least, quota_of(mount / p.relative_path()));
  return least;
}

double cpu_quota(const path& root) {
  double least = unlimited;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string number, controllers, group; std::getline(groups, number, ':') &&
                                               std::getline(groups, controllers, ':') &&
                                               std::getline(groups, group);) {
    const path mounts = root / "sys/fs/cgroup";
    if (controllers.empty()) {  // version 2
      least = std::min({least, least_quota(mounts, group), least_quota(mounts / "unified", group)});
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      least = std::min(
          {least, least_quota(mounts / controllers, group), least_quota(mounts / "cpu", group)});
    }
  }
  return least;
}

}  // namespace

int usable_cpus(int bound, const path& root) {
  const double quota = std::ceil(cpu_quota(root));
  return std::max(1, quota < bound ? static_cast<int>(quota) : bound);
}

}  // namespace detail

namespace {

int first_threads() {
  if (const char* said = std::getenv("OMP_NUM_THREADS"); said != nullptr) {
    if (const int threads = std::atoi(said); threads > 0) return threads;
  }
  return detail::usable_cpus(omp_get_num_procs());
}

std::atomic<int>& threads_now() {
  static std::atomic<int> threads{first_threads()};
  return threads;
}

}  // namespace

int get_num_threads() { return threads_now().load(std::memory_order_relaxed); }

void set_num_threads(int threads) {
  check(threads > 0, "set_num_threads", "expected a positive number of threads, got {}", threads);
  threads_now().store(threads, std::memory_order_relaxed);
}

}  // namespace reel
