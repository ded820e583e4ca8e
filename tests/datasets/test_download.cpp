#include "reel/datasets/download.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "datasets/support/http_server.h"
#include "reel/base/detail/sha256.h"
#include "support/skip.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using namespace reel::testing;

namespace {

const std::string content = [] {
  std::string text;
  for (unsigned i = 0; i < 100000; ++i) text += static_cast<char>(i * i % 251);
  return text;
}();

/// A file whose content is `content`, at the given URLs.
RemoteFile remote(std::vector<std::string> urls) {
  return {.name = "file.bin",
          .sha256 = reel::detail::sha256(content),
          .bytes = static_cast<Size>(content.size()),
          .urls = std::move(urls)};
}

/// Options that test quickly and print nothing.
FetchOptions quiet(int attempts = 3) {
  return {.attempts = attempts,
          .backoff = 0.01,
          .connect_timeout = 2,
          .stall_timeout = 1,
          .progress = [](const DownloadProgress&) {}};
}

/// A port of this machine where nobody listens.
std::string dead_url() {
  std::string url;
  {
    const HttpServer gone;
    url = gone.url("/file");
  }
  return url;
}

}  // namespace

TEST_CASE("download fetches a file and leaves nothing beside it") {
  HttpServer server;
  server.answer("/file", {{.body = content}});
  const TempFolder folder;
  download(remote({server.url("/file")}), folder / "a/b/file.bin", quiet());
  CHECK(content_of(folder / "a/b/file.bin") == content);
  CHECK(folder.entries() == 3);
  CHECK(server.requests("/file") == 1);
}

TEST_CASE("download follows redirects and reports its progress") {
  HttpServer server;
  server.answer("/old", {{.status = 302, .location = "/file"}});
  server.answer("/file", {{.body = content, .pause_ms = 20}});
  const TempFolder folder;
  FetchOptions options = quiet();
  Size received = 0;
  int finished = 0;
  options.progress = [&](const DownloadProgress& progress) {
    CHECK(progress.url == server.url("/old"));
    CHECK(progress.received >= received);
    CHECK(progress.total == static_cast<Size>(content.size()));
    received = progress.received;
    finished += progress.finished ? 1 : 0;
  };
  download(remote({server.url("/old")}), folder / "file.bin", options);
  CHECK(received == static_cast<Size>(content.size()));
  CHECK(finished == 1);
}

TEST_CASE("download goes on to the next host, and asks no host again that lacks the file") {
  HttpServer server;
  server.answer("/wrong", {{.body = std::string(content.size(), 'x')}});
  server.answer("/long", {{.body = content + content}});
  server.answer("/file", {{.body = content}});
  const TempFolder folder;
  download(remote({server.url("/none"), server.url("/wrong"), server.url("/long"), dead_url(),
                   server.url("/file")}),
           folder / "file.bin", quiet());
  CHECK(content_of(folder / "file.bin") == content);
  CHECK(server.requests("/none") == 1);
  CHECK(server.requests("/wrong") == 1);
}

TEST_CASE("download tries again after errors that pass") {
  HttpServer server;
  const TempFolder folder;
  const Answer cut{.body = content.substr(0, 1000), .announced = content.size()};
  server.answer("/file", {{.status = 503}, cut, {.body = content}});
  download(remote({server.url("/file")}), folder / "file.bin", quiet(3));
  CHECK(server.requests("/file") == 3);
  CHECK(content_of(folder / "file.bin") == content);

  server.answer("/file", {{.status = 503}, cut, {.body = content}});
  CHECK_ERROR(download(remote({server.url("/file")}), folder / "again.bin", quiet(2)),
              "[download] expected to fetch file.bin, got " + server.host() + ": ");
  CHECK(folder.entries() == 1);
}

TEST_CASE("download says for each host what went wrong") {
  HttpServer server;
  server.answer("/wrong", {{.body = std::string(content.size(), 'x')}});
  server.answer("/long", {{.body = content + "x"}});
  server.answer("/short", {{.body = content.substr(1)}});
  server.answer("/broken", {{.status = 500}});
  server.answer("/cut", {{.body = content.substr(0, 1000), .announced = content.size()}});
  const TempFolder folder;
  const auto error_at = [&](const std::string& url) {
    const std::string error =
        error_of([&] { download(remote({url}), folder / "file.bin", quiet(2)); });
    CHECK(contains(error, "[download] expected to fetch file.bin, got 127.0.0.1:"));
    CHECK(folder.entries() == 0);
    return error;
  };
  CHECK(contains(error_at(server.url("/none")), ": HTTP status 404"));
  CHECK(contains(error_at(server.url("/broken")), ": HTTP status 500"));
  CHECK(contains(error_at(server.url("/wrong")),
                 ": sent a file of SHA-256 " +
                     reel::detail::sha256(std::string(content.size(), 'x')) + ", expected " +
                     reel::detail::sha256(content)));
  CHECK(contains(error_at(server.url("/long")), ": has more than the 100000 bytes expected"));
  CHECK(contains(error_at(server.url("/short")), ": sent 99999 bytes, expected 100000"));
  CHECK(contains(error_at(server.url("/cut")), "99000 bytes remaining"));
  CHECK(contains(error_at("ftp://127.0.0.1:1/file"), "ftp"));
  CHECK(server.requests("/broken") == 2);

  server.answer("/broken", {{.status = 500}});
  server.answer("/wrong", {{.body = std::string(content.size(), 'x')}});
  CHECK_ERROR(download(remote({server.url("/broken"), server.url("/wrong")}), folder / "file.bin",
                       quiet(3)),
              ": HTTP status 500; " + server.host() + ": sent a file of SHA-256 ");
  CHECK(server.requests("/broken") == 3);
  CHECK(server.requests("/wrong") == 1);
}

