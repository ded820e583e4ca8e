#include "reel/datasets/show.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>

#include "reel/base/fail.h"

namespace reel::datasets {
namespace {

using Color = std::array<int, 3>;  // red, green, blue; 0 to 255

/// The pixels of one picture as colours, made smaller until it is no wider than `most_columns`.
class Pixels {
 public:
  Pixels(const char* op, const Tensor& image, Size most_columns) {
    const Size rank = image.dim();
    check(rank == 2 || (rank == 3 && (image.size(0) == 1 || image.size(0) == 3)), op,
          "expected a picture of shape [H, W], [1, H, W] or [3, H, W], got {}", image.shape());
    check(image.dtype() == uint8 || image.is_floating_point(), op,
          "expected a picture of dtype uint8, float32 or float64, got {}", image.dtype());
    height_ = image.size(-2);
    width_ = image.size(-1);
    channels_ = rank == 3 ? image.size(0) : 1;
    const bool bytes = image.dtype() == uint8;
    const Tensor values = image.detach().to(float32).contiguous();
    const float* from = values.data_ptr<float>();
    const float scale = bytes ? 1.0F : 255.0F;
    for (Size i = 0; i < values.numel(); ++i) {
      const float level = std::isnan(from[i]) ? 0.0F : std::clamp(from[i] * scale, 0.0F, 255.0F);
      levels_.push_back(static_cast<int>(std::lround(level)));
    }
    shrink(shrinkage(width_, most_columns));
  }

  /// How many pixels of a picture make one, each way.
  static Size shrinkage(Size width, Size most_columns) {
    const Size columns = std::max<Size>(most_columns, 1);
    return std::max<Size>(width / columns + (width % columns != 0 ? 1 : 0), 1);
  }

  Size height() const { return height_; }
  Size width() const { return width_; }

  /// Black below the last row, where an odd height leaves half a line.
  Color at(Size y, Size x) const {
    Color color{};
    if (y >= height_) return color;
    for (Size c = 0; c < 3; ++c) {
      const Size channel = channels_ == 3 ? c : 0;
      const Size index = (channel * height_ + y) * width_ + x;
      color[static_cast<std::size_t>(c)] = levels_[static_cast<std::size_t>(index)];
    }
    return color;
  }

 private:
  void shrink(Size by) {
    if (by == 1) return;
    const Size height = (height_ + by - 1) / by, width = (width_ + by - 1) / by;
    std::vector<int> means;
    for (Size c = 0; c < channels_; ++c) {
      for (Size y = 0; y < height; ++y) {
        for (Size x = 0; x < width; ++x) means.push_back(mean_of(c, y * by, x * by, by));
      }
    }
    levels_ = std::move(means);
    height_ = height;
    width_ = width;
  }

  /// Of the `by` x `by` pixels from (y, x) on, as many as the picture has.
  int mean_of(Size channel, Size y, Size x, Size by) const {
    const Size y_end = std::min(y + by, height_), x_end = std::min(x + by, width_);
    Size sum = 0;
    for (Size row = y; row < y_end; ++row) {
      for (Size column = x; column < x_end; ++column) {
        sum += levels_[static_cast<std::size_t>((channel * height_ + row) * width_ + column)];
      }
    }
    return static_cast<int>(sum / ((y_end - y) * (x_end - x)));
  }

