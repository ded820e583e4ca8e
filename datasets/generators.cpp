#include "reel/datasets/generators.h"

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "reel/base/detail/random_stream.h"
#include "reel/base/fail.h"

namespace reel::datasets {
namespace {

constexpr double pi = std::numbers::pi;

/// Numbers of sample `sample`, the same in whichever order samples are made.
class Chance {
 public:
  Chance(std::uint64_t seed, Size sample) : stream_(seed, static_cast<std::uint64_t>(sample)) {}

  /// In [low, high).
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(stream_.bits() >> 11) * 0x1p-53;
  }
  /// Box and Muller 1958.
  double normal(double deviation) {
    const double radius = std::sqrt(-2 * std::log(1 - uniform(0, 1)));
    return deviation * radius * std::cos(2 * pi * uniform(0, 1));
  }

 private:
  reel::detail::RandomStream stream_;
};

void check_samples(const char* op, Size samples, double noise) {
  check(samples >= 0 && noise >= 0, op, "expected samples >= 0 and noise >= 0, got {} and {}",
        samples, noise);
}

/// Points `[N, 2]` and their classes: `point(class, share, x, y)` says where a point is that lies
/// `share` of the way along its class. Classes are of equal size, to within one, and mixed.
TensorDataset<2> planar(Size samples, Size classes, double noise, std::uint64_t seed,
                        auto&& point) {
  const Tensor points = empty({samples, 2}), labels = empty({samples}, {.dtype = int64});
  const std::vector<Size> order = reel::detail::shuffled_indices(samples, seed, 0);
  for (Size i = 0; i < samples; ++i) {
    const Size place = order[static_cast<std::size_t>(i)];
    const Size label = i % classes;
    const Size members = (samples - label + classes - 1) / classes;
    const double share =
        members > 1 ? static_cast<double>(i / classes) / static_cast<double>(members - 1) : 0;
    const auto [x, y] = point(label, share);
    Chance chance(seed, i + 1);
    points.data_ptr<float>()[2 * place] = static_cast<float>(x + chance.normal(noise));
    points.data_ptr<float>()[2 * place + 1] = static_cast<float>(y + chance.normal(noise));
    labels.data_ptr<std::int64_t>()[place] = label;
  }
  return TensorDataset{points, labels};
}

}  // namespace

TensorDataset<2> make_blobs(const BlobsOptions& options) {
  constexpr const char* op = "make_blobs";
  check_samples(op, options.samples, options.cluster_std);
  check(options.features >= 1 && options.centers >= 1 && options.box >= 0, op,
        "expected features >= 1, centers >= 1 and box >= 0, got {}, {} and {}", options.features,
        options.centers, options.box);
  std::vector<double> centers;
  Chance where(options.seed, 0);
  for (Size i = 0; i < options.centers * options.features; ++i) {
    centers.push_back(where.uniform(-options.box, options.box));
  }
  const Tensor points = empty({options.samples, options.features});
  const Tensor labels = empty({options.samples}, {.dtype = int64});
  const std::vector<Size> order = reel::detail::shuffled_indices(options.samples, options.seed, 0);
  for (Size i = 0; i < options.samples; ++i) {
    const Size place = order[static_cast<std::size_t>(i)], center = i % options.centers;
    Chance chance(options.seed, i + 1);
    for (Size f = 0; f < options.features; ++f) {
      const double middle = centers[static_cast<std::size_t>(center * options.features + f)];
      points.data_ptr<float>()[place * options.features + f] =
          static_cast<float>(middle + chance.normal(options.cluster_std));
    }
    labels.data_ptr<std::int64_t>()[place] = center;
  }
  return TensorDataset{points, labels};
}

TensorDataset<2> make_moons(const MoonsOptions& options) {
  check_samples("make_moons", options.samples, options.noise);
  return planar(options.samples, 2, options.noise, options.seed, [](Size moon, double share) {
    const double angle = pi * share;
    return moon == 0 ? std::pair{std::cos(angle), std::sin(angle)}
                     : std::pair{1 - std::cos(angle), 0.5 - std::sin(angle)};
  });
}

TensorDataset<2> make_circles(const CirclesOptions& options) {
  constexpr const char* op = "make_circles";
  check_samples(op, options.samples, options.noise);
  check(options.factor >= 0 && options.factor < 1, op, "expected factor in [0, 1), got {}",
        options.factor);
  const Size samples = options.samples;
  return planar(samples, 2, options.noise, options.seed, [&](Size circle, double share) {
    // The last point is one before the first.
    const auto members = static_cast<double>((samples - circle + 1) / 2);
    const double angle = 2 * pi * share * (members - 1) / members;
    const double radius = circle == 0 ? 1 : options.factor;
    return std::pair{radius * std::cos(angle), radius * std::sin(angle)};
  });
}

TensorDataset<2> make_spirals(const SpiralsOptions& options) {
  constexpr const char* op = "make_spirals";
  check_samples(op, options.samples, options.noise);
  check(options.classes >= 1 && options.turns >= 0, op,
        "expected classes >= 1 and turns >= 0, got {} and {}", options.classes, options.turns);
  return planar(
      options.samples, options.classes, options.noise, options.seed, [&](Size arm, double share) {
        const double start = static_cast<double>(arm) / static_cast<double>(options.classes);
        const double angle = 2 * pi * (start + options.turns * share);
        return std::pair{share * std::cos(angle), share * std::sin(angle)};
      });
}

TensorDataset<2> make_sinusoids(const SinusoidsOptions& options) {
  constexpr const char* op = "make_sinusoids";
  check_samples(op, options.samples, options.noise);
  check(options.length >= 1 && options.min_frequency >= 0 &&
            options.max_frequency >= options.min_frequency,
        op, "expected length >= 1 and 0 <= min_frequency <= max_frequency, got {}, {} and {}",
        options.length, options.min_frequency, options.max_frequency);
  const Tensor curves = empty({options.samples, options.length}), next = empty({options.samples});
  auto* to = curves.data_ptr<float>();
  for (Size i = 0; i < options.samples; ++i) {
    Chance chance(options.seed, i);
    const double frequency = chance.uniform(options.min_frequency, options.max_frequency);
    const double phase = chance.uniform(0, 1);
    const auto value = [&](Size t) {
      const double at = static_cast<double>(t) / static_cast<double>(options.length);
      return static_cast<float>(std::sin(2 * pi * (frequency * at + phase)) +
                                chance.normal(options.noise));
    };
    for (Size t = 0; t < options.length; ++t) *to++ = value(t);
    next.data_ptr<float>()[i] = value(options.length);
  }
  return TensorDataset{curves, next};
}

}  // namespace reel::datasets
