#include "reel/datasets/known_sets.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "datasets/support/archives.h"
#include "reel/datasets/csv_dataset.h"
#include "reel/datasets/idx.h"
#include "reel/ops/create/create.h"
#include "reel/ops/reduce/reduce.h"
#include "support/skip.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using namespace reel::testing;

namespace {

const FetchOptions found{.download = false};

/// Whether the first file of a set is neither found nor downloaded.
bool missing(const char* name) {
  try {
    datasets::detail::path_of(set_info(name), 0, found);
  } catch (const Error& error) {
    if (!contains(error.what(), "no such file (")) throw;
    return true;
  }
  return false;
}

std::vector<Size> class_counts(const Tensor& labels, Size classes) {
  std::vector<Size> counts(static_cast<std::size_t>(classes));
  for (Size i = 0; i < labels.numel(); ++i) {
    ++counts[static_cast<std::size_t>(labels.data_ptr<std::int64_t>()[i])];
  }
  return counts;
}

/// A record of CIFAR: labels, then 3072 bytes that begin with `first`.
std::string record(const std::string& labels, char first) {
  std::string bytes = labels + std::string(3072, '\7');
  bytes[labels.size()] = first;
  return bytes;
}

}  // namespace

TEST_CASE("every known set says where it is from, and has a checksum wherever it has an address") {
  std::set<std::string> names;
  for (const SetInfo& set : known_sets()) {
    CAPTURE(set.name);
    CHECK(names.insert(set.name).second);
    for (const std::string& text : {set.title, set.source, set.licence, set.folder}) {
      CHECK(!text.empty());
    }
    REQUIRE(!set.files.empty());
    for (const RemoteFile& file : set.files) {
      CHECK((file.sha256.size() == 64 || (file.sha256.empty() && file.urls.empty())));
      CHECK(file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos);
      for (const std::string& url : file.urls) CHECK(url.starts_with("http"));
    }
  }
  CHECK(set_info("cifar100").class_names[99] == "worm");
  CHECK(set_info("cifar100").class_names.size() == 100);
  CHECK_ERROR(set_info("no-such-set"),
              "[set_info] expected the name of a data set, got \"no-such-set\"\nhelp: there are "
              "mnist, fashion-mnist, kmnist");
}

TEST_CASE("a set is asked for as what it is") {
  CHECK_ERROR(load_images("iris", Part::train),
              "[load_images] expected a set of pictures, got "
              "\"iris\": sizes of flowers");
  CHECK_ERROR(load_table("mnist"), "[load_table] expected a set that is a table, got \"mnist\"");
  CHECK_ERROR(load_text("iris"), "[load_text] expected a set that is a text, got \"iris\"");
}

TEST_CASE("the tables as published: rows, columns and classes") {
  struct Expected {
    const char* name;
    Size rows, features;
    const char* target;
    std::vector<Size> counts;  // of the classes
  };
  for (const Expected& expected : {Expected{"iris", 150, 4, "species", {50, 50, 50}},
                                   Expected{"wine", 178, 13, "cultivar", {59, 71, 48}},
                                   Expected{"breast-cancer", 569, 30, "diagnosis", {212, 357}},
                                   Expected{"banknote", 1372, 4, "class", {762, 610}},
                                   Expected{"sonar", 208, 60, "object", {111, 97}},
                                   Expected{"wine-quality-red", 1599, 11, "quality", {}},
                                   Expected{"wine-quality-white", 4898, 11, "quality", {}}}) {
    CAPTURE(expected.name);
    if (missing(expected.name)) REEL_SKIP("no tabular in REEL_DATA or the cache");
    const CsvDataset set{load_table(expected.name, found), {.target = expected.target}};
    CHECK(set.size() == expected.rows);
    CHECK(set.features().shape() == Shape{expected.rows, expected.features});
    CHECK(set.targets().dtype() == int64);
    CHECK(set.class_names() == set_info(expected.name).class_names);
    if (!expected.counts.empty()) {
      CHECK(class_counts(set.targets(), static_cast<Size>(expected.counts.size())) ==
            expected.counts);
    }
  }
  // sklearn.datasets.load_iris().data.mean(axis=0)
  const Tensor means = mean(load_table("iris", found).drop({"species"}).to_tensor(float64), 0);
  const double expected[] = {5.843333333333334, 3.0573333333333337, 3.758, 1.1993333333333336};
  for (Size i = 0; i < 4; ++i) CHECK(means[i].item() == doctest::Approx(expected[i]));
}

TEST_CASE("California housing has blanks, and a column of words") {
  if (missing("california-housing")) REEL_SKIP("no tabular in REEL_DATA or the cache");
  const Table houses = load_table("california-housing", found);
  CHECK(houses.rows() == 20640);
  CHECK(houses["total_bedrooms"].missing() == 207);
  CHECK(houses["ocean_proximity"].categories() ==
        std::vector<std::string>{"<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN"});
  CHECK(mean(houses["median_house_value"].values(), 0).item() ==
        doctest::Approx(206855.816909).epsilon(1e-9));
}

