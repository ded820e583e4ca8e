// What the machine itself can do: oneDNN's products and convolutions, each in the layout it likes
// best and with nothing around them. A training step's limit is the sum of its products.

#include "limit/dnn.h"

#include <omp.h>

#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "cases.h"

namespace bench {

std::function<void()> dnn_threads(int threads) {
  return [threads] { omp_set_num_threads(threads); };
}

namespace {

using dnnl::memory;
using Dims = memory::dims;
using Arguments = std::unordered_map<int, memory>;

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

memory::desc any(const Dims& dims) {
  return {dims, memory::data_type::f32, memory::format_tag::any};
}
memory::desc plain(const Dims& dims) {
  const auto tag = dims.size() == 2 ? memory::format_tag::ab : memory::format_tag::abc;
  return {dims, memory::data_type::f32, tag};
}

/// The descriptor of a primitive, as version 2 of oneDNN wants it, and as version 3 does.
template <class Primitive, class... Arguments>
typename Primitive::primitive_desc describe(const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), arguments...};
#else
  return {{arguments...}, engine()};
#endif
}
template <class Primitive, class... Arguments>
typename Primitive::primitive_desc describe_backward(
    const dnnl::convolution_forward::primitive_desc& forward, const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), arguments..., forward};
#else
  return {{arguments...}, engine(), forward};
#endif
}

/// Memory full of small numbers: zeros would be kinder to the CPU's clock than real ones.
memory filled(const memory::desc& desc) {
  memory m(desc, engine());
  auto* data = static_cast<float*>(m.get_data_handle());
  for (std::size_t i = 0; i < desc.get_size() / sizeof(float); ++i) {
    data[i] = 0.01F * static_cast<float>(i % 17);
  }
  return m;
}

/// Primitives that make up one iteration, each as often as said.
class Work {
 public:
  /// c [batch, m, n] = a [batch, m, k] b [batch, k, n], `times` times.
  void product(std::int64_t m, std::int64_t k, std::int64_t n, int times = 1,
               std::int64_t batch = 0) {
    const auto dims = [batch](std::int64_t rows, std::int64_t cols) {
      return batch == 0 ? Dims{rows, cols} : Dims{batch, rows, cols};
    };
    // What passes between layers stays plain; of the weights oneDNN may choose the layout.
    const memory::desc b = batch == 0 ? any(dims(k, n)) : plain(dims(k, n));
    const auto desc = describe<dnnl::matmul>(plain(dims(m, k)), b, plain(dims(m, n)));
    add(dnnl::matmul(desc),
        {{DNNL_ARG_SRC, filled(desc.src_desc())},
         {DNNL_ARG_WEIGHTS, filled(desc.weights_desc())},
         {DNNL_ARG_DST, filled(desc.dst_desc())}},
        times);
  }

  /// A 3x3 convolution with padding 1 of [batch, in, side, side].
  struct Conv {
    std::int64_t batch, in, side, out;
    bool forward = true, backward_data = false, backward_weights = false;
  };
  void convolution(const Conv& c) {
    const memory::desc x = any({c.batch, c.in, c.side, c.side});
    const memory::desc w = any({c.out, c.in, 3, 3});
    const memory::desc y = any({c.batch, c.out, c.side, c.side});
    const Dims ones{1, 1};
    const auto direct = dnnl::algorithm::convolution_direct;
    using Forward = dnnl::convolution_forward;
    using BackwardData = dnnl::convolution_backward_data;
    using BackwardWeights = dnnl::convolution_backward_weights;
    const auto forward =
        describe<Forward>(dnnl::prop_kind::forward_training, direct, x, w, y, ones, ones, ones);
    if (c.forward) {
      add(Forward(forward), {{DNNL_ARG_SRC, filled(forward.src_desc())},
                             {DNNL_ARG_WEIGHTS, filled(forward.weights_desc())},
                             {DNNL_ARG_DST, filled(forward.dst_desc())}});
    }
    if (c.backward_data) {
      const auto data = describe_backward<BackwardData>(forward, direct, x, w, y, ones, ones, ones);
      add(BackwardData(data), {{DNNL_ARG_DIFF_SRC, filled(data.diff_src_desc())},
                               {DNNL_ARG_WEIGHTS, filled(data.weights_desc())},
                               {DNNL_ARG_DIFF_DST, filled(data.diff_dst_desc())}});
    }
    if (c.backward_weights) {
      const auto weights =
          describe_backward<BackwardWeights>(forward, direct, x, w, y, ones, ones, ones);
      add(BackwardWeights(weights), {{DNNL_ARG_SRC, filled(weights.src_desc())},
                                     {DNNL_ARG_DIFF_WEIGHTS, filled(weights.diff_weights_desc())},
                                     {DNNL_ARG_DIFF_DST, filled(weights.diff_dst_desc())}});
    }
  }

