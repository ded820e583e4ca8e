// The recording of events; profiler_report.cpp shows them.

#include "reel/autograd/profiler/profiler.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "reel/autograd/profiler/session.h"
#include "reel/base/detail/memory_counters.h"
#include "reel/base/fail.h"

namespace reel {

constinit std::atomic<std::uint32_t> detail::profiling{0};
constinit std::atomic<bool> detail::profiling_layers{false};

namespace profiler {
namespace {

using reel::detail::MemoryCounters;

std::int64_t now() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

constexpr const char* suffixes[] = {"", " backward", ".step", ".zero_grad", ""};  // by kind

Entry& entry_for(ThreadRecord& record, EventKind kind, std::string_view name) {
  ThreadRecord::Names& names = record.entries[static_cast<std::size_t>(kind)];
  if (const auto found = names.find(name); found != names.end()) return found->second;
  Entry made{.kind = kind, .row = {}};
  made.row.name = std::string(name) + suffixes[static_cast<std::size_t>(kind)];
  const std::lock_guard lock(record.mutex);
  return names.try_emplace(std::string(name), std::move(made)).first->second;
}

/// An event that is running.
struct Frame {
  std::uint32_t session = 0;
  Entry* entry = nullptr;  // null outside any session; to be touched only in its own
  int repeats = 0;         // ops of the same name directly inside, counted as this one
  std::int64_t start = 0;
  std::int64_t time_inside = 0;  // of the events inside
  MemoryCounters before = {};
  MemoryCounters memory_inside = {};
  std::int64_t in_use_before = 0;
  std::int64_t peak_before = 0;
  std::string shapes = {};
};

struct Thread {
  std::uint32_t session_id = 0;
  std::shared_ptr<Session> session;
  std::shared_ptr<ThreadRecord> record;
  std::vector<Frame> frames;
};

Thread& this_thread() {
  thread_local Thread thread;
  return thread;
}

struct Active {
  std::mutex mutex;
  std::shared_ptr<Session> session;
  std::uint32_t last_id = 0;
};

Active& active() {
  static Active one;
  return one;
}

/// Makes the thread one of those that session `id` records; of none if that has ended.
void join(Thread& thread, std::uint32_t id) {
  const std::lock_guard lock(active().mutex);
  const std::shared_ptr<Session>& session = active().session;
  if (session == nullptr || session->id != id) {
    thread.session_id = 0;
    thread.session = nullptr;
    thread.record = nullptr;
    return;
  }
  auto record = std::make_shared<ThreadRecord>();
  const std::lock_guard lock_session(session->mutex);
  session->threads.push_back(record);
  thread.session_id = id;
  thread.session = session;
  thread.record = std::move(record);
}

bool belongs_to(const Frame& frame, const Thread& thread) {
  return frame.entry != nullptr && frame.session == thread.session_id;
}

/// What one event took.
struct Used {
  std::int64_t time;
  MemoryCounters memory;
  std::int64_t peak;
};

void count(Row& row, const Used& used, const Frame& frame, bool outermost) {
  const MemoryCounters self = used.memory - frame.memory_inside;
  ++row.calls;
  row.self_time += used.time - frame.time_inside;
  row.self_allocations += self.allocations;
  row.self_bytes += self.bytes;
  row.system_calls += self.system_calls;
  row.peak_bytes = std::max(row.peak_bytes, used.peak);
  if (!outermost) return;
  row.total_time += used.time;
  row.allocations += used.memory.allocations;
  row.bytes += used.memory.bytes;
}

void keep(const Thread& thread, const Frame& frame, const Used& used) {
  ThreadRecord& record = *thread.record;
  const std::lock_guard lock(record.mutex);
  --frame.entry->open;
  if (thread.session->end.load(std::memory_order_relaxed) != 0) return;
  count(frame.entry->row, used, frame, frame.entry->open == 0);
  const std::size_t before = thread.session->events.fetch_add(1, std::memory_order_relaxed);
  if (before >= thread.session->options.max_events) return;
  const std::string* shapes =
      frame.shapes.empty() ? nullptr : &*record.shapes.insert(frame.shapes).first;
  record.events.push_back(
      {frame.entry, frame.start, used.time, used.memory.allocations, used.memory.bytes, shapes});
}

/// This thread's peak since session `id` began: events that are still open have restarted it.
std::int64_t peak_since(std::uint32_t id) {
  std::int64_t peak = reel::detail::memory_peak();
  for (const Frame& frame : this_thread().frames) {
    if (frame.session == id) peak = std::max(peak, frame.peak_before);
  }
  return peak;
}

}  // namespace
}  // namespace profiler

void detail::begin_event(EventKind kind, std::string_view name) {
  using namespace profiler;
  Thread& thread = this_thread();
  const std::uint32_t id = profiling.load(std::memory_order_relaxed);
  if (id != thread.session_id) join(thread, id);
  Entry* entry = nullptr;
  if (thread.record != nullptr) {
    entry = &entry_for(*thread.record, kind, name);
    if (kind == EventKind::op && !thread.frames.empty()) {
      Frame& around = thread.frames.back();
      if (around.entry == entry && belongs_to(around, thread)) {
        ++around.repeats;
        return;
      }
    }
  }
  thread.frames.push_back({.session = thread.session_id,
                           .entry = entry,
                           .before = memory_counters(),
                           .in_use_before = memory_in_use(),
                           .peak_before = memory_peak()});
  if (entry != nullptr) ++entry->open;
  restart_peak();
  thread.frames.back().start = now();
}

void detail::add_input(const Tensor& input) {
  using namespace profiler;
  Thread& thread = this_thread();
  Frame& frame = thread.frames.back();
  if (!belongs_to(frame, thread) || !thread.session->options.record_shapes || frame.repeats > 0) {
    return;
  }
  if (!frame.shapes.empty()) frame.shapes += ", ";
  frame.shapes += input.defined() ? fmt::format("{}", input.shape()) : "none";
}

void detail::end_event() noexcept {
  using namespace profiler;
  const std::int64_t end = now();
  Thread& thread = this_thread();
  if (thread.frames.back().repeats > 0) {
    --thread.frames.back().repeats;
    return;
  }
  const Frame frame = std::move(thread.frames.back());
  thread.frames.pop_back();
  const Used used{.time = end - frame.start,
                  .memory = memory_counters() - frame.before,
                  .peak = memory_peak() - frame.in_use_before};
  raise_peak(frame.peak_before);
  if (!thread.frames.empty()) {
    thread.frames.back().time_inside += used.time;
    thread.frames.back().memory_inside += used.memory;
  }
  if (belongs_to(frame, thread)) keep(thread, frame, used);
}

// ---- a profile

namespace profiler {

Profile::Profile(const ProfileOptions& options) : session_(std::make_shared<Session>()) {
  const std::lock_guard lock(active().mutex);
  check(active().session == nullptr, "Profile",
        "expected no other profile to be recording, got one\nhelp: stop() it first");
  session_->id = ++active().last_id;
  session_->options = options;
  session_->peak_before = reel::detail::restart_peak();
  session_->in_use_before = reel::detail::memory_in_use();
  session_->start = now();
  active().session = session_;
  reel::detail::profiling.store(session_->id, std::memory_order_relaxed);
  reel::detail::profiling_layers.store(options.record_layers, std::memory_order_relaxed);
}

Profile::~Profile() {
  stop();
  // Threads hold their last session until they join another one: the bulk of it goes now.
  session_->for_each_thread([](ThreadRecord& record) { record.events = {}; });
}

void Profile::stop() {
  const std::lock_guard lock(active().mutex);
  if (active().session != session_) return;
  reel::detail::profiling_layers.store(false, std::memory_order_relaxed);
  reel::detail::profiling.store(0, std::memory_order_relaxed);
  session_->peak = peak_since(session_->id);
  reel::detail::raise_peak(session_->peak_before);
  session_->end.store(now(), std::memory_order_relaxed);
  session_->for_each_thread([](ThreadRecord&) {});  // waits for those that are keeping an event
  active().session = nullptr;
}

std::int64_t Profile::duration() const {
  const std::int64_t end = session_->end.load(std::memory_order_relaxed);
  return (end != 0 ? end : now()) - session_->start;
}

std::int64_t Profile::peak_bytes() const {
  const bool recording = session_->end.load(std::memory_order_relaxed) == 0;
  const std::int64_t peak = recording ? peak_since(session_->id) : session_->peak;
  return peak - session_->in_use_before;
}

std::size_t Profile::dropped_events() const {
  const std::size_t seen = session_->events.load(std::memory_order_relaxed);
  return seen - std::min(seen, session_->options.max_events);
}

}  // namespace profiler
}  // namespace reel
