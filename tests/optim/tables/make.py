#!/usr/bin/env python3
"""Writes optimizers.h and schedules.h beside this file: what PyTorch's optimizers and schedules do.

    pip install torch==2.15.0 numpy && tests/optim/tables/make.py

A case of optimizers.h is a name, options, and the parameters (a matrix of 3 x 2 and a vector of 2)
after some steps; test_torch_tables.cpp has the same problem, and the options of each case.
"""

import math
import pathlib

import torch

here = pathlib.Path(__file__).parent
torch.set_num_threads(1)


def gradient(p, first, t):
    """Of a bowl that shakes; numbers are counted through all parameters, from `first`."""
    values = [
        (0.5 + 0.25 * (first + i)) * x + 0.5 * math.cos(0.3 * t + first + i)
        for i, x in enumerate(p.detach().double().flatten().tolist())
    ]
    return torch.tensor(values, dtype=torch.float64).reshape(p.shape).to(p.dtype)


def start(shape, first, dtype):
    count = math.prod(shape)
    values = [math.sin(1 + first + i) for i in range(count)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape).to(dtype).requires_grad_()


class Lion(torch.optim.Optimizer):
    """From the paper: Chen et al. 2023, program 1."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, maximize=False):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize))

    @torch.no_grad()
    def step(self):
        for o in self.param_groups:
            for p in o["params"]:
                m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                g = -p.grad if o["maximize"] else p.grad
                update = (o["betas"][0] * m + (1 - o["betas"][0]) * g).sign()
                m.mul_(o["betas"][1]).add_(g * (1 - o["betas"][1]))
                p.add_(update + o["weight_decay"] * p, alpha=-o["lr"])


def closure(optimizer, parameters, sign):
    """A bowl that is no parabola, for LBFGS; turned over where it is maximized."""

    def loss():
        optimizer.zero_grad()
        x = torch.cat([p.flatten() for p in parameters])
        count = torch.arange(8, dtype=x.dtype)
        value = sign * (((0.5 + 0.25 * count) * (x - torch.cos(count)) ** 2).sum() + 0.1 * x.sum() ** 4)
        value.backward()
        return value

    return loss


O = torch.optim
cases = [
    ("SGD", "default", O.SGD, dict(lr=1e-3)),
    ("SGD", "momentum", O.SGD, dict(lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.01)),
    ("SGD", "nesterov", O.SGD, dict(lr=0.05, momentum=0.9, nesterov=True)),
    ("SGD", "maximize", O.SGD, dict(lr=0.01, momentum=0.5, weight_decay=0.1, maximize=True)),
    ("Adam", "default", O.Adam, {}),
    ("Adam", "amsgrad", O.Adam, dict(lr=0.05, weight_decay=0.1, amsgrad=True)),
    ("Adam", "decoupled", O.Adam, dict(lr=0.05, weight_decay=0.1, decoupled_weight_decay=True)),
    ("Adam", "maximize", O.Adam, dict(lr=0.01, betas=(0.5, 0.9), eps=1e-3, maximize=True)),
    ("AdamW", "default", O.AdamW, {}),
    ("AdamW", "amsgrad", O.AdamW, dict(lr=0.05, weight_decay=0.1, amsgrad=True)),
    ("NAdam", "default", O.NAdam, {}),
    ("NAdam", "decay", O.NAdam, dict(lr=0.05, weight_decay=0.1, momentum_decay=0.01)),
    ("NAdam", "decoupled", O.NAdam, dict(lr=0.05, weight_decay=0.1, decoupled_weight_decay=True)),
    ("NAdam", "maximize", O.NAdam, dict(lr=0.01, betas=(0.5, 0.9), eps=1e-3, maximize=True)),
    ("RAdam", "default", O.RAdam, {}),
    ("RAdam", "decay", O.RAdam, dict(lr=0.05, weight_decay=0.1)),
    ("RAdam", "decoupled", O.RAdam, dict(lr=0.05, weight_decay=0.1, decoupled_weight_decay=True)),
    ("RAdam", "maximize", O.RAdam, dict(lr=0.01, betas=(0.5, 0.9), eps=1e-3, maximize=True)),
    ("Adamax", "default", O.Adamax, {}),
    ("Adamax", "decay", O.Adamax, dict(lr=0.05, betas=(0.5, 0.9), eps=1e-3, weight_decay=0.1)),
    ("Adamax", "maximize", O.Adamax, dict(lr=0.01, maximize=True)),
    ("Adagrad", "default", O.Adagrad, {}),
    ("Adagrad", "decay", O.Adagrad, dict(lr=0.1, lr_decay=0.05, weight_decay=0.1, initial_accumulator_value=0.5)),
    ("Adagrad", "maximize", O.Adagrad, dict(lr=0.05, eps=1e-3, maximize=True)),
    ("Adadelta", "default", O.Adadelta, {}),
    ("Adadelta", "decay", O.Adadelta, dict(lr=0.5, rho=0.7, eps=1e-3, weight_decay=0.1)),
    ("Adadelta", "maximize", O.Adadelta, dict(maximize=True)),
    ("RMSprop", "default", O.RMSprop, {}),
    ("RMSprop", "momentum", O.RMSprop, dict(lr=1e-3, alpha=0.9, momentum=0.9, weight_decay=0.1)),
    ("RMSprop", "centered", O.RMSprop, dict(eps=1e-3, centered=True)),
    ("RMSprop", "all", O.RMSprop, dict(lr=1e-3, centered=True, momentum=0.5, eps=1e-2, maximize=True)),
    ("Rprop", "default", O.Rprop, {}),
    ("Rprop", "steps", O.Rprop, dict(lr=0.05, etas=(0.7, 1.1), step_sizes=(1e-3, 0.1))),
    ("Rprop", "maximize", O.Rprop, dict(lr=1e-3, step_sizes=(1e-6, 1e-2), maximize=True)),
    ("ASGD", "default", O.ASGD, {}),
    ("ASGD", "average", O.ASGD, dict(lr=0.1, lambd=0.01, alpha=0.5, t0=20, weight_decay=0.1)),
    ("ASGD", "maximize", O.ASGD, dict(maximize=True)),
    ("Lion", "default", Lion, {}),
    ("Lion", "decay", Lion, dict(lr=0.01, betas=(0.8, 0.95), weight_decay=0.1)),
    ("Lion", "maximize", Lion, dict(lr=0.01, maximize=True)),
    ("Adafactor", "default", O.Adafactor, {}),
    ("Adafactor", "decay", O.Adafactor, dict(lr=0.1, beta2_decay=-0.5, eps=(1e-3, 0.1), d=2, weight_decay=0.1)),
    ("Adafactor", "maximize", O.Adafactor, dict(maximize=True)),
    ("Muon", "default", O.Muon, {}),
    ("Muon", "plain", O.Muon, dict(lr=0.02, momentum=0.5, nesterov=False, ns_steps=3, weight_decay=0)),
    ("Muon", "rms", O.Muon, dict(lr=0.02, adjust_lr_fn="match_rms_adamw", ns_coefficients=(2, -1.5, 0.5))),
    ("Muon", "spectral", O.Muon, dict(lr=0.02, adjust_lr_fn="spectral_unclamped", eps=1e-3)),
    ("LBFGS", "default", O.LBFGS, {}),
    ("LBFGS", "short", O.LBFGS, dict(lr=0.1, max_iter=3, history_size=2)),
    ("LBFGS", "wolfe", O.LBFGS, dict(line_search_fn="strong_wolfe", max_iter=2)),
    ("LBFGS", "maximize", O.LBFGS, dict(lr=0.5, line_search_fn="strong_wolfe", max_eval=7, maximize=True)),
]
recorded = (1, 10, 100)


def number(x, dtype):
    return f"{x:.17g}" if dtype == torch.float64 else f"{x:.9g}"


def optimizer_rows():
    for name, options, make, keywords in cases:
        for dtype in (torch.float32, torch.float64):
            # PyTorch keeps numbers (eta, mu_product) in the default dtype.
            torch.set_default_dtype(dtype)
            parameters = [start((3, 2), 0, dtype)]
            if name != "Muon":
                parameters.append(start((2,), 6, dtype))
            optimizer = make(parameters, **keywords)
            bfloat16 = torch.bfloat16
            torch.bfloat16 = dtype  # in which Muon iterates
            for t in range(1, 101):
                if name == "LBFGS":
                    optimizer.step(closure(optimizer, parameters, -1 if options == "maximize" else 1))
                else:
                    for first, p in zip((0, 6), parameters):
                        p.grad = gradient(p, first, t)
                    optimizer.step()
                if t in recorded:
                    values = [number(x, dtype) for p in parameters for x in p.detach().flatten().tolist()]
                    bits = 64 if dtype == torch.float64 else 32
                    yield f'    {{"{name}", "{options}", {bits}, {t}, {{{", ".join(values)}}}}},'
            torch.bfloat16 = bfloat16


S = torch.optim.lr_scheduler


def chained(o):
    return S.ChainedScheduler([S.ConstantLR(o, 0.5, 20), S.ExponentialLR(o, 0.99)])


def chained_cosine(o):
    return S.ChainedScheduler([S.LinearLR(o, 0.1, 1, 15), S.CosineAnnealingLR(o, 100, 1e-3)])


def sequential(o):
    return S.SequentialLR(o, [S.LinearLR(o, 0.1, 1, 10), S.CosineAnnealingLR(o, 290)], [10])


def sequential_many(o):
    parts = [S.ConstantLR(o), S.MultiplicativeLR(o, lambda t: 0.99), S.CosineAnnealingWarmRestarts(o, 20),
             S.MultiplicativeLR(o, lambda t: 0.98), S.StepLR(o, 20)]
    return S.SequentialLR(o, parts, [8, 60, 130, 200])


schedules = [
    ("StepLR", lambda o: S.StepLR(o, 30)),
    ("StepLR slow", lambda o: S.StepLR(o, 7, 0.9)),
    ("MultiStepLR", lambda o: S.MultiStepLR(o, [10, 80, 80, 200], 0.5)),
    ("ConstantLR", lambda o: S.ConstantLR(o)),
    ("ConstantLR half", lambda o: S.ConstantLR(o, 0.5, 40)),
    ("LinearLR", lambda o: S.LinearLR(o)),
    ("LinearLR down", lambda o: S.LinearLR(o, 0.8, 0.1, 100)),
    ("ExponentialLR", lambda o: S.ExponentialLR(o, 0.99)),
    ("PolynomialLR", lambda o: S.PolynomialLR(o)),
    ("PolynomialLR square", lambda o: S.PolynomialLR(o, 200, 2)),
    ("CosineAnnealingLR", lambda o: S.CosineAnnealingLR(o, 50)),
    ("CosineAnnealingLR least", lambda o: S.CosineAnnealingLR(o, 40, 1e-3)),
    ("CosineAnnealingWarmRestarts", lambda o: S.CosineAnnealingWarmRestarts(o, 10)),
    ("CosineAnnealingWarmRestarts longer", lambda o: S.CosineAnnealingWarmRestarts(o, 10, 2, 1e-3)),
    ("LambdaLR", lambda o: S.LambdaLR(o, lambda t: 0.95**t)),
    ("LambdaLR each", lambda o: S.LambdaLR(o, [lambda t: 1 / (1 + t), lambda t: 1 + t])),
    ("MultiplicativeLR", lambda o: S.MultiplicativeLR(o, lambda t: 1 - 1 / (t + 10))),
    ("OneCycleLR", lambda o: S.OneCycleLR(o, 0.4, total_steps=300)),
    ("OneCycleLR three", lambda o: S.OneCycleLR(
        o, [0.4, 0.2], epochs=10, steps_per_epoch=30, pct_start=0.25, anneal_strategy="linear",
        base_momentum=0.7, max_momentum=0.99, div_factor=10, final_div_factor=100, three_phase=True)),
    ("OneCycleLR Adam", lambda o: S.OneCycleLR(o, 0.4, total_steps=300)),
    ("OneCycleLR alone", lambda o: S.OneCycleLR(o, 0.4, total_steps=300, cycle_momentum=False)),
    ("CyclicLR", lambda o: S.CyclicLR(o, 0.01, 0.1, 20)),
    ("CyclicLR triangular2", lambda o: S.CyclicLR(o, [0.01, 0.02], 0.1, 20, 30, "triangular2")),
    ("CyclicLR exp_range", lambda o: S.CyclicLR(o, 0.01, 0.1, 17, mode="exp_range", gamma=0.99, base_momentum=0.5)),
    ("CyclicLR cycle", lambda o: S.CyclicLR(o, 0.01, 0.1, 20, scale_fn=lambda n: 1 / n, scale_mode="cycle")),
    ("CyclicLR iterations", lambda o: S.CyclicLR(o, 0.01, 0.1, 20, scale_fn=lambda t: 0.98**t, scale_mode="iterations")),
    ("ChainedScheduler", chained),
    ("ChainedScheduler cosine", chained_cosine),
    ("SequentialLR", sequential),
    ("SequentialLR many", sequential_many),
    ("SWALR", lambda o: torch.optim.swa_utils.SWALR(o, 0.05)),
    ("SWALR linear", lambda o: torch.optim.swa_utils.SWALR(o, [0.05, 0.1], 40, "linear")),
    ("ReduceLROnPlateau", lambda o: S.ReduceLROnPlateau(o)),
    ("ReduceLROnPlateau max", lambda o: S.ReduceLROnPlateau(
        o, "max", 0.5, 5, 0.1, "abs", cooldown=7, min_lr=[0.01, 1e-3], eps=1e-3)),
    ("ReduceLROnPlateau rel", lambda o: S.ReduceLROnPlateau(o, "max", 0.9, 3, 0.05)),
]
moments = (0, 1, 2, 5, 9, 10, 11, 30, 50, 80, 100, 101, 150, 200, 250, 299)


def figure(t):
    return math.cos(0.05 * t) / (1 + 0.01 * t) + 0.5


def schedule_rows():
    """The rates of both groups, the sums of the rates so far, and the first group's momentum."""
    for name, make in schedules:
        weights = [torch.zeros(1, requires_grad=True) for _ in range(2)]
        groups = [dict(params=[weights[0]], lr=0.1), dict(params=[weights[1]], lr=0.02)]
        optimizer = O.Adam(groups) if name.endswith("Adam") else O.SGD(groups, momentum=0.9)
        scheduler = make(optimizer)
        sums = [0.0, 0.0]
        for t in range(300):
            if t > 0:
                optimizer.step()
                scheduler.step(*([figure(t)] if name.startswith("Reduce") else []))
            rates = [group["lr"] for group in optimizer.param_groups]
            sums = [s + r for s, r in zip(sums, rates)]
            first = optimizer.param_groups[0]
            momentum = first["betas"][0] if "betas" in first else first["momentum"]
            if t in moments:
                values = ", ".join(f"{x:.17g}" for x in (*rates, *sums, momentum))
                yield f'    {{"{name}", {t}, {{{values}}}}},'


def write(file, declaration, rows):
    text = [
        f"// Written by make.py with PyTorch {torch.__version__.split('+')[0]}.",
        "",
        "// clang-format off",
        declaration,
        *rows,
        "};",
    ]
    (here / file).write_text("\n".join(text) + "\n")


write("optimizers.h", "const OptimizerRow optimizer_rows[] = {", optimizer_rows())
write("schedules.h", "const ScheduleRow schedule_rows[] = {", schedule_rows())
