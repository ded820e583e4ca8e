#include "reel/datasets/folders.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>
#include <sstream>

#include "reel/base/fail.h"
#include "reel/datasets/dataset.h"
#include "reel/datasets/detail/whole_file.h"
#include "reel/kernels/copy.h"
#include "reel/ops/create/create.h"

namespace reel::datasets {
namespace {

namespace fs = std::filesystem;

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

bool ends_in(const fs::path& path, const std::vector<std::string>& extensions) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

/// Entries of a folder for which `wanted(entry)`, sorted by name.
std::vector<fs::path> entries_of(const char* op, const fs::path& folder, auto&& wanted) {
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!is_hidden(at->path()) && wanted(*at)) found.push_back(at->path());
  }
  check(!error, op, "expected a readable folder, got \"{}\" ({})", error.message(),
        folder.string());
  std::sort(found.begin(), found.end());
  return found;
}

/// Adds the files of a folder and of those in it.
void add_files(const char* op, const fs::path& folder, const std::vector<std::string>& extensions,
               std::vector<std::string>& paths) {
  const auto is_folder = [](const fs::directory_entry& entry) {
    return entry.is_directory() && !entry.is_symlink();  // links may lead in a circle
  };
  const auto is_wanted = [&](const fs::directory_entry& entry) {
    return entry.is_regular_file() && ends_in(entry.path(), extensions);
  };
  for (const fs::path& file : entries_of(op, folder, is_wanted)) paths.push_back(file.string());
  for (const fs::path& inner : entries_of(op, folder, is_folder)) {
    add_files(op, inner, extensions, paths);
  }
}

std::shared_ptr<const LabeledFiles> checked(const char* op, LabeledFiles files) {
  check(files.paths.size() == files.labels.size(), op,
        "expected a class for each file, got {} classes of {} files", files.labels.size(),
        files.paths.size());
  const auto classes = static_cast<Size>(files.class_names.size());
  for (const Size label : files.labels) {
    check(label >= 0 && label < classes, op, "expected classes in [0, {}), got {}", classes, label);
  }
  return std::make_shared<const LabeledFiles>(std::move(files));
}

const std::vector<std::string>& audio_extensions() {
  static const std::vector<std::string> extensions = {".wav", ".flac", ".ogg",  ".opus", ".mp3",
                                                      ".aif", ".aiff", ".aifc", ".au"};
  return extensions;
}

/// The recordings of a part: those in the list of its name, or for "training" those in neither.
AudioFolder speech_commands(const std::string& root, const std::string& part) {
  constexpr const char* op = "SpeechCommands";
  std::set<std::string> listed;  // of this part; of training, those of the others
  for (const std::string list : {"validation", "testing"}) {
    if (part != "training" && part != list) continue;
    std::istringstream lines(detail::whole_file(op, root + "/" + list + "_list.txt"));
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      listed.insert(line);
    }
  }
  LabeledFiles files;
  const auto is_word = [](const fs::directory_entry& entry) {
    return entry.is_directory() && entry.path().filename() != "_background_noise_";
  };
  for (const fs::path& word : entries_of(op, root, is_word)) {
    std::vector<std::string> paths;
    add_files(op, word, audio_extensions(), paths);
    for (std::string& path : paths) {
      const std::string name = word.filename().string() + "/" + fs::path(path).filename().string();
      if (listed.contains(name) == (part == "training")) continue;
      files.paths.push_back(std::move(path));
      files.labels.push_back(static_cast<Size>(files.class_names.size()));
    }
    files.class_names.push_back(word.filename().string());
  }
  check(!files.paths.empty(), op, "expected recordings for {}, got none ({})", part, root);
  return AudioFolder(std::move(files), {.sample_rate = 16000});
}

}  // namespace

LabeledFiles find_labeled_files(const std::string& root,
                                const std::vector<std::string>& extensions) {
  constexpr const char* op = "find_labeled_files";
  const auto is_folder = [](const fs::directory_entry& entry) { return entry.is_directory(); };
  LabeledFiles files;
  for (const fs::path& folder : entries_of(op, root, is_folder)) {
    const std::size_t before = files.paths.size();
    add_files(op, folder, extensions, files.paths);
    check(files.paths.size() > before, op, "expected files ending in {}, got none ({})",
          fmt::join(extensions, ", "), folder.string());
    files.labels.resize(files.paths.size(), static_cast<Size>(files.class_names.size()));
    files.class_names.push_back(folder.filename().string());
  }
  check(!files.class_names.empty(), op, "expected a folder for each class, got none ({})", root);
  return files;
}

ImageFolder::ImageFolder(const std::string& root, const ImageFolderOptions& options)
    : ImageFolder(find_labeled_files(root, {".png", ".jpg", ".jpeg"}), options) {}

ImageFolder::ImageFolder(LabeledFiles files, const ImageFolderOptions& options)
    : files_(checked("ImageFolder", std::move(files))), options_(options) {}

Tensor ImageFolder::labels() const { return tensor(files_->labels); }

std::tuple<Tensor, Size> ImageFolder::get(Size index) const {
  reel::detail::check_indices("ImageFolder", {&index, 1}, size());
  const auto place = static_cast<std::size_t>(index);
  const Tensor bytes = read_image(files_->paths[place], {.mode = options_.mode}).contiguous();
  const Tensor image = empty(bytes.shape());
  kernels::scale_bytes(bytes.numel(), image.data_ptr<float>(), bytes.data_ptr<std::uint8_t>(),
                       1.0F / 255.0F);
  return {image, files_->labels[place]};
}

AudioFolder::AudioFolder(const std::string& root, const AudioFolderOptions& options)
    : AudioFolder(find_labeled_files(root, audio_extensions()), options) {}

AudioFolder::AudioFolder(LabeledFiles files, const AudioFolderOptions& options)
    : files_(checked("AudioFolder", std::move(files))), options_(options) {}

Tensor AudioFolder::labels() const { return tensor(files_->labels); }

std::tuple<Tensor, Size> AudioFolder::get(Size index) const {
  reel::detail::check_indices("AudioFolder", {&index, 1}, size());
  const auto place = static_cast<std::size_t>(index);
  const Audio audio = read_audio(files_->paths[place]);
  check(options_.sample_rate == 0 || audio.sample_rate == options_.sample_rate, "AudioFolder",
        "expected a rate of {}, got {} ({})", options_.sample_rate, audio.sample_rate,
        files_->paths[place]);
  return {audio.waveform, files_->labels[place]};
}

AudioFolder SpeechCommands::train(const std::string& root) {
  return speech_commands(root, "training");
}
AudioFolder SpeechCommands::validation(const std::string& root) {
  return speech_commands(root, "validation");
}
AudioFolder SpeechCommands::test(const std::string& root) {
  return speech_commands(root, "testing");
}

}  // namespace reel::datasets
