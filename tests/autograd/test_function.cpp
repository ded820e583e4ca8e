#include "reel/autograd/function.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "autograd/function_check.h"
#include "reel/autograd/checkpoint.h"
#include "reel/autograd/hooks.h"
#include "reel/ops/ops.h"
#include "support/compare.h"
#include "support/message_of.h"

using namespace reel;
using testing::check_gradients;
using testing::close;
using testing::message_of;
using testing::numbers;
using testing::same;

namespace {

struct Clamp : Function<Clamp> {
  static Tensor forward(Context& context, const Tensor& x, double limit) {
    context.save(x);
    context.keep("limit", limit);
    return clamp(x, -limit, limit);
  }
  static Gradients backward(Context& context, const Tensor& dy) {
    const auto [x] = context.saved<1>();
    return {dy * (abs(x) <= context.kept<double>("limit")).to(dy.dtype())};
  }
};

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

/// Its backward uses the output.
struct Exp : Function<Exp> {
  static Tensor forward(Context& context, const Tensor& x) {
    const Tensor y = exp(x);
    context.save(y);
    return y;
  }
  static Tensor backward(Context& context, const Tensor& dy) { return dy * context.saved()[0]; }
};

struct SinCos : Function<SinCos> {
  static std::tuple<Tensor, Tensor> forward(Context& context, const Tensor& x) {
    const Tensor s = sin(x), c = cos(x);
    context.save(s, c);
    return {s, c};
  }
  static Tensor backward(Context& context, const Tensor& ds, const Tensor& dc) {
    const auto [s, c] = context.saved<2>();
    return ds * c - dc * s;
  }
};

struct Unbind : Function<Unbind> {
  static std::vector<Tensor> forward(Context&, const Tensor& x) {
    std::vector<Tensor> rows;
    for (Size i = 0; i < x.size(0); ++i) rows.push_back(x[i].clone());
    return rows;
  }
  static Tensor backward(Context&, const Gradients& dy) { return stack(dy); }
};

struct Halves : Function<Halves> {
  static std::array<Tensor, 2> forward(Context&, const Tensor& x) {
    return {narrow(x, 0, 0, 2).clone(), narrow(x, 0, 2, 2).clone()};
  }
  static Tensor backward(Context&, const Tensor& first, const Tensor& second) {
    return cat({first, second}, 0);
  }
};

struct Total : Function<Total> {
  static Tensor forward(Context& context, const std::vector<Tensor>& all, const Tensor& scale) {
    context.save(all);
    context.save(scale);
    Tensor sum = all[0].clone();
    for (std::size_t i = 1; i < all.size(); ++i) sum = sum + all[i];
    return sum * scale;
  }
  static Gradients backward(Context& context, const Tensor& dy) {
    const std::vector<Tensor>& saved = context.saved();
    Gradients gradients(saved.size() - 1, dy * saved.back());
    Tensor sum = saved[0];
    for (std::size_t i = 1; i + 1 < saved.size(); ++i) sum = sum + saved[i];
    gradients.push_back((dy * sum).sum());
    return gradients;
  }
};

struct Affine : Function<Affine> {
  static Tensor forward(Context& context, const Tensor& x, const std::optional<Tensor>& shift) {
    context.keep("shifted", shift.has_value());
    return shift ? 2 * x + *shift : 2 * x;
  }
  static Gradients backward(Context& context, const Tensor& dy) {
    return {2 * dy, context.kept<bool>("shifted") ? dy : Tensor()};
  }
};

struct MinMax : Function<MinMax> {
  static std::pair<Tensor, Tensor> forward(Context& context, const Tensor& x) {
    const Tensor where = argmax(x), largest = max(x).clone();
    context.save(x, where);
    return {largest, where};
  }
  static Tensor backward(Context& context, const Tensor& dy, const Tensor& none) {
    CHECK(none.dtype() == int64);
    const auto [x, where] = context.saved<2>();
    const Tensor chosen = (arange(x.numel()) == where).to(dy.dtype());
    return dy * chosen;
  }
};

}  // namespace

// ---- one output

