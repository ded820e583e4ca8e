#include "reel/kernels/pointwise.h"
#include "reel/kernels/simd/rows.h"
#include "reel/kernels/simd/vec_math.h"

namespace reel::kernels::REEL_ISA {
namespace {

template <class V>
using Element = typename V::value_type;

/// A constant in the vector's type.
template <class V>
V constant(double value) {
  return V(static_cast<Element<V>>(value));
}

/// x up to where a derivative has reached its limit: at infinity itself it would come to
/// infinity * 0. In this order a NaN comes through.
template <class V>
V up_to(double limit, const V& x) {
  return xs::min(constant<V>(limit), xs::max(constant<V>(-limit), x));
}

#define REEL_UNARY(Name, expression) \
  struct Name {                      \
    template <class V>               \
    V operator()(const V& x) const { \
      using T = Element<V>;          \
      return expression;             \
    }                                \
  }
REEL_UNARY(Exp, exp<T>(x));
REEL_UNARY(Log, log<T>(x));
REEL_UNARY(Log1p, log1p<T>(x));
REEL_UNARY(Expm1, expm1<T>(x));
REEL_UNARY(Sin, sin<T>(x));
REEL_UNARY(Cos, cos<T>(x));
REEL_UNARY(Tanh, tanh<T>(x));
REEL_UNARY(Sigmoid, sigmoid<T>(x));
REEL_UNARY(Erf, erf<T>(x));
REEL_UNARY(Silu, times_sigmoid<T>(x, x));
REEL_UNARY(Rsqrt, rsqrt<T>(x));
#undef REEL_UNARY

/// The normal distribution: the probability of less than x, and its density.
template <class V>
struct Normal {
  V cdf, density;
};
inline Normal<Vec<float>> normal(const Vec<float>& x) {
  const auto tail = normal_tail(x);
  const Vec<float> zero(0.0f), one(1.0f);
  const Vec<float> density = tail.density * Vec<float>(0.39894228040f);  // 1 / sqrt(2 pi)
  return {xs::select(x > zero, one - tail.probability, tail.probability),
          xs::select(tail.probability == zero, zero, density)};
}
inline Normal<Vec<double>> normal(const Vec<double>& x) {
  using V = Vec<double>;
  const V cdf = V(0.5) * each<double>([](double a, double) { return ::erfc(a); },
                                      x * V(-0.70710678118654752440), x);
  return {cdf, V(0.39894228040143267794) * exp_or_0<double>(V(-0.5) * x * x)};
}

struct Gelu {
  template <class V>
  V operator()(const V& x) const {
    return x * normal(x).cdf;
  }
};
struct GeluBackward {
  template <class V>
  V operator()(const V& dy, const V& x) const {
    const V z = up_to(40, x);
    const auto [cdf, density] = normal(z);
    return dy * mul_add(z, density, cdf);
  }
};

// gelu's approximation: x / 2 (1 + tanh(u)) = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)
template <class V>
V gelu_sigmoid(const V& x) {
  const V scale = constant<V>(1.59576912160573071176);
  return sigmoid<Element<V>>(scale * mul_add(constant<V>(0.044715) * x * x, x, x));
}

struct GeluTanh {
  template <class V>
  V operator()(const V& x) const {
    return x * gelu_sigmoid(x);
  }
};
struct GeluTanhBackward {
  template <class V>
  V operator()(const V& dy, const V& x) const {
    const V one = constant<V>(1), z = up_to(40, x);
    const V s = gelu_sigmoid(z);
    const V du = constant<V>(1.59576912160573071176) * mul_add(constant<V>(0.134145), z * z, one);
    return dy * (s * mul_add(z * (one - s), du, one));
  }
};

struct SiluBackward {
  template <class V>
  V operator()(const V& dy, const V& x) const {
    const V one = constant<V>(1), z = up_to(1000, x);
    const V s = sigmoid<Element<V>>(z);
    return dy * (s * mul_add(z, one - s, one));
  }
};

struct Softplus {
  double beta, threshold;
  explicit Softplus(const double* params) : beta(params[0]), threshold(params[1]) {}
  template <class V>
  V operator()(const V& x) const {
    using T = Element<V>;
    // log(1 + e^z) = max(z, 0) + log(1 + e^-|z|), which cannot overflow. In this order a NaN comes
    // through.
    const V z = x * constant<V>(beta);
    const V y = xs::max(constant<V>(0), z) + log1p_of_fraction<T>(exp_or_0<T>(-xs::abs(z)));
    return xs::select(z > constant<V>(threshold), x, y * constant<V>(1 / beta));
  }
};
struct SoftplusBackward {
  double beta, threshold;
  explicit SoftplusBackward(const double* params) : beta(params[0]), threshold(params[1]) {}
  template <class V>
  V operator()(const V& dy, const V& x) const {
    const V z = x * constant<V>(beta);
    return xs::select(z > constant<V>(threshold), dy, dy * sigmoid<Element<V>>(z));
  }
};

struct Elu {
  double alpha;
  explicit Elu(const double* params) : alpha(params[0]) {}
  template <class V>
  V operator()(const V& x) const {
    const V zero = constant<V>(0);
    const V below = constant<V>(alpha) * expm1<Element<V>>(xs::min(zero, x));
    return xs::select(x > zero, x, below);
  }
};
struct EluBackward {
  double alpha;
  explicit EluBackward(const double* params) : alpha(params[0]) {}
  template <class V>
  V operator()(const V& dy, const V& x) const {
    const V zero = constant<V>(0);
    const V below = dy * constant<V>(alpha) * exp_or_0<Element<V>>(xs::min(zero, x));
    return xs::select(x > zero, dy, below);
  }
};

struct Pow {
  template <class V>
  V operator()(const V& x, const V& y) const {
    return pow<Element<V>>(x, y);
  }
};

template <class F>
void set(TranscendentalTable& table, Unary op) {
  table.unary[static_cast<int>(op)][0] = vec_map1<F, float>;
  table.unary[static_cast<int>(op)][1] = vec_map1<F, double>;
}
template <class F>
void set(TranscendentalTable& table, Binary op) {
  table.binary[static_cast<int>(op)][0] = vec_map2<F, float>;
  table.binary[static_cast<int>(op)][1] = vec_map2<F, double>;
}

TranscendentalTable make_table() {
  TranscendentalTable table;
  set<Exp>(table, Unary::exp);
  set<Log>(table, Unary::log);
  set<Log1p>(table, Unary::log1p);
  set<Expm1>(table, Unary::expm1);
  set<Sin>(table, Unary::sin);
  set<Cos>(table, Unary::cos);
  set<Rsqrt>(table, Unary::rsqrt);
  set<Tanh>(table, Unary::tanh);
  set<Sigmoid>(table, Unary::sigmoid);
  set<Erf>(table, Unary::erf);
  set<Gelu>(table, Unary::gelu);
  set<GeluTanh>(table, Unary::gelu_tanh);
  set<Silu>(table, Unary::silu);
  set<Softplus>(table, Unary::softplus);
  set<Elu>(table, Unary::elu);
  set<Pow>(table, Binary::pow);
  set<GeluBackward>(table, Binary::gelu_backward);
  set<GeluTanhBackward>(table, Binary::gelu_tanh_backward);
  set<SiluBackward>(table, Binary::silu_backward);
  set<SoftplusBackward>(table, Binary::softplus_backward);
  set<EluBackward>(table, Binary::elu_backward);
  return table;
}

}  // namespace

const TranscendentalTable& transcendental_table() {
  static const TranscendentalTable table = make_table();
  return table;
}

}  // namespace reel::kernels::REEL_ISA
