#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reel/base/dtype.h"
#include "reel/base/export.h"

namespace reel::datasets {

/// A file that a data set consists of, and where the world keeps it.
struct RemoteFile {
  std::string name = {};               ///< "train-images-idx3-ubyte.gz"; no ".." and not absolute
  std::string sha256 = {};             ///< 64 lower-case hex digits; empty when unknown
  Size bytes = 0;                      ///< its exact size; 0 when unknown
  std::vector<std::string> urls = {};  ///< the same file on several hosts, tried in this order;
                                       ///< none where it is only found, not fetched
};

/// How far a download is.
struct DownloadProgress {
  const std::string& url;  ///< where from: hosts are tried one after another
  Size received = 0;       ///< bytes that have come
  Size total = 0;          ///< bytes in all; 0 when neither file nor server says
  bool finished = false;   ///< the last call for this URL
};

/// How files are found and fetched.
struct FetchOptions {
  /// The folder that holds `<data set>/<file>`. Empty: `$REEL_DATA`, then the cache.
  std::string root = {};
  /// Whether a missing file may be fetched from the network. Unset: unless `root` is set, as a
  /// folder named by hand is meant to hold the data.
  std::optional<bool> download = {};
  /// How often the list of hosts is gone through.
  int attempts = 3;
  /// Seconds to wait before the second attempt; doubles with each further one.
  double backoff = 0.5;
  /// Seconds to wait for a connection.
  double connect_timeout = 5;
  /// A host that sends less than `min_rate` bytes a second over so many seconds is given up.
  double stall_timeout = 20;
  /// Bytes a second; see `stall_timeout`.
  double min_rate = 1024;
  /// Where a file's size is unknown (`RemoteFile::bytes` is 0): more bytes than this are refused.
  Size max_bytes = Size{4} << 30;
  /// Called while bytes arrive. Empty: a bar on stderr where that is a terminal, else one line.
  std::function<void(const DownloadProgress&)> progress = {};
};

/// Where downloads are kept: `$REEL_CACHE`, else `$XDG_CACHE_HOME/reel`, else `~/.cache/reel`.
/// Throws `Error` when none of these variables and no `HOME` is set.
REEL_API std::string cache_directory();

/// The path of a file of the data set `dataset`, fetched if need be: `<root>/<dataset>/<file>`
/// where `options.root` is set; else `$REEL_DATA/<dataset>/<file>` if there is one; else the same
/// below `cache_directory()`.
///
/// The SHA-256 of what is found is checked: a wrong file is fetched again where a download is
/// allowed, but one in `$REEL_DATA`, which is yours, is an error. Throws `Error` when the file is
/// not there and may not or cannot be fetched, in one message that says for each host why, and what
/// is wrong with a folder named by `root` or `$REEL_DATA`; nothing is created then. Also throws for
/// names that lead out of the folder.
REEL_API std::string fetch(const std::string& dataset, const RemoteFile& file,
                           const FetchOptions& options = {});

/// Downloads `file` to `path`: into a temporary beside it, renamed once size and SHA-256 match.
///
/// Hosts that fail for a moment (time-outs, server errors, cut connections) are tried again with
/// back-off; hosts that lack the file, or send another one, are not. When no host can be reached at
/// all there is one attempt only, so that a machine without a network gets its answer soon. Folders
/// are made once the first byte has come.
/// Throws `Error` saying for each host why, or when `path` cannot be written.
REEL_API void download(const RemoteFile& file, const std::string& path,
                       const FetchOptions& options = {});

}  // namespace reel::datasets