TEST_CASE("a function has its own derivative") {
  const Tensor x = tensor({-3.0, 0.5, 2.5}, {.dtype = float64, .requires_grad = true});
  const Tensor y = Clamp::apply(x, 2.0);
  CHECK(close(y, tensor({-2.0, 0.5, 2.0}, {.dtype = float64})));
  CHECK(y.op_name() == std::string("Clamp"));
  y.sum().backward();
  CHECK(close(x.grad(), tensor({0.0, 1.0, 0.0}, {.dtype = float64})));
  check_gradients([](const Tensor& v) { return Clamp::apply(v, 2.0); }, x);
  check_gradients([](const Tensor& v) { return Clamp::apply(v * v, 2.0) * v; }, x);
}

TEST_CASE("saved arguments are followed by second and third derivatives") {
  const Tensor a = numbers(), b = numbers({3}, 2);
  check_gradients([](const Tensor& u, const Tensor& v) { return Mul::apply(u, v); }, a, b);
  check_gradients([](const Tensor& u) { return Mul::apply(u, Mul::apply(u, u)); }, a);
  const Tensor y = Mul::apply(a, Mul::apply(a, a)).sum();
  const Tensor first = grad(y, a, {.create_graph = true});
  const Tensor second = grad(first.sum(), a, {.create_graph = true});
  CHECK(close(second, 6 * a));
  CHECK(close(grad(second.sum(), a), full({3}, 6.0, {.dtype = float64})));
}

TEST_CASE("a saved output is followed, and keeps no cycle") {
  check_gradients([](const Tensor& x) { return Exp::apply(x); }, numbers());
  const auto before = memory_stats().in_use;
  {
    const Tensor y = Exp::apply(numbers({1000}));
    CHECK(y.requires_grad());
  }
  CHECK(memory_stats().in_use == before);
}

TEST_CASE("forward runs outside the tape, and its outputs are new tensors") {
  struct Look : Function<Look> {
    static Tensor forward(Context& context, const Tensor& x) {
      CHECK_FALSE(grad_enabled());
      CHECK(x.requires_grad());
      CHECK(context.needs_input_grad(0));
      return (x * 2).detach();
    }
    static Tensor backward(Context&, const Tensor& dy) {
      CHECK_FALSE(grad_enabled());
      return dy * 2;
    }
  };
  const Tensor x = numbers();
  const Tensor y = Look::apply(x);
  CHECK(grad_enabled());
  CHECK(y.requires_grad());
  CHECK(close(grad(y.sum(), x), full({3}, 2.0, {.dtype = float64})));
}

TEST_CASE("without the tape only forward runs") {
  const Tensor x = numbers();
  CHECK_FALSE(Clamp::apply(x.detach(), 1.0).requires_grad());
  const NoGradGuard no_grad;
  CHECK_FALSE(Clamp::apply(x, 1.0).requires_grad());
  CHECK_FALSE(std::get<0>(SinCos::apply(x)).requires_grad());
}

TEST_CASE("needs_input_grad says which gradients are asked for") {
  static std::vector<bool> asked;
  struct Asks : Function<Asks> {
    static Tensor forward(Context& context, const Tensor& a, const Tensor& b, const Tensor& c) {
      CHECK(context.needs_input_grad(0));
      CHECK_FALSE(context.needs_input_grad(1));
      return a + b + c;
    }
    static Gradients backward(Context& context, const Tensor& dy) {
      asked = {context.needs_input_grad(0), context.needs_input_grad(1),
               context.needs_input_grad(2)};
      return {dy, dy, dy};
    }
  };
  const Tensor a = numbers(), b = ones({3}, {.dtype = float64}), c = numbers();
  const Tensor y = Asks::apply(a, b, c).sum();
  (void)grad(y, a, {.retain_graph = true});
  CHECK(asked == std::vector<bool>{true, false, false});
  y.backward();
  CHECK(asked == std::vector<bool>{true, false, true});
  CHECK_FALSE(b.grad().defined());
}

TEST_CASE("a gradient may have the output's shape where the argument was broadcast") {
  check_gradients([](const Tensor& a, const Tensor& b) { return Mul::apply(a, b); },
                  numbers({2, 3}), numbers({3}, 2));
  check_gradients([](const Tensor& a, const Tensor& b) { return Mul::apply(a, b); },
                  numbers({2, 1}), numbers({}, 2));
}

