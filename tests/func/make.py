#!/usr/bin/env python3
"""Writes transforms.h beside this file: what PyTorch's transforms of functions give.

    pip install torch==2.15.0 numpy && tests/func/make.py

A row is a function, a transform, and the numbers that it gives, all of them one after the other: for
each output, and in it for each input. test_func_torch.cpp has the same functions under the same names.
"""

import pathlib

import torch
import torch.nn.functional as F
from torch.autograd import functional
from torch.func import hessian, jacfwd, jacrev, jvp, vjp

here = pathlib.Path(__file__).parent
torch.set_num_threads(1)


def values(shape, phase):
    """Numbers between -0.8 and 1 that no symmetry relates; C++ makes the same."""
    count = torch.Size(shape).numel()
    return (0.9 * torch.sin(1.7 * torch.arange(count, dtype=torch.float64) + phase) + 0.1).reshape(shape)


index = torch.tensor([2, 0, 2])
functions = {
    "sin": (lambda x: torch.sin(x), [3]),
    "chain": (lambda x: torch.exp(torch.sin(x) * x) / (1 + x * x), [4]),
    "product": (lambda x, y: x * y, [2, 3], [3]),
    "pow": (lambda x, y: (x.abs() + 1) ** y, [3], [3]),
    "matmul": (lambda x, y: x @ y, [2, 3], [3, 2]),
    "bmm": (lambda x, y: torch.bmm(x, y.transpose(1, 2)), [2, 1, 3], [2, 2, 3]),
    "linear tanh": (lambda x, w, b: torch.tanh(F.linear(x, w, b)), [2, 3], [2, 3], [2]),
    "softmax": (lambda x: torch.softmax(x, 1), [2, 3]),
    "log_softmax": (lambda x: torch.log_softmax(x, 0), [3, 2]),
    "logsumexp": (lambda x: torch.logsumexp(x, 1), [2, 3]),
    "conv2d": (lambda x, w: F.conv2d(x, w, padding=1), [1, 2, 3, 3], [2, 2, 3, 3]),
    "max_pool2d": (lambda x: F.max_pool2d(x * x, 2), [1, 1, 4, 4]),
    "where": (lambda x: torch.where(x > 0, x * x, torch.sin(x)), [5]),
    "index": (lambda x: x[index] ** 2, [4, 2]),
    "gather": (lambda x: x.gather(0, index), [4]),
    "cumsum": (lambda x: torch.cumsum(x * x, 0), [4]),
    "prod": (lambda x: x.prod(0), [3, 2]),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (4,), w, b), [2, 4], [4], [4]),
    "amax": (lambda x: torch.amax(x * x, 1), [2, 3]),
    "cat": (lambda x, y: torch.cat([x, y * y]), [2], [3]),
    "floor": (lambda x: torch.floor(x) + x, [3]),
    "energy": (lambda x: (x[1:] - x[:-1] ** 2).square().sum(), [4]),
    "bilinear": (lambda x, y: (x @ y).tanh().sum(), [2, 3], [3]),
    "two outputs": (lambda x, y: (x * y, torch.sin(x).sum()), [3], [3]),
    "three outputs": (lambda x: (x.sum(), x * x, torch.outer(x, x)), [2]),
    "independent": (lambda x, y: (x * 2, torch.cos(y)), [2], [2]),
}


def as_tuple(y):
    return y if isinstance(y, tuple) else (y,)


def flat(tree):
    """All numbers in nested tuples of tensors."""
    if isinstance(tree, torch.Tensor):
        return tree.detach().flatten().tolist()
    return [number for part in tree for number in flat(part)]


def rows():
    for name, (f, *shapes) in functions.items():
        x = tuple(values(shape, k) for k, shape in enumerate(shapes))
        tangents = tuple(values(shape, 10 + k) for k, shape in enumerate(shapes))
        numbers = tuple(range(len(x)))
        y = f(*x)
        cotangents = tuple(values(part.shape, 20 + k) for k, part in enumerate(as_tuple(y)))
        yield name, "jacrev", jacrev(f, numbers)(*x)
        yield name, "jacfwd", jacfwd(f, numbers)(*x)
        yield name, "vjp", vjp(f, *x)[1](cotangents if isinstance(y, tuple) else cotangents[0])
        yield name, "jvp", jvp(f, x, tangents)[1]
        # Of one number, so that every function has second derivatives.
        loss = lambda *x: sum((c * part * part).sum() for c, part in zip(cotangents, as_tuple(f(*x))))
        if len(flat(x)) <= 12:
            yield name, "hessian", hessian(loss, numbers)(*x)
        yield name, "hvp", functional.hvp(loss, x, tangents)[1]


lines = [f'    {{"{name}", "{transform}", {{{", ".join(f"{v:.17g}" for v in flat(tree))}}}}},'
         for name, transform, tree in rows()]
text = [
    f"// Written by make.py with PyTorch {torch.__version__.split('+')[0]}.",
    "",
    "// clang-format off",
    "const Row torch_rows[] = {",
    *lines,
    "};",
]
(here / "transforms.h").write_text("\n".join(text) + "\n")