TEST_CASE("download stops reading what is longer than it should be") {
  HttpServer server;
  server.answer("/endless", {{.body = std::string(32 << 20, 'x')}});
  const TempFolder folder;
  FetchOptions options = quiet();
  Size received = 0;
  options.progress = [&](const DownloadProgress& progress) { received = progress.received; };
  CHECK_ERROR(download(remote({server.url("/endless")}), folder / "file.bin", options),
              "has more than the 100000 bytes expected");
  CHECK(received < 1 << 20);
}

TEST_CASE("download gives a silent host up") {
  HttpServer server;
  server.answer("/slow", {{.body = content, .pause_ms = 10000}});
  const TempFolder folder;
  // Whoever waited for the second half would end with a whole file.
  CHECK_ERROR(download(remote({server.url("/slow")}), folder / "file.bin", quiet(1)),
              "sent nothing for 1 s");
  CHECK(server.requests("/slow") == 1);
  CHECK(folder.entries() == 0);
}

TEST_CASE("download gives a host up that trickles") {
  HttpServer server;
  server.answer("/slow", {{.body = std::string(300, 'x'), .trickle_ms = 40}});
  const TempFolder folder;
  CHECK_ERROR(download({.name = "file.bin",
                        .sha256 = reel::detail::sha256(std::string(300, 'x')),
                        .bytes = 300,
                        .urls = {server.url("/slow")}},
                       folder / "file.bin", quiet(1)),
              ": sent only ");
  CHECK(folder.entries() == 0);

  FetchOptions patient = quiet(1);
  patient.min_rate = 1;
  const std::string little(60, 'x');
  server.answer("/slow", {{.body = little, .trickle_ms = 40}});
  download(
      {.name = "file.bin", .sha256 = reel::detail::sha256(little), .urls = {server.url("/slow")}},
      folder / "file.bin", patient);
  CHECK(content_of(folder / "file.bin") == little);
}

TEST_CASE("download of a file of unknown size has an end") {
  HttpServer server;
  server.answer("/endless", {{.body = content, .endless = true}});
  server.answer("/announced", {{.body = content, .announced = std::size_t{1} << 40}});
  server.answer("/file", {{.body = content}});
  const TempFolder folder;
  RemoteFile file = remote({server.url("/endless"), server.url("/announced")});
  file.bytes = 0;
  FetchOptions options = quiet(2);
  options.max_bytes = 100000;
  CHECK_ERROR(download(file, folder / "file.bin", options),
              server.host() + ": has more than the 100000 bytes that max_bytes allows; " +
                  server.host() + ": has more than the 100000 bytes that max_bytes allows");
  CHECK(server.requests("/endless") == 1);
  CHECK(folder.entries() == 0);
  file.urls = {server.url("/file")};
  download(file, folder / "file.bin", options);
  CHECK(content_of(folder / "file.bin") == content);
}

TEST_CASE("download without a network tries once") {
  const TempFolder folder;
  FetchOptions options = quiet(5);
  options.backoff = 3600;  // before a second attempt, which this would not live to see
  CHECK_ERROR(download(remote({dead_url(), dead_url()}), folder / "set/file.bin", options),
              "onnect");
  CHECK(folder.entries() == 0);
}

TEST_CASE("download passes on what the progress callback throws") {
  HttpServer server;
  server.answer("/file", {{.body = content}});
  const TempFolder folder;
  FetchOptions options = quiet();
  options.progress = [](const DownloadProgress& progress) {
    if (!progress.finished) throw Error("[test] stopped");
  };
  CHECK_ERROR(download(remote({server.url("/file")}), folder / "file.bin", options),
              "[test] stopped");
  CHECK(folder.entries() == 0);
}

