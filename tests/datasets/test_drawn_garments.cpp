#include "reel/datasets/drawn_garments.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <string>

#include "reel/base/detail/sha256.h"
#include "reel/base/threads.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;

namespace {

std::string bytes_of(const Tensor& images) {
  return {reinterpret_cast<const char*>(images.data_ptr<std::uint8_t>()),
          static_cast<std::size_t>(images.numel())};
}

}  // namespace

TEST_CASE("drawn garments have the form of Fashion-MNIST") {
  const LabeledImages set = DrawnGarments::train({.size = 57});
  CHECK(set.size() == 57);
  CHECK(set.images().shape() == Shape{57, 1, 28, 28});
  CHECK(set.labels().shape() == Shape{57});
  CHECK(set.class_names().size() == 10);
  CHECK(set.class_names()[9] == "Ankle boot");
  CHECK(DrawnGarments::train({.size = 0}).size() == 0);
  CHECK_ERROR(DrawnGarments::train({.size = -1}), "[DrawnGarments] expected size >= 0, got -1");
}

TEST_CASE("of every ten drawn garments each class is one") {
  const LabeledImages set = DrawnGarments::train({.size = 200});
  const auto* labels = set.labels().data_ptr<std::int64_t>();
  std::set<std::string> orders;
  for (int begin = 0; begin < 200; begin += 10) {
    std::string order;
    for (int i = 0; i < 10; ++i) order += static_cast<char>('0' + labels[begin + i]);
    orders.insert(order);
    std::sort(order.begin(), order.end());
    CHECK(order == "0123456789");
  }
  CHECK(orders.size() == 20);
}

TEST_CASE("drawn garments are a function of the seed, whatever the number of threads") {
  const int threads = get_num_threads();
  set_num_threads(1);
  const LabeledImages one = DrawnGarments::train({.size = 500, .seed = 5});
  set_num_threads(4);
  const LabeledImages four = DrawnGarments::train({.size = 500, .seed = 5});
  set_num_threads(threads);
  CHECK(bytes_of(one.images()) == bytes_of(four.images()));
  CHECK(bytes_of(one.images()) != bytes_of(DrawnGarments::train({.size = 500}).images()));
  // A smaller set is the beginning of a larger one.
  const std::string fewer = bytes_of(DrawnGarments::train({.size = 130, .seed = 5}).images());
  CHECK(bytes_of(one.images()).substr(0, fewer.size()) == fewer);
}

TEST_CASE("no drawn garment is empty, and none comes twice, in train and test together") {
  std::set<std::string> seen;
  for (const LabeledImages& set :
       {DrawnGarments::train({.size = 2000}), DrawnGarments::test({.size = 1000})}) {
    const std::string all = bytes_of(set.images());
    for (std::size_t at = 0; at < all.size(); at += 784) {
      const std::string image = all.substr(at, 784);
      CHECK(std::count_if(image.begin(), image.end(), [](char c) { return c != 0; }) > 30);
      seen.insert(image);
    }
  }
  CHECK(seen.size() == 3000);
}
