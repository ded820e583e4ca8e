#pragma once

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "reel/datasets/audio.h"
#include "reel/datasets/image.h"

namespace reel::datasets {

/// Files with a class each: what `ImageFolder` and `AudioFolder` go by.
struct LabeledFiles {
  std::vector<std::string> paths = {};        ///< where the files are, in the order of samples
  std::vector<Size> labels = {};              ///< one a path, below the number of classes
  std::vector<std::string> class_names = {};  ///< the folders' names, by label
};

/// The files below `root` whose names end in one of `extensions` (in either case): each folder in
/// `root` is a class, its files are those in it at any depth. Classes and files are sorted by name,
/// so that they are the same on every machine. Hidden files and folders are left out.
///
/// Throws `Error` where there is no such folder, no class in it, or a class without a file.
REEL_API LabeledFiles find_labeled_files(const std::string& root,
                                         const std::vector<std::string>& extensions);

/// How `ImageFolder` reads.
struct ImageFolderOptions {
  ImageMode mode = ImageMode::rgb;  ///< the channels `C` of every sample
};

/// Pictures in one folder a class, PNG and JPEG, read when they are asked for. Follows
/// `torchvision.datasets.ImageFolder`. A handle: copies share the names.
///
/// ```
/// root/cat/1.jpg        class 0
/// root/cat/more/2.png   class 0
/// root/dog/3.jpg        class 1
/// ```
/// A sample is a float32 picture `[C, H, W]` in [0, 1] and its class. Pictures of different sizes
/// have to be made equal before they make a batch, by `transform_samples` or `collate_by`; worker
/// threads decode several at once.
///
/// **Example**
/// ```cpp
/// DataLoader loader{ImageFolder{"cifar10/train"}, {.batch_size = 64, .num_workers = 4}};
/// ```
/// Throws `Error` as `find_labeled_files` and `read_image` do.
class REEL_API ImageFolder {
 public:
  /// Finds the files below `root` ending in .png, .jpg or .jpeg; none is read yet.
  explicit ImageFolder(const std::string& root, const ImageFolderOptions& options = {});
  /// The same of files chosen by hand. Throws unless there is a class for each.
  explicit ImageFolder(LabeledFiles files, const ImageFolderOptions& options = {});

  /// The number of files.
  Size size() const { return static_cast<Size>(files_->paths.size()); }
  /// The files and classes that it goes by, in the order of samples.
  const LabeledFiles& files() const { return *files_; }
  /// The folders' names, by label.
  const std::vector<std::string>& class_names() const { return files_->class_names; }
  /// The classes of all samples, int64 `[N]`.
  Tensor labels() const;

  /// Reads a picture: float32 `[C, H, W]` in [0, 1], contiguous, turned as its EXIF data ask for,
  /// and its class. Throws `Error` for an index out of range, and as `read_image` does.
  std::tuple<Tensor, Size> get(Size index) const;

 private:
  std::shared_ptr<const LabeledFiles> files_;
  ImageFolderOptions options_;
};

/// How `AudioFolder` reads.
struct AudioFolderOptions {
  /// Where above 0: sounds of another rate are an error.
  Size sample_rate = 0;
};

/// Sounds in one folder a class, of all formats that `read_audio` knows, read when they are asked
/// for. A sample is a waveform, float32 `[channels, frames]`, and its class. A handle: copies share
/// the names.
///
/// Throws `Error` as `find_labeled_files` and `read_audio` do.
class REEL_API AudioFolder {
 public:
  /// Finds the files below `root` ending in .wav, .flac, .ogg, .opus, .mp3, .aif, .aiff, .aifc or
  /// .au; none is read yet.
  explicit AudioFolder(const std::string& root, const AudioFolderOptions& options = {});
  /// The same of files chosen by hand. Throws unless there is a class for each.
  explicit AudioFolder(LabeledFiles files, const AudioFolderOptions& options = {});

  /// The number of files.
  Size size() const { return static_cast<Size>(files_->paths.size()); }
  /// The files and classes that it goes by, in the order of samples.
  const LabeledFiles& files() const { return *files_; }
  /// The folders' names, by label.
  const std::vector<std::string>& class_names() const { return files_->class_names; }
  /// The classes of all samples, int64 `[N]`.
  Tensor labels() const;

  /// Reads a sound: float32 `[channels, frames]`, and its class. Throws `Error` for an index out of
  /// range, a rate other than `sample_rate`, and as `read_audio` does.
  std::tuple<Tensor, Size> get(Size index) const;

 private:
  std::shared_ptr<const LabeledFiles> files_;
  AudioFolderOptions options_;
};

/// Speech Commands: one-second recordings of single words at 16 kHz; Warden 2018,
/// https://arxiv.org/abs/1804.03209, CC BY 4.0. Follows `torchaudio.datasets.SPEECHCOMMANDS`.
///
/// `root` is the folder that speech_commands_v0.02.tar.gz (or v0.01) unpacks to: a folder a word,
/// `validation_list.txt` and `testing_list.txt`, which say what is not for training. Recordings of
/// noise, `_background_noise_`, are no class.
///
/// Throws `Error` for a folder without words or lists.
struct REEL_API SpeechCommands {
  /// The recordings that neither list has.
  static AudioFolder train(const std::string& root);
  /// Those of `validation_list.txt`. The classes are those of `train`.
  static AudioFolder validation(const std::string& root);
  /// Those of `testing_list.txt`. The classes are those of `train`.
  static AudioFolder test(const std::string& root);
};

}  // namespace reel::datasets
