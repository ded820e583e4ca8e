#include "reel/datasets/fashion_mnist.h"

#include <doctest/doctest.h>

#include <array>

#include "reel/datasets/idx.h"
#include "reel/datasets/mnist.h"
#include "reel/ops/create/create.h"
#include "support/skip.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using namespace reel::testing;

namespace {

/// Whether files are neither found nor downloaded, any other trouble being an error.
bool missing(LabeledImages (*read)(const FetchOptions&)) {
  try {
    read({.download = false});
  } catch (const Error& error) {
    if (!contains(error.what(), "got no such file (")) throw;
    return true;
  }
  return false;
}

}  // namespace

TEST_CASE("Fashion-MNIST as published: sizes, classes, first and last picture") {
  if (missing(FashionMNIST::test)) REEL_SKIP("no fashion-mnist in REEL_DATA or the cache");
  const FetchOptions found{.download = false};
  const LabeledImages train = FashionMNIST::train(found), test = FashionMNIST::test(found);
  for (const auto& [set, size] : {std::pair{&train, Size{60000}}, {&test, Size{10000}}}) {
    CHECK(set->size() == size);
    CHECK(set->images().shape() == Shape{size, 1, 28, 28});
    std::array<Size, 10> count{};
    const auto* labels = set->labels().data_ptr<std::int64_t>();
    for (Size i = 0; i < size; ++i) ++count[static_cast<std::size_t>(labels[i])];
    for (const Size n : count) CHECK(n == size / 10);
  }
  CHECK(train.labels().data_ptr<std::int64_t>()[0] == 9);
  CHECK(test.class_names()[9] == "Ankle boot");
  // The mean that the field normalises by.
  const auto* pixels = train.images().data_ptr<std::uint8_t>();
  double sum = 0;
  for (Size i = 0; i < train.images().numel(); ++i) sum += pixels[i];
  CHECK(sum / 255 / static_cast<double>(train.images().numel()) ==
        doctest::Approx(0.2860).epsilon(0.001));
}

TEST_CASE("Fashion-MNIST and MNIST say what is missing, and where it was looked for") {
  const TempFolder empty_root;
  FetchOptions options;
  options.root = empty_root.path();
  options.download = false;
  CHECK_ERROR(FashionMNIST::train(options),
              "[fetch] expected the file to be there already, got no such file (" +
                  empty_root / "fashion-mnist/train-images-idx3-ubyte.gz" + ")");
  CHECK_ERROR(FashionMNIST::test(options), "fashion-mnist/t10k-images-idx3-ubyte.gz");
  CHECK_ERROR(MNIST::train(options), "mnist/train-images-idx3-ubyte.gz");
  CHECK_ERROR(MNIST::test(options), "mnist/t10k-images-idx3-ubyte.gz");
}

TEST_CASE("Fashion-MNIST refuses files of another content") {
  const TempFolder root;
  write_idx(root.write("fashion-mnist/train-images-idx3-ubyte.gz", ""),
            empty({2, 28, 28}, {.dtype = uint8}));
  FetchOptions options;
  options.root = root.path();
  options.download = false;
  CHECK_ERROR(FashionMNIST::train(options), "got one of another SHA-256 (");
}

TEST_CASE("class names of Fashion-MNIST and MNIST") {
  CHECK(FashionMNIST::class_names().size() == 10);
  CHECK(FashionMNIST::class_names()[0] == "T-shirt/top");
  CHECK(FashionMNIST::class_names()[6] == "Shirt");
  CHECK(MNIST::class_names().size() == 10);
  CHECK(MNIST::class_names()[7] == "7");
}

TEST_CASE("without Fashion-MNIST the lesson gets drawn garments, and the reason") {
  const TempFolder cache;
  const Environment reel_data("REEL_DATA", "/no/such/folder");
  const Environment reel_cache("REEL_CACHE", cache.path().c_str());
  const GarmentSets sets = fashion_mnist_or_drawn({.download = false});
  CHECK(sets.drawn);
  CHECK(sets.train.size() == 60000);
  CHECK(sets.test.size() == 10000);
  CHECK(contains(sets.message, "these garments are DRAWN"));
  CHECK(contains(sets.message, "got no such file ("));
  CHECK(contains(sets.message, "REEL_DATA is \"/no/such/folder\", which is no folder"));
  CHECK(cache.entries() == 0);
}

TEST_CASE("a folder named by hand that lacks Fashion-MNIST is an error, and stays as it is") {
  const TempFolder root;
  CHECK_ERROR(fashion_mnist_or_drawn({.root = root.path()}),
              "got no such file (" + root / "fashion-mnist/train-images-idx3-ubyte.gz" + ")");
  CHECK_ERROR(fashion_mnist_or_drawn({.root = root / "none"}),
              "root is \"" + root / "none" + "\", which is no folder");
  CHECK(root.entries() == 0);
}

TEST_CASE("MNIST as published") {
  if (missing(MNIST::test)) REEL_SKIP("no mnist in REEL_DATA or the cache");
  const FetchOptions found{.download = false};
  const LabeledImages test = MNIST::test(found);
  CHECK(test.size() == 10000);
  CHECK(test.labels().data_ptr<std::int64_t>()[0] == 7);
  CHECK(MNIST::train(found).size() == 60000);
}
