#include "reel/datasets/download.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>

#include "reel/base/detail/file.h"
#include "reel/base/detail/sha256.h"
#include "reel/base/fail.h"
#include "reel/base/terminal.h"

namespace reel::datasets {
namespace {

using std::chrono::steady_clock;

constexpr const char* op = "download";

std::string environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr ? value : "";
}

std::string host_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  return url.substr(begin, url.find('/', begin) - begin);
}

std::string mebibytes(Size bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

/// What became of one try at one host.
struct Outcome {
  enum Kind { done, try_again, unreachable, hopeless } kind = done;
  std::string reason = {};
};

/// The default progress: a bar that redraws itself on a terminal, one line elsewhere.
class ProgressBar {
 public:
  explicit ProgressBar(std::string name) : name_(std::move(name)) {}

  void operator()(const DownloadProgress& progress) {
    if (!terminal_) {
      if (!announced_) {
        fmt::print(stderr, "Downloading {} from {}\n", name_, host_of(progress.url));
        announced_ = true;
      }
      return;
    }
    const auto now = steady_clock::now();
    if (!progress.finished && now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    constexpr int width = 30;
    const double share = progress.total > 0 ? static_cast<double>(progress.received) /
                                                  static_cast<double>(progress.total)
                                            : 0.0;
    const int filled = static_cast<int>(share * width);
    fmt::print(stderr, "\r{} [{:=<{}}{: <{}}] {} of {}{}", name_, "", filled, "", width - filled,
               mebibytes(progress.received),
               progress.total > 0 ? mebibytes(progress.total) : std::string("?"),
               progress.finished ? "\n" : "");
    std::fflush(stderr);
  }

 private:
  std::string name_;
  bool terminal_ = is_terminal(stderr);
  bool announced_ = false;
  steady_clock::time_point last_{};
};

void create_directories_for(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check(!error, op,
        "expected a folder to write into, got \"{}\" ({})\n"
        "help: set REEL_CACHE to a folder that can be written",
        error.message(), folder.string());
}

/// One transfer: what curl's callbacks, which must not throw, share with the code around them.
struct Transfer {
  const RemoteFile& file;
  const std::string& url;
  const std::string& path;
  const FetchOptions& options;
  const std::function<void(const DownloadProgress&)>& progress;
  std::optional<reel::detail::OutputFile> out = {};
  steady_clock::time_point watched_since = steady_clock::now();
  Size received_before = 0;  // before `watched_since`
  bool stalled = false;
  reel::detail::Sha256 hash = {};
  Size received = 0;
  Size announced = 0;
  std::exception_ptr error = nullptr;

  Size limit() const { return file.bytes > 0 ? file.bytes : options.max_bytes; }
  bool too_long() const { return std::max(received, announced) > limit(); }

  /// Made with the first byte, so that hosts that send none leave no folder behind.
  reel::detail::OutputFile& output() {
    if (!out) {
      create_directories_for(path);
      out.emplace(op, path);
    }
    return *out;
  }

  /// Looks at what came in the last `stall_timeout` seconds, once they have passed.
  void watch_rate() {
    const std::chrono::duration<double> watched = steady_clock::now() - watched_since;
    if (watched.count() < options.stall_timeout) return;
    stalled = static_cast<double>(received - received_before) <= options.min_rate * watched.count();
    if (stalled) return;
    watched_since = steady_clock::now();
    received_before = received;
  }

  DownloadProgress state(bool finished) const {
    return {url, received, file.bytes > 0 ? file.bytes : announced, finished};
  }
};

std::size_t receive(char* data, std::size_t, std::size_t bytes, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  try {
    transfer.received += static_cast<Size>(bytes);
    if (transfer.too_long()) return 0;
    transfer.hash.update(data, bytes);
    transfer.output().write(data, bytes);
    return bytes;
  } catch (...) {
    transfer.error = std::current_exception();
    return 0;
  }
}

int report(void* user, curl_off_t total, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  try {
    transfer.announced = static_cast<Size>(total);
    if (transfer.received > 0) transfer.progress(transfer.state(false));
    // curl's own measure, CURLOPT_LOW_SPEED_TIME, averages over further seconds.
    transfer.watch_rate();
    return transfer.stalled || transfer.too_long() ? 1 : 0;
  } catch (...) {
    transfer.error = std::current_exception();
    return 1;
  }
}

Outcome judge(CURLcode code, long status, const char* text) {
  switch (code) {
    case CURLE_OK:
      return {Outcome::done};
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return {Outcome::unreachable, text};
    case CURLE_HTTP_RETURNED_ERROR: {
      const bool later = status >= 500 || status == 408 || status == 429;
      return {later ? Outcome::try_again : Outcome::hopeless,
              fmt::format("HTTP status {}", status)};
    }
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return {Outcome::hopeless, text};
    default:
      return {Outcome::try_again, text};
  }
}

CURLcode perform(CURL* curl, Transfer& transfer, const FetchOptions& options, char* text) {
  curl_easy_setopt(curl, CURLOPT_URL, transfer.url.c_str());
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "reel");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_timeout * 1000));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, report);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  return curl_easy_perform(curl);
}

