#pragma once

/// @file
/// Structured bindings for up to 64 fields: the table behind base/fields.h. C++20 cannot bind a
/// pack.

#include <cstddef>
#include <type_traits>

namespace reel::detail {

inline constexpr std::size_t max_fields = 64;

template <class... Fields>
using AnyReference = std::bool_constant<(std::is_reference_v<Fields> || ...)>;

template <std::size_t Count>
struct Unpack;

template <>
struct Unpack<0> {
  template <class T, class F>
  static constexpr decltype(auto) apply(T&, F&& f) {
    return f();
  }
  template <class T>
  static auto has_reference(T&) -> AnyReference<>;
};

#define REEL_UNPACK(n)                                        \
  template <>                                                 \
  struct Unpack<n> {                                          \
    template <class T, class F>                               \
    static constexpr decltype(auto) apply(T& object, F&& f) { \
      auto& [REEL_BOUND_##n] = object;                        \
      return f(REEL_BOUND_##n);                               \
    }                                                         \
    template <class T>                                        \
    static auto has_reference(T& object) {                    \
      auto& [REEL_BOUND_##n] = object;                        \
      return AnyReference<REEL_TYPES_##n>{};                  \
    }                                                         \
  };

// clang-format off
#define REEL_BOUND_1 f1
#define REEL_BOUND_2 REEL_BOUND_1, f2
#define REEL_BOUND_3 REEL_BOUND_2, f3
#define REEL_BOUND_4 REEL_BOUND_3, f4
#define REEL_BOUND_5 REEL_BOUND_4, f5
#define REEL_BOUND_6 REEL_BOUND_5, f6
#define REEL_BOUND_7 REEL_BOUND_6, f7
#define REEL_BOUND_8 REEL_BOUND_7, f8
#define REEL_BOUND_9 REEL_BOUND_8, f9
#define REEL_BOUND_10 REEL_BOUND_9, f10
#define REEL_BOUND_11 REEL_BOUND_10, f11
#define REEL_BOUND_12 REEL_BOUND_11, f12
#define REEL_BOUND_13 REEL_BOUND_12, f13
#define REEL_BOUND_14 REEL_BOUND_13, f14
#define REEL_BOUND_15 REEL_BOUND_14, f15
#define REEL_BOUND_16 REEL_BOUND_15, f16
#define REEL_BOUND_17 REEL_BOUND_16, f17
#define REEL_BOUND_18 REEL_BOUND_17, f18
#define REEL_BOUND_19 REEL_BOUND_18, f19
#define REEL_BOUND_20 REEL_BOUND_19, f20
#define REEL_BOUND_21 REEL_BOUND_20, f21
#define REEL_BOUND_22 REEL_BOUND_21, f22
#define REEL_BOUND_23 REEL_BOUND_22, f23
#define REEL_BOUND_24 REEL_BOUND_23, f24
#define REEL_BOUND_25 REEL_BOUND_24, f25
#define REEL_BOUND_26 REEL_BOUND_25, f26
#define REEL_BOUND_27 REEL_BOUND_26, f27
#define REEL_BOUND_28 REEL_BOUND_27, f28
#define REEL_BOUND_29 REEL_BOUND_28, f29
#define REEL_BOUND_30 REEL_BOUND_29, f30
#define REEL_BOUND_31 REEL_BOUND_30, f31
#define REEL_BOUND_32 REEL_BOUND_31, f32
#define REEL_BOUND_33 REEL_BOUND_32, f33
#define REEL_BOUND_34 REEL_BOUND_33, f34
#define REEL_BOUND_35 REEL_BOUND_34, f35
#define REEL_BOUND_36 REEL_BOUND_35, f36
#define REEL_BOUND_37 REEL_BOUND_36, f37
#define REEL_BOUND_38 REEL_BOUND_37, f38
#define REEL_BOUND_39 REEL_BOUND_38, f39
#define REEL_BOUND_40 REEL_BOUND_39, f40
#define REEL_BOUND_41 REEL_BOUND_40, f41
#define REEL_BOUND_42 REEL_BOUND_41, f42
#define REEL_BOUND_43 REEL_BOUND_42, f43
#define REEL_BOUND_44 REEL_BOUND_43, f44
#define REEL_BOUND_45 REEL_BOUND_44, f45
#define REEL_BOUND_46 REEL_BOUND_45, f46
#define REEL_BOUND_47 REEL_BOUND_46, f47
#define REEL_BOUND_48 REEL_BOUND_47, f48
#define REEL_BOUND_49 REEL_BOUND_48, f49
#define REEL_BOUND_50 REEL_BOUND_49, f50
#define REEL_BOUND_51 REEL_BOUND_50, f51
#define REEL_BOUND_52 REEL_BOUND_51, f52
#define REEL_BOUND_53 REEL_BOUND_52, f53
#define REEL_BOUND_54 REEL_BOUND_53, f54
#define REEL_BOUND_55 REEL_BOUND_54, f55
#define REEL_BOUND_56 REEL_BOUND_55, f56
#define REEL_BOUND_57 REEL_BOUND_56, f57
#define REEL_BOUND_58 REEL_BOUND_57, f58
#define REEL_BOUND_59 REEL_BOUND_58, f59
#define REEL_BOUND_60 REEL_BOUND_59, f60
#define REEL_BOUND_61 REEL_BOUND_60, f61
#define REEL_BOUND_62 REEL_BOUND_61, f62
#define REEL_BOUND_63 REEL_BOUND_62, f63
#define REEL_BOUND_64 REEL_BOUND_63, f64

#define REEL_TYPES_1 decltype(f1)
#define REEL_TYPES_2 REEL_TYPES_1, decltype(f2)
#define REEL_TYPES_3 REEL_TYPES_2, decltype(f3)
#define REEL_TYPES_4 REEL_TYPES_3, decltype(f4)
#define REEL_TYPES_5 REEL_TYPES_4, decltype(f5)
#define REEL_TYPES_6 REEL_TYPES_5, decltype(f6)
#define REEL_TYPES_7 REEL_TYPES_6, decltype(f7)
#define REEL_TYPES_8 REEL_TYPES_7, decltype(f8)
#define REEL_TYPES_9 REEL_TYPES_8, decltype(f9)
#define REEL_TYPES_10 REEL_TYPES_9, decltype(f10)
#define REEL_TYPES_11 REEL_TYPES_10, decltype(f11)
#define REEL_TYPES_12 REEL_TYPES_11, decltype(f12)
#define REEL_TYPES_13 REEL_TYPES_12, decltype(f13)
#define REEL_TYPES_14 REEL_TYPES_13, decltype(f14)
#define REEL_TYPES_15 REEL_TYPES_14, decltype(f15)
#define REEL_TYPES_16 REEL_TYPES_15, decltype(f16)
#define REEL_TYPES_17 REEL_TYPES_16, decltype(f17)
#define REEL_TYPES_18 REEL_TYPES_17, decltype(f18)
#define REEL_TYPES_19 REEL_TYPES_18, decltype(f19)
#define REEL_TYPES_20 REEL_TYPES_19, decltype(f20)
#define REEL_TYPES_21 REEL_TYPES_20, decltype(f21)
#define REEL_TYPES_22 REEL_TYPES_21, decltype(f22)
#define REEL_TYPES_23 REEL_TYPES_22, decltype(f23)
#define REEL_TYPES_24 REEL_TYPES_23, decltype(f24)
#define REEL_TYPES_25 REEL_TYPES_24, decltype(f25)
#define REEL_TYPES_26 REEL_TYPES_25, decltype(f26)
#define REEL_TYPES_27 REEL_TYPES_26, decltype(f27)
#define REEL_TYPES_28 REEL_TYPES_27, decltype(f28)
#define REEL_TYPES_29 REEL_TYPES_28, decltype(f29)
#define REEL_TYPES_30 REEL_TYPES_29, decltype(f30)
#define REEL_TYPES_31 REEL_TYPES_30, decltype(f31)
#define REEL_TYPES_32 REEL_TYPES_31, decltype(f32)
#define REEL_TYPES_33 REEL_TYPES_32, decltype(f33)
#define REEL_TYPES_34 REEL_TYPES_33, decltype(f34)
#define REEL_TYPES_35 REEL_TYPES_34, decltype(f35)
#define REEL_TYPES_36 REEL_TYPES_35, decltype(f36)
#define REEL_TYPES_37 REEL_TYPES_36, decltype(f37)
#define REEL_TYPES_38 REEL_TYPES_37, decltype(f38)
#define REEL_TYPES_39 REEL_TYPES_38, decltype(f39)
#define REEL_TYPES_40 REEL_TYPES_39, decltype(f40)
#define REEL_TYPES_41 REEL_TYPES_40, decltype(f41)
#define REEL_TYPES_42 REEL_TYPES_41, decltype(f42)
#define REEL_TYPES_43 REEL_TYPES_42, decltype(f43)
#define REEL_TYPES_44 REEL_TYPES_43, decltype(f44)
#define REEL_TYPES_45 REEL_TYPES_44, decltype(f45)
#define REEL_TYPES_46 REEL_TYPES_45, decltype(f46)
#define REEL_TYPES_47 REEL_TYPES_46, decltype(f47)
#define REEL_TYPES_48 REEL_TYPES_47, decltype(f48)
#define REEL_TYPES_49 REEL_TYPES_48, decltype(f49)
#define REEL_TYPES_50 REEL_TYPES_49, decltype(f50)
#define REEL_TYPES_51 REEL_TYPES_50, decltype(f51)
#define REEL_TYPES_52 REEL_TYPES_51, decltype(f52)
#define REEL_TYPES_53 REEL_TYPES_52, decltype(f53)
#define REEL_TYPES_54 REEL_TYPES_53, decltype(f54)
#define REEL_TYPES_55 REEL_TYPES_54, decltype(f55)
#define REEL_TYPES_56 REEL_TYPES_55, decltype(f56)
#define REEL_TYPES_57 REEL_TYPES_56, decltype(f57)
#define REEL_TYPES_58 REEL_TYPES_57, decltype(f58)
#define REEL_TYPES_59 REEL_TYPES_58, decltype(f59)
#define REEL_TYPES_60 REEL_TYPES_59, decltype(f60)
#define REEL_TYPES_61 REEL_TYPES_60, decltype(f61)
#define REEL_TYPES_62 REEL_TYPES_61, decltype(f62)
#define REEL_TYPES_63 REEL_TYPES_62, decltype(f63)
#define REEL_TYPES_64 REEL_TYPES_63, decltype(f64)

REEL_UNPACK(1) REEL_UNPACK(2) REEL_UNPACK(3) REEL_UNPACK(4)
REEL_UNPACK(5) REEL_UNPACK(6) REEL_UNPACK(7) REEL_UNPACK(8)
REEL_UNPACK(9) REEL_UNPACK(10) REEL_UNPACK(11) REEL_UNPACK(12)
REEL_UNPACK(13) REEL_UNPACK(14) REEL_UNPACK(15) REEL_UNPACK(16)
REEL_UNPACK(17) REEL_UNPACK(18) REEL_UNPACK(19) REEL_UNPACK(20)
REEL_UNPACK(21) REEL_UNPACK(22) REEL_UNPACK(23) REEL_UNPACK(24)
REEL_UNPACK(25) REEL_UNPACK(26) REEL_UNPACK(27) REEL_UNPACK(28)
REEL_UNPACK(29) REEL_UNPACK(30) REEL_UNPACK(31) REEL_UNPACK(32)
REEL_UNPACK(33) REEL_UNPACK(34) REEL_UNPACK(35) REEL_UNPACK(36)
REEL_UNPACK(37) REEL_UNPACK(38) REEL_UNPACK(39) REEL_UNPACK(40)
REEL_UNPACK(41) REEL_UNPACK(42) REEL_UNPACK(43) REEL_UNPACK(44)
REEL_UNPACK(45) REEL_UNPACK(46) REEL_UNPACK(47) REEL_UNPACK(48)
REEL_UNPACK(49) REEL_UNPACK(50) REEL_UNPACK(51) REEL_UNPACK(52)
REEL_UNPACK(53) REEL_UNPACK(54) REEL_UNPACK(55) REEL_UNPACK(56)
REEL_UNPACK(57) REEL_UNPACK(58) REEL_UNPACK(59) REEL_UNPACK(60)
REEL_UNPACK(61) REEL_UNPACK(62) REEL_UNPACK(63) REEL_UNPACK(64)

#undef REEL_BOUND_1
#undef REEL_TYPES_1
#undef REEL_BOUND_2
#undef REEL_TYPES_2
#undef REEL_BOUND_3
#undef REEL_TYPES_3
#undef REEL_BOUND_4
#undef REEL_TYPES_4
#undef REEL_BOUND_5
#undef REEL_TYPES_5
#undef REEL_BOUND_6
#undef REEL_TYPES_6
#undef REEL_BOUND_7
#undef REEL_TYPES_7
#undef REEL_BOUND_8
#undef REEL_TYPES_8
#undef REEL_BOUND_9
#undef REEL_TYPES_9
#undef REEL_BOUND_10
#undef REEL_TYPES_10
#undef REEL_BOUND_11
#undef REEL_TYPES_11
#undef REEL_BOUND_12
#undef REEL_TYPES_12
#undef REEL_BOUND_13
#undef REEL_TYPES_13
#undef REEL_BOUND_14
#undef REEL_TYPES_14
#undef REEL_BOUND_15
#undef REEL_TYPES_15
#undef REEL_BOUND_16
#undef REEL_TYPES_16
#undef REEL_BOUND_17
#undef REEL_TYPES_17
#undef REEL_BOUND_18
#undef REEL_TYPES_18
#undef REEL_BOUND_19
#undef REEL_TYPES_19
#undef REEL_BOUND_20
#undef REEL_TYPES_20
#undef REEL_BOUND_21
#undef REEL_TYPES_21
#undef REEL_BOUND_22
#undef REEL_TYPES_22
#undef REEL_BOUND_23
#undef REEL_TYPES_23
#undef REEL_BOUND_24
#undef REEL_TYPES_24
#undef REEL_BOUND_25
#undef REEL_TYPES_25
#undef REEL_BOUND_26
#undef REEL_TYPES_26
#undef REEL_BOUND_27
#undef REEL_TYPES_27
#undef REEL_BOUND_28
#undef REEL_TYPES_28
#undef REEL_BOUND_29
#undef REEL_TYPES_29
#undef REEL_BOUND_30
#undef REEL_TYPES_30
#undef REEL_BOUND_31
#undef REEL_TYPES_31
#undef REEL_BOUND_32
#undef REEL_TYPES_32
#undef REEL_BOUND_33
#undef REEL_TYPES_33
#undef REEL_BOUND_34
#undef REEL_TYPES_34
#undef REEL_BOUND_35
#undef REEL_TYPES_35
#undef REEL_BOUND_36
#undef REEL_TYPES_36
#undef REEL_BOUND_37
#undef REEL_TYPES_37
#undef REEL_BOUND_38
#undef REEL_TYPES_38
#undef REEL_BOUND_39
#undef REEL_TYPES_39
#undef REEL_BOUND_40
#undef REEL_TYPES_40
#undef REEL_BOUND_41
#undef REEL_TYPES_41
#undef REEL_BOUND_42
#undef REEL_TYPES_42
#undef REEL_BOUND_43
#undef REEL_TYPES_43
#undef REEL_BOUND_44
#undef REEL_TYPES_44
#undef REEL_BOUND_45
#undef REEL_TYPES_45
#undef REEL_BOUND_46
#undef REEL_TYPES_46
#undef REEL_BOUND_47
#undef REEL_TYPES_47
#undef REEL_BOUND_48
#undef REEL_TYPES_48
#undef REEL_BOUND_49
#undef REEL_TYPES_49
#undef REEL_BOUND_50
#undef REEL_TYPES_50
#undef REEL_BOUND_51
#undef REEL_TYPES_51
#undef REEL_BOUND_52
#undef REEL_TYPES_52
#undef REEL_BOUND_53
#undef REEL_TYPES_53
#undef REEL_BOUND_54
#undef REEL_TYPES_54
#undef REEL_BOUND_55
#undef REEL_TYPES_55
#undef REEL_BOUND_56
#undef REEL_TYPES_56
#undef REEL_BOUND_57
#undef REEL_TYPES_57
#undef REEL_BOUND_58
#undef REEL_TYPES_58
#undef REEL_BOUND_59
#undef REEL_TYPES_59
#undef REEL_BOUND_60
#undef REEL_TYPES_60
#undef REEL_BOUND_61
#undef REEL_TYPES_61
#undef REEL_BOUND_62
#undef REEL_TYPES_62
#undef REEL_BOUND_63
#undef REEL_TYPES_63
#undef REEL_BOUND_64
#undef REEL_TYPES_64
#undef REEL_UNPACK
// clang-format on

}  // namespace reel::detail
