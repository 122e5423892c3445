"""Exact results of the float functions (float64 by numpy and libm), arguments, errors in ULP."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Floats = NDArray[np.float32]


def _gelu(x: Reals) -> Reals:
    tail = np.vectorize(math.erfc, otypes=[np.float64])(-x / math.sqrt(2))
    return np.where(x == -np.inf, -0.0, 0.5 * x * tail)


def _rsqrt(x: Reals) -> Reals:
    return np.asarray(1 / np.sqrt(x))


def _sigmoid(x: Reals) -> Reals:
    power = np.exp(-np.abs(x))
    return np.asarray(np.where(x < 0, power, 1) / (1 + power))


def _softplus(x: Reals) -> Reals:
    return np.asarray(np.where(x > 0, x, 0) + np.log1p(np.exp(-np.abs(x))))


def _round(x: Reals) -> Reals:
    return np.asarray(np.copysign(np.floor(np.abs(x) + 0.5), x))


ORACLES: dict[str, Callable[..., Any]] = {
    "ek_acosf": np.arccos,
    "ek_acoshf": np.arccosh,
    "ek_asinf": np.arcsin,
    "ek_asinhf": np.arcsinh,
    "ek_atan2f": np.arctan2,
    "ek_atanf": np.arctan,
    "ek_atanhf": np.arctanh,
    "ek_ceilf": np.ceil,
    "ek_cosf": np.cos,
    "ek_coshf": np.cosh,
    "ek_erff": np.vectorize(math.erf, otypes=[np.float64]),
    "ek_exp2f": np.exp2,
    "ek_expf": np.exp,
    "ek_expm1f": np.expm1,
    "ek_floorf": np.floor,
    "ek_fmodf": np.fmod,
    "ek_geluf": _gelu,
    "ek_log1pf": np.log1p,
    "ek_log2f": np.log2,
    "ek_logf": np.log,
    "ek_powf": np.power,
    "ek_rintf": np.rint,
    "ek_roundf": _round,
    "ek_rsqrtf": _rsqrt,
    "ek_sigmoidf": _sigmoid,
    "ek_sinf": np.sin,
    "ek_sinhf": np.sinh,
    "ek_softplusf": _softplus,
    "ek_sqrtf": np.sqrt,
    "ek_tanf": np.tan,
    "ek_tanhf": np.tanh,
    "ek_truncf": np.trunc,
}
"""numpy's float64 form of each function; none of them is ours."""

SPECIALS = np.array(
    [
        *(0.0, 1e-45, 1.1754942e-38, 1.1754944e-38, 2.0**-12, 0.49999997, 0.5, 1.0, 1.5, 2.0, 2.5),
        *(3.0, 4.0, 8388607.5, 8388608.0, 8388609.0, 16777216.0, 2.0**31, 3.4028235e38, np.inf),
        *(np.nan, 0.785398163, 1.57079637, 3.14159274, 88.72284, 89.41598, 103.97208, 87.33655),
        *(127.99999, 128.0, 149.0, 150.0, 17.3287, 9.010913, 3.9192059, 0.41421357, 2.4142137),
        *(33.0, 1e15),
    ],
    np.float32,
)
"""Zeros, ends of ranges, ties, places where results overflow or a kernel changes its formula."""


def every_exponent(rng: np.random.Generator, count: int) -> Floats:
    """``count`` significands for each of the 256 exponents and both signs, the edges among them."""
    edges = np.array([0, 1, 2, 0x3504F3, 0x3504F4, 0x400000, 0x7FFFFE, 0x7FFFFF], np.uint32)
    rest = rng.integers(0, 1 << 23, (512, count - len(edges)), np.uint32)
    digits = np.concatenate([np.broadcast_to(edges, (512, len(edges))), rest], axis=1)
    heads = np.arange(512, dtype=np.uint32)[:, None] << np.uint32(23)
    return np.asarray((heads | digits).ravel().view(np.float32))


def singles(rng: np.random.Generator, count: int) -> Floats:
    """`every_exponent`, the specials with their neighbours, and numbers that layers see."""
    with np.errstate(over="ignore"):
        around = [np.nextafter(SPECIALS, np.float32(s)) for s in (-np.inf, np.inf)]
    specials = np.concatenate([SPECIALS, *around])
    usual = [rng.normal(0, scale, 3000).astype(np.float32) for scale in (0.3, 1, 4, 30)]
    return np.concatenate([every_exponent(rng, count), specials, -specials, *usual])


def pairs(rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    """Any float with any other, all pairs of specials, and pairs with powers in range."""
    x, y = every_exponent(rng, count), rng.permutation(every_exponent(rng, count))
    signed = np.concatenate([SPECIALS, -SPECIALS])
    a, b = (m.ravel() for m in np.meshgrid(signed, signed))
    base = np.exp(rng.normal(0, 4, len(x))).astype(np.float32)
    with np.errstate(divide="ignore"):
        power = (rng.uniform(-152, 130, len(x)) / np.log2(base)).astype(np.float32)
    near = (1 + rng.normal(0, 1e-4, len(x))).astype(np.float32)
    many = rng.uniform(-1e6, 1e6, len(x)).astype(np.float32)
    whole = rng.integers(-40, 41, len(x)).astype(np.float32)
    return (
        np.concatenate([x, a, base, near, -base]),
        np.concatenate([y, b, power, many, whole]),
    )


def errors(found: Floats, exact: Reals) -> Reals:
    """Distance to the exact result in units in its last place.

    Infinite where a special value or a sign is wrong. NaN equals NaN; a result that rounds to
    infinity counts the distance from 2^128, as if the exponent range went on.
    """
    with np.errstate(all="ignore"):
        rounded = exact.astype(np.float32)
        _, exponent = np.frexp(np.where(np.isfinite(exact), exact, 1.0))
        unit = np.exp2(np.clip(exponent - 24, -149, 104).astype(np.float64))
        real = found.astype(np.float64)
        unbounded = np.where(np.isinf(found), np.copysign(2.0**128, real), real)
        limited = np.clip(exact, -(2.0**128), 2.0**128)
        distance = np.abs(unbounded - limited) / unit
        same_kind = (np.isnan(found) == np.isnan(exact)) & (np.isinf(found) | ~np.isinf(exact))
        same_sign = np.isnan(rounded) | (np.signbit(found) == np.signbit(rounded))
    distance = np.where(np.isnan(found) & np.isnan(exact), 0.0, distance)
    return np.where(same_kind & same_sign, distance, np.inf)
