#include <doctest/doctest.h>

#include "reel/datasets/data_loader.h"
#include "reel/datasets/folders.h"
#include "reel/ops/create/create.h"
#include "reel/ops/reduce/reduce.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using namespace reel::testing;

namespace {

/// A folder with pictures of 2 x 3 pixels in two classes, one of them deeper.
void fill(const TempFolder& folder) {
  for (const char* inner : {"dog", "cat/more", ".hidden"}) {
    std::filesystem::create_directories(folder / inner);
  }
  write_png(folder / "dog/b.PNG", full({3, 2, 3}, 255, {.dtype = uint8}));
  write_png(folder / "dog/a.png", full({2, 3}, 51, {.dtype = uint8}));
  write_jpeg(folder / "cat/more/x.jpeg", full({3, 2, 3}, 0, {.dtype = uint8}));
  write_png(folder / "cat/more/.hidden.png", full({2, 3}, 1, {.dtype = uint8}));
  folder.write("cat/readme.txt", "no picture");
}

}  // namespace

TEST_CASE("ImageFolder: a folder a class, its pictures in order of their names") {
  const TempFolder folder;
  fill(folder);
  const ImageFolder set(folder.path());
  CHECK(set.class_names() == std::vector<std::string>{"cat", "dog"});
  CHECK(set.files().paths == std::vector<std::string>{folder / "cat/more/x.jpeg",
                                                      folder / "dog/a.png", folder / "dog/b.PNG"});
  CHECK(set.size() == 3);
  const auto [image, label] = set.get(1);
  CHECK(image.dtype() == float32);
  CHECK(image.shape() == Shape{3, 2, 3});
  CHECK(image.max().item<float>() == 51 * (1.0F / 255));
  CHECK(label == 1);
  CHECK(set.labels().sum().item<int>() == 2);
  CHECK(std::get<0>(ImageFolder(folder.path(), {.mode = ImageMode::gray}).get(2)).shape() ==
        Shape{1, 2, 3});
  for (auto [images, labels] : DataLoader{set, {.batch_size = 3, .num_workers = 2}}) {
    CHECK(images.shape() == Shape{3, 3, 2, 3});
    CHECK(labels.dtype() == int64);
  }
  CHECK_ERROR(set.get(3), "[ImageFolder] expected an index in [0, 3), got 3");
}

TEST_CASE("a picture that cannot be read is an error with its sample and its file") {
  const TempFolder folder;
  fill(folder);
  folder.write("dog/a.png", "no picture");
  for (const Size workers : {0, 2}) {
    DataLoader loader{ImageFolder(folder.path()), {.batch_size = 3, .num_workers = workers}};
    const std::string error = error_of([&] { *loader.begin(); });
    CHECK(contains(error, "[read_image] expected a PNG or JPEG file, got 10 bytes"));
    CHECK(contains(error, folder / "dog/a.png"));
    CHECK(contains(error, "\n  in sample 1"));
  }
}

TEST_CASE("ImageFolder says what is missing") {
  const TempFolder folder;
  CHECK_ERROR(ImageFolder(folder.path()),
              "[find_labeled_files] expected a folder for each class, got none (" + folder.path());
  std::filesystem::create_directories(folder / "cat");
  CHECK_ERROR(ImageFolder(folder.path()),
              "expected files ending in .png, .jpg, .jpeg, got none (" + (folder / "cat"));
  CHECK_ERROR(ImageFolder(folder / "nowhere"), "expected a readable folder, got \"No such file");
  CHECK_ERROR(ImageFolder(LabeledFiles{.paths = {"a"}, .labels = {}, .class_names = {"x"}}),
              "[ImageFolder] expected a class for each file, got 0 classes of 1 files");
  CHECK_ERROR(ImageFolder(LabeledFiles{.paths = {"a"}, .labels = {1}, .class_names = {"x"}}),
              "expected classes in [0, 1), got 1");
}