  void operator()() {
    for (const Item& item : items_) {
      for (int i = 0; i < item.times; ++i) item.primitive.execute(stream_, item.arguments);
    }
    stream_.wait();
  }

 private:
  struct Item {
    dnnl::primitive primitive;
    Arguments arguments;
    int times;
  };

  void add(const dnnl::primitive& primitive, const Arguments& arguments, int times = 1) {
    items_.push_back({primitive, arguments, times});
  }

  dnnl::stream stream_{engine()};
  std::vector<Item> items_;
};

/// A linear layer [rows, in] -> [rows, out]: its forward, and the gradients of weights and input.
void linear(Work& work, std::int64_t rows, std::int64_t in, std::int64_t out, bool train,
            bool input_gradient = true) {
  work.product(rows, in, out);
  if (train) work.product(out, rows, in);
  if (train && input_gradient) work.product(rows, out, in);
}

void mlp(Work& work, std::int64_t batch, bool train) {
  linear(work, batch, 784, 128, train, false);
  linear(work, batch, 128, 10, train);
}

void cnn(Work& work, std::int64_t batch, bool train) {
  work.convolution({.batch = batch, .in = 1, .side = 28, .out = 32, .backward_weights = train});
  work.convolution({.batch = batch,
                    .in = 32,
                    .side = 14,
                    .out = 64,
                    .backward_data = train,
                    .backward_weights = train});
  linear(work, batch, 3136, 128, train);
  linear(work, batch, 128, 10, train);
}

void residual(Work& work, std::int64_t batch) {
  for (int i = 0; i < 3; ++i) {
    work.convolution({.batch = batch,
                      .in = 64,
                      .side = 32,
                      .out = 64,
                      .backward_data = true,
                      .backward_weights = true});
  }
}

void gpt(Work& work, std::int64_t batch) {
  const std::int64_t width = 128, heads = 4, time = 128, rows = batch * time;
  const std::int64_t head = width / heads;
  for (int layer = 0; layer < 4; ++layer) {
    linear(work, rows, width, 3 * width, true);
    // Forward and backward of scores = q k^T and of scores v: half of the scores are masked, and
    // half of these products would do.
    work.product(time, head, time, 3, batch * heads);
    work.product(time, time, head, 3, batch * heads);
    linear(work, rows, width, width, true);
    linear(work, rows, width, 4 * width, true);
    linear(work, rows, 4 * width, width, true);
  }
  linear(work, rows, width, 65, true);
}

void lstm(Work& work, std::int64_t batch) {
  const std::int64_t width = 128, gates = 4 * width, time = 128, rows = batch * time;
  linear(work, rows, width, gates, true);   // of all inputs at once
  work.product(batch, width, gates, time);  // each step's hidden state
  work.product(batch, gates, width, time);
  work.product(gates, rows, width);
  linear(work, rows, width, 65, true);
}

/// A case that is what `fill(work, size)` adds.
template <class Fill>
bool add_work(const std::string& what, Fill fill) {
  return add_runner(limit_side, what, [fill](const Case& c) {
    omp_set_num_threads(c.threads);
    const auto work = std::make_shared<Work>();
    fill(*work, c.size);
    return repeat(dnn_threads(c.threads), [work] { (*work)(); });
  });
}

bool add_conv(const std::string& name, std::int64_t in, std::int64_t side, std::int64_t out) {
  return add_work(name + "_forward",
                  [=](Work& work, std::int64_t batch) {
                    work.convolution({.batch = batch, .in = in, .side = side, .out = out});
                  }) &&
         add_work(name + "_backward", [=](Work& work, std::int64_t batch) {
           work.convolution({.batch = batch,
                             .in = in,
                             .side = side,
                             .out = out,
                             .forward = false,
                             .backward_data = in > 1,
                             .backward_weights = true});
         });
}

const bool registered =
    add_work("mlp_train", [](Work& work, std::int64_t batch) { mlp(work, batch, true); }) &&
    add_work("mlp_infer", [](Work& work, std::int64_t batch) { mlp(work, batch, false); }) &&
    add_work("cnn_train", [](Work& work, std::int64_t batch) { cnn(work, batch, true); }) &&
    add_work("cnn_infer", [](Work& work, std::int64_t batch) { cnn(work, batch, false); }) &&
    add_work("residual_train", residual) && add_work("gpt_train", gpt) &&
    add_work("lstm_train", lstm) &&
    add_work("matmul", [](Work& work, std::int64_t n) { work.product(n, n, n); }) &&
    add_conv("conv_1x28-32", 1, 28, 32) && add_conv("conv_32x14-64", 32, 14, 64) &&
    add_conv("conv_64x32-64", 64, 32, 64);

}  // namespace
}  // namespace bench
