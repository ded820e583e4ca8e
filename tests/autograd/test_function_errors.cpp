// Functions whose second derivative would be wrong, and other wrong use.

#include "reel/autograd/function.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <tuple>
#include <vector>

#include "autograd/function_check.h"
#include "reel/ops/ops.h"
#include "support/compare.h"
#include "support/message_of.h"

using namespace reel;
using testing::check_gradients;
using testing::close;
using testing::message_of;
using testing::numbers;

namespace {

struct Mul : Function<Mul> {
  static Tensor forward(Context& context, const Tensor& a, const Tensor& b) {
    context.save(a, b);
    return a * b;
  }
  static Gradients backward(Context& context, const Tensor& dy) {
    const auto [a, b] = context.saved<2>();
    return {context.needs_input_grad(0) ? dy * b : Tensor(),
            context.needs_input_grad(1) ? dy * a : Tensor()};
  }
};

}  // namespace

// ---- second derivatives that would be wrong

namespace {

/// Leaves the tape in its backward, in one of several ways.
template <int way>
struct Leaves : Function<Leaves<way>> {
  static Tensor forward(Context& context, const Tensor& x) {
    context.save(x);
    return x * x;
  }
  static Tensor backward(Context& context, const Tensor& dy) {
    const auto [x] = context.template saved<1>();
    if (way == 0) return (dy * 2 * x).detach();
    if (way == 1) {
      Tensor dx = zeros(x.shape(), {.dtype = float64});
      for (Size i = 0; i < x.numel(); ++i)
        dx.data_ptr<double>()[i] = 2 * dy[i].item() * x[i].item();
      return dx;
    }
    const NoGradGuard no_grad;
    return dy * 2 * x;
  }
};

template <int way>
void check_leaves() {
  CAPTURE(way);
  const Tensor x = numbers();
  Leaves<way>::apply(x).sum().backward();
  CHECK(close(x.grad(), 2 * x));
  CHECK(
      message_of([&] {
        // The gradient that comes is a constant: 1 for each.
        (void)grad(Leaves<way>::apply(x).sum(), x, {.create_graph = true});
      }) ==
      "[Leaves] expected its backward to stay on the tape under create_graph, got a gradient for "
      "input 0 that does not come from the one it was given\n"
      "help: write it in tensor ops, without data_ptr(), xtensor or detach(); return an undefined "
      "tensor for zero; or declare static constexpr bool once_differentiable = true;");
}

}  // namespace

TEST_CASE("a backward that leaves the tape is an error under create_graph") {
  check_leaves<0>();
  check_leaves<1>();
  check_leaves<2>();
}

TEST_CASE("a gradient that is constant stays so under create_graph") {
  struct Twice : Function<Twice> {
    static Tensor forward(Context&, const Tensor& x) { return x * 2; }
    static Tensor backward(Context&, const Tensor& dy) { return dy * 2; }
  };
  const Tensor x = numbers();
  const Tensor dx = grad(Twice::apply(x).sum(), x, {.create_graph = true});
  CHECK_FALSE(dx.requires_grad());
  CHECK(close(dx, full({3}, 2.0, {.dtype = float64})));
  const Tensor mixed = grad((Twice::apply(x) * x).sum(), x, {.create_graph = true});
  CHECK(mixed.requires_grad());
  CHECK(close(grad(mixed.sum(), x), full({3}, 4.0, {.dtype = float64})));
}

TEST_CASE("saved tensors that are neither argument nor output have no second derivative") {
  struct Softplus : Function<Softplus> {
    static Tensor forward(Context& context, const Tensor& x) {
      const Tensor e = exp(x);
      context.save(e);
      return log1p(e);
    }
    static Tensor backward(Context& context, const Tensor& dy) {
      const Tensor& e = context.saved()[0];
      return dy * e / (1 + e);
    }
  };
  const Tensor x = numbers();
  CHECK(gradcheck([](const Tensor& v) { return Softplus::apply(v); }, x));
  CHECK(message_of([&] { (void)grad(Softplus::apply(x).sum(), x, {.create_graph = true}); }) ==
        "[Softplus] expected backward with create_graph to use saved arguments and outputs, got "
        "another saved tensor, whose way back to the arguments is not known\n"
        "help: compute it in backward, return it as an output, or, if it does not depend on them, "
        "use save_constant()");
}

