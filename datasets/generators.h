#pragma once

/// @file
/// Data sets made by formula: points `[N, features]`, float32, and a class or a value for each. The
/// same options give the same points.

#include <cstdint>

#include "reel/datasets/dataset.h"

namespace reel::datasets {

/// How `make_blobs` makes points.
struct BlobsOptions {
  Size samples = 100;      ///< as many of each center, to within one
  Size features = 2;       ///< how many numbers a point has
  Size centers = 3;        ///< which are the classes
  double cluster_std = 1;  ///< the standard deviation around a center, in every direction
  double box = 10;         ///< centers lie in [-box, box] in every direction
  std::uint64_t seed = 0;  ///< of centers, points and their order
};

/// Normally distributed points around random centers, and the center of each, int64. Follows
/// `sklearn.datasets.make_blobs`. Throws `Error` for negative options and no center.
REEL_API TensorDataset<2> make_blobs(const BlobsOptions& options = {});

/// How `make_moons` makes points.
struct MoonsOptions {
  Size samples = 100;      ///< half of them on each, at even distances
  double noise = 0;        ///< the standard deviation of what is added
  std::uint64_t seed = 0;  ///< of the noise and the order
};

/// Points on two half circles that reach into each other, and which of them, int64. Follows
/// `sklearn.datasets.make_moons`, in random order. Throws `Error` for negative options.
REEL_API TensorDataset<2> make_moons(const MoonsOptions& options = {});

/// How `make_circles` makes points.
struct CirclesOptions {
  Size samples = 100;      ///< half of them on each, at even distances
  double noise = 0;        ///< the standard deviation of what is added
  double factor = 0.8;     ///< the radius of the inner circle, that of the outer being 1
  std::uint64_t seed = 0;  ///< of the noise and the order
};

/// Points on a circle (0) and on one within it (1), int64. Follows `sklearn.datasets.make_circles`,
/// in random order. Throws `Error` for negative options and a factor outside [0, 1).
REEL_API TensorDataset<2> make_circles(const CirclesOptions& options = {});

/// How `make_spirals` makes points.
struct SpiralsOptions {
  Size samples = 100;      ///< as many on each arm, to within one
  Size classes = 2;        ///< how many arms
  double turns = 1;        ///< of each arm, from the middle to radius 1
  double noise = 0;        ///< the standard deviation of what is added
  std::uint64_t seed = 0;  ///< of the noise and the order
};

/// Points on spiral arms wound into each other, and the arm of each, int64. Throws `Error` for
/// negative options and no arm.
REEL_API TensorDataset<2> make_spirals(const SpiralsOptions& options = {});

/// How `make_sinusoids` makes curves.
struct SinusoidsOptions {
  Size samples = 100;        ///< how many curves
  Size length = 50;          ///< how many values of a curve are given
  double min_frequency = 1;  ///< the least waves in `length` values
  double max_frequency = 5;  ///< and the most: each curve draws its own, evenly between the two
  double noise = 0;          ///< the standard deviation of what is added, also to the value to come
  std::uint64_t seed = 0;    ///< of frequencies, phases and noise
};

/// Sines of random frequency and phase, float32 `[N, length]`, and the value that comes next,
/// float32 `[N]`: sequences to predict. Throws `Error` for negative options.
REEL_API TensorDataset<2> make_sinusoids(const SinusoidsOptions& options = {});

}  // namespace reel::datasets
