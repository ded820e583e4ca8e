#pragma once

#include <string>
#include <vector>

#include "reel/autograd/tensor.h"
#include "reel/base/terminal.h"

namespace reel::datasets {

/// How pictures are drawn as text.
struct ShowOptions {
  /// `none`: shades, from a blank to a full block, or to `@` in ASCII; `ansi256`: 24 greys;
  /// `truecolor`: every grey and colour. `terminal_colors()` says what standard output can show.
  Colors colors = Colors::truecolor;
  /// Columns of the terminal: how many pictures `show_images` puts side by side. A picture that is
  /// wider is drawn smaller, each pixel the mean of 2x2, 3x3, ... of its own.
  Size width = 80;
  /// Whether half blocks and shades may be used, or ASCII only.
  bool unicode = utf8_locale();
};

/// A picture as text, one character a pixel wide and two pixels high, each line ended by "\n".
///
/// `image`: uint8 in [0, 255] or floating in [0, 1] (beyond which it is clipped), of shape
/// `[H, W]`, `[1, H, W]` (grey) or `[3, H, W]` (red, green, blue). Throws `Error` for other shapes
/// and dtypes.
REEL_API std::string show_image(const Tensor& image, const ShowOptions& options = {});

/// Pictures `[N, H, W]` or `[N, C, H, W]` side by side, in as many rows as they need, each with a
/// caption below, cut to the picture's width, or to the terminal's where a row has one picture.
/// Throws `Error` unless there are `N` captions or none.
///
/// **Example**
/// ```cpp
/// auto [images, labels] = *DataLoader{test_set, {.batch_size = 3}}.begin();
/// std::cout << show_images(images, {"Bag", "Coat", "Coat?"}, {.colors = terminal_colors()});
/// ```
REEL_API std::string show_images(const Tensor& images,
                                 const std::vector<std::string>& captions = {},
                                 const ShowOptions& options = {});

}  // namespace reel::datasets
