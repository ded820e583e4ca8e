#include "reel/base/detail/file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include "support/faults.h"
#include "support/temp_folder.h"

using reel::detail::InputFile;
using reel::detail::MappedFile;
using reel::detail::OutputFile;
using namespace reel::testing;

namespace {

void write_file(const std::string& path, const std::string& content) {
  OutputFile file("test", path);
  file.write(content.data(), content.size());
  file.commit();
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

/// Root may write every file: until the end of the scope it is nobody. Others stay who they are.
class WithoutRoot {
 public:
  WithoutRoot() { change(65534); }
  ~WithoutRoot() { change(0); }
  WithoutRoot(const WithoutRoot&) = delete;
  WithoutRoot& operator=(const WithoutRoot&) = delete;

 private:
  void change(uid_t user) const {
    if (is_root_) CHECK(::seteuid(user) == 0);
  }

  bool is_root_ = ::geteuid() == 0;
};

}  // namespace

TEST_CASE("a file takes its name only when it is complete") {
  const TempFolder folder;
  const std::string path = folder.write("file", "old");
  {
    OutputFile file("test", path);
    file.write("new", 3);
    CHECK(content_of(path) == "old");
    CHECK(folder.entries() == 2);
  }
  CHECK(content_of(path) == "old");
  CHECK(folder.entries() == 1);
  write_file(path, "new");
  CHECK(content_of(path) == "new");
  CHECK(folder.entries() == 1);
}

TEST_CASE("pieces of all sizes come out in their order") {
  const TempFolder folder;
  OutputFile file("test", folder / "file");
  std::string all;
  for (const std::size_t size : {1UL, 0UL, 65535UL, 1UL, 65536UL, 7UL, 65530UL, 200000UL, 3UL}) {
    const std::string text(size, static_cast<char>('a' + all.size() % 26));
    file.write(text.data(), text.size());
    all += text;
  }
  file.commit();
  CHECK(content_of(folder / "file") == all);
}

TEST_CASE("what a killed writer left does not stand in the way, and goes") {
  const TempFolder folder;
  const std::string path = folder / "file";
  for (int i = 0; i < 3; ++i) {
    in_a_killed_process([&] {
      // Never destroyed, as its process is killed.
      auto* const file = new OutputFile("test", path);
      file->write("half", 4);
    });
  }
  CHECK(folder.entries() == 1);
  write_file(path, "whole");
  CHECK(content_of(path) == "whole");
  CHECK(folder.entries() == 1);
}

TEST_CASE("what lies in the way of a part and is none of ours is left alone") {
  const TempFolder folder;
  const std::string path = folder / "file";
  folder.write("victim", "precious");
  std::filesystem::create_directory(path + ".reel-part-0");
  REQUIRE(::mkfifo((path + ".reel-part-1").c_str(), 0600) == 0);
  REQUIRE(::symlink((folder / "victim").c_str(), (path + ".reel-part-2").c_str()) == 0);
  write_file(path, "new");
  CHECK(content_of(path) == "new");
  CHECK(content_of(folder / "victim") == "precious");
  CHECK(folder.entries() == 5);
}

TEST_CASE("writers of one file at once do not meet: one of them wins whole") {
  const TempFolder folder;
  const std::string path = folder / "file";
  std::vector<std::thread> writers;
  std::atomic<int> failed{0};
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      const std::string content(100000, static_cast<char>('a' + writer));
      for (int i = 0; i < 50; ++i) {
        try {
          write_file(path, content);
        } catch (...) {
          ++failed;
        }
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(failed == 0);
  const std::string content = content_of(path);
  CHECK(content == std::string(100000, content[0]));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a replaced file keeps its mode") {
  const TempFolder folder;
  const std::string path = folder.write("file", "old");
  for (const mode_t mode : {0600U, 0640U, 0777U}) {
    ::chmod(path.c_str(), mode);
    write_file(path, "new");
    CHECK(mode_of(path) == mode);
  }
}

TEST_CASE("a file that may not be written is not replaced") {
  const TempFolder folder;
  ::chmod(folder.path().c_str(), 0777);
  const std::string path = folder.write("file", "old");
  ::chmod(path.c_str(), 0444);
  const WithoutRoot without_root;
  CHECK_ERROR(write_file(path, "new"),
              "[test] expected to write the file, got \"Permission denied\" (" + path + ")");
  CHECK(content_of(path) == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a link is followed, and stays") {
  const TempFolder folder;
  folder.write("below/file", "old");
  ::chmod((folder / "below/file").c_str(), 0600);
  std::filesystem::create_symlink("below/file", folder / "link");
  std::filesystem::create_symlink(folder / "link", folder / "link of link");
  write_file(folder / "link of link", "new");
  CHECK(std::filesystem::is_symlink(folder / "link of link"));
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(content_of(folder / "below/file") == "new");
  CHECK(mode_of(folder / "below/file") == 0600);

  std::filesystem::create_symlink("below/made", folder / "to nothing");
  write_file(folder / "to nothing", "made");
  CHECK(std::filesystem::is_symlink(folder / "to nothing"));
  CHECK(content_of(folder / "below/made") == "made");

  std::filesystem::create_symlink("circle", folder / "circle");
  CHECK_ERROR(
      write_file(folder / "circle", "x"),
      "[test] expected a path that ends, got links in a circle (" + folder / "circle" + ")");
}

TEST_CASE("devices and pipes are written to, not replaced") {
  const TempFolder folder;
  // Through a link, so that a writer that replaces costs the link and not the machine's device.
  std::filesystem::create_symlink("/dev/full", folder / "full");
  CHECK_ERROR(write_file(folder / "full", "text"),
              "expected to write the file, got \"No space left on device\" (/dev/full)\nhelp: ");
  CHECK(std::filesystem::is_symlink(folder / "full"));
  std::filesystem::create_symlink("/dev/null", folder / "null");
  write_file(folder / "null", "text");
  CHECK(std::filesystem::is_symlink(folder / "null"));
  CHECK(std::filesystem::is_character_file("/dev/null"));

  const std::string pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  // Open for reading too, as a pipe without a reader would not be written to.
  const int reader = ::open(pipe.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  write_file(pipe, "through");
  CHECK(std::filesystem::is_fifo(pipe));
  char received[16] = "";
  CHECK(::read(reader, received, sizeof received - 1) == 7);
  CHECK(std::string(received) == "through");
  ::close(reader);
  CHECK(folder.entries() == 3);
}

TEST_CASE("an open descriptor named as a path is written to, behind what is there") {
  const TempFolder folder;
  const std::string path = folder.write("log", "first ");
  std::FILE* const log = std::fopen(path.c_str(), "a");
  write_file("/proc/self/fd/" + std::to_string(::fileno(log)), "second ");
  std::fputs("third", log);
  std::fclose(log);
  CHECK(content_of(path) == "first second third");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a folder is no file, and without a folder there is none") {
  const TempFolder folder;
  CHECK_ERROR(write_file(folder.path(), "x"),
              "[test] expected to write the file, got \"Is a directory\" (" + folder.path() + ")");
  CHECK_ERROR(write_file(folder / "none/file", "x"), "\"No such file or directory\" (");
  CHECK(folder.entries() == 0);
}

TEST_CASE("after a write that failed half way nothing takes the file's name") {
  const TempFolder folder;
  write_file(folder / "file", "old");
  {
    OutputFile file("test", folder / "file");
    const std::string text(100, 'x');
    file.write(text.data(), text.size());
    {
      const FilesOfAtMost small(10);  // of the 100 characters 10 are written
      CHECK_ERROR(file.commit(), "expected to write the file");
    }
    CHECK_ERROR(file.write(text.data(), text.size()), "expected to write the file");
    CHECK_ERROR(file.commit(), "expected to write the file");
  }
  CHECK(content_of(folder / "file") == "old");
}

TEST_CASE("a file is read in order, at any place, and as memory") {
  const TempFolder folder;
  const InputFile file("test", folder.write("file", "0123456789"));
  std::string text(4, '\0');
  CHECK(file.read(text.data(), 4) == 4);
  CHECK(text == "0123");
  CHECK(file.read_at(8, text.data(), 4) == 2);  // the file ends there
  CHECK(text == "8923");
  CHECK(file.read_at(100, text.data(), 4) == 0);
  CHECK(file.read(text.data(), 4) == 4);  // goes on where it was
  CHECK(text == "4567");

  const MappedFile mapped(file);
  CHECK(mapped.size() == 10);
  mapped.data()[1] = std::byte{'x'};
  CHECK(std::string(reinterpret_cast<const char*>(mapped.data()), 10) == "0x23456789");
  CHECK(content_of(folder / "file") == "0123456789");
  CHECK(MappedFile(InputFile("test", folder.write("empty", ""))).data() == nullptr);
}