TEST_CASE("an argument that is given twice gets both gradients") {
  const Tensor x = numbers();
  Mul::apply(x, x).sum().backward();
  CHECK(close(x.grad(), 2 * x));
}

TEST_CASE("an undefined gradient is none") {
  struct Half : Function<Half> {
    static Tensor forward(Context&, const Tensor& a, const Tensor& b) { return a + b; }
    static Gradients backward(Context&, const Tensor& dy) { return {dy, Tensor()}; }
  };
  const Tensor a = numbers(), b = numbers();
  const Tensor y = Half::apply(a, b).sum();
  y.backward({.retain_graph = true});
  CHECK(a.grad().defined());
  CHECK_FALSE(b.grad().defined());
  CHECK(same(grad(y, b), zeros({3}, {.dtype = float64})));
}

TEST_CASE("zero sizes and scalars") {
  check_gradients([](const Tensor& x) { return Exp::apply(x); }, numbers({}));
  const Tensor x = numbers({0, 2});
  Exp::apply(x).sum().backward();
  CHECK(x.grad().shape() == Shape{0, 2});
}

TEST_CASE("a view of an argument may be returned") {
  struct Flat : Function<Flat> {
    static Tensor forward(Context& context, const Tensor& x) {
      context.keep("shape", x.shape());
      return x.view({-1});
    }
    static Tensor backward(Context& context, const Tensor& dy) {
      return dy.view(context.kept<Shape>("shape"));
    }
  };
  check_gradients([](const Tensor& x) { return Flat::apply(x) * Flat::apply(x); }, numbers({2, 2}));
}

TEST_CASE("a constant that forward returns stays one for its holder") {
  static const Tensor constant = ones({3}, {.dtype = float64});
  struct Constant : Function<Constant> {
    static Tensor forward(Context&, const Tensor&) { return constant; }
    static Tensor backward(Context&, const Tensor& dy) { return dy; }
  };
  CHECK(Constant::apply(numbers()).requires_grad());
  CHECK_FALSE(constant.requires_grad());
}

// ---- several outputs

TEST_CASE("several outputs: both, one, and none used") {
  check_gradients(
      [](const Tensor& x) {
        const auto [s, c] = SinCos::apply(x);
        return s * s * c;
      },
      numbers());
  check_gradients([](const Tensor& x) { return std::get<0>(SinCos::apply(x)); }, numbers());
  check_gradients([](const Tensor& x) { return std::get<1>(SinCos::apply(x)); }, numbers());
}

TEST_CASE("outputs as an array and as a vector") {
  check_gradients(
      [](const Tensor& x) {
        const auto [a, b] = Halves::apply(x);
        return a * b * b;
      },
      numbers({4}));
  check_gradients(
      [](const Tensor& x) {
        const std::vector<Tensor> rows = Unbind::apply(x);
        return rows[0] * rows[2];
      },
      numbers({3, 2}));
}

TEST_CASE("integer outputs have no gradient") {
  const Tensor x = numbers();
  const auto [largest, where] = MinMax::apply(x);
  CHECK(largest.requires_grad());
  CHECK_FALSE(where.requires_grad());
  check_gradients([](const Tensor& v) { return MinMax::apply(v).first; }, x);
}

TEST_CASE("outputs that are marked have no gradient") {
  struct Marks : Function<Marks> {
    static std::tuple<Tensor, Tensor, Tensor> forward(Context& context, const Tensor& x) {
      Tensor a = x * 2, b = x * 3, c = x * 5;
      context.mark_non_differentiable(b);
      return {a, b, c};
    }
    static Tensor backward(Context&, const Tensor& da, const Tensor& db, const Tensor& dc) {
      CHECK(same(db, zeros({3}, {.dtype = float64})));
      return da * 2 + dc * 5;
    }
  };
  const Tensor x = numbers();
  const auto [a, b, c] = Marks::apply(x);
  CHECK_FALSE(b.requires_grad());
  check_gradients(
      [](const Tensor& v) {
        const auto [p, q, r] = Marks::apply(v);
        return p * r;
      },
      x);
  struct All : Function<All> {
    static Tensor forward(Context& context, const Tensor& v) {
      Tensor y = v * 2;
      context.mark_non_differentiable(y);
      return y;
    }
    static Tensor backward(Context&, const Tensor& dy) { return dy; }
  };
  CHECK_FALSE(All::apply(x).requires_grad());
}