TEST_CASE("optdigits as published") {
  if (missing("optdigits")) REEL_SKIP("no digits in REEL_DATA or the cache");
  const LabeledImages train = load_images("optdigits", Part::train, found);
  const LabeledImages test = load_images("optdigits", Part::test, found);
  CHECK(train.images().shape() == Shape{3823, 1, 8, 8});
  CHECK(class_counts(test.labels(), 10) ==
        std::vector<Size>{178, 182, 177, 183, 181, 182, 181, 179, 174, 180});
  // The first row of the test file: 0, 0, 5, 13, 9, 1, 0, 0.
  const auto* pixels = test.images().data_ptr<std::uint8_t>();
  CHECK(std::vector<int>(pixels, pixels + 8) == std::vector<int>{0, 0, 80, 207, 143, 16, 0, 0});
}

TEST_CASE("tiny Shakespeare as published") {
  if (missing("tiny-shakespeare")) REEL_SKIP("no text in REEL_DATA or the cache");
  const std::string text = load_text("tiny-shakespeare", found);
  CHECK(text.size() == 1115394);
  CHECK(text.starts_with("First Citizen:\n"));
}

TEST_CASE("EMNIST's letters stand upright, and count from 0") {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "emnist");
  const Tensor lying = tensor({{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}, {.dtype = uint8});
  write_idx(folder / "emnist/emnist-letters-train-images-idx3-ubyte.gz", lying);
  write_idx(folder / "emnist/emnist-letters-train-labels-idx1-ubyte.gz",
            tensor({1, 26}, {.dtype = uint8}));
  const LabeledImages letters = load_images("emnist-letters", Part::train, {.root = folder.path()});
  const auto* pixels = letters.images().data_ptr<std::uint8_t>();
  CHECK(std::vector<int>(pixels, pixels + 8) == std::vector<int>{1, 3, 2, 4, 5, 7, 6, 8});
  CHECK(letters.labels().data_ptr<std::int64_t>()[1] == 25);
  CHECK(letters.class_names()[25] == "z");
  CHECK_ERROR(load_images("emnist-letters", Part::test, {.root = folder.path()}),
              "[fetch] expected the file to be there already, as no address of it is known, got no "
              "such file (");
}

TEST_CASE("CIFAR's binary form is read from its archive") {
  const TempFolder folder;
  const std::string ten = folder.write(
      "cifar-10.tar.gz", gzip(tar({{"cifar-10-batches-bin/", "", '5'},
                                   {"cifar-10-batches-bin/data_batch_2.bin", record("\2", '\3')},
                                   {"cifar-10-batches-bin/readme.html", "unused"},
                                   {"cifar-10-batches-bin/data_batch_1.bin",
                                    record(std::string(1, '\0'), '\1') + record("\1", '\2')}})));
  const LabeledImages images = datasets::detail::read_cifar(
      ten, {"cifar-10-batches-bin/data_batch_1.bin", "cifar-10-batches-bin/data_batch_2.bin"}, 1,
      {"a", "b", "c"});
  REQUIRE(images.images().shape() == Shape{3, 3, 32, 32});
  for (Size i = 0; i < 3; ++i) {
    CHECK(images.labels().data_ptr<std::int64_t>()[i] == i);
    CHECK(images.images().data_ptr<std::uint8_t>()[i * 3072] == i + 1);
    CHECK(images.images().data_ptr<std::uint8_t>()[i * 3072 + 3071] == 7);
  }

  const std::string hundred =
      folder.write("cifar-100.tar", tar({{"cifar-100-binary/test.bin", record("\5\2", '\1')}}));
  const auto read = [&](const std::string& member) {
    return datasets::detail::read_cifar(hundred, {member}, 2, {});
  };
  CHECK(read("cifar-100-binary/test.bin").labels().item<int>() == 2);
  CHECK_ERROR(read("cifar-100-binary/train.bin"),
              "[load_images] expected records of 3074 bytes in cifar-100-binary/train.bin, got 0 "
              "bytes (" +
                  hundred);
}

TEST_CASE("an archive that is damaged is an error with file, offset and reason") {
  const TempFolder folder;
  const std::string whole = tar({{"a", std::string(600, 'x')}, {"b", "y"}});
  const auto read = [&](const std::string& content) {
    return datasets::detail::read_cifar(folder.write("x.tar", content), {"a"}, 1, {});
  };
  CHECK_ERROR(read(whole), "expected records of 3073 bytes in a, got 600 bytes");
  for (std::size_t length = 0; length < 512 + 1024 + 512 + 512 + 512; length += 13) {
    CAPTURE(length);
    CHECK_ERROR(read(whole.substr(0, length)), "x.tar, offset ");
  }
  std::string damaged = whole;
  damaged[5] = 'z';
  CHECK_ERROR(read(damaged),
              "[load_images] expected a tar header whose checksum holds, got another");
  CHECK_ERROR(read(tar({{"a", "", '0', "77777777777"}})),
              "expected a size that the archive can hold, got \"77777777777\"");
  CHECK_ERROR(read(tar({{"a", "", '0', "12x"}})), "expected a size that the archive can hold");
}