TEST_CASE("download refuses options and files that make no sense") {
  const TempFolder folder;
  CHECK_ERROR(download(remote({}), folder / "file.bin", quiet()),
              "[download] expected at least one URL for file.bin, got none");
  CHECK_ERROR(download(remote({"http://127.0.0.1/"}), folder / "file.bin", quiet(0)),
              "[download] expected attempts > 0, got 0");
  FetchOptions none = quiet();
  none.max_bytes = 0;
  CHECK_ERROR(download(remote({"http://127.0.0.1/"}), folder / "file.bin", none),
              "[download] expected max_bytes > 0, got 0");
}

TEST_CASE("download reports a folder or file that cannot be written") {
  HttpServer server;
  server.answer("/file", {{.body = content}});
  const TempFolder folder;
  folder.write("file", "");
  CHECK_ERROR(download(remote({server.url("/file")}), folder / "file/below/file.bin", quiet()),
              "[download] expected a folder to write into, got \"Not a directory\" (");
  std::filesystem::create_directory(folder / "folder");
  CHECK_ERROR(download(remote({server.url("/file")}), folder / "folder", quiet()),
              "[download] expected to write the file, got \"Is a directory\" (");
  CHECK(folder.entries() == 2);
}

TEST_CASE("download reports a folder without permission") {
  HttpServer server;
  server.answer("/file", {{.body = content}});
  const TempFolder folder;
  std::filesystem::create_directory(folder / "folder");
  if (::geteuid() == 0) REEL_SKIP("root may write into every folder");
  ::chmod((folder / "folder").c_str(), 0500);
  CHECK_ERROR(download(remote({server.url("/file")}), folder / "folder/file.bin", quiet()),
              "\"Permission denied\" (");
}

