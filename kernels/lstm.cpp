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
void for_rows(const LstmShape& s, const F& f) {
  const Size row_work = std::max<Size>(1, s.steps * 4 * s.hidden * (s.input + s.hidden));
  parallel_for(s.batch, (thread_work + row_work - 1) / row_work, f, 1);
}

/// The rows of the batch from `first` on, at each step of a sequence; null where there is none.
template <class T>
class Rows {
 public:
  Rows(const void* data, Size columns, Size batch, Size first)
      : data_(static_cast<T*>(const_cast<void*>(data))),
        step_(batch * columns),
        first_(first * columns) {}
  T* at(Size step) const { return data_ == nullptr ? nullptr : data_ + step * step_ + first_; }

 private:
  T* data_;
  Size step_, first_;
};

}  // namespace

void lstm_forward(DType dtype, const LstmShape& s, const LstmInputs& in, void* gates, void* h,
                  void* c) {
  with_kernels(dtype, [&](auto element, const auto& kernels) {
    using T = decltype(element);
    const Buffer packed = elements<T>(kernels.packed_units(s.hidden) * (s.input + s.hidden));
    kernels.pack_gates(s.input, s.hidden, static_cast<const T*>(in.weight_ih),
                       static_cast<const T*>(in.weight_hh), packed.data<T>());
    for_rows(s, [&](Size begin, Size end) {
      const Rows<const T> xs(in.x, s.input, s.batch, begin);
      const Rows<T> zs(gates, 4 * s.hidden, s.batch, begin);
      const Rows<T> hs(h, s.hidden, s.batch, begin), cs(c, s.hidden, s.batch, begin);
      const T* h_before = Rows<const T>(in.h_0, s.hidden, s.batch, begin).at(0);
      const T* c_before = Rows<const T>(in.c_0, s.hidden, s.batch, begin).at(0);
      for (Size i = 0; i < s.steps; ++i) {
        const Size step = s.reverse ? s.steps - 1 - i : i;
        kernels.forward(end - begin,
                        {s.input, s.hidden, packed.data<T>(), static_cast<const T*>(in.bias),
                         xs.at(step), h_before, c_before, zs.at(step), cs.at(step), hs.at(step)});
        h_before = hs.at(step);
        c_before = cs.at(step);
      }
    });
  });
}

void lstm_backward(DType dtype, const LstmShape& s, const LstmInputs& in, const void* gates,
                   const void* c, const void* dh, const void* dc, void* dz, void* dh_0,
                   void* dc_0) {
  with_kernels(dtype, [&](auto element, const auto& kernels) {
    using T = decltype(element);
    const Buffer packed = elements<T>(kernels.packed_columns(s.hidden) * 4 * s.hidden);
    kernels.pack_columns(s.hidden, static_cast<const T*>(in.weight_hh), packed.data<T>());
    for_rows(s, [&](Size begin, Size end) {
      const Size rows = end - begin, count = rows * s.hidden;
      const Rows<const T> zs(gates, 4 * s.hidden, s.batch, begin);
      const Rows<const T> cs(c, s.hidden, s.batch, begin), dhs(dh, s.hidden, s.batch, begin);
      const Rows<T> dzs(dz, 4 * s.hidden, s.batch, begin);
      // What flows from step to step ends as the gradient of what came before the first.
      T* const next_dh = Rows<T>(dh_0, s.hidden, s.batch, begin).at(0);
      T* const next_dc = Rows<T>(dc_0, s.hidden, s.batch, begin).at(0);
      std::fill_n(next_dh, count, T{});
      std::copy_n(Rows<const T>(dc, s.hidden, s.batch, begin).at(0), count, next_dc);
      for (Size i = s.steps - 1; i >= 0; --i) {
        const Size step = s.reverse ? s.steps - 1 - i : i;
        const T* const c_before = i == 0 ? Rows<const T>(in.c_0, s.hidden, s.batch, begin).at(0)
                                         : cs.at(s.reverse ? step + 1 : step - 1);
        kernels.backward(rows, s.hidden, zs.at(step), cs.at(step), c_before, dhs.at(step), next_dh,
                         next_dc, dzs.at(step));
        kernels.product(rows, s.hidden, packed.data<T>(), dzs.at(step), next_dh);
      }
    });
  });
}

}  // namespace reel::kernels
