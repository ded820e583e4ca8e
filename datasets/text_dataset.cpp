#include "reel/datasets/text_dataset.h"

#include <algorithm>

#include "reel/base/fail.h"
#include "reel/datasets/dataset.h"
#include "reel/ops/shape/view.h"

namespace reel::datasets {
namespace {

/// Calls `f(code_point)` for the characters of a text in UTF-8 (RFC 3629).
void for_each_character(const char* op, std::string_view text, auto&& f) {
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xc2 ? 0
                               : first < 0xe0 ? 2
                               : first < 0xf0 ? 3
                               : first < 0xf5 ? 4
                                              : 0;
    bool valid = length > 0 && at + length <= text.size();
    char32_t code_point = length == 1 ? first : first & (0xffU >> (length + 1));
    for (std::size_t i = 1; valid && i < length; ++i) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      valid = (next & 0xc0) == 0x80;
      code_point = code_point << 6 | (next & 0x3fU);
    }
    constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    valid = valid && code_point >= least[length] && code_point <= 0x10ffff &&
            (code_point < 0xd800 || code_point > 0xdfff);
    check(valid, op, "expected text in UTF-8, got byte {:02x} at offset {}", first, at);
    f(code_point);
    at += length;
  }
}

void append(std::string& text, char32_t c) {
  const auto add = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) {
    add(c);
  } else if (c < 0x800) {
    add(0xc0 | c >> 6);
    add(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    add(0xe0 | c >> 12);
    add(0x80 | (c >> 6 & 0x3f));
    add(0x80 | (c & 0x3f));
  } else {
    add(0xf0 | c >> 18);
    add(0x80 | (c >> 12 & 0x3f));
    add(0x80 | (c >> 6 & 0x3f));
    add(0x80 | (c & 0x3f));
  }
}

}  // namespace

Characters::Characters(std::string_view text) {
  for_each_character("Characters", text, [&](char32_t c) {
    const auto at = std::lower_bound(code_points_.begin(), code_points_.end(), c);
    if (at == code_points_.end() || *at != c) code_points_.insert(at, c);
  });
}

Tensor Characters::encode(std::string_view text) const {
  std::vector<Size> numbers;
  numbers.reserve(text.size());
  for_each_character("encode", text, [&](char32_t c) {
    const auto at = std::lower_bound(code_points_.begin(), code_points_.end(), c);
    check(at != code_points_.end() && *at == c, "encode",
          "expected characters that were in the text at first, got U+{:04X}",
          static_cast<std::uint32_t>(c));
    numbers.push_back(at - code_points_.begin());
  });
  return tensor(numbers);
}

std::string Characters::decode(const Tensor& numbers) const {
  check(numbers.dim() == 1 && !numbers.is_floating_point(), "decode",
        "expected integers [N], got {} {}", numbers.dtype(), numbers.shape());
  const Tensor dense = numbers.detach().to(int64).contiguous();
  std::string text;
  for (Size i = 0; i < dense.numel(); ++i) {
    const Size number = dense.data_ptr<std::int64_t>()[i];
    check(number >= 0 && number < size(), "decode", "expected numbers in [0, {}), got {}", size(),
          number);
    append(text, code_points_[static_cast<std::size_t>(number)]);
  }
  return text;
}

TextDataset::TextDataset(const Tensor& tokens, const TextDatasetOptions& options)
    : length_(options.length), stride_(options.stride == 0 ? options.length : options.stride) {
  constexpr const char* op = "TextDataset";
  check(tokens.dim() == 1 && !tokens.is_floating_point() && tokens.dtype() != bool_, op,
        "expected integers [N] as tokens, got {} {}", tokens.dtype(), tokens.shape());
  check(length_ > 0 && stride_ > 0, op, "expected length > 0 and stride >= 0, got {} and {}",
        options.length, options.stride);
  check(tokens.numel() > length_, op, "expected more than {} tokens, got {}", length_,
        tokens.numel());
  tokens_ = tokens.detach().to(int64).contiguous();
  size_ = (tokens_.numel() - length_ - 1) / stride_ + 1;
}

std::array<Tensor, 2> TextDataset::get(Size index) const {
  reel::detail::check_indices("TextDataset", {&index, 1}, size_);
  const Size begin = index * stride_;
  return {tokens_.narrow(0, begin, length_), tokens_.narrow(0, begin + 1, length_)};
}

}  // namespace reel::datasets
