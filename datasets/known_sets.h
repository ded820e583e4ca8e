#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reel/datasets/download.h"
#include "reel/datasets/labeled_images.h"
#include "reel/datasets/table.h"

namespace reel::datasets {

/// What is known of a published data set.
struct SetInfo {
  std::string name = {};     ///< "wine"; what `load_table` and its like take
  std::string title = {};    ///< one line on what it holds
  std::string source = {};   ///< who made it, and where it is from
  std::string licence = {};  ///< as its makers give it
  std::string folder = {};   ///< below `$REEL_DATA` and the cache
  /// Name, checksum and addresses of each. Without an address a file is found, not downloaded;
  /// without a checksum nobody has published one, and its content is taken as it is.
  std::vector<RemoteFile> files = {};
  std::vector<std::string> class_names = {};  ///< empty where targets are numbers
};

/// All data sets that are loaded by name, and MNIST and Fashion-MNIST.
REEL_API const std::vector<SetInfo>& known_sets();

/// The one of this name. Throws an `Error` that lists the names there are.
REEL_API const SetInfo& set_info(std::string_view name);

/// Which part of a data set, as its makers split it.
enum class Part { train, test };

/// Pictures with a class each, by the name of the set; found or downloaded, and checked, as `fetch`
/// does.
///
/// | name | pictures | train, test |
/// |---|---|---|
/// | `mnist`, `fashion-mnist` | as `MNIST`, `FashionMNIST` | 60,000, 10,000 |
/// | `kmnist` | 28x28 gray, 10 cursive Japanese characters | 60,000, 10,000 |
/// | `emnist-letters` | 28x28 gray, 26 letters; upright, classes from 0 | 124,800, 20,800 |
/// | `cifar10` | 32x32 RGB, 10 kinds of animals and vehicles | 50,000, 10,000 |
/// | `cifar100` | 32x32 RGB, 100 kinds in 20 groups | 50,000, 10,000 |
/// | `optdigits` | 8x8 gray, digits, 0 to 16 spread over [0, 255] | 3,823, 1,797 |
///
/// CIFAR is read from its `.tar.gz`, which is not unpacked; where it was made a folder of pictures,
/// `ImageFolder` reads it. Throws `Error` for other names, and as `fetch` and `read_idx` do.
REEL_API LabeledImages load_images(std::string_view name, Part part,
                                   const FetchOptions& options = {});

/// A table by the name of the set; found or downloaded, and checked, as `fetch` does.
///
/// | name | rows | columns | target |
/// |---|---|---|---|
/// | `iris` | 150 | 4 | `species`, 3 classes |
/// | `wine` | 178 | 13 | `cultivar`, 3 classes |
/// | `breast-cancer` | 569 | 30 | `diagnosis`, malignant or benign |
/// | `banknote` | 1,372 | 4 | `class`, genuine or forged |
/// | `sonar` | 208 | 60 | `object`, M (mine) or R (rock) |
/// | `wine-quality-red`, `wine-quality-white` | 1,599, 4,898 | 11 | `quality`, 3 to 9 |
/// | `california-housing` | 20,640 | 9 | `median_house_value`; blanks, and a column of words |
///
/// **Example**
/// ```cpp
/// const CsvDataset iris{load_table("iris"), {.target = "species"}};
/// ```
/// Throws `Error` for other names, and as `fetch` and `read_csv` do.
REEL_API Table load_table(std::string_view name, const FetchOptions& options = {});

/// A text by the name of the set, in UTF-8; found or downloaded, and checked, as `fetch` does:
/// `tiny-shakespeare`, 1,115,394 characters of plays. Throws `Error` for other names.
REEL_API std::string load_text(std::string_view name, const FetchOptions& options = {});

namespace detail {

/// The path of file number `file` of a set.
REEL_API std::string path_of(const SetInfo& set, std::size_t file, const FetchOptions& options);

/// Pictures and classes in the four idx files of a set.
REEL_API LabeledImages read_idx_set(const SetInfo& set, Part part, const FetchOptions& options);

/// The pictures in a `.tar.gz` of CIFAR's binary form: the files that `part` names, of records of
/// `label_bytes` bytes, the last of which is the class, and 3 x 32 x 32 bytes.
REEL_API LabeledImages read_cifar(const std::string& path, const std::vector<std::string>& members,
                                  Size label_bytes, const std::vector<std::string>& class_names);

}  // namespace detail
}  // namespace reel::datasets