TEST_CASE("constants that forward makes are saved as such") {
  struct Drop : Function<Drop> {
    static Tensor forward(Context& context, const Tensor& x, const Tensor& mask) {
      const Tensor scaled = mask.to(x.dtype()) * 2;
      context.save_constant(scaled);
      context.save(x);
      return x * x * scaled;
    }
    static Gradients backward(Context& context, const Tensor& dy) {
      const auto [scaled, x] = context.saved<2>();
      return {dy * 2 * x * scaled, Tensor()};
    }
  };
  const Tensor mask = tensor({1, 0, 1}, {.dtype = int64});
  check_gradients([&](const Tensor& x) { return Drop::apply(x, mask); }, numbers());
}

namespace {

struct Once : Function<Once> {
  static constexpr bool once_differentiable = true;
  static Tensor forward(Context& context, const Tensor& x) {
    context.save(x);
    return x * x;
  }
  static Tensor backward(Context& context, const Tensor& dy) {
    return (2 * dy * context.saved()[0]).detach();
  }
};

}  // namespace

TEST_CASE("once_differentiable: first derivatives by any means, no second ones") {
  const Tensor x = numbers();
  CHECK(gradcheck([](const Tensor& v) { return Once::apply(v); }, x));
  CHECK(message_of([&] { (void)grad(Once::apply(x).sum(), x, {.create_graph = true}); }) ==
        "[Once] expected a first derivative, as the function is once_differentiable, got backward "
        "with create_graph");
}

// ---- wrong use

TEST_CASE("outputs that forward may not return") {
  struct Same : Function<Same> {
    static std::tuple<Tensor, Tensor> forward(Context&, const Tensor&, const Tensor& b) {
      return {b * 2, b};
    }
    static Gradients backward(Context&, const Tensor& a, const Tensor& b) { return {a, b}; }
  };
  const Tensor x = numbers();
  CHECK(message_of([&] { (void)Same::apply(x, ones({3})); }) ==
        "[Same] expected forward to return new tensors, got argument 1 as output 1\n"
        "help: return a view or a copy of it: x.view(x.shape()), x.clone()");

  struct Nothing : Function<Nothing> {
    static Tensor forward(Context&, const Tensor&) { return {}; }
    static Tensor backward(Context&, const Tensor& dy) { return dy; }
  };
  CHECK(message_of([&] { (void)Nothing::apply(x); }) ==
        "[Nothing] expected forward to return tensors, got an undefined one as output 0");

  static const Tensor weight = numbers();
  struct Foreign : Function<Foreign> {
    static Tensor forward(Context&, const Tensor&) { return weight; }
    static Tensor backward(Context&, const Tensor& dy) { return dy; }
  };
  const std::string on_tape =
      "expected forward to return tensors that it has made outside the tape, got one that requires "
      "grad as output 0\n"
      "help: give forward what it uses as an argument, and its derivative to backward";
  CHECK(message_of([&] { (void)Foreign::apply(x); }) == "[Foreign] " + on_tape);

  struct Records : Function<Records> {
    static Tensor forward(Context&, const Tensor& v) {
      const EnableGradGuard grad;
      return v * 2;
    }
    static Tensor backward(Context&, const Tensor& dy) { return dy; }
  };
  CHECK(message_of([&] { (void)Records::apply(x); }) == "[Records] " + on_tape);

  struct TwiceSame : Function<TwiceSame> {
    static std::array<Tensor, 2> forward(Context&, const Tensor& v) {
      const Tensor y = v * 2;
      return {y, y};
    }
    static Tensor backward(Context&, const Tensor& a, const Tensor& b) { return a + b; }
  };
  CHECK(message_of([&] { (void)TwiceSame::apply(x); }) ==
        "[TwiceSame] expected forward to return each tensor once, got outputs 0 and 1 that are the "
        "same\nhelp: return a copy: y.clone()");

  struct MarksOther : Function<MarksOther> {
    static Tensor forward(Context& context, const Tensor& v) {
      context.mark_non_differentiable(v);
      return v * 2;
    }
    static Tensor backward(Context&, const Tensor& dy) { return dy; }
  };
  CHECK(message_of([&] { (void)MarksOther::apply(x); }) ==
        "[MarksOther] expected mark_non_differentiable of a tensor that forward returns, got "
        "another one");
}

namespace {

/// A function of two arguments whose backward does what it is told.
struct Told : Function<Told> {
  static inline Gradients (*told)(Context&, const Tensor&) = nullptr;
  static Tensor forward(Context& context, const Tensor& a, const Tensor& b) {
    context.keep("limit", 2.0);
    return a + b;
  }
  static Gradients backward(Context& context, const Tensor& dy) { return told(context, dy); }
};

std::string message_when(Gradients (*does)(Context&, const Tensor&)) {
  Told::told = does;
  const Tensor a = numbers(), b = numbers();
  return message_of([&] { Told::apply(a, b).sum().backward(); });
}

}  // namespace

