"""Operators of random models that move elements.

Each appends nodes and gives False where no tensor fits."""

from __future__ import annotations

import numpy as np

from tests.random_models.maker import MAX_ELEMENTS, Maker, Tensor


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


INTEGER = (concat, cut, pad, reshape, transpose)
REAL = (gather, resize, tile, to_depth)