Outcome try_url(const RemoteFile& file, const std::string& url, const std::string& path,
                const FetchOptions& options,
                const std::function<void(const DownloadProgress&)>& progress) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 curl_easy_cleanup);
  check(curl != nullptr, op, "expected libcurl to start, got no handle from it");
  Transfer transfer{
      .file = file, .url = url, .path = path, .options = options, .progress = progress};
  char text[CURL_ERROR_SIZE] = "";
  const CURLcode code = perform(curl.get(), transfer, options, text);
  if (transfer.received > 0) progress(transfer.state(true));
  // Trouble on this side, such as a full disk, is no better with another host.
  if (transfer.error) std::rethrow_exception(transfer.error);
  if (transfer.too_long()) {
    return {Outcome::hopeless, fmt::format("has more than the {} bytes {}", transfer.limit(),
                                           file.bytes > 0 ? "expected" : "that max_bytes allows")};
  }
  if (transfer.stalled) {
    const Size last = transfer.received - transfer.received_before;
    return {
        Outcome::try_again,
        fmt::format("sent {} for {} s", last > 0 ? fmt::format("only {} bytes", last) : "nothing",
                    options.stall_timeout)};
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  const Outcome outcome = judge(code, status, text[0] != '\0' ? text : curl_easy_strerror(code));
  if (outcome.kind != Outcome::done) return outcome;

  if (file.bytes > 0 && transfer.received != file.bytes) {
    return {Outcome::try_again,
            fmt::format("sent {} bytes, expected {}", transfer.received, file.bytes)};
  }
  const std::string digest = transfer.hash.hex();
  if (!file.sha256.empty() && digest != file.sha256) {
    return {Outcome::hopeless,
            fmt::format("sent a file of SHA-256 {}, expected {}", digest, file.sha256)};
  }
  transfer.output().commit();
  return {};
}

std::string joined(const std::string& folder, const std::string& dataset, const std::string& name) {
  return (std::filesystem::path(folder) / dataset / name).string();
}

/// A name that stays in the folder that it is put in.
void check_name(const char* what, const std::string& name) {
  const std::filesystem::path path = name;
  const bool inside = !name.empty() && path.is_relative() &&
                      std::find(path.begin(), path.end(), "..") == path.end();
  check(inside, "fetch", "expected a {} that stays in its folder, got \"{}\"", what, name);
}

/// Why a folder that was named by hand, as `what`, does not hold the file.
std::string remark_on(const char* what, const std::string& folder, const std::string& dataset,
                      const std::string& name) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return fmt::format("{} is \"{}\", which is no folder", what, folder);
  }
  const std::filesystem::path above = std::filesystem::canonical(folder, error).parent_path();
  if (reel::detail::is_file(joined(above, dataset, name))) {
    return fmt::format("{} is \"{}\", one level too deep: name the folder above it, \"{}\"", what,
                       folder, above.string());
  }
  return fmt::format("{} is \"{}\", which has no {}/{}", what, folder, dataset, name);
}