TEST_CASE("gradients that backward may not return") {
  CHECK(message_when([](Context&, const Tensor& dy) { return Gradients{dy}; }) ==
        "[Told] expected backward to return 2 gradients, one for each tensor argument, got 1");
  CHECK(message_when([](Context&, const Tensor& dy) {
          return Gradients{dy, dy, dy};
        }) ==
        "[Told] expected backward to return 2 gradients, one for each tensor argument, got 3");
  CHECK(message_when([](Context&, const Tensor& dy) {
          return Gradients{dy, dy.to(float32)};
        }) == "[Told] expected its backward to return dtype float64 for input 1, got float32");
  CHECK(message_when([](Context&, const Tensor& dy) {
          return Gradients{dy, ones({2}, {.dtype = dy.dtype()})};
        }) ==
        "[Told] expected its backward to return shape [3] or one broadcast from it for input 1, "
        "got [2]");
  CHECK(message_when([](Context&, const Tensor& dy) {
          return Gradients{dy.sum(), dy};
        }) ==
        "[Told] expected its backward to return shape [3] or one broadcast from it for input 0, "
        "got []");
}

TEST_CASE("what a context is asked for wrongly") {
  CHECK(message_when([](Context& context, const Tensor&) { return Gradients(context.saved()); }) ==
        "[Told] expected forward to have saved tensors, got none\n"
        "help: context.save(x) in forward");
  CHECK(message_when([](Context& context, const Tensor& dy) {
          context.save(dy);
          return Gradients{};
        }) == "[Told] expected save() in forward, got it in backward");
  CHECK(message_when([](Context& context, const Tensor&) {
          context.keep("x", 1);
          return Gradients{};
        }) == "[Told] expected keep() in forward, got it in backward");
  CHECK(message_when([](Context& context, const Tensor& dy) {
          context.mark_non_differentiable(dy);
          return Gradients{};
        }) == "[Told] expected mark_non_differentiable() in forward, got it in backward");
  CHECK(message_when([](Context& context, const Tensor&) {
          context.set_materialize_grads(false);
          return Gradients{};
        }) == "[Told] expected set_materialize_grads() in forward, got it in backward");
  CHECK(message_when([](Context& context, const Tensor& dy) {
          return Gradients{dy * context.kept<double>("limt"), dy};
        }) ==
        "[Told] expected forward to have kept \"limt\", got nothing of that name\n"
        "help: context.keep(\"limt\", value) in forward");
  CHECK(message_when([](Context& context, const Tensor& dy) {
          return Gradients{dy * context.kept<int>("limit"), dy};
        }) ==
        "[Told] expected \"limit\" as the type that forward has kept, got another\n"
        "help: kept<double> for a double, kept<Size> for a Size");
  CHECK(message_when([](Context& context, const Tensor& dy) {
          return Gradients{dy, context.needs_input_grad(2) ? dy : Tensor()};
        }) == "[Told] expected needs_input_grad of one of 2 tensor arguments, got 2");
}

TEST_CASE("saved tensors: in forward, in another number, changed meanwhile") {
  struct Early : Function<Early> {
    static Tensor forward(Context& context, const Tensor& x) {
      context.save(x);
      return context.saved()[0] * 2;
    }
    static Tensor backward(Context&, const Tensor& dy) { return dy; }
  };
  CHECK(message_of([] { (void)Early::apply(numbers()); }) ==
        "[Early] expected saved() in backward, got it in forward");
  struct One : Function<One> {
    static Tensor forward(Context& context, const Tensor& x) {
      context.save(x);
      return x * 2;
    }
    static Tensor backward(Context& context, const Tensor& dy) {
      const auto [a, b] = context.saved<2>();
      return dy * a * b;
    }
  };
  CHECK(message_of([] { One::apply(numbers()).sum().backward(); }) ==
        "[One] expected forward to have saved 2 tensors, got 1");
  const Tensor a = numbers(), b = ones({3}, {.dtype = float64});
  const Tensor y = Mul::apply(a, b).sum();
  b.add_(1);
  CHECK(message_of([&] { y.backward(); }) ==
        "[Mul] expected the tensor of shape [3] that it saved for backward unchanged, got one "
        "changed in place by 'add_'\nhelp: change a clone(), or change it after backward()");
}
