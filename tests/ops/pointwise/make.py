#!/usr/bin/env python3
"""Writes unary.h, binary.h and promoted.h beside this file: what PyTorch's elementwise functions do.

    pip install torch==2.15.0 numpy && tests/ops/pointwise/make.py

A case of unary.h is a function, a dtype, and at every point the value, the derivative and the second
one; of binary.h the value and both derivatives at every pair. promoted.h has the dtypes and values that
integers and bools give. test_pointwise_torch.cpp has the same functions under the same names.
"""

import math
import pathlib

import torch
import torch.nn.functional as F

here = pathlib.Path(__file__).parent
torch.set_num_threads(1)
inf, nan = math.inf, math.nan

unary = {
    "trunc": torch.trunc,
    "frac": torch.frac,
    "exp2": torch.exp2,
    "expm1": torch.expm1,
    "log2": torch.log2,
    "log10": torch.log10,
    "log1p": torch.log1p,
    "reciprocal": torch.reciprocal,
    "square": torch.square,
    "sgn": torch.sgn,
    "positive": torch.positive,
    "tan": torch.tan,
    "asin": torch.asin,
    "acos": torch.acos,
    "atan": torch.atan,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "asinh": torch.asinh,
    "acosh": torch.acosh,
    "atanh": torch.atanh,
    "sinc": torch.sinc,
    "deg2rad": torch.deg2rad,
    "rad2deg": torch.rad2deg,
    "logit": torch.logit,
    "logit 0.25": lambda x: torch.logit(x, 0.25),
    "erf": torch.erf,
    "erfc": torch.erfc,
    "erfinv": torch.erfinv,
    "lgamma": torch.lgamma,
    "digamma": torch.digamma,
    "polygamma 1": lambda x: torch.polygamma(1, x),
    "polygamma 4": lambda x: torch.polygamma(4, x),
    "i0": torch.i0,
    "i1": torch.special.i1,
    "nan_to_num": torch.nan_to_num,
    "nan_to_num 1 2 3": lambda x: torch.nan_to_num(x, 1.0, 2.0, 3.0),
    "clamp": lambda x: torch.clamp(x, -1, 1),
    "celu": F.celu,
    "celu 0.5": lambda x: F.celu(x, 0.5),
    "selu": F.selu,
    "logsigmoid": F.logsigmoid,
    "mish": F.mish,
    "softsign": F.softsign,
    "tanhshrink": F.tanhshrink,
    # PyTorch's own derivative has a sixth in float32, and no second one.
    "hardsigmoid": lambda x: F.relu6(x + 3) / 6,
    "hardswish": F.hardswish,
    "hardtanh": F.hardtanh,
    "hardtanh 0.5 2": lambda x: F.hardtanh(x, 0.5, 2.0),
    "relu6": F.relu6,
    "threshold 0.5 2": lambda x: F.threshold(x, 0.5, 2.0),
    "softshrink": F.softshrink,
    "softshrink 2": lambda x: F.softshrink(x, 2.0),
    "hardshrink": F.hardshrink,
    "rrelu": F.rrelu,
    "softplus 2 2.5": lambda x: F.softplus(x, 2, 2.5),
    "gelu tanh": lambda x: F.gelu(x, approximate="tanh"),
    "leaky_relu 0.2": lambda x: F.leaky_relu(x, 0.2),
    "elu 0.7": lambda x: F.elu(x, 0.7),
    "isfinite": torch.isfinite,
    "isposinf": torch.isposinf,
    "isneginf": torch.isneginf,
    "signbit": torch.signbit,
}
binary = {
    "pow": torch.pow,
    "fmax": torch.fmax,
    "fmin": torch.fmin,
    "copysign": torch.copysign,
    "heaviside": torch.heaviside,
    "atan2": torch.atan2,
    "hypot": torch.hypot,
    "logaddexp": torch.logaddexp,
    "logaddexp2": torch.logaddexp2,
    "xlogy": torch.xlogy,
    "xlog1py": torch.special.xlog1py,
    "fmod": torch.fmod,
    "remainder": torch.remainder,
    "floor_divide": torch.floor_divide,
    "div floor": lambda a, b: torch.div(a, b, rounding_mode="floor"),
    "div trunc": lambda a, b: torch.div(a, b, rounding_mode="trunc"),
    "lerp 0.3": lambda a, b: torch.lerp(a, b, 0.3),
    "lerp 0.8": lambda a, b: torch.lerp(a, b, 0.8),
    "prelu": torch.ops.aten._prelu_kernel,
    "bitwise_and": torch.bitwise_and,
    "bitwise_or": torch.bitwise_or,
    "bitwise_xor": torch.bitwise_xor,
    "bitwise_left_shift": torch.bitwise_left_shift,
    "bitwise_right_shift": torch.bitwise_right_shift,
}


