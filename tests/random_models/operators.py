"""What a random model is made of: one function for each operator or family.

Each takes the maker and appends at least one node; it returns False where no tensor fits. Functions
with poles or jumps get operands that keep away from them, so that a difference is an error.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.random_models.maker import MAX_ELEMENTS, Maker, Tensor

Template = Callable[[Maker], bool]

SMOOTH = {
    "Sigmoid": 1.0, "Tanh": 1.0, "Erf": 1.0, "Softsign": 1.0, "HardSigmoid": 1.0, "Atan": 1.6,
    "Sin": 1.0, "Cos": 1.0,
}  # fmt: skip
"""Functions with a bounded result."""
GROWING = ("Elu", "Selu", "Softplus", "Mish", "HardSwish", "Celu")
"""Functions that are at most twice their operand and one."""
EXACT = ("Abs", "Neg", "Relu", "Identity")
JUMPS = ("Floor", "Ceil", "Round", "Sign", "ThresholdedRelu")
REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2",
              "ReduceSumSquare")  # fmt: skip


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


def convolution(m: Maker) -> bool:
    x = m.pick(4)
    if x is None:
        return False
    channels = x.shape[1]
    groups = m.rng.choice([1, 1, channels])
    filters = groups * m.rng.randint(1, 3)
    kernel = [m.rng.randint(1, min(3, n)) for n in x.shape[2:]]
    pads = [m.rng.randint(0, k - 1) for k in kernel * 2]
    strides = [m.rng.randint(1, 2) for _ in kernel]
    taps = int(np.prod(kernel)) * channels // groups
    weights = m.weights(filters, channels // groups, *kernel, fan_in=taps)
    inputs = [x.name, m.constant(weights)]
    if m.rng.random() < 0.7:
        inputs.append(m.constant(m.weights(filters)))
    name = m.node("Conv", inputs, pads=pads, strides=strides, group=groups)
    size = [
        (n + pads[i] + pads[i + 2] - kernel[i]) // strides[i] + 1 for i, n in enumerate(x.shape[2:])
    ]
    return bool(m.keep(name, (x.shape[0], filters, *size), 2 * x.bound * taps**0.5 + 2, False))


def transposed_convolution(m: Maker) -> bool:
    x = m.pick(4)
    if x is None or x.size > 200:
        return False
    filters, kernel = m.rng.randint(1, 3), [m.rng.randint(1, 3) for _ in range(2)]
    strides = [m.rng.randint(1, 2) for _ in kernel]
    weights = m.weights(x.shape[1], filters, *kernel, fan_in=x.shape[1])
    name = m.node("ConvTranspose", [x.name, m.constant(weights)], strides=strides)
    size = [(n - 1) * s + k for n, s, k in zip(x.shape[2:], strides, kernel, strict=True)]
    bound = 2 * x.bound * x.shape[1] * int(np.prod(kernel))
    return bool(m.keep(name, (x.shape[0], filters, *size), bound, False))


def pool(m: Maker) -> bool:
    x = m.pick(4)
    if x is None:
        return False
    kind = m.rng.choice(("MaxPool", "AveragePool"))
    kernel = [min(m.rng.randint(1, 3), n) for n in x.shape[2:]]
    strides = [m.rng.randint(1, 2) for _ in kernel]
    name = m.node(kind, [x.name], kernel_shape=kernel, strides=strides)
    size = [(n - k) // s + 1 for n, k, s in zip(x.shape[2:], kernel, strides, strict=True)]
    same = x.exact and kind == "MaxPool"
    return bool(m.keep(name, (*x.shape[:2], *size), x.bound, same))


def global_pool(m: Maker) -> bool:
    x = m.pick(4)
    if x is None:
        return False
    name = m.node("GlobalAveragePool", [x.name])
    return bool(m.keep(name, (*x.shape[:2], 1, 1), x.bound, False))


def dense(m: Maker) -> bool:
    x = m.pick()
    if x is None or len(x.shape) < 2:
        return False
    depth, columns = int(np.prod(x.shape[1:])), m.rng.randint(1, 6)
    flat = m.node("Flatten", [x.name])
    weights = m.constant(m.weights(depth, columns, fan_in=depth))
    name = m.node("Gemm", [flat, weights, m.constant(m.weights(columns))])
    return bool(m.keep(name, (x.shape[0], columns), 2 * x.bound * depth**0.5 + 2, False))


def matmul(m: Maker) -> bool:
    x = m.pick(2, 3, 4)
    if x is None:
        return False
    columns = m.rng.randint(1, 5)
    weights = m.constant(m.weights(x.shape[-1], columns, fan_in=x.shape[-1]))
    bound = 2 * x.bound * x.shape[-1] ** 0.5
    name = m.node("MatMul", [x.name, weights])
    return bool(m.keep(name, (*x.shape[:-1], columns), bound, False))


def product(m: Maker) -> bool:
    """Two tensors that are both computed: x times its own transpose."""
    x = m.pick(3, 4)
    if x is None or x.size * x.shape[-2] > 2000:
        return False
    perm = [*range(len(x.shape) - 2), len(x.shape) - 1, len(x.shape) - 2]
    turned = m.node("Transpose", [x.name], perm=perm)
    name = m.node("MatMul", [x.name, turned])
    shape = (*x.shape[:-1], x.shape[-2])
    return bool(m.keep(name, shape, x.bound**2 * x.shape[-1], False))


def softmax(m: Maker) -> bool:
    x = m.pick(2, 3, 4)
    if x is None:
        return False
    return bool(m.keep(m.node("Softmax", [x.name], axis=len(x.shape) - 1), x.shape, 1.0, False))


def normalise(m: Maker) -> bool:
    x = m.pick(3, 4)
    if x is None or x.shape[-1] < 2:
        return False
    scale, bias = m.constant(m.weights(x.shape[-1])), m.constant(m.weights(x.shape[-1]))
    inputs = [x.name, scale, bias]
    name = m.node("LayerNormalization", inputs, axis=-1, epsilon=0.1)
    return bool(m.keep(name, x.shape, 2 * x.shape[-1] ** 0.5 + 2, False))


def batch_norm(m: Maker) -> bool:
    x = m.pick(3, 4)
    if x is None:
        return False
    vectors = [m.weights(x.shape[1]) for _ in range(3)]
    spread = np.abs(m.weights(x.shape[1])) + np.float32(0.5)
    inputs = [x.name, *(m.constant(v) for v in (*vectors, spread))]
    name = m.node("BatchNormalization", inputs)
    return bool(m.keep(name, x.shape, 3 * (x.bound + 2) + 2, False))


def reduce(m: Maker) -> bool:
    x = m.pick(2, 3, 4)
    if x is None:
        return False
    axes = sorted(m.rng.sample(range(1, len(x.shape)), m.rng.randint(1, len(x.shape) - 1)))
    kind = m.rng.choice(REDUCTIONS)
    name = m.node(kind, [x.name, m.constant(axes, np.int64)], keepdims=1)
    count = int(np.prod([x.shape[a] for a in axes]))
    bound = count * x.bound * (x.bound if kind == "ReduceSumSquare" else 1)
    shape = [1 if i in axes else n for i, n in enumerate(x.shape)]
    return bool(m.keep(name, shape, bound, x.exact and kind in ("ReduceMax", "ReduceMin")))


def reduce_mean(m: Maker) -> bool:
    x = m.pick(3, 4)
    if x is None:
        return False
    axes = list(range(2, len(x.shape)))
    name = m.node("ReduceMean", [x.name, m.constant(axes, np.int64)], keepdims=1)
    shape = [1 if i in axes else n for i, n in enumerate(x.shape)]
    return bool(m.keep(name, shape, x.bound, False))


def transpose(m: Maker) -> bool:
    x = m.pick(2, 3, 4)
    if x is None:
        return False
    perm = [0, *m.rng.sample(range(1, len(x.shape)), len(x.shape) - 1)]
    name = m.node("Transpose", [x.name], perm=perm)
    return bool(m.keep(name, [x.shape[p] for p in perm], x.bound, x.exact))


def reshape(m: Maker) -> bool:
    x = m.pick(2, 3, 4)
    if x is None:
        return False
    rest = int(np.prod(x.shape[1:]))
    divisors = [n for n in range(1, rest + 1) if rest % n == 0]
    first = m.rng.choice(divisors)
    shape = m.rng.choice([(x.shape[0], rest), (x.shape[0], first, rest // first),
                          (x.shape[0], first, 1, rest // first)])  # fmt: skip
    name = m.node("Reshape", [x.name, m.constant(shape, np.int64)])
    return bool(m.keep(name, shape, x.bound, x.exact))


def concat(m: Maker) -> bool:
    x = m.pick(2, 3, 4)
    if x is None:
        return False
    axis = m.rng.randrange(1, len(x.shape))
    y = m.rng.choice([t for t in m.tensors if _joins(x, t, axis)])
    if x.size + y.size > MAX_ELEMENTS:
        return False
    shape = list(x.shape)
    shape[axis] += y.shape[axis]
    name = m.node("Concat", [x.name, y.name], axis=axis)
    return bool(m.keep(name, shape, max(x.bound, y.bound), x.exact and y.exact))


def _joins(x: Tensor, y: Tensor, axis: int) -> bool:
    rest = [i for i in range(len(x.shape)) if i != axis]
    return len(x.shape) == len(y.shape) and all(x.shape[i] == y.shape[i] for i in rest)


def pad(m: Maker) -> bool:
    x = m.pick(4)
    if x is None or x.size > MAX_ELEMENTS // 4:
        return False
    pads = [0, 0, *(m.rng.randint(0, 1) for _ in range(2)), 0, 0,
            *(m.rng.randint(0, 2) for _ in range(2))]  # fmt: skip
    inputs = [x.name, m.constant(pads, np.int64), m.constant(m.rng.choice((0.0, -0.5)), np.float32)]
    shape = [n + pads[i] + pads[i + 4] for i, n in enumerate(x.shape)]
    return bool(m.keep(m.node("Pad", inputs), shape, x.bound, x.exact))


def cut(m: Maker) -> bool:
    x = m.pick(2, 3, 4)
    if x is None:
        return False
    axis = m.rng.randrange(1, len(x.shape))
    start = m.rng.randrange(x.shape[axis])
    stop = m.rng.randint(start + 1, x.shape[axis])
    lists = [[start], [stop], [axis]]
    name = m.node("Slice", [x.name, *(m.constant(n, np.int64) for n in lists)])
    shape = list(x.shape)
    shape[axis] = stop - start
    return bool(m.keep(name, shape, x.bound, x.exact))


def gather(m: Maker) -> bool:
    x = m.pick(2, 3, 4)
    if x is None:
        return False
    axis = m.rng.randrange(1, len(x.shape))
    index = [m.rng.randrange(-x.shape[axis], x.shape[axis]) for _ in range(m.rng.randint(1, 4))]
    shape = list(x.shape)
    shape[axis] = len(index)
    if int(np.prod(shape)) > MAX_ELEMENTS:
        return False
    name = m.node("Gather", [x.name, m.constant(index, np.int64)], axis=axis)
    return bool(m.keep(name, shape, x.bound, x.exact))


def resize(m: Maker) -> bool:
    x = m.pick(4)
    if x is None or x.size > MAX_ELEMENTS // 4:
        return False
    mode = m.rng.choice(("nearest", "linear"))
    scales = m.constant([1, 1, 2, 2], np.float32)
    name = m.node("Resize", [x.name, "", scales], mode=mode)
    shape = [*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3]]
    return bool(m.keep(name, shape, x.bound, x.exact and mode == "nearest"))


def to_depth(m: Maker) -> bool:
    x = m.pick(4)
    if x is None or x.shape[2] % 2 or x.shape[3] % 2:
        return False
    name = m.node("SpaceToDepth", [x.name], blocksize=2)
    shape = (x.shape[0], 4 * x.shape[1], x.shape[2] // 2, x.shape[3] // 2)
    return bool(m.keep(name, shape, x.bound, x.exact))


def tile(m: Maker) -> bool:
    x = m.pick(2, 3, 4)
    if x is None or x.size > MAX_ELEMENTS // 2:
        return False
    repeats = [1] * (len(x.shape) - 1) + [2]
    name = m.node("Tile", [x.name, m.constant(repeats, np.int64)])
    return bool(m.keep(name, (*x.shape[:-1], 2 * x.shape[-1]), x.bound, x.exact))


def cumulate(m: Maker) -> bool:
    x = m.pick(2, 3)
    if x is None:
        return False
    name = m.node("CumSum", [x.name, m.constant(len(x.shape) - 1, np.int64)])
    return bool(m.keep(name, x.shape, x.bound * x.shape[-1], False))


INTEGER: tuple[Template, ...] = (
    add, clip, concat, convolution, convolution, cut, dense, global_pool, leaky, multiply, pad,
    pool, reduce_mean, relu, reshape, smooth, softmax, transpose, with_constant,
)  # fmt: skip
"""Operators that a calibrated model computes in integers: results are identical."""

REAL: tuple[Template, ...] = (
    *INTEGER, batch_norm, binary, choose, cumulate, divide, exact, exponential, gather, growing,
    jumps, logarithm, matmul, normalise, prelu, product, reduce, resize, tile, to_depth,
    transposed_convolution,
)  # fmt: skip
"""Operators of float32 models."""