TEST_CASE("outputs without a gradient are zeros, or undefined on request") {
  static bool defined = true;
  struct Loose : Function<Loose> {
    static std::pair<Tensor, Tensor> forward(Context& context, const Tensor& x) {
      context.set_materialize_grads(false);
      return {x * 2, x * 3};
    }
    static Tensor backward(Context&, const Tensor& a, const Tensor& b) {
      defined = b.defined();
      return b.defined() ? a * 2 + b * 3 : a * 2;
    }
  };
  check_gradients([](const Tensor& x) { return Loose::apply(x).first; }, numbers());
  CHECK_FALSE(defined);
  const Tensor x = numbers();
  const auto [s, c] = SinCos::apply(x);
  s.sum().backward();
  CHECK(close(x.grad(), c));
}

TEST_CASE("the gradient of one output of several may be asked for") {
  const Tensor x = numbers();
  const auto [s, c] = SinCos::apply(x);
  CHECK(close(grad((s * s).sum(), s, {.retain_graph = true}), 2 * s));
  CHECK(close(grad((s * c).sum(), x), c * c - s * s));
}

// ---- arguments

TEST_CASE("arguments that are vectors of tensors") {
  const Tensor a = numbers({3}, 1), b = numbers({3}, 2), c = numbers({3}, 3),
               scale = numbers({}, 4);
  check_gradients(
      [](const Tensor& u, const Tensor& v, const Tensor& w, const Tensor& s) {
        return Total::apply(std::vector<Tensor>{u, v, w}, s);
      },
      a, b, c, scale);
}

TEST_CASE("arguments that are optional") {
  const Tensor x = numbers(), shift = numbers({3}, 2);
  check_gradients([](const Tensor& u, const Tensor& v) { return Affine::apply(u, v); }, x, shift);
  check_gradients([](const Tensor& u) { return Affine::apply(u, std::nullopt); }, x);
}

TEST_CASE("undefined arguments") {
  struct Maybe : Function<Maybe> {
    static Tensor forward(Context& context, const Tensor& x, const Tensor& bias) {
      CHECK_FALSE(context.needs_input_grad(1));
      context.save(x, bias);
      return bias.defined() ? x * x + bias : x * x;
    }
    static Gradients backward(Context& context, const Tensor& dy) {
      const auto [x, bias] = context.saved<2>();
      CHECK_FALSE(bias.defined());
      return {2 * x * dy, Tensor()};
    }
  };
  check_gradients([](const Tensor& x) { return Maybe::apply(x, Tensor()); }, numbers());
}

TEST_CASE("arguments that are no tensors, also such as can only be moved") {
  struct Table {
    std::vector<double> factors;
  };
  struct Scale : Function<Scale> {
    static Tensor forward(Context& context, std::unique_ptr<Table> table, const std::string& which,
                          const Tensor& x, int power) {
      const double factor = table->factors[which == "first" ? 0 : 1];
      context.keep("table", std::move(table));
      context.keep("factor", factor * power);
      return x * (factor * power);
    }
    static Tensor backward(Context& context, const Tensor& dy) {
      CHECK(context.kept<std::unique_ptr<Table>>("table")->factors.size() == 2);
      return dy * context.kept<double>("factor");
    }
  };
  check_gradients(
      [](const Tensor& x) {
        return Scale::apply(std::make_unique<Table>(Table{{2, 3}}), "second", x, 2) * x;
      },
      numbers());
}

TEST_CASE("integer arguments have no gradient") {
  struct Pick : Function<Pick> {
    static Tensor forward(Context& context, const Tensor& x, const Tensor& rows) {
      context.save(rows);
      context.keep("count", x.size(0));
      return index_select(x, 0, rows);
    }
    static Gradients backward(Context& context, const Tensor& dy) {
      const auto [rows] = context.saved<1>();
      const Size count = context.kept<Size>("count");
      const Tensor one_hot = (rows.unsqueeze(1) == arange(count)).to(dy.dtype());
      return {matmul(one_hot.t(), dy), Tensor()};
    }
  };
  const Tensor rows = tensor({2, 0, 2}, {.dtype = int64});
  check_gradients([&](const Tensor& x) { return Pick::apply(x, rows); }, numbers({3, 2}));
}

