// Any layout of a tensor's memory, and what was written to a part of it: the ops behind views whose
// base changes in place.

#include <algorithm>
#include <utility>

#include "reel/autograd/detail/array.h"
#include "reel/autograd/detail/give_away.h"
#include "reel/autograd/detail/in_place.h"
#include "reel/autograd/profiler/op_scope.h"
#include "reel/autograd/tape.h"
#include "reel/base/fail.h"
#include "reel/kernels/copy.h"
#include "reel/ops/create/create.h"
#include "reel/ops/index/index.h"
#include "reel/ops/shape/view.h"
#include "reel/ops/support/checks.h"

namespace reel {
namespace {

/// Where a tensor's elements lie in the memory that it shares with others.
struct Layout {
  Shape shape;
  Strides strides;
  Size offset;

  /// The first element and the last.
  std::pair<Size, Size> range() const {
    Size last = offset;
    for (Size d = 0; d < shape.size(); ++d) last += (shape[d] - 1) * strides[d];
    return {offset, last};
  }
  bool is_empty() const { return shape.numel() == 0; }
  /// Whether no two elements can be the same: each dimension steps over all that lies within. (What
  /// interleaves without meeting is taken for overlapping.)
  bool is_apart() const {
    Dims order;
    for (Size d = 0; d < shape.size(); ++d) {
      if (shape[d] > 1) order.push_back(d);
    }
    std::sort(order.begin(), order.end(), [&](Size a, Size b) { return strides[a] < strides[b]; });
    Size reach = 0;  // from the first element to the last of what lies within
    for (const Size d : order) {
      if (strides[d] <= reach) return false;
      reach += (shape[d] - 1) * strides[d];
    }
    return true;
  }
};

Layout layout_of(const Tensor& x) { return {x.shape(), x.strides(), x.storage_offset()}; }

/// Memory that holds the elements of some layouts, with zeros between them.
class Memory {
 public:
  Memory(DType dtype, const Layout& a, const Layout& b) {
    const auto [a_first, a_last] = a.range();
    const auto [b_first, b_last] = b.range();
    const bool only_b = a.is_empty(), only_a = b.is_empty();
    first_ = only_a ? a_first : only_b ? b_first : std::min(a_first, b_first);
    const Size last = only_a ? a_last : only_b ? b_last : std::max(a_last, b_last);
    elements_ = zeros({only_a && only_b ? 0 : last - first_ + 1}, {.dtype = dtype});
  }
  Tensor at(const Layout& layout) const {
    const Size offset = layout.is_empty() ? 0 : layout.offset - first_;
    return detail::alias(elements_, layout.shape, layout.strides, offset);
  }
  /// Adds `values` to elements that may be the same.
  void add(const Layout& layout, const Tensor& values) const {
    const Tensor positions = detail::alias(arange(elements_.numel()), layout.shape, layout.strides,
                                           layout.is_empty() ? 0 : layout.offset - first_)
                                 .contiguous();
    const Tensor sum =
        index_add(elements_, 0, positions.view({-1}), values.contiguous().view({-1}));
    elements_.copy_(sum);
  }