  Size height_ = 0, width_ = 0, channels_ = 1;
  std::vector<int> levels_;
};

int grey(const Color& c) { return (299 * c[0] + 587 * c[1] + 114 * c[2] + 500) / 1000; }

/// The nearest of the 256 colours' greys: 16 is black, 232 to 255 go from 8 to 238, 231 is white.
int ansi_grey(const Color& color) {
  const int level = grey(color);
  if (level < 4) return 16;
  if (level > 246) return 231;
  return 232 + std::clamp((level - 8 + 5) / 10, 0, 23);
}

Color mean(const Color& a, const Color& b) {
  return {(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2};
}

/// Without colours: more light, more ink.
std::string_view shade(const Color& upper, const Color& lower, bool unicode) {
  const int level = (grey(upper) + grey(lower)) / 2;
  const auto nearest = [&](const auto& shades) {
    const int count = static_cast<int>(std::size(shades));
    return shades[std::min((level * count + 64) / 256, count - 1)];
  };
  constexpr std::string_view blocks[] = {" ", "░", "▒", "▓", "█"};
  constexpr std::string_view ascii[] = {" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"};
  return unicode ? nearest(blocks) : nearest(ascii);
}

/// The character of two pixels, one above the other: the upper half of a block before a background,
/// in ASCII a background alone, of their mean.
std::string cell(const Color& upper, const Color& lower, const ShowOptions& options) {
  if (options.colors == Colors::none) return std::string(shade(upper, lower, options.unicode));
  const Color back = options.unicode ? lower : mean(upper, lower);
  if (options.colors == Colors::ansi256) {
    return options.unicode
               ? fmt::format("\x1b[38;5;{};48;5;{}m▀", ansi_grey(upper), ansi_grey(back))
               : fmt::format("\x1b[48;5;{}m ", ansi_grey(back));
  }
  const std::string background = fmt::format("48;2;{};{};{}m", back[0], back[1], back[2]);
  return options.unicode
             ? fmt::format("\x1b[38;2;{};{};{};{}▀", upper[0], upper[1], upper[2], background)
             : fmt::format("\x1b[{} ", background);
}

/// One line of text for the pixel rows 2 * line and 2 * line + 1.
std::string text_line(const Pixels& pixels, Size line, const ShowOptions& options) {
  std::string text;
  for (Size x = 0; x < pixels.width(); ++x) {
    text += cell(pixels.at(2 * line, x), pixels.at(2 * line + 1, x), options);
  }
  if (options.colors != Colors::none) text += "\x1b[0m";
  return text;
}

/// Cut to `most` characters of UTF-8, and filled with blanks to `width`.
std::string fitted(const std::string& caption, Size most, Size width) {
  std::string text;
  Size characters = 0;
  for (const char c : caption) {
    const bool starts_character = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    if (starts_character && ++characters > most) break;
    text += c;
  }
  text.append(static_cast<std::size_t>(std::max<Size>(width - characters, 0)), ' ');
  return text;
}

}  // namespace

std::string show_image(const Tensor& image, const ShowOptions& options) {
  const Pixels pixels("show_image", image, options.width);
  std::string text;
  for (Size line = 0; 2 * line < pixels.height(); ++line) {
    text += text_line(pixels, line, options) + "\n";
  }
  return text;
}

std::string show_images(const Tensor& images, const std::vector<std::string>& captions,
                        const ShowOptions& options) {
  constexpr const char* op = "show_images";
  check(images.dim() == 3 || images.dim() == 4, op,
        "expected pictures of shape [N, H, W] or [N, C, H, W], got {}", images.shape());
  const Size count = images.size(0);
  const Size shrinkage = Pixels::shrinkage(images.size(-1), options.width);
  const Size width = (images.size(-1) + shrinkage - 1) / shrinkage;
  const Size height = (images.size(-2) + shrinkage - 1) / shrinkage;
  check(captions.empty() || static_cast<Size>(captions.size()) == count, op,
        "expected {} captions or none, got {}", count, captions.size());

  constexpr Size gap = 1;
  // One picture, and as many as fit beside it with their gaps.
  const Size beside = std::max<Size>(options.width, width) - width;
  const Size columns = 1 + beside / (width + gap);
  const Size caption_width = columns == 1 ? std::max(width, options.width) : width;
  std::string text;
  for (Size begin = 0; begin < count; begin += columns) {
    const Size end = std::min(begin + columns, count);
    std::vector<Pixels> row;
    for (Size i = begin; i < end; ++i) row.emplace_back(op, images.select(0, i), options.width);
    for (Size line = 0; 2 * line < height; ++line) {
      for (const Pixels& pixels : row) {
        if (&pixels != row.data()) text += std::string(gap, ' ');
        text += text_line(pixels, line, options);
      }
      text += "\n";
    }
    if (!captions.empty()) {
      for (Size i = begin; i < end; ++i) {
        if (i > begin) text += std::string(gap, ' ');
        text += fitted(captions[static_cast<std::size_t>(i)], caption_width, width);
      }
      text += "\n";
    }
  }
  return text;
}

}  // namespace reel::datasets
