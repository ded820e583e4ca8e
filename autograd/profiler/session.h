#pragma once

// Internal: what a profile has recorded. profiler.cpp fills it, profiler_report.cpp shows it.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "reel/autograd/profiler/profiler.h"

namespace reel::profiler {

using reel::detail::EventKind;

/// All events of one name on one thread.
struct Entry {
  EventKind kind;
  Row row;
  int open = 0;  // how many are running, each inside the one before
};

struct Event {
  const Entry* entry;
  std::int64_t start;  // nanoseconds of the steady clock
  std::int64_t duration;
  std::int64_t allocations;
  std::int64_t bytes;
  const std::string* shapes;
};

struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const {
    return std::hash<std::string_view>{}(name);
  }
};

/// What one thread has recorded. Only this thread changes it, under the mutex, so that it may look
/// names up without.
struct ThreadRecord {
  using Names = std::unordered_map<std::string, Entry, NameHash, std::equal_to<>>;

  std::mutex mutex;
  std::array<Names, 5> entries;  // by kind
  std::vector<Event> events;
  std::unordered_set<std::string> shapes;
};

struct Session {
  std::uint32_t id = 0;
  ProfileOptions options;
  std::int64_t start = 0;
  std::atomic<std::int64_t> end{0};  // 0 while it records
  std::int64_t peak_before = 0;      // on the thread that made it
  std::int64_t in_use_before = 0;
  std::int64_t peak = 0;
  std::atomic<std::size_t> events{0};
  mutable std::mutex mutex;
  std::vector<std::shared_ptr<ThreadRecord>> threads;

  /// Calls `visit` with each thread's record, which that thread leaves alone meanwhile.
  template <class Visit>
  void for_each_thread(const Visit& visit) const {
    const std::lock_guard lock(mutex);
    for (const std::shared_ptr<ThreadRecord>& record : threads) {
      const std::lock_guard lock_record(record->mutex);
      visit(*record);
    }
  }
};

}  // namespace reel::profiler
