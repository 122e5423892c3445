"""Layers and reductions of random models.

Each appends nodes and gives False where no tensor fits."""

from __future__ import annotations

import numpy as np

from tests.random_models.maker import Maker

REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2",
              "ReduceSumSquare")  # fmt: skip


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


def cumulate(m: Maker) -> bool:
    x = m.pick(2, 3)
    if x is None:
        return False
    name = m.node("CumSum", [x.name, m.constant(len(x.shape) - 1, np.int64)])
    return bool(m.keep(name, x.shape, x.bound * x.shape[-1], False))


INTEGER = (convolution, convolution, dense, global_pool, pool, reduce_mean, softmax)
REAL = (batch_norm, cumulate, matmul, normalise, product, reduce, transposed_convolution)
