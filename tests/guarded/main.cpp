// Usage: reel_guarded_layers [--layers N] [--first K]
//
// Runs N random layers (150 unless told), forward and backward, on 1 and 2 threads in turn, with
// pages behind every block of memory that nobody may touch: tensors, and what oneDNN's kernels get
// as scratchpad and as packed weights, which no sanitizer sees into. Values are compared with those
// of the plain float64 kernels. A layer is made from its number alone: `--first K --layers 1` runs
// layer K again.
//
// Layers run in processes of their own, a batch in each; one that dies is reported and the next
// process goes on behind it.

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reel/autograd/fmt.h"
#include "reel/autograd/random.h"
#include "reel/autograd/tape.h"
#include "reel/base/detail/guarded_blocks.h"
#include "reel/base/threads.h"
#include "reel/ops/ops.h"

using namespace reel;

namespace {

constexpr long layers_in_a_process = 50;

/// What the processes share: the layer at work, and what went wrong in it.
struct Progress {
  long layer;
  long wrong;
  std::array<char, 512> description;
};

Progress* progress = nullptr;

void describe(const std::string& text) {
  const std::size_t length = std::min(text.size(), progress->description.size() - 1);
  std::memcpy(progress->description.data(), text.data(), length);
  progress->description[length] = '\0';
}

/// Random choices of one layer.
class Choice {
 public:
  explicit Choice(long layer) : generator_(static_cast<std::uint64_t>(layer)) {}

  Size between(Size low, Size high) {
    return low + static_cast<Size>(generator_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool one_in(Size n) { return between(1, n) == 1; }
  Size of(std::initializer_list<Size> values) {
    return *(values.begin() + between(0, static_cast<Size>(values.size()) - 1));
  }
  Tensor tensor(const Shape& shape) { return randn(shape, generator_); }

 private:
  Generator generator_;
};

using Inputs = std::vector<Tensor>;  // undefined where the layer has none
using Function = std::function<Tensor(const Inputs&)>;

/// The result, then the gradients of the inputs.
std::vector<Tensor> run(const Function& f, const Inputs& given, DType dtype) {
  Inputs inputs;
  std::vector<Tensor> wrt;
  for (const Tensor& x : given) {
    inputs.push_back(x.defined() ? x.detach().to(dtype).clone().requires_grad_() : Tensor());
    if (x.defined()) wrt.push_back(inputs.back());
  }
  const Tensor y = f(inputs);
  Generator generator(1);
  const Tensor dy = randn(y.shape(), generator).to(dtype);
  std::vector<Tensor> results{y.detach()};
  for (Tensor& gradient : grad({(y * dy).sum()}, wrt)) results.push_back(std::move(gradient));
  return results;
}

/// Compares the first `compared` results of float32 and float64, all of them if 0.
void check_layer(const Function& f, const Inputs& inputs, std::size_t compared = 0) {
  const std::vector<Tensor> got = run(f, inputs, float32), exact = run(f, inputs, float64);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double scale = 1 + exact[i].abs().max().item();
    const double error = (got[i].to(float64) - exact[i]).abs().max().item() / scale;
    const double allowed = compared == 0 || i < compared ? 1e-4 : 1e300;
    if (error <= allowed) continue;  // false for NaN
    ++progress->wrong;
    std::printf("layer %ld, %s: result %zu is off by %g\n", progress->layer,
                progress->description.data(), i, error);
  }
}

// ---- the layers

struct Conv {
  Shape x, w;
  Conv2dOptions options;
  bool bias;