 private:
  Size first_;
  Tensor elements_;
};

/// Whether `x` may itself be taken for memory in which its elements lie as in `layout`, and those of
/// `part` too.
bool is_laid_out(const Tensor& x, const Layout& layout, const Layout& part) {
  if (x.strides() != layout.strides || part.is_empty() || layout.is_empty()) return false;
  const auto [first, last] = layout.range();
  const auto [part_first, part_last] = part.range();
  return first <= part_first && part_last <= last && detail::is_dense(x.shape(), x.strides());
}

Tensor scatter(const Tensor& dy, const Layout& to, const Layout& from);

/// What lies at `to` in memory where `x` lies at `from`: a copy, without the tape.
Tensor read(const Tensor& x, const Layout& from, const Layout& to) {
  const NoGradGuard no_grad;
  const Tensor values = x.detach();
  if (is_laid_out(values, from, to)) {
    return detail::alias(values, to.shape, to.strides, to.offset - from.offset).clone();
  }
  const Memory memory(x.dtype(), from, to);
  memory.at(from).copy_(values);
  return memory.at(to).clone();
}

Tensor gather(const Tensor& x, const Layout& from, const Layout& to) {
  const detail::OpScope scope("as_strided", x);
  return record("as_strided", read(x, from, to),
                wrt(x, [from, to](const Tensor& dy) { return scatter(dy, from, to); }));
}

/// The adjoint: `dy` lies at `from`, elements of it that are the same add up.
Tensor scatter(const Tensor& dy, const Layout& to, const Layout& from) {
  const detail::OpScope scope("as_strided_backward", dy);
  Tensor out;
  {
    const NoGradGuard no_grad;
    const Memory memory(dy.dtype(), to, from);
    if (from.is_apart()) {
      memory.at(from).copy_(dy);
    } else {
      memory.add(from, dy.detach());
    }
    out = memory.at(to).clone();
  }
  return record("as_strided_backward", std::move(out),
                wrt(dy, [to, from](const Tensor& g) { return gather(g, to, from); }));
}

/// `x`, which lies at `whole`, with zeros at `part`.
Tensor without(const Tensor& x, const Layout& whole, const Layout& part) {
  const detail::OpScope scope("as_strided_scatter_backward", x);
  Tensor out;
  {
    const NoGradGuard no_grad;
    const Memory memory(x.dtype(), whole, part);
    memory.at(whole).copy_(x);
    memory.at(part).zero_();
    out = memory.at(whole).clone();
  }
  return record("as_strided_scatter_backward", std::move(out),
                wrt(x, [whole, part](const Tensor& g) { return without(g, whole, part); }));
}

/// The rule of "what lies at `whole`, with what lies at `part` written": what goes to either.
auto write_rule(const Layout& whole, const Layout& part) {
  return [whole, part](const Tensor& dy, const Needs& needs) {
    Gradients gradients(2);
    if (needs[1]) gradients[1] = gather(dy, whole, part);
    if (!needs[0]) return gradients;
    // Nobody else sees `dy`: a program that writes row after row has a backward linear in the rows.
    if (!grad_enabled() && detail::is_own_buffer(dy) && is_laid_out(dy, whole, part)) {
      detail::alias(dy, part.shape, part.strides, part.offset - whole.offset).zero_();
      gradients[0] = dy;
    } else {
      gradients[0] = without(dy, whole, part);
    }
    return gradients;
  };
}

void check_layout(const char* op, const Tensor& x, const Layout& layout) {
  check(layout.shape.size() == layout.strides.size(), op,
        "expected a stride for each size, got shape {} and strides {}", layout.shape,
        layout.strides);
  detail::checked_numel(op, layout.shape);
  for (Size d = 0; d < layout.strides.size(); ++d) {
    check(layout.strides[d] >= 0, op, "expected strides of 0 or more, got {}", layout.strides);
  }
  check(layout.offset >= 0, op, "expected a storage offset of 0 or more, got {}", layout.offset);
  if (layout.is_empty()) return;
  const Size held = static_cast<Size>(x.impl().storage->bytes) / item_size(x.dtype());
  Size left = held - 1 - layout.offset;
  bool fits = left >= 0;
  for (Size d = 0; fits && d < layout.shape.size(); ++d) {
    const Size steps = layout.shape[d] - 1;
    fits = steps == 0 || layout.strides[d] <= left / steps;
    if (fits) left -= steps * layout.strides[d];
  }
  check(fits, op,
        "expected a layout within the {} elements of the tensor's memory, got shape {}, strides {} "
        "and offset {}",
        held, layout.shape, layout.strides, layout.offset);
}

}  // namespace

Tensor as_strided(const Tensor& x, const Shape& shape, const Strides& strides,
                  std::optional<Size> storage_offset) {
  detail::check_defined("as_strided", "input", x);
  const detail::OpScope scope("as_strided", x);
  const Layout from = layout_of(x), to{shape, strides, storage_offset.value_or(from.offset)};
  check_layout("as_strided", x, to);
  check(!recording(x) || from.is_apart(), "as_strided",
        "expected an input whose elements each have memory of their own, as only then it is clear "
        "what their gradients are, got an expanded tensor of shape {}\nhelp: clone() it first",
        x.shape());
  return record("as_strided", detail::view_of(x, shape, strides, to.offset - from.offset),
                wrt(x, [from, to](const Tensor& dy) { return scatter(dy, from, to); }));
}

Tensor as_strided_scatter(const Tensor& x, const Tensor& source, const Shape& shape,
                          const Strides& strides, std::optional<Size> storage_offset) {
  constexpr const char* op = "as_strided_scatter";
  detail::check_defined(op, "input", x);
  detail::check_defined(op, "source", source);
  const detail::OpScope scope("as_strided_scatter", x, source);
  const Layout whole = layout_of(x), part{shape, strides, storage_offset.value_or(whole.offset)};
  check_layout(op, x, part);
  check(source.shape() == shape, op, "expected a source of shape {}, got {}", shape,
        source.shape());
  check(whole.is_apart() && part.is_apart(), op,
        "expected elements that each have memory of their own, got shape {} with strides {} and "
        "shape {} with strides {}",
        whole.shape, whole.strides, shape, strides);
  check(source.dtype() == x.dtype(), op, "expected a source of dtype {}, got {}", x.dtype(),
        source.dtype());
  Tensor out;
  {
    const NoGradGuard no_grad;
    const Memory memory(x.dtype(), whole, part);
    memory.at(whole).copy_(x);
    memory.at(part).copy_(source);
    out = memory.at(whole).clone();
  }
  return record("as_strided_scatter", std::move(out), inputs(x, source), write_rule(whole, part));
}

Tensor detail::part_shown_by(const Tensor& base, const TensorImpl& like) {
  const Size bytes = like.data - base.impl().data;
  return as_strided(base, like.shape, like.strides,
                    base.storage_offset() + bytes / item_size(like.dtype));
}

detail::Node* detail::node_of_written_part(const Tensor& base, const Tensor& part) {
  auto rule = write_rule(layout_of(base), layout_of(part));
  return make_node<JointNode<decltype(rule)>>("as_strided_scatter", base,
                                              std::vector<Tensor>{base, part}, std::move(rule));
}

Tensor Tensor::as_strided(const Shape& shape, const Strides& strides,
                          std::optional<Size> storage_offset) const {
  return reel::as_strided(*this, shape, strides, storage_offset);
}

}  // namespace reel
