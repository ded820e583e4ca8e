#include "reel/autograd/print.h"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <vector>

#include "reel/autograd/detail/batched.h"
#include "reel/base/fail.h"

namespace reel {
namespace {

constexpr std::string_view opening = "tensor(";
/// Marks in a list of entries where a summary leaves some out.
constexpr Size gap = -1;

/// Which entries of a dimension are shown.
std::vector<Size> shown_entries(Size size, bool summarised, Size edge) {
  std::vector<Size> entries;
  for (Size i = 0; i < size; ++i) {
    if (summarised && i >= edge && i < size - edge) {
      entries.push_back(gap);
      i = size - edge;
      if (i == size) break;
    }
    entries.push_back(i);
  }
  return entries;
}

/// The shown elements of a tensor as text. Recursion is as deep as there are dimensions: at most 8.
class Elements {
 public:
  Elements(const Tensor& tensor, const PrintOptions& options) : tensor_(tensor), options_(options) {
    const bool summarised = tensor.numel() > options.threshold;
    for (Size size : tensor.shape()) {
      entries_.push_back(shown_entries(size, summarised, options.edge_items));
    }
    if (tensor.numel() > 0) collect(0, 0);
    align();
  }

  std::string text() {
    if (tensor_.numel() == 0) return "[]";
    std::string out;
    next_ = 0;
    write(out, 0);
    return out;
  }

 private:
  void collect(Size dim, Size offset) {
    if (dim == tensor_.dim()) {
      with_dtype(tensor_.dtype(), [&]<class T>(T) {
        const T value = tensor_.data_ptr<T>()[offset];
        if constexpr (std::same_as<T, bool>) {
          texts_.emplace_back(value ? "true" : "false");
        } else if constexpr (std::integral<T>) {
          texts_.push_back(fmt::format("{}", value));
        } else {
          numbers_.push_back(static_cast<double>(value));
        }
      });
      return;
    }
    for (Size i : entries_[static_cast<std::size_t>(dim)]) {
      if (i != gap) collect(dim + 1, offset + i * tensor_.strides()[dim]);
    }
  }

  /// Gives all elements one format and one width.
  void align() {
    if (!numbers_.empty()) format_numbers();
    std::size_t width = 0;
    for (const std::string& text : texts_) width = std::max(width, text.size());
    if (tensor_.dim() == 0) return;
    for (std::string& text : texts_) text.insert(0, width - text.size(), ' ');
  }

  void format_numbers() {
    bool whole = true;
    double largest = 0;
    double smallest = HUGE_VAL;
    for (double x : numbers_) {
      if (!std::isfinite(x) || x == 0) continue;
      whole = whole && x == std::trunc(x);
      largest = std::max(largest, std::fabs(x));
      smallest = std::min(smallest, std::fabs(x));
    }
    const bool scientific =
        largest > 1e8 || (!whole && (largest / smallest > 1000 || smallest < 1e-4));
    for (double x : numbers_) {
      if (!std::isfinite(x)) {
        texts_.emplace_back(std::isnan(x) ? "nan" : x < 0 ? "-inf" : "inf");
      } else if (scientific) {
        texts_.push_back(fmt::format("{:.{}e}", x, options_.precision));
      } else if (whole) {
        texts_.push_back(fmt::format("{:.0f}.", x));
      } else {
        texts_.push_back(fmt::format("{:.{}f}", x, options_.precision));
      }
    }
  }

  void write(std::string& out, Size dim) {
    if (dim == tensor_.dim()) {
      out += texts_[next_++];
      return;
    }
    const bool innermost = dim == tensor_.dim() - 1;
    const Size indent = static_cast<Size>(opening.size()) + dim + 1;
    const auto width = static_cast<Size>(texts_.empty() ? 0 : texts_.front().size()) + 2;
    const Size in_a_line = std::max<Size>(1, (options_.line_width - indent) / width);
    Size written = 0;
    out += '[';
    for (Size i : entries_[static_cast<std::size_t>(dim)]) {
      if (written > 0) {
        out += ',';
        const bool breaks = !innermost || written % in_a_line == 0;
        // As many line breaks as brackets close, so that blocks stand apart.
        if (breaks) out.append(static_cast<std::size_t>(tensor_.dim() - 1 - dim + innermost), '\n');
        out.append(breaks ? static_cast<std::size_t>(indent) : 1, ' ');
      }
      ++written;
      if (i == gap) {
        out += "...";
      } else {
        write(out, dim + 1);
      }
    }
    out += ']';
  }

  const Tensor& tensor_;
  const PrintOptions& options_;
  std::vector<std::vector<Size>> entries_;  // of each dimension
  std::vector<double> numbers_;             // the shown elements of a floating tensor
  std::vector<std::string> texts_;          // all shown elements
  std::size_t next_ = 0;
};

}  // namespace

std::string to_string(const Tensor& tensor, const PrintOptions& options) {
  check(options.precision >= 0 && options.precision <= 20, "to_string",
        "expected a precision in [0, 20], got {}", options.precision);
  check(options.edge_items >= 0 && options.threshold >= 0, "to_string",
        "expected edge_items and threshold of 0 or more, got {} and {}", options.edge_items,
        options.threshold);
  if (!tensor.defined()) return "tensor(undefined)";
  if (detail::is_batched(tensor)) {
    return fmt::format("a tensor of shape {} inside vmap, of all samples: {}", tensor.shape(),
                       to_string(detail::batched(tensor).all, options));
  }
  std::string text = std::string(opening) + Elements(tensor, options).text() + ',';
  std::string facts = fmt::format("dtype={}, shape={}", tensor.dtype(), tensor.shape());
  if (!tensor.is_leaf()) {
    facts += fmt::format(", grad_fn={}", tensor.op_name());
  } else if (tensor.requires_grad()) {
    facts += ", requires_grad";
  }
  const std::size_t last_line = text.size() - (text.rfind('\n') + 1);
  if (static_cast<Size>(last_line + facts.size() + 2) > options.line_width) {
    text += '\n';
    text.append(opening.size(), ' ');
  } else {
    text += ' ';
  }
  return text + facts + ')';
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  return out << to_string(tensor);
}

}  // namespace reel
