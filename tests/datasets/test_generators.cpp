#include "reel/datasets/generators.h"

#include <doctest/doctest.h>

#include <cmath>

#include "reel/ops/pointwise/pointwise.h"
#include "reel/ops/reduce/reduce.h"
#include "support/temp_folder.h"

using namespace reel;
using namespace reel::datasets;
using namespace reel::testing;

namespace {

struct Point {
  double x, y;
  Size label;
};

std::vector<Point> points_of(const TensorDataset<2>& set) {
  std::vector<Point> points;
  for (Size i = 0; i < set.size(); ++i) {
    const auto [point, label] = set.get(i);
    points.push_back({point[0].item(), point[1].item(), label.item<Size>()});
  }
  return points;
}

bool equal(const TensorDataset<2>& a, const TensorDataset<2>& b) {
  return eq(a.tensors()[0], b.tensors()[0]).all().item<bool>() &&
         eq(a.tensors()[1], b.tensors()[1]).all().item<bool>();
}

}  // namespace

TEST_CASE("generators give the same points for the same options") {
  CHECK(equal(make_blobs({.seed = 1}), make_blobs({.seed = 1})));
  CHECK(!equal(make_blobs({.seed = 1}), make_blobs({.seed = 2})));
  CHECK(equal(make_moons({.noise = 0.1}), make_moons({.noise = 0.1})));
  CHECK(!equal(make_moons({.noise = 0.1}), make_moons({.noise = 0.1, .seed = 1})));
  CHECK(equal(make_sinusoids({.seed = 3}), make_sinusoids({.seed = 3})));
  CHECK(make_circles({.samples = 0}).size() == 0);
}

TEST_CASE("make_blobs: points around centers, as many of each") {
  const TensorDataset<2> set = make_blobs({.samples = 3000, .features = 3, .cluster_std = 0.5});
  CHECK(set.tensors()[0].shape() == Shape{3000, 3});
  for (Size center = 0; center < 3; ++center) {
    const Tensor own = set.tensors()[0][eq(set.tensors()[1], center)];
    CHECK(own.size(0) == 1000);
    // The standard deviation of 1000 numbers of 0.5: within five of its own deviations.
    for (Size f = 0; f < 3; ++f) {
      CHECK(own.std(Dims{0})[f].item() == doctest::Approx(0.5).epsilon(0.12));
    }
  }
}

TEST_CASE("make_moons: two half circles that reach into each other") {
  Size upper = 0;
  for (const auto& [x, y, label] : points_of(make_moons({.samples = 101}))) {
    // sklearn: (cos t, sin t) and (1 - cos t, 1 - sin t - 0.5) for t in [0, pi]
    const double u = label == 0 ? x : 1 - x, v = label == 0 ? y : 0.5 - y;
    CHECK(std::hypot(u, v) == doctest::Approx(1));
    CHECK(v >= -1e-6);
    upper += label == 0 ? 1 : 0;
  }
  CHECK(upper == 51);
}

TEST_CASE("make_circles: one within the other") {
  Point sum{};
  for (const auto& [x, y, label] : points_of(make_circles({.samples = 40, .factor = 0.3}))) {
    CHECK(std::hypot(x, y) == doctest::Approx(label == 0 ? 1 : 0.3));
    sum.x += x;
    sum.y += y;
  }
  // Evenly spread, none twice.
  CHECK(std::abs(sum.x) < 1e-5);
  CHECK(std::abs(sum.y) < 1e-5);
}

TEST_CASE("make_spirals: arms from the middle to radius 1") {
  double longest = 0;
  for (const auto& [x, y, label] : points_of(make_spirals({.samples = 60, .classes = 3}))) {
    const double radius = std::hypot(x, y);
    longest = std::max(longest, radius);
    const double angle = 2 * 3.141592653589793 * (static_cast<double>(label) / 3 + radius);
    CHECK(x == doctest::Approx(radius * std::cos(angle)).epsilon(1e-5));
    CHECK(y == doctest::Approx(radius * std::sin(angle)).epsilon(1e-5));
  }
  CHECK(longest == doctest::Approx(1));
}

TEST_CASE("make_sinusoids: waves, and what comes next") {
  const TensorDataset<2> set =
      make_sinusoids({.samples = 4, .length = 30, .min_frequency = 2, .max_frequency = 2});
  CHECK(set.tensors()[0].shape() == Shape{4, 30});
  CHECK(set.tensors()[1].shape() == Shape{4});
  for (Size i = 0; i < 4; ++i) {
    const auto [curve, next] = set.get(i);
    // Two whole waves: the curve repeats after 15 steps, and next is the curve's start.
    CHECK(curve[15].item() == doctest::Approx(curve[0].item()).epsilon(1e-4));
    CHECK(next.item() == doctest::Approx(curve[0].item()).epsilon(1e-4));
  }
}

TEST_CASE("generators refuse options that make no points") {
  CHECK_ERROR(make_blobs({.samples = -1}), "[make_blobs] expected samples >= 0 and noise >= 0");
  CHECK_ERROR(make_blobs({.centers = 0}), "expected features >= 1, centers >= 1 and box >= 0");
  CHECK_ERROR(make_moons({.noise = -1}), "[make_moons] expected samples >= 0 and noise >= 0");
  CHECK_ERROR(make_circles({.factor = 1}), "[make_circles] expected factor in [0, 1), got 1");
  CHECK_ERROR(make_spirals({.classes = 0}), "expected classes >= 1 and turns >= 0, got 0 and 1");
  CHECK_ERROR(make_sinusoids({.min_frequency = 3, .max_frequency = 2}),
              "expected length >= 1 and 0 <= min_frequency <= max_frequency, got 50, 3 and 2");
}
