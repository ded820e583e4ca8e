#pragma once

// Internal: brings xtensor in, whatever its version.

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#if __has_include(<xtensor/containers/xarray.hpp>)  // 0.26 moved its headers
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#include <xtensor/containers/xtensor.hpp>
#include <xtensor/core/xeval.hpp>
#include <xtensor/core/xmath.hpp>
#include <xtensor/core/xnoalias.hpp>
#else
#include <xtensor/xexpression_traits.hpp>
#include <xtensor/xstorage.hpp>

// Up to 0.25 a workaround that GCC needs is compiled in C++17 only. Without it temporaries of
// run-time rank take the type xtensor<T, 4>, and reading them is undefined behaviour. A full
// specialisation says the right type and wins over all others; it must stand before any use.
#if defined(__GNUC__) && !defined(__clang__)
namespace xt::detail {
template <>
struct xtype_for_shape<xt::svector<std::size_t, 4, std::allocator<std::size_t>, true>> {
  template <class T, layout_type L>
  using type = xarray<T, L>;
};
}  // namespace xt::detail
#endif

#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xeval.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xnoalias.hpp>
#include <xtensor/xtensor.hpp>
#endif

static_assert(std::is_same_v<std::decay_t<decltype(xt::eval(std::declval<xt::xarray<double>&>() +
                                                            std::declval<xt::xarray<double>&>()))>,
                             xt::xarray<double>>,
              "this version of xtensor gives temporaries of run-time rank a wrong type with this "
              "compiler: include <reel/autograd/xtensor.h> before any header of xtensor");
