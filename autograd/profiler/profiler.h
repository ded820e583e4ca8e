#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reel/autograd/profiler/op_scope.h"
#include "reel/base/dtype.h"
#include "reel/base/export.h"

/// Where a program's time and memory go. Follows `torch.profiler`.
namespace reel::profiler {

struct Session;

/// What a `Profile` records beside times and memory.
struct ProfileOptions {
  /// Whether the trace shows the shapes of ops' inputs; costs some 100 ns a tensor.
  bool record_shapes = false;
  /// Whether each call of a layer is a range around its ops, named by the layer's path and type,
  /// `features.0 (Conv2d)`. Costs a walk through the model a call.
  bool record_layers = false;
  /// Events kept for the trace, 48 bytes each. Those beyond are still counted and timed in the
  /// table, which says how many the trace lacks.
  std::size_t max_events = 1'000'000;
};

/// All events of one name. Times are in nanoseconds. "Self" leaves out what other events inside
/// took.
struct Row {
  std::string name;                   ///< of the op, `mul` or `mul backward`, or of the range
  Size calls = 0;                     ///< how many events it was
  std::int64_t total_time = 0;        ///< an event inside one of its own name counts once
  std::int64_t self_time = 0;         ///< without what other events inside took
  std::int64_t allocations = 0;       ///< blocks asked from the allocator
  std::int64_t self_allocations = 0;  ///< without those of events inside
  std::int64_t bytes = 0;             ///< of these blocks, each rounded up to its size class
  std::int64_t self_bytes = 0;        ///< without those of events inside
  std::int64_t system_calls = 0;      ///< self allocations that came from the system
  std::int64_t peak_bytes = 0;        ///< the most that one event needed beyond what was in use

  /// Nanoseconds a call.
  double mean_time() const {
    return calls > 0 ? static_cast<double>(total_time) / static_cast<double>(calls) : 0;
  }
};

/// What the rows of a table are ordered by: the greatest first, names from A to Z.
enum class SortBy { self_time, total_time, mean_time, calls, allocations, bytes, peak, name };

/// What `Profile::table` shows.
struct TableOptions {
  SortBy sort_by = SortBy::self_time;  ///< what comes first
  Size rows = 20;                      ///< at most so many; 0: all
};

/// Records every op, on whatever thread, from its construction until `stop()` or its end: counts,
/// times and memory, forward and backward (`mul backward`), optimizer steps (`Adam.step`,
/// `Adam.zero_grad`), batches (`DataLoader.next`), `backward` itself and the user's own `Range`s.
///
/// **Example**
/// ```cpp
/// profiler::Profile profile;
/// for (auto [images, labels] : loader) step(images, labels);
/// fmt::print("{}", profile.table());
/// profile.write_chrome_trace("trace.json");  // for ui.perfetto.dev or chrome://tracing
/// ```
/// An event costs 0.1 to 0.2 us, which shows in ops of a few numbers. What a tape node takes is
/// counted to the event around the op. Helper threads inside a kernel are part of its op. The
/// results may be read while it records; events that are still open are not among them.
///
/// One profile at a time; it stays on the thread that made it. Throws if another one is recording.
class REEL_API Profile {
 public:
  /// Begins to record. Throws if another profile is recording.
  explicit Profile(const ProfileOptions& options = {});
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  /// Ends the recording; what was recorded stays.
  void stop();

  /// One row for each name, of all threads together.
  std::vector<Row> rows(SortBy sort_by = SortBy::self_time) const;
  /// The row of one name; with 0 calls if there was none.
  Row operator[](std::string_view name) const;

  /// The rows as text. Allocations and bytes are self ones; `%` is of the sum of all self times.
  std::string table(const TableOptions& options = {}) const;

  /// Writes the events in Chrome's trace format, with one track for each thread. Nothing
  /// half-written is left at `path`, which may also be a link (followed) or a device such as
  /// `/dev/stdout`. Throws where it cannot be written.
  void write_chrome_trace(const std::string& path) const;

  /// From the start to now, or to `stop()`, in nanoseconds.
  std::int64_t duration() const;
  /// The most memory in use at once on the thread that made the profile, beyond what was in use
  /// when it began.
  std::int64_t peak_bytes() const;
  /// Events that are missing from the trace because there were more than `max_events`.
  std::size_t dropped_events() const;

 private:
  std::shared_ptr<Session> session_;
};

/// A part of the program, named in table and trace, as long as it lives. Follows
/// `torch.profiler.record_function`. Costs next to nothing while nobody profiles.
///
/// **Example**
/// ```cpp
/// { profiler::Range range{"augment"}; ... }
/// ```
class Range {
 public:
  /// Begins the part; what ends it is the end of this object.
  explicit Range(std::string_view name) : open_(reel::detail::is_profiling()) {
    if (open_) [[unlikely]]
      reel::detail::begin_event(reel::detail::EventKind::range, name);
  }
  ~Range() {
    if (open_) [[unlikely]]
      reel::detail::end_event();
  }
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;

 private:
  bool open_;
};

}  // namespace reel::profiler
