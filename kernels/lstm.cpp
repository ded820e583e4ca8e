#include "reel/kernels/lstm.h"

#include <algorithm>
#include <cstddef>

#include "reel/kernels/buffer.h"
#include "reel/kernels/lstm_table.h"
#include "reel/kernels/parallel.h"

namespace reel::kernels {
namespace {

// A thread gets rows with at least this many multiply-adds in the whole sequence.
constexpr Size thread_work = Size{1} << 20;

struct LSTMShape {
  Size steps, batch, input, hidden;
};

LSTMShape shape_of(const LSTMInputs& in) {
  return {in.x.size(0), in.x.size(1), in.x.size(2), in.weight_hh.size(1)};
}

template <class T>
Buffer elements(Size count) {
  return Buffer(static_cast<std::size_t>(count) * sizeof(T));
}

template <class F>
void with_kernels(DType dtype, const F& f) {
  if (dtype == DType::float32) {
    f(float{}, lstm_table().of_float);
  } else {
    f(double{}, lstm_table().of_double);
  }
}

/// Each thread takes its rows of the batch through all steps: none waits for another.
template <class F>
void for_rows(const LSTMShape& s, const F& f) {
  const Size row_work = std::max<Size>(1, s.steps * 4 * s.hidden * (s.input + s.hidden));
  parallel_for(s.batch, (thread_work + row_work - 1) / row_work, f, 1);
}

/// The rows from `first` on, at each step of a sequence `[steps, batch, columns]`.
template <class T>
class Rows {
 public:
  Rows(T* data, const ConstArray& x, Size first)
      : data_(data + first * x.size(-1)), step_(x.size(-2) * x.size(-1)) {}
  T* at(Size step) const { return data_ + step * step_; }

 private:
  T* data_;
  Size step_;
};

template <class T>
Rows<const T> read(const ConstArray& x, Size first) {
  return {x.as<T>(), x, first};
}
template <class T>
Rows<T> write(const Array& x, Size first) {
  return {x.as<T>(), x, first};
}

/// The rows of a state `[batch, hidden]` from `first` on; null for zeros.
template <class T>
const T* state(const ConstArray& x, Size first) {
  return x ? x.as<T>() + first * x.size(-1) : nullptr;
}

}  // namespace

void lstm_forward(const LSTMInputs& in, const Array& gates, const Array& h, const Array& c) {
  const LSTMShape s = shape_of(in);
  with_kernels(in.x.dtype(), [&]<class T>(T, const auto& kernels) {
    const Buffer packed = elements<T>(kernels.packed_units(s.hidden) * (s.input + s.hidden));
    kernels.pack_gates(s.input, s.hidden, in.weight_ih.as<T>(), in.weight_hh.as<T>(),
                       packed.data<T>());
    for_rows(s, [&](Size begin, Size end) {
      const Rows<const T> xs = read<T>(in.x, begin);
      const Rows<T> zs = write<T>(gates, begin), hs = write<T>(h, begin), cs = write<T>(c, begin);
      const T* h_before = state<T>(in.h_0, begin);
      const T* c_before = state<T>(in.c_0, begin);
      for (Size i = 0; i < s.steps; ++i) {
        const Size step = in.reverse ? s.steps - 1 - i : i;
        kernels.forward(end - begin,
                        {s.input, s.hidden, packed.data<T>(), in.bias.as<T>(), xs.at(step),
                         h_before, c_before, zs.at(step), cs.at(step), hs.at(step)});
        h_before = hs.at(step);
        c_before = cs.at(step);
      }
    });
  });
}

void lstm_backward(const LSTMInputs& in, const ConstArray& gates, const ConstArray& c,
                   const ConstArray& dh, const ConstArray& dc, const LSTMGradients& gradients) {
  const LSTMShape s = shape_of(in);
  with_kernels(in.x.dtype(), [&]<class T>(T, const auto& kernels) {
    const Buffer packed = elements<T>(kernels.packed_columns(s.hidden) * 4 * s.hidden);
    kernels.pack_columns(s.hidden, in.weight_hh.as<T>(), packed.data<T>());
    for_rows(s, [&](Size begin, Size end) {
      const Size rows = end - begin, count = rows * s.hidden;
      const Rows<const T> zs = read<T>(gates, begin), cs = read<T>(c, begin);
      const Rows<const T> dhs = read<T>(dh, begin);
      const Rows<T> dzs = write<T>(gradients.gates, begin);
      // What flows from step to step ends as the gradient of what came before the first.
      T* const next_dh = write<T>(gradients.h_0, begin).at(0);
      T* const next_dc = write<T>(gradients.c_0, begin).at(0);
      std::fill_n(next_dh, count, T{});
      std::copy_n(state<T>(dc, begin), count, next_dc);
      for (Size i = s.steps - 1; i >= 0; --i) {
        const Size step = in.reverse ? s.steps - 1 - i : i;
        const T* const c_before =
            i == 0 ? state<T>(in.c_0, begin) : cs.at(in.reverse ? step + 1 : step - 1);
        kernels.backward(rows, s.hidden, zs.at(step), cs.at(step), c_before, dhs.at(step), next_dh,
                         next_dc, dzs.at(step));
        kernels.product(rows, s.hidden, packed.data<T>(), dzs.at(step), next_dh);
      }
    });
  });
}

}  // namespace reel::kernels
