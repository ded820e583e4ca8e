#include "reel/kernels/conv_thin.h"

#include <algorithm>
#include <vector>

#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

// The batch is summed in at most so many parts, whatever the number of threads.
constexpr Size max_parts = 16;

/// A `ThinConv` with what it points at.
struct Plan {
  ThinConv conv;
  std::vector<Size> offsets;

  explicit Plan(const ConvShape& s) {
    conv.shape = s;
    conv.padded_h = (s.rows.out - 1) * s.rows.stride + reach(s.rows);
    conv.padded_w = (s.columns.out - 1) * s.columns.stride + reach(s.columns);
    conv.taps = s.rows.kernel * s.columns.kernel;
    const Size lanes = thin_conv_table().lanes;
    conv.columns = (s.out_channels + lanes - 1) / lanes * lanes;
    for (Size kh = 0; kh < s.rows.kernel; ++kh) {
      for (Size kw = 0; kw < s.columns.kernel; ++kw) {
        offsets.push_back(kh * s.rows.dilation * conv.padded_w + kw * s.columns.dilation);
      }
    }
    conv.offsets = offsets.data();
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  /// Calls `f(begin, end, room for a padded image)` for ranges of images.
  template <class F>
  void each_image(const F& f) const {
    const ConvShape& s = conv.shape;
    const Size work = s.rows.out * s.columns.out * s.out_channels * conv.taps;
    parallel_for(s.batch, std::max<Size>(1, parallel_grain * 8 / work), [&](Size begin, Size end) {
      std::vector<float> padded = blank_image();
      f(begin, end, padded.data());
    });
  }

  std::vector<float> blank_image() const { return floats(conv.padded_h * conv.padded_w); }
  static std::vector<float> floats(Size count) {
    return std::vector<float>(static_cast<std::size_t>(count));
  }
};

/// The weights as [taps, columns] and the bias as [columns], zeros where there is none.
struct Packed {
  std::vector<float> weights, bias;

  Packed(const ThinConv& conv, const float* w, const float* b)
      : weights(Plan::floats(conv.taps * conv.columns)), bias(Plan::floats(conv.columns)) {
    const Size channels = conv.shape.out_channels;
    for (Size o = 0; o < channels; ++o) {
      for (Size t = 0; t < conv.taps; ++t) {
        weights[static_cast<std::size_t>(t * conv.columns + o)] = w[o * conv.taps + t];
      }
    }
    if (b != nullptr) std::copy_n(b, channels, bias.begin());
  }
};

}  // namespace

bool is_thin(const ConvShape& s) {
  return s.in_channels == 1 && is_flat(s.depth) && cell_count(s) <= 64;
}

bool is_thin(const ConvShape& s, const PoolShape& pool) {
  const auto pairs = [](const WindowAxis& a) {
    return a.kernel == 2 && a.stride == 2 && a.padding == 0 && a.dilation == 1 && a.out * 2 <= a.in;
  };
  return is_thin(s) && is_flat(pool.depth) && pairs(pool.rows) && pairs(pool.columns);
}

void thin_conv(const ConvShape& s, const float* x, const float* w, const float* bias, float* y) {
  const Plan plan(s);
  const Packed packed(plan.conv, w, bias);
  plan.each_image([&](Size begin, Size end, float* padded) {
    thin_conv_table().forward(plan.conv, begin, end, x, packed.weights.data(), packed.bias.data(),
                              padded, y);
  });
}

void thin_conv_pooled(const ConvShape& s, const PoolShape& pool, const float* x, const float* w,
                      const float* bias, float* y, std::uint8_t* index) {
  const Plan plan(s);
  const Packed packed(plan.conv, w, bias);
  plan.each_image([&](Size begin, Size end, float* padded) {
    thin_conv_table().pooled(plan.conv, begin, end, pool.rows.out, pool.columns.out, x,
                             packed.weights.data(), packed.bias.data(), padded, y, index);
  });
}

void thin_conv_weight(const ConvShape& s, const float* x, const float* dy, float* dw, float* db) {
  const Plan plan(s);
  const ThinConv& conv = plan.conv;
  const Size parts = std::min(s.batch, max_parts), stride = (conv.taps + 1) * conv.columns;
  std::vector<float> sums = Plan::floats(parts * stride);
  const Size part_work = s.batch / parts * s.rows.out * s.columns.out * s.out_channels * conv.taps;
  parallel_for(parts, std::max<Size>(1, parallel_grain * 8 / part_work), [&](Size begin, Size end) {
    std::vector<float> padded = plan.blank_image();
    for (Size part = begin; part < end; ++part) {
      float* own = sums.data() + part * stride;
      thin_conv_table().weight(conv, part * s.batch / parts, (part + 1) * s.batch / parts, x, dy,
                               padded.data(), own, own + conv.taps * conv.columns);
    }
  });
  for (Size o = 0; o < s.out_channels; ++o) {
    for (Size t = 0; t <= conv.taps; ++t) {
      float sum = 0;
      for (Size part = 0; part < parts; ++part) {
        sum += sums[static_cast<std::size_t>(part * stride + t * conv.columns + o)];
      }
      if (t < conv.taps) {
        dw[o * conv.taps + t] = sum;
      } else if (db != nullptr) {
        db[o] = sum;
      }
    }
  }
}

}  // namespace reel::kernels
