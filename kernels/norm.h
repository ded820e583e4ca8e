#pragma once

#include <span>
#include <vector>

#include "reel/kernels/array.h"

namespace reel::kernels {

// Normalisation of float32 and float64. Statistics are summed in double, in an order that depends
// on the shape only.

// ---- per channel, of images `[N, C, ...]` whose channels are neighbours in memory

/// What each channel is normalised by.
struct ChannelMoments {
  std::vector<double> mean, inverse;  ///< inverse = 1 / sqrt(var + eps)
  bool of_batch = true;               ///< they were computed from the images; else constants
};

/// The elements of a vector of any stride.
std::vector<double> as_doubles(const ConstArray& vector);

/// The mean and the biased variance of every channel. No size may be 0.
void channel_moments(const ConstArray& x, std::span<double> mean, std::span<double> var);

/// running = (1 - momentum) running + momentum factor values, for a vector of any stride.
void move_running(const Array& running, std::span<const double> values, double momentum,
                  double factor);

/// y = (x - mean) inverse weight + bias; `weight` and `bias` `[C]`, of any stride, may be missing.
void normalize_channels(const ConstArray& x, const ChannelMoments& moments,
                        const ConstArray& weight, const ConstArray& bias, const Array& y);

/// The gradients of `normalize_channels`, of which any may be missing.
void normalize_channels_backward(const ConstArray& dy, const ConstArray& x,
                                 const ConstArray& weight, const ChannelMoments& moments,
                                 const Array& dx, const Array& dweight, const Array& dbias);

// ---- per row, of contiguous matrices `[rows, columns]`

/// y = (x - mean) / sqrt(var + eps) weight + bias with the moments of each row; `weight` and `bias`
/// `[columns]`, contiguous, may be missing. Keeps the mean and the inverse deviation of every row.
void normalize_rows(const ConstArray& x, const ConstArray& weight, const ConstArray& bias,
                    double eps, const Array& y, std::span<double> mean, std::span<double> inverse);

/// The gradients of `normalize_rows`; `dweight` and `dbias` may be missing.
void normalize_rows_backward(const ConstArray& dy, const ConstArray& x, const ConstArray& weight,
                             std::span<const double> mean, std::span<const double> inverse,
                             const Array& dx, const Array& dweight, const Array& dbias);

}  // namespace reel::kernels