  Size out(Size axis) const {
    const auto& [stride, padding, dilation, groups] = options;
    const auto of = [&](const Sizes<2>& pair) { return axis == 2 ? pair[0] : pair[1]; };
    return (x[axis] + 2 * of(padding.size) - of(dilation) * (w[axis] - 1) - 1) / of(stride) + 1;
  }
  double multiply_adds() const {
    return static_cast<double>(x[0] * w.numel()) * static_cast<double>(out(2) * out(3));
  }
};

/// A convolution of bounded work; `pointwise` for a kernel of one cell, as in the shortcut of a
/// residual block. oneDNN's choice of kernel depends on what is 1 and on whether channels fill
/// vectors, so that both come often.
Conv random_conv(Choice& choose, bool pointwise) {
  const auto channels = [&] {
    if (choose.one_in(3)) return choose.of({8, 16, 24, 32, 48, 64, 128, 256});
    return choose.one_in(2) ? choose.between(1, 8) : choose.between(1, 40);
  };
  for (;;) {
    const bool square = !choose.one_in(4);
    const auto pair = [&](const std::function<Size()>& pick) {
      const Size h = pick();
      return Sizes<2>{h, square ? h : pick()};
    };
    const auto often = [&](Size usual, Size low, Size high) {
      return choose.one_in(2) ? usual : choose.between(low, high);
    };
    const Size largest = choose.one_in(4) ? 70 : 28;
    const Sizes<2> image = pair([&] { return choose.between(1, largest); });
    const Sizes<2> kernel = pointwise ? Sizes<2>{1} : pair([&] { return often(3, 1, 7); });
    const Sizes<2> stride = pair([&] { return often(pointwise ? 2 : 1, 1, 4); });
    const Sizes<2> padding = pair([&] { return often(0, 0, 4); });
    const Sizes<2> dilation =
        choose.one_in(4) ? pair([&] { return choose.between(1, 4); }) : Sizes<2>{1};
    const Size groups = choose.one_in(4) ? choose.between(2, 12) : 1;
    const bool depthwise = groups > 1 && choose.one_in(2);
    const Size in = depthwise ? 1 : channels(), out = depthwise ? choose.between(1, 2) : channels();
    const Size batch = choose.of({1, 1, 2, 3, 4, 7, 16, 32});
    const Conv conv{{batch, groups * in, image[0], image[1]},
                    {groups * out, in, kernel[0], kernel[1]},
                    {.stride = stride, .padding = padding, .dilation = dilation, .groups = groups},
                    choose.one_in(2)};
    const bool fits = image[0] + 2 * padding[0] > dilation[0] * (kernel[0] - 1) &&
                      image[1] + 2 * padding[1] > dilation[1] * (kernel[1] - 1);
    if (!fits || conv.multiply_adds() > 20e6) continue;
    describe(
        fmt::format("conv2d of {} by {}, stride {}x{}, padding {}x{}, dilation {}x{}, "
                    "groups {}{}",
                    conv.x, conv.w, stride[0], stride[1], padding[0], padding[1], dilation[0],
                    dilation[1], groups, conv.bias ? ", bias" : ""));
    return conv;
  }
}

Inputs conv_inputs(const Conv& conv, Choice& choose) {
  return {choose.tensor(conv.x), choose.tensor(conv.w),
          conv.bias ? choose.tensor({conv.w[0]}) : Tensor()};
}

void conv_layer(Choice& choose, bool pointwise) {
  const Conv conv = random_conv(choose, pointwise);
  check_layer([&](const Inputs& in) { return conv2d(in[0], in[1], in[2], conv.options); },
              conv_inputs(conv, choose));
}

void conv_pool_layer(Choice& choose) {
  Conv conv = random_conv(choose, false);
  while (conv.out(2) < 2 || conv.out(3) < 2) conv = random_conv(choose, false);
  const Sizes<2> kernel{std::min(choose.between(2, 3), conv.out(2)),
                        std::min(choose.between(2, 3), conv.out(3))};
  const Size stride = choose.between(1, 3);
  describe(fmt::format("{}, then relu and max_pool2d of {}x{}, stride {}",
                       progress->description.data(), kernel[0], kernel[1], stride));
  const auto f = [&](const Inputs& in) {
    return max_pool2d(relu(conv2d(in[0], in[1], in[2], conv.options)), kernel, {.stride = stride});
  };
  check_layer(f, conv_inputs(conv, choose), 1);  // which cell wins hangs on the last bit
}

/// A convolution over three axes, or a transposed one over one to three.
template <int axes>
void volume_layer(Choice& choose, bool transposed) {
  for (;;) {
    const auto sizes = [&](Size usual, Size low, Size high) {
      const auto pick = [&] { return choose.one_in(2) ? usual : choose.between(low, high); };
      return [&]<int... i>(std::integer_sequence<int, i...>) {
        return Sizes<axes>((static_cast<void>(i), pick())...);
      }(std::make_integer_sequence<int, axes>{});
    };
    const auto channels = [&] {
      return choose.one_in(2) ? choose.of({1, 8, 16, 32, 64}) : choose.between(1, 24);
    };
    const Sizes<axes> image = sizes(6, 1, axes == 3 ? 10 : 20), kernel = sizes(3, 1, 4);
    const Sizes<axes> stride = sizes(1, 1, 3), padding = sizes(0, 0, 3), dilation = sizes(1, 1, 3);
    const Size groups = choose.one_in(4) ? choose.between(2, 6) : 1;
    const Size in = channels(), out = channels(), batch = choose.of({1, 1, 2, 3, 8});
    Shape x{batch, in * groups};
    Shape w = transposed ? Shape{in * groups, out} : Shape{out * groups, in};
    bool fits = true;
    double work = static_cast<double>(batch * groups * in * out);
    Sizes<axes> more = 0;
    for (int i = 0; i < axes; ++i) {
      x.push_back(image[i]);
      w.push_back(kernel[i]);
      const Size reach = dilation[i] * (kernel[i] - 1) + 1;
      fits = fits && (transposed ? (image[i] - 1) * stride[i] + reach > 2 * padding[i]
                                 : image[i] + 2 * padding[i] >= reach);
      work *= static_cast<double>(image[i] * kernel[i]);
    }
    if (transposed) more = choose.between(0, std::max(stride[0], dilation[0]) - 1);
    for (int i = 0; i < axes; ++i)
      fits = fits && (!transposed || more[i] < std::max(stride[i], dilation[i]));
    if (!fits || work > 10e6) continue;
    describe(
        fmt::format("{}{}d of {} by {}, stride {}, padding {}, dilation {}, output_padding {}, "
                    "groups {}",
                    transposed ? "conv_transpose" : "conv", axes, x, w, detail::numbers(stride),
                    detail::numbers(padding), detail::numbers(dilation), more[0], groups));
    const auto f = [&](const Inputs& v) {
      if (!transposed)
        return detail::conv(v[0], v[1], v[2], ConvOptions<axes>{stride, padding, dilation, groups});
      return detail::conv_transpose(
          v[0], v[1], v[2], ConvTransposeOptions<axes>{stride, padding, more, groups, dilation});
    };
    return check_layer(f, {choose.tensor(x), choose.tensor(w), choose.tensor({out * groups})});
  }
}

void matmul_layer(Choice& choose) {
  const auto size = [&] {
    return choose.one_in(4) ? choose.between(1, 600) : choose.between(1, 70);
  };
  const Size m = size(), k = size(), n = size();
  const bool a_columns = choose.one_in(2), b_columns = choose.one_in(2);
  const Size batch = choose.one_in(3) ? choose.between(1, 4) : 0;
  describe(fmt::format("matmul of {}x{} by {}x{}, {} and {}, batch {}", m, k, k, n,
                       a_columns ? "columns" : "rows", b_columns ? "columns" : "rows", batch));
  const auto matrix = [&](Size rows, Size columns, bool transposed) {
    if (transposed) std::swap(rows, columns);
    return choose.tensor(batch > 0 ? Shape{batch, rows, columns} : Shape{rows, columns});
  };
  check_layer(
      [&](const Inputs& in) {
        return matmul(a_columns ? in[0].transpose(-2, -1) : in[0],
                      b_columns ? in[1].transpose(-2, -1) : in[1]);
      },
      {matrix(m, k, a_columns), matrix(k, n, b_columns)});
}

void linear_layer(Choice& choose) {
  const Size batch = choose.between(1, 200), in = choose.between(1, 300),
             out = choose.between(1, 300);
  describe(fmt::format("linear of {}x{} to {}", batch, in, out));
  check_layer([](const Inputs& i) { return linear(i[0], i[1], i[2]); },
              {choose.tensor({batch, in}), choose.tensor({out, in}), choose.tensor({out})});
}

void lstm_layer(Choice& choose) {
  const Size steps = choose.between(1, 9), batch = choose.between(1, 20),
             in = choose.between(1, 70), hidden = choose.between(1, 70);
  const bool reverse = choose.one_in(2);
  describe(fmt::format("lstm of {}x{}x{}, hidden {}{}", steps, batch, in, hidden,
                       reverse ? ", reverse" : ""));
  check_layer(
      [&](const Inputs& i) {
        return reel::lstm_layer(i[0], {i[1], i[2], i[3], i[4]}, {}, {}, reverse).output;
      },
      {choose.tensor({steps, batch, in}), choose.tensor({4 * hidden, in}),
       choose.tensor({4 * hidden, hidden}), choose.tensor({4 * hidden}),
       choose.tensor({4 * hidden})});
}

void attention_layer(Choice& choose) {
  const Size batch = choose.between(1, 3), heads = choose.between(1, 4),
             queries = choose.between(1, 150), width = choose.between(1, 70);
  const bool causal = choose.one_in(2);
  const Size keys = causal ? queries : choose.between(1, 150);
  describe(fmt::format("attention of {}x{}x{}x{}, {} keys{}", batch, heads, queries, width, keys,
                       causal ? ", causal" : ""));
  check_layer(
      [&](const Inputs& in) {
        return scaled_dot_product_attention(in[0], in[1], in[2], {.is_causal = causal});
      },
      {choose.tensor({batch, heads, queries, width}), choose.tensor({batch, heads, keys, width}),
       choose.tensor({batch, heads, keys, width})});
}

void run_layer(long layer) {
  Choice choose(layer);
  progress->layer = layer;
  set_num_threads(1 + static_cast<int>(layer % 2));
  switch (choose.between(0, 13)) {
    case 0:
      return matmul_layer(choose);
    case 1:
      return linear_layer(choose);
    case 2:
      return lstm_layer(choose);
    case 3:
      return attention_layer(choose);
    case 4:
      return conv_pool_layer(choose);
    case 5:
    case 6:
      return volume_layer<3>(choose, false);
    case 7:
      return volume_layer<1>(choose, true);
    case 8:
      return volume_layer<2>(choose, true);
    case 9:
      return volume_layer<3>(choose, true);
    default:
      return conv_layer(choose, choose.one_in(3));
  }
}

/// Runs layers [first, end) in a process of its own; returns where to go on.
long run_process(long first, long end) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    detail::guard_blocks();
    for (long layer = first; layer < end; ++layer) run_layer(layer);
    std::fflush(nullptr);
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) {
    std::perror("reel_guarded_layers");
    std::exit(2);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return end;
  ++progress->wrong;
  const std::string how = WIFSIGNALED(status)
                              ? fmt::format("killed by \"{}\"", strsignal(WTERMSIG(status)))
                              : fmt::format("ended with {}", WEXITSTATUS(status));
  std::printf("layer %ld, %s: %s\n", progress->layer, progress->description.data(), how.c_str());
  return progress->layer + 1;
}

}  // namespace

int main(int argc, char** argv) {
  long layers = 150, first = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    (option == "--layers" ? layers : first) = std::atol(argv[i + 1]);
  }
  void* shared =
      mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    std::perror("reel_guarded_layers");
    return 2;
  }
  progress = static_cast<Progress*>(shared);
  const long end = first + layers;
  for (long next = first; next < end;) {
    next = run_process(next, std::min(end, next + layers_in_a_process));
  }
  std::printf("%ld layers, %ld wrong\n", layers, progress->wrong);
  return progress->wrong == 0 ? 0 : 1;
}
