#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "reel/autograd/tensor.h"

namespace reel::datasets {

/// The distinct characters of a text, each with a number: Unicode code points in ascending order.
class REEL_API Characters {
 public:
  /// Throws `Error` for text that is not UTF-8.
  explicit Characters(std::string_view text);

  /// How many there are.
  Size size() const { return static_cast<Size>(code_points_.size()); }

  /// The numbers of a text's characters, int64 `[N]`. Throws `Error` for characters that are not
  /// among these, and text that is not UTF-8.
  Tensor encode(std::string_view text) const;

  /// The text of numbers `[N]`, in UTF-8. Throws `Error` for numbers out of range.
  std::string decode(const Tensor& numbers) const;

 private:
  std::vector<char32_t> code_points_;
};

/// How a `TextDataset` cuts.
struct TextDatasetOptions {
  /// Tokens of a sample.
  Size length = 128;
  /// How far apart samples begin. 0: `length`, so that they do not overlap.
  Size stride = 0;
};

/// Windows of a long row of tokens, to learn the next one of each: sample i is the tokens from
/// i * stride on, int64 `[length]`, and those from one further on. Tokens that make no whole window
/// are left out. A handle.
///
/// **Example**
/// ```cpp
/// const std::string text = load_text("tiny-shakespeare");
/// const Characters characters(text);                               // 65
/// const TextDataset windows{characters.encode(text), {.length = 64}};
/// auto [input, target] = windows.get(0);                           // [64] and [64]
/// ```
/// Throws `Error` unless tokens are integers `[N]` and more than `length`.
class REEL_API TextDataset {
 public:
  /// Throws also unless `length` is above 0 and `stride` at least 0.
  explicit TextDataset(const Tensor& tokens, const TextDatasetOptions& options = {});

  /// The number of windows.
  Size size() const { return size_; }
  /// All tokens, int64 `[N]`.
  const Tensor& tokens() const { return tokens_; }

  /// The tokens of window `index` and those that come next, int64 `[length]` each: views of
  /// `tokens()`. Throws `Error` for an index out of range.
  std::array<Tensor, 2> get(Size index) const;

 private:
  Tensor tokens_;
  Size length_, stride_, size_;
};

}  // namespace reel::datasets