// ---- the tape

TEST_CASE("functions nest: one applies others, and is used in another's backward") {
  struct Cube : Function<Cube> {
    static Tensor forward(Context& context, const Tensor& x) {
      context.save(x);
      return Mul::apply(x, Mul::apply(x, x));
    }
    static Tensor backward(Context& context, const Tensor& dy) {
      const auto [x] = context.saved<1>();
      return Mul::apply(dy, 3 * Mul::apply(x, x));
    }
  };
  check_gradients([](const Tensor& x) { return Cube::apply(x); }, numbers());
}

TEST_CASE("backward may run twice where the graph is retained, and not else") {
  const Tensor x = numbers();
  const Tensor y = Exp::apply(x).sum();
  y.backward({.retain_graph = true});
  y.backward();
  CHECK(close(x.grad(), 2 * exp(x)));
  CHECK(message_of([&] { y.backward(); }).find("freed by an earlier backward") !=
        std::string::npos);
}

TEST_CASE("what was saved goes after backward") {
  auto token = std::make_shared<int>(1);
  struct Keeps : Function<Keeps> {
    static Tensor forward(Context& context, const Tensor& x, const std::shared_ptr<int>& held) {
      context.keep("token", held);
      return x * 2;
    }
    static Tensor backward(Context&, const Tensor& dy) { return dy * 2; }
  };
  const Tensor y = Keeps::apply(numbers(), token).sum();
  CHECK(token.use_count() == 2);
  y.backward();
  CHECK(token.use_count() == 1);
}

TEST_CASE("hooks, retained gradients and checkpoints work on functions") {
  const Tensor x = numbers();
  const Tensor y = Exp::apply(x);
  y.register_hook([](const Tensor& dy) { return dy * 2; });
  y.retain_grad();
  y.sum().backward();
  CHECK(close(x.grad(), 2 * exp(x)));
  CHECK(close(y.grad(), full({3}, 2.0, {.dtype = float64})));
  const Tensor z = numbers();
  checkpoint([](const Tensor& v) { return Exp::apply(Exp::apply(v)); }, z).sum().backward();
  CHECK(close(z.grad(), exp(z) * exp(exp(z))));
}

TEST_CASE("threads apply a function and walk one graph") {
  const Tensor x = numbers();
  const Tensor y = Clamp::apply(x, 0.5).sum();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        y.backward({.retain_graph = true});
        (void)Exp::apply(x);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(close(x.grad(), 100 * (abs(x) <= 0.5).to(float64)));
}

TEST_CASE("an exception in forward or backward leaves nothing behind") {
  struct Throws : Function<Throws> {
    static Tensor forward(Context&, const Tensor& x, bool at_once) {
      if (at_once) throw 1;
      return x * 2;
    }
    static Tensor backward(Context&, const Tensor&) { throw 2; }
  };
  const Tensor x = numbers();
  CHECK_THROWS_AS((void)Throws::apply(x, true), int);
  CHECK(grad_enabled());
  const Tensor y = Throws::apply(x, false).sum();
  CHECK_THROWS_AS(y.backward(), int);
  CHECK(grad_enabled());
  CHECK_FALSE(x.grad().defined());
}

namespace {

struct Named : Function<Named> {
  static constexpr const char* name = "my_op";
  static Tensor forward(Context&, const Tensor& x) { return x * 2; }
  static Tensor backward(Context&, const Tensor& dy) { return dy * 2; }
};

}  // namespace

TEST_CASE("a name of one's own") {
  CHECK(Named::apply(numbers()).op_name() == std::string("my_op"));
}

TEST_CASE("straight-through estimators: a gradient that is not the function's") {
  struct Round : Function<Round> {
    static Tensor forward(Context&, const Tensor& x) { return round(x); }
    static Tensor backward(Context&, const Tensor& dy) { return dy; }
  };
  const Tensor x = numbers();
  const Tensor dx = grad((Round::apply(x) * x).sum(), x, {.create_graph = true});
  CHECK(close(dx, round(x) + x));
}