/// Tries the file's hosts; the reasons of all of them, or none where the file is there now.
std::optional<std::string> trouble_fetching(const RemoteFile& file, const std::string& path,
                                            const FetchOptions& options) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  check(started == CURLE_OK, op, "expected libcurl to start, got \"{}\"",
        curl_easy_strerror(started));
  check(!file.urls.empty(), op, "expected at least one URL for {}, got none", file.name);
  check(options.attempts > 0, op, "expected attempts > 0, got {}", options.attempts);
  check(options.max_bytes > 0, op, "expected max_bytes > 0, got {}", options.max_bytes);

  const std::function<void(const DownloadProgress&)> progress =
      options.progress ? options.progress : ProgressBar(file.name);
  std::vector<Outcome> last(file.urls.size(), Outcome{Outcome::try_again});
  double wait = options.backoff;
  for (int attempt = 0; attempt < options.attempts; ++attempt) {
    if (attempt > 0) {
      std::this_thread::sleep_for(std::chrono::duration<double>(wait));
      wait *= 2;
    }
    bool worth_another = false;
    for (std::size_t i = 0; i < file.urls.size(); ++i) {
      if (last[i].kind == Outcome::hopeless) continue;
      last[i] = try_url(file, file.urls[i], path, options, progress);
      if (last[i].kind == Outcome::done) return std::nullopt;
      worth_another = worth_another || last[i].kind == Outcome::try_again;
    }
    if (!worth_another) break;
  }

  std::string reasons;
  for (std::size_t i = 0; i < file.urls.size(); ++i) {
    reasons += fmt::format("{}{}: {}", i > 0 ? "; " : "", host_of(file.urls[i]), last[i].reason);
  }
  return reasons;
}

}  // namespace

std::string cache_directory() {
  if (const std::string reel = environment("REEL_CACHE"); !reel.empty()) return reel;
  if (const std::string xdg = environment("XDG_CACHE_HOME"); !xdg.empty()) return xdg + "/reel";
  const std::string home = environment("HOME");
  check(!home.empty(), "cache_directory",
        "expected one of REEL_CACHE, XDG_CACHE_HOME and HOME to be set, got none of them");
  return home + "/.cache/reel";
}

std::string fetch(const std::string& dataset, const RemoteFile& file, const FetchOptions& options) {
  check_name("data set", dataset);
  check_name("file name", file.name);
  const auto is_right = [&](const std::string& digest) {
    return file.sha256.empty() || digest == file.sha256;
  };
  const bool by_hand = !options.root.empty();
  const std::string data = by_hand ? "" : environment("REEL_DATA");
  if (const std::string path = joined(data, dataset, file.name);
      !data.empty() && reel::detail::is_file(path)) {
    const std::string digest = reel::detail::sha256_of_file("fetch", path);
    check(is_right(digest), "fetch",
          "expected a file of SHA-256 {}, got {} ({})\n"
          "help: remove the file, or unset REEL_DATA to have it downloaded",
          file.sha256, digest, path);
    return path;
  }
  const std::string folder = by_hand ? options.root : cache_directory();
  const std::string path = joined(folder, dataset, file.name);
  const bool found = reel::detail::is_file(path);
  if (found && is_right(reel::detail::sha256_of_file("fetch", path))) return path;

  std::string remark;
  if (by_hand && !found) remark = remark_on("root", folder, dataset, file.name);
  if (!data.empty()) remark = remark_on("REEL_DATA", data, dataset, file.name);
  const std::string help = (remark.empty() ? "" : "\nhelp: " + remark);
  check(!file.urls.empty(), "fetch",
        "expected the file to be there already, as no address of it is known, got {} ({})\n"
        "help: put it there, or set REEL_DATA to the folder that holds {}/{}{}",
        found ? "one of another SHA-256" : "no such file", path, dataset, file.name, help);
  check(options.download.value_or(!by_hand), "fetch",
        "expected the file to be there already, got {} ({})\nhelp: allow the download{}{}",
        found ? "one of another SHA-256" : "no such file", path,
        by_hand
            ? " into this folder by download = true"
            : fmt::format(", or set REEL_DATA to the folder that holds {}/{}", dataset, file.name),
        help);
  if (found) {
    fmt::print(stderr, "{} does not have the expected SHA-256 and is fetched again\n", path);
  } else if (!data.empty()) {
    fmt::print(stderr, "{}; it is fetched into {}\n", remark, folder);
  }
  if (const auto reasons = trouble_fetching(file, path, options)) {
    fail("fetch", "expected to fetch {}, got {}\nhelp: put it into {}{}", file.name, *reasons,
         by_hand ? path : fmt::format("$REEL_DATA/{}/", dataset), help);
  }
  return path;
}

void download(const RemoteFile& file, const std::string& path, const FetchOptions& options) {
  if (const auto reasons = trouble_fetching(file, path, options)) {
    fail(op, "expected to fetch {}, got {}", file.name, *reasons);
  }
}

}  // namespace reel::datasets
