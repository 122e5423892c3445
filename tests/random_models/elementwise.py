"""Element-wise operators of random models.

Each appends nodes and gives False where no tensor fits."""

from __future__ import annotations

import numpy as np

from tests.random_models.maker import Maker

SMOOTH = {
    "Sigmoid": 1.0, "Tanh": 1.0, "Erf": 1.0, "Softsign": 1.0, "HardSigmoid": 1.0, "Atan": 1.6,
    "Sin": 1.0, "Cos": 1.0,
}  # fmt: skip
"""Functions with a bounded result."""
GROWING = ("Elu", "Selu", "Softplus", "Mish", "HardSwish", "Celu")
"""Functions that are at most twice their operand and one."""
EXACT = ("Abs", "Neg", "Relu", "Identity")
JUMPS = ("Floor", "Ceil", "Round", "Sign", "ThresholdedRelu")


def smooth(m: Maker) -> bool:
    x, kind = m.pick(), m.rng.choice(sorted(SMOOTH))
    return bool(x and m.keep(m.node(kind, [x.name]), x.shape, SMOOTH[kind], False))


def growing(m: Maker) -> bool:
    x = m.pick()
    kind = m.rng.choice(GROWING)
    return bool(x and m.keep(m.node(kind, [x.name]), x.shape, 2 * x.bound + 2, False))


def exact(m: Maker) -> bool:
    x = m.pick()
    return bool(x and m.keep(m.node(m.rng.choice(EXACT), [x.name]), x.shape, x.bound, x.exact))


def jumps(m: Maker) -> bool:
    x = m.pick(exact=True)
    return bool(x and m.keep(m.node(m.rng.choice(JUMPS), [x.name]), x.shape, x.bound + 1, True))


def relu(m: Maker) -> bool:
    x = m.pick()
    return bool(x and m.keep(m.node("Relu", [x.name]), x.shape, x.bound, x.exact))


def leaky(m: Maker) -> bool:
    x = m.pick()
    return bool(x and m.keep(m.node("LeakyRelu", [x.name], alpha=0.25), x.shape, x.bound, x.exact))


def prelu(m: Maker) -> bool:
    x = m.pick(4)
    if x is None:
        return False
    slope = m.constant(m.weights(x.shape[1], 1, 1))
    return bool(m.keep(m.node("PRelu", [x.name, slope]), x.shape, 2 * x.bound, x.exact))


def clip(m: Maker) -> bool:
    x = m.pick()
    if x is None:
        return False
    low, high = m.constant(np.float32(-1.5)), m.constant(np.float32(2.25))
    return bool(m.keep(m.node("Clip", [x.name, low, high]), x.shape, 2.25, x.exact))


def exponential(m: Maker) -> bool:
    x = m.pick()
    if x is None:
        return False
    low, high = m.constant(np.float32(-4)), m.constant(np.float32(4))
    return bool(m.keep(m.node("Exp", [m.node("Clip", [x.name, low, high])]), x.shape, 55, False))


def logarithm(m: Maker) -> bool:
    x = m.pick()
    if x is None:
        return False
    positive = m.node("Add", [m.node("Abs", [x.name]), m.constant(np.float32(0.5))])
    kind = m.rng.choice(("Log", "Sqrt", "Reciprocal"))
    return bool(m.keep(m.node(kind, [positive]), x.shape, x.bound + 2, False))


def binary(m: Maker) -> bool:
    x = m.pick()
    if x is None:
        return False
    y, kind = m.partner(x), m.rng.choice(("Add", "Sub", "Mul", "Max", "Min"))
    bound = x.bound * y.bound if kind == "Mul" else x.bound + y.bound
    same = x.exact and y.exact and kind in ("Max", "Min")
    return bool(m.keep(m.node(kind, [x.name, y.name]), x.shape, bound, same))


def add(m: Maker) -> bool:
    x = m.pick()
    if x is None:
        return False
    y = m.partner(x)
    name = m.node("Add", [x.name, y.name])
    return bool(m.keep(name, x.shape, x.bound + y.bound, False))


def multiply(m: Maker) -> bool:
    x = m.pick()
    if x is None:
        return False
    y = m.partner(x)
    return bool(m.keep(m.node("Mul", [x.name, y.name]), x.shape, x.bound * y.bound, False))


def divide(m: Maker) -> bool:
    x = m.pick()
    if x is None:
        return False
    y = m.partner(x)
    below = m.node("Add", [m.node("Abs", [y.name]), m.constant(np.float32(0.5))])
    return bool(m.keep(m.node("Div", [x.name, below]), x.shape, 2 * x.bound, False))


def with_constant(m: Maker) -> bool:
    x = m.pick()
    if x is None:
        return False
    shape = [n if m.rng.random() < 0.6 else 1 for n in x.shape]
    kind = m.rng.choice(("Add", "Sub", "Mul"))
    name = m.node(kind, [x.name, m.constant(m.weights(*shape))])
    return bool(m.keep(name, x.shape, 2 * x.bound + 2, False))


def choose(m: Maker) -> bool:
    x = m.pick(exact=True)
    if x is None:
        return False
    y, z = m.partner(x), m.partner(x)
    kind = m.rng.choice(("Less", "Greater", "LessOrEqual", "GreaterOrEqual"))
    condition = m.node(kind, [x.name, m.constant(np.float32(0.125))])
    name = m.node("Where", [condition, y.name, z.name])
    shape = np.broadcast_shapes(x.shape, y.shape, z.shape)
    return bool(m.keep(name, shape, max(y.bound, z.bound), y.exact and z.exact))


INTEGER = (add, clip, leaky, multiply, relu, smooth, with_constant)
REAL = (binary, choose, divide, exact, exponential, growing, jumps, logarithm, prelu)
