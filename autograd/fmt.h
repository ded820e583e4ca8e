#pragma once

// Lets {fmt} format Reel's types: `fmt::print("{} {:.2}\n", x.shape(), x)`. No other public header
// of Reel pulls {fmt} in.

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <string>

#include "reel/autograd/print.h"
#include "reel/autograd/tensor.h"
#include "reel/base/fmt.h"

/// As `reel::to_string` writes it; `{:.2}` sets the precision. Also for `nn::Parameter` and what
/// `x[mask]` returns.
template <std::derived_from<reel::Tensor> T>
struct fmt::formatter<T> {
  constexpr auto parse(fmt::format_parse_context& context) {
    auto at = context.begin();
    if (at != context.end() && *at == '.') {
      options.precision = 0;
      for (++at; at != context.end() && *at >= '0' && *at <= '9' && options.precision < 100; ++at) {
        options.precision = options.precision * 10 + (*at - '0');
      }
    }
    if (at != context.end() && *at != '}') throw fmt::format_error("expected {} or {:.N}");
    return at;
  }

  auto format(const reel::Tensor& tensor, fmt::format_context& context) const {
    const std::string text = reel::to_string(tensor, options);
    return std::copy(text.begin(), text.end(), context.out());
  }

  reel::PrintOptions options;
};