TEST_CASE("download reports a full disk, and asks no other host") {
  HttpServer server;
  server.answer("/file", {{.body = content}});
  const TempFolder folder;
  // A limit on the size of files fails writes as a full disk does, and needs no disk to be filled.
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  ::getrlimit(RLIMIT_FSIZE, &old_limit);
  const rlimit small{10000, old_limit.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string error = error_of([&] {
    download(remote({server.url("/file"), server.url("/file")}), folder / "file.bin", quiet());
  });
  ::setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  CHECK(contains(error, "[download] expected to write the file, got \"File too large\" ("));
  CHECK(server.requests("/file") == 1);
  CHECK(folder.entries() == 0);
}

TEST_CASE("fetch looks into root, REEL_DATA and the cache, in this order") {
  HttpServer server;
  server.answer("/file", {{.body = content}});
  const TempFolder root, data, cache;
  const Environment reel_data("REEL_DATA", data.path().c_str());
  const Environment reel_cache("REEL_CACHE", cache.path().c_str());
  const RemoteFile file = remote({server.url("/file")});
  FetchOptions options = quiet();

  CHECK(fetch("set", file, options) == cache / "set/file.bin");
  CHECK(server.requests("/file") == 1);
  CHECK(fetch("set", file, options) == cache / "set/file.bin");
  CHECK(server.requests("/file") == 1);
  data.write("set/file.bin", content);
  CHECK(fetch("set", file, options) == data / "set/file.bin");
  CHECK(server.requests("/file") == 1);
  options.root = root.path();
  CHECK_ERROR(fetch("set", file, options),
              "[fetch] expected the file to be there already, got no such file (" +
                  root / "set/file.bin" +
                  ")\nhelp: allow the download into this folder by download = true");
  CHECK(root.entries() == 0);
  options.download = true;
  CHECK(fetch("set", file, options) == root / "set/file.bin");
  CHECK(server.requests("/file") == 2);
  options.download = std::nullopt;
  CHECK(fetch("set", file, options) == root / "set/file.bin");
  CHECK(server.requests("/file") == 2);
}

TEST_CASE("fetch replaces a cached file that is cut off or wrong") {
  HttpServer server;
  server.answer("/file", {{.body = content}});
  const TempFolder cache;
  const Environment reel_data("REEL_DATA", nullptr);
  const Environment reel_cache("REEL_CACHE", cache.path().c_str());
  for (const std::string& wrong : {std::string(), content.substr(1), content + "x"}) {
    cache.write("set/file.bin", wrong);
    CHECK(content_of(fetch("set", remote({server.url("/file")}), quiet())) == content);
  }
  CHECK(server.requests("/file") == 3);

  cache.write("set/file.bin", "wrong");
  FetchOptions offline = quiet();
  offline.download = false;
  CHECK_ERROR(fetch("set", remote({server.url("/file")}), offline),
              "[fetch] expected the file to be there already, got one of another SHA-256 (");
  CHECK(content_of(cache / "set/file.bin") == "wrong");
}

TEST_CASE("fetch does not replace a wrong file in REEL_DATA") {
  const TempFolder data;
  const Environment reel_data("REEL_DATA", data.path().c_str());
  data.write("set/file.bin", "wrong");
  CHECK_ERROR(fetch("set", remote({"http://127.0.0.1/"}), quiet()),
              "[fetch] expected a file of SHA-256 " + reel::detail::sha256(content) + ", got " +
                  reel::detail::sha256("wrong") + " (" + data / "set/file.bin" + ")\nhelp: ");
  CHECK(content_of(data / "set/file.bin") == "wrong");
}

TEST_CASE("fetch without leave to download says where it looked") {
  const TempFolder cache;
  const Environment reel_data("REEL_DATA", nullptr);
  const Environment reel_cache("REEL_CACHE", cache.path().c_str());
  FetchOptions options = quiet();
  options.download = false;
  CHECK_ERROR(fetch("set", remote({"http://127.0.0.1/"}), options),
              "[fetch] expected the file to be there already, got no such file (" +
                  cache / "set/file.bin" +
                  ")\nhelp: allow the download, or set REEL_DATA to the "
                  "folder that holds set/file.bin");
  CHECK(cache.entries() == 0);
}

TEST_CASE("fetch says what is wrong with a folder named by hand, and creates nothing") {
  const TempFolder data, cache;
  data.write("set/file.bin", content);
  data.write("set/deeper/file", "");
  const Environment no_reel_data("REEL_DATA", nullptr);
  const Environment reel_cache("REEL_CACHE", cache.path().c_str());
  const RemoteFile file = remote({dead_url()});
  const std::string too_deep =
      ", one level too deep: name the folder above it, \"" + data.path() + "\"";
  FetchOptions options = quiet(1);
  for (const std::string& folder : {data / "set", data / "set/"}) {
    options.root = folder;
    CHECK_ERROR(fetch("set", file, options), "\nhelp: root is \"" + folder + "\"" + too_deep);
  }
  options.root = data / "none";
  CHECK_ERROR(fetch("set", file, options),
              "\nhelp: root is \"" + data / "none" + "\", which is no folder");
  options.root = data / "set/deeper";
  CHECK_ERROR(fetch("set", file, options),
              "\nhelp: root is \"" + data / "set/deeper" + "\", which has no set/file.bin");
  CHECK(data.entries() == 4);

  options.root = "";
  for (const bool download : {false, true}) {
    options.download = download;
    const Environment deep("REEL_DATA", (data / "set").c_str());
    CHECK_ERROR(fetch("set", file, options),
                "\nhelp: REEL_DATA is \"" + data / "set" + "\"" + too_deep);
    const Environment none("REEL_DATA", (data / "none").c_str());
    CHECK_ERROR(fetch("set", file, options),
                "\nhelp: REEL_DATA is \"" + data / "none" + "\", which is no folder");
    const Environment other("REEL_DATA", (data / "set/deeper").c_str());
    CHECK_ERROR(fetch("set", file, options),
                "\nhelp: REEL_DATA is \"" + data / "set/deeper" + "\", which has no set/file.bin");
  }
  CHECK(data.entries() == 4);
  CHECK(cache.entries() == 0);
}

TEST_CASE("fetch refuses names that lead out of their folder") {
  const TempFolder cache;
  const Environment reel_data("REEL_DATA", nullptr);
  const Environment reel_cache("REEL_CACHE", cache.path().c_str());
  RemoteFile file = remote({"http://127.0.0.1:1/"});
  for (const std::string& name :
       {std::string("../../file"), cache / "file", std::string("a/../b"), std::string("..")}) {
    file.name = name;
    CHECK_ERROR(fetch("set", file, quiet(1)),
                "[fetch] expected a file name that stays in its folder, got \"" + name + "\"");
    CHECK_ERROR(fetch(name, remote({"http://127.0.0.1:1/"}), quiet(1)),
                "[fetch] expected a data set that stays in its folder, got \"" + name + "\"");
  }
  file.name = "";
  CHECK_ERROR(fetch("set", file, quiet(1)), "got \"\"");
}

TEST_CASE("the cache is where REEL_CACHE, XDG_CACHE_HOME or HOME say") {
  const Environment reel_cache("REEL_CACHE", "/a");
  const Environment xdg("XDG_CACHE_HOME", "/b");
  const Environment home("HOME", "/c");
  CHECK(cache_directory() == "/a");
  const Environment no_reel_cache("REEL_CACHE", "");
  CHECK(cache_directory() == "/b/reel");
  const Environment no_xdg("XDG_CACHE_HOME", nullptr);
  CHECK(cache_directory() == "/c/.cache/reel");
  const Environment no_home("HOME", nullptr);
  CHECK_ERROR(cache_directory(),
              "[cache_directory] expected one of REEL_CACHE, XDG_CACHE_HOME and "
              "HOME to be set, got none of them");
}
