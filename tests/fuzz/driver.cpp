// The main of fuzz targets where the compiler brings no fuzzer (g++): replays the kept inputs, then
// feeds the target with mutations of them. Clang's libFuzzer, which sees what an input reaches,
// finds new kept inputs; this program holds every build to them. See README.md.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;
using std::chrono::steady_clock;

/// The input at work lies in a file, so that it is still there when the process is not.
class InputOnDisk {
 public:
  explicit InputOnDisk(std::string path)
      : path_(std::move(path)),
        descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {}
  ~InputOnDisk() {
    ::close(descriptor_);
    std::filesystem::remove(path_);
  }
  InputOnDisk(const InputOnDisk&) = delete;
  InputOnDisk& operator=(const InputOnDisk&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  bool keep(const Bytes& input) const {
    return ::pwrite(descriptor_, input.data(), input.size(), 0) ==
               static_cast<ssize_t>(input.size()) &&
           ::ftruncate(descriptor_, static_cast<off_t>(input.size())) == 0;
  }

 private:
  std::string path_;
  int descriptor_;
};

std::vector<Bytes> read_corpus(const std::vector<std::string>& paths) {
  std::vector<std::filesystem::path> files;
  for (const std::filesystem::path path : paths) {
    if (std::filesystem::is_directory(path)) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
      }
    } else {
      files.push_back(path);
    }
  }
  std::ranges::sort(files);  // a seed is to mean the same on every machine
  std::vector<Bytes> corpus;
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

/// Makes new inputs out of the kept ones.
class Mutator {
 public:
  Mutator(const std::vector<Bytes>& corpus, std::uint64_t seed, std::size_t longest)
      : corpus_(corpus), random_(seed), longest_(longest) {}

  Bytes next() {
    Bytes input = corpus_.empty() ? Bytes{} : corpus_[below(corpus_.size())];
    do {
      change(input);
    } while (below(3) != 0);
    if (input.size() > longest_) input.resize(longest_);
    return input;
  }

 private:
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }

  void change(Bytes& input) {
    const std::size_t at = below(input.size() + 1);
    const std::size_t left = input.size() - at;
    const auto here = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(8)) {
      case 0:
        if (left > 0) *here ^= static_cast<std::uint8_t>(1 << below(8));
        break;
      case 1:
        if (left > 0) *here = static_cast<std::uint8_t>(random_());
        break;
      case 2:
        write_number(input, at);
        break;
      case 3:
        input.resize(at);
        break;
      case 4:
        input.erase(here,
                    here + static_cast<std::ptrdiff_t>(below(std::min<std::size_t>(left, 16) + 1)));
        break;
      case 5: {
        Bytes more(1 + below(16));
        for (std::uint8_t& byte : more) byte = static_cast<std::uint8_t>(random_());
        input.insert(here, more.begin(), more.end());
        break;
      }
      case 6: {  // some bytes again, elsewhere
        const Bytes again(here, here + static_cast<std::ptrdiff_t>(below(left + 1)));
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(below(input.size() + 1)),
                     again.begin(), again.end());
        break;
      }
      default: {  // goes on as another input does
        if (corpus_.empty()) break;
        const Bytes& other = corpus_[below(corpus_.size())];
        const std::size_t from = below(other.size() + 1);
        input.resize(at);
        input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
      }
    }
  }

  /// A number of 1, 2, 4 or 8 bytes near which programs go wrong, in either byte order.
  void write_number(Bytes& input, std::size_t at) {
    const std::size_t bytes = std::size_t{1} << below(4);
    if (at + bytes > input.size()) return;
    const std::uint64_t edges[] = {0, 1, 0x7f, 0x80, 0xff, std::uint64_t{1} << (8 * bytes - 1)};
    std::uint64_t number = edges[below(std::size(edges))];
    number += below(5);
    number -= 2;
    const bool big_endian = below(2) == 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      const std::size_t shift = 8 * (big_endian ? bytes - 1 - i : i);
      input[at + i] = static_cast<std::uint8_t>(number >> shift);
    }
  }

  const std::vector<Bytes>& corpus_;
  std::mt19937_64 random_;
  std::size_t longest_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string name = std::filesystem::path(argv[0]).filename();
  std::vector<std::string> paths;
  std::uint64_t inputs = 0, seed = std::random_device{}();
  double seconds = 0;
  std::size_t longest = 4096;
  CLI::App app{"Runs a fuzz target over kept inputs, then over mutations of them.", name};
  app.add_option("corpus", paths, "Files and folders of kept inputs")->check(CLI::ExistingPath);
  app.add_option("--inputs", inputs, "Mutations to run [0: none, or as many as --seconds allow]");
  app.add_option("--seconds", seconds, "Seconds after which to stop [0: none]");
  app.add_option("--seed", seed, "The same seed and corpus repeat a run [a new one each time]");
  app.add_option("--longest", longest, "Bytes of the longest input")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const std::string input_path = fmt::format("{}-{}.input", name, seed);
  const InputOnDisk on_disk(input_path);
  if (!on_disk.is_open()) {
    fmt::print(stderr, "{}: cannot write {}\n", name, input_path);
    return 1;
  }
  fmt::print("{} --seed {}: should this end early, {} holds the input\n", name, seed,
             std::filesystem::absolute(input_path).string());
  std::fflush(stdout);

  const auto begin = steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(steady_clock::now() - begin).count();
  };
  const auto run = [&](const Bytes& input) {
    if (!on_disk.keep(input)) return false;
    LLVMFuzzerTestOneInput(input.data(), input.size());
    return true;
  };
  const std::vector<Bytes> corpus = read_corpus(paths);
  bool kept = std::ranges::all_of(corpus, run);
  Mutator mutator(corpus, seed, longest);
  std::uint64_t done = 0;
  const auto more = [&] {
    if (inputs > 0) return done < inputs && (seconds == 0 || elapsed() < seconds);
    return elapsed() < seconds;
  };
  for (; kept && more(); ++done) kept = run(mutator.next());
  if (!kept) {
    fmt::print(stderr, "{}: cannot write {}\n", name, input_path);
    return 1;
  }
  fmt::print("{}: {} kept inputs and {} mutations in {:.1f} s\n", name, corpus.size(), done,
             elapsed());
}
