#pragma once

// Internal: special functions of one double, for what the C library does not know, or not on several
// threads. Slow, and within some 1e-15 of the exact value.

namespace reel::kernels::special {

/// log |gamma(x)|; infinite at 0, the whole numbers below it and the infinities.
double lgamma(double x);

/// The derivative of lgamma: at zeros infinite with their other sign, NaN at whole numbers below.
double digamma(double x);

/// The n-th derivative of digamma, for whole n from 0 on; infinite at 0 and whole numbers below.
double polygamma(double n, double x);

/// The y whose erf is x; infinite at -1 and 1, NaN beyond.
double erfinv(double x);

/// The modified Bessel functions of the first kind, of order 0
double i0(double x);
/// and 1.
double i1(double x);

}  // namespace reel::kernels::special