def points(dtype):
    tiny = 1e-310 if dtype == torch.float64 else 1e-40
    sizes = [0.0, inf, tiny, 1e-5, 0.2, 0.25, 0.5, 0.75, 0.9, 1, 1.5, 2, 3, 3.7, 6, 8, 30, 200, 1e5]
    return torch.tensor([sign * size for size in sizes for sign in (1, -1)] + [nan], dtype=dtype)


def pairs(dtype):
    values = [0.0, -0.0, 1, -1, 2.5, -0.7, inf, -inf, nan]
    of = [(a, b) for a in values for b in values]
    return [torch.tensor([pair[i] for pair in of], dtype=dtype) for i in (0, 1)]


def numbers(x):
    digits = 17 if x.dtype == torch.float64 else 9
    texts = [f"{v:.{digits}g}" for v in x.detach().double().tolist()]
    return "{" + ", ".join("-0.0" if text == "-0" else text for text in texts) + "}"


def derivatives(y, inputs):
    """Zeros where there is nothing to differentiate, NaN where PyTorch cannot."""
    if not y.requires_grad:
        return [torch.zeros_like(x) for x in inputs]
    try:
        of = torch.autograd.grad(y.sum(), inputs, create_graph=True, allow_unused=True)
    except (RuntimeError, NotImplementedError):
        return [torch.full_like(x, nan) for x in inputs]
    return [torch.zeros_like(x) if dx is None or dx._is_zerotensor() else dx for x, dx in zip(inputs, of)]


def bits(dtype):
    return 64 if dtype == torch.float64 else 32


def rows(of, inputs_of):
    for name, f in of.items():
        for dtype in (torch.float32, torch.float64):
            inputs = [x.requires_grad_() for x in inputs_of(dtype)]
            try:
                y = f(*inputs)
            except (RuntimeError, NotImplementedError):
                continue  # of integers only
            first = derivatives(y, inputs)
            columns = [y, *first]
            if len(inputs) == 1:
                columns += derivatives(first[0], inputs)
            columns = [numbers(c.to(dtype)) for c in columns]
            yield f'    {{"{name}", {bits(dtype)}, {", ".join(columns)}}},'


# Reel refuses bools where arithmetic is meant, and powers of integers below 0.
refused = {("square", torch.bool), ("sgn", torch.bool), ("pow", torch.int32), ("pow", torch.int64)}
kinds = {"uint8": torch.uint8, "int32": torch.int32, "int64": torch.int64, "bool_": torch.bool}


def whole(kind, values):
    return torch.tensor([v if kind != torch.uint8 else abs(v) for v in values]).to(kind)


def promoted():
    some = [-7, -2, -1, 1, 2, 3, 7]
    for of, count in ((unary, 1), (binary, 2)):
        for name, f in of.items():
            for kind, dtype in kinds.items():
                a = whole(dtype, some)
                b = whole(dtype, some[::-1])
                if (name, dtype) in refused:
                    continue
                try:
                    y = f(a) if count == 1 else f(a, b)
                except (RuntimeError, NotImplementedError):
                    continue
                result = "bool_" if y.dtype == torch.bool else str(y.dtype).split(".")[1]
                yield f'    {{"{name}", {kind}, {result}, {numbers(y)}}},'


def write(file, declaration, lines):
    text = [
        f"// Written by make.py with PyTorch {torch.__version__.split('+')[0]}.",
        "",
        "// clang-format off",
        declaration,
        *lines,
        "};",
    ]
    (here / file).write_text("\n".join(text) + "\n")


write("unary.h", f"const Row<{len(points(torch.float64))}> unary_rows[] = {{", rows(unary, lambda dtype: [points(dtype)]))
write("binary.h", f"const Row<{len(pairs(torch.float64)[0])}> binary_rows[] = {{", rows(binary, pairs))
write("promoted.h", "const PromotedRow promoted_rows[] = {", promoted())
