"""C expressions of the element-wise functions, on real, signed and unsigned elements.

In an expression ``x`` (or ``a`` and ``b``) is an element; names in braces are replaced:

========  ======================================================================================
alpha     the operator's parameters, as literals of the element type
beta
u         unsigned type in which integers wrap around: ``uint32_t``, ``uint64_t`` for 64 bits
width     its number of bits, which is also the suffix of the functions in `ek_integer.h`
bits      number of bits of the element type
========  ======================================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from codegen.c.literals import float_literal
from edgekit.ir import DType


@dataclass(frozen=True)
class Expression:
    """A function in C; a form is empty where the function is not defined for such elements.

    Attributes:
        real: of float elements.
        signed: of signed integers.
        unsigned: of unsigned integers and truth values; None where it equals ``signed``.
        double: of float64; None where it equals ``real``, whose `ek_` functions then compute in
            float32.
    """

    real: str = ""
    signed: str = ""
    unsigned: str | None = None
    double: str | None = None

    def form(self, dtype: DType) -> str:
        """The form for an element type."""
        if dtype.is_float:
            return self.real if dtype is DType.FLOAT32 or self.double is None else self.double
        is_signed = dtype.is_integer and dtype.bounds[0] < 0
        return self.signed if is_signed or self.unsigned is None else self.unsigned


UNARY: dict[str, Expression] = {
    "abs": Expression("x > 0 ? x : 0 - x", "x < 0 ? 0 - ({u})x : ({u})x", "x"),
    "acos": Expression("ek_acosf(x)"),
    "acosh": Expression("ek_acoshf(x)"),
    "asin": Expression("ek_asinf(x)"),
    "asinh": Expression("ek_asinhf(x)"),
    "atan": Expression("ek_atanf(x)"),
    "atanh": Expression("ek_atanhf(x)"),
    "bitwise_not": Expression("", "~x"),
    "ceil": Expression("ek_ceilf(x)", double=""),
    "celu": Expression("x > 0 ? x : {alpha} * ek_expm1f(x / {alpha})"),
    "cos": Expression("ek_cosf(x)"),
    "cosh": Expression("ek_coshf(x)"),
    "elu": Expression("x > 0 ? x : {alpha} * ek_expm1f(x)"),
    "erf": Expression("ek_erff(x)"),
    "exp": Expression("ek_expf(x)"),
    "floor": Expression("ek_floorf(x)", double=""),
    "gelu": Expression("ek_geluf(x)"),
    "gelu_tanh": Expression(
        "0.5f * x * (1.0f + ek_tanhf(0.797884561f * (x + 0.044715f * x * x * x)))"
    ),
    "hard_sigmoid": Expression("ek_clamp_f32({alpha} * x + {beta}, 0.0f, 1.0f)"),
    "hard_swish": Expression("x * ek_clamp_f32(x * 0.166666667f + 0.5f, 0.0f, 1.0f)"),
    "isinf": Expression("({alpha} > 0 && x == EK_INFINITY) || ({beta} > 0 && x == -EK_INFINITY)"),
    "isnan": Expression("x != x"),
    "leaky_relu": Expression("x < 0 ? {alpha} * x : x"),
    "log": Expression("ek_logf(x)"),
    "mish": Expression("x * ek_tanhf(ek_softplusf(x))"),
    "neg": Expression("-x", "0 - ({u})x"),
    "not": Expression("", "", "!x"),
    "reciprocal": Expression("1 / x"),
    "round": Expression("ek_rintf(x)", double=""),
    "rsqrt": Expression("ek_rsqrtf(x)"),
    "selu": Expression("{beta} * (x > 0 ? x : {alpha} * ek_expm1f(x))"),
    "shrink": Expression("x > {alpha} ? x - {beta} : x < -({alpha}) ? x + {beta} : 0"),
    "sigmoid": Expression("ek_sigmoidf(x)"),
    "sign": Expression("x > 0 ? 1 : x < 0 ? -1 : x", "(x > 0) - (x < 0)", "x > 0"),
    "sin": Expression("ek_sinf(x)"),
    "sinh": Expression("ek_sinhf(x)"),
    "softplus": Expression("ek_softplusf(x)"),
    "softsign": Expression("x / (1 + (x < 0 ? -x : x))"),
    "sqrt": Expression("ek_sqrtf(x)"),
    "square": Expression("x * x", "({u})x * ({u})x"),
    "swish": Expression("x * ek_sigmoidf({alpha} * x)"),
    "tan": Expression("ek_tanf(x)"),
    "tanh": Expression("ek_tanhf(x)"),
    "thresholded_relu": Expression("x > {alpha} ? x : 0"),
}
"""Functions of one element, `edgekit.ir.ops.pointwise.UNARY`."""

_QUOTIENT = "b == 0 ? 0 : a / b"
_REMAINDER = "b == 0 ? 0 : a % b"

BINARY: dict[str, Expression] = {
    "add": Expression("a + b", "({u})a + ({u})b"),
    "and": Expression("", "", "a && b"),
    "atan2": Expression("ek_atan2f(a, b)"),
    "bitwise_and": Expression("", "a & b"),
    "bitwise_or": Expression("", "a | b"),
    "bitwise_xor": Expression("", "a ^ b"),
    "div": Expression("a / b", "ek_div_i{width}(a, b)", _QUOTIENT),
    "equal": Expression("a == b", "a == b"),
    "floor_div": Expression("ek_floorf(a / b)", "ek_floor_div_i{width}(a, b)", _QUOTIENT, ""),
    "floor_mod": Expression("ek_floor_modf(a, b)", "ek_floor_mod_i{width}(a, b)", _REMAINDER),
    "fmod": Expression("ek_fmodf(a, b)", "ek_mod_i{width}(a, b)", _REMAINDER),
    "greater": Expression("a > b", "a > b"),
    "greater_equal": Expression("a >= b", "a >= b"),
    "less": Expression("a < b", "a < b"),
    "less_equal": Expression("a <= b", "a <= b"),
    "max": Expression("a > b || a != a ? a : b", "a > b ? a : b"),
    "min": Expression("a < b || a != a ? a : b", "a < b ? a : b"),
    "mul": Expression("a * b", "({u})a * ({u})b"),
    "not_equal": Expression("a != b", "a != b"),
    "or": Expression("", "", "a || b"),
    "pow": Expression("ek_powf(a, b)", "ek_pow_i{width}(a, b)", "ek_pow_u{width}(a, b)"),
    "prelu": Expression(
        "a < 0 ? a * b : a", "a < 0 ? ({u})a * ({u})b : ({u})a", "((void)b, a)"
    ),
    "shift_left": Expression("", "({u})b < {bits} ? ({u})a << b : 0"),
    "shift_right": Expression("", "({u})b < {bits} ? a >> b : -(a < 0)", "b < {bits} ? a >> b : 0"),
    "squared_difference": Expression(
        "(a - b) * (a - b)", "(({u})a - ({u})b) * (({u})a - ({u})b)"
    ),
    "sub": Expression("a - b", "({u})a - ({u})b"),
    "xor": Expression("", "", "!a != !b"),
}  # fmt: skip
"""Functions of two elements, `edgekit.ir.ops.pointwise.BINARY` and the sums of `Add`, `Sub`,
`Mul` on integers."""

_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "ek_asin_f32.h": ("ek_acosf", "ek_asinf"),
    "ek_asinh_f32.h": ("ek_acoshf", "ek_asinhf"),
    "ek_atan_f32.h": ("ek_atan2f", "ek_atanf"),
    "ek_atanh_f32.h": ("ek_atanhf",),
    "ek_common.h": ("ek_clamp_f32",),
    "ek_cos_f32.h": ("ek_cosf",),
    "ek_erf_f32.h": ("ek_erff",),
    "ek_exp_f32.h": ("ek_expf",),
    "ek_expm1_f32.h": ("ek_expm1f",),
    "ek_floor_mod_f32.h": ("ek_floor_modf",),
    "ek_fmod_f32.h": ("ek_fmodf",),
    "ek_gelu_f32.h": ("ek_geluf",),
    "ek_integer.h": tuple(
        f"ek_{name}{width}"
        for name in ("div_i", "floor_div_i", "floor_mod_i", "mod_i", "pow_i", "pow_u")
        for width in (32, 64)
    ),
    "ek_log_f32.h": ("ek_logf",),
    "ek_pow_f32.h": ("ek_powf",),
    "ek_rounding_f32.h": ("ek_ceilf", "ek_floorf", "ek_rintf"),
    "ek_rsqrt_f32.h": ("ek_rsqrtf",),
    "ek_sigmoid_f32.h": ("ek_sigmoidf",),
    "ek_sin_f32.h": ("ek_sinf",),
    "ek_sinh_f32.h": ("ek_coshf", "ek_sinhf"),
    "ek_softplus_f32.h": ("ek_softplusf",),
    "ek_sqrt_f32.h": ("ek_sqrtf",),
    "ek_tan_f32.h": ("ek_tanf",),
    "ek_tanh_f32.h": ("ek_tanhf",),
}
"""Kernel header -> functions of it that the expressions use."""

_HEADER = {function: header for header, names in _FUNCTIONS.items() for function in names}


def written(form: str, dtype: DType, alpha: float = 0.0, beta: float = 0.0) -> str:
    """A form for elements of a type, its names in braces replaced."""
    width = 64 if dtype.itemsize == 8 else 32
    narrowed = dtype is DType.FLOAT64 and "ek_" in form
    kind = DType.FLOAT32 if narrowed else dtype
    text = form.format(
        alpha=float_literal(alpha, kind), beta=float_literal(beta, kind), u=f"uint{width}_t",
        width=width, bits=8 * dtype.itemsize,
    )  # fmt: skip
    return re.sub(r"\b([abx])\b", r"(float)\1", text) if narrowed else text


def headers(text: str) -> list[str]:
    """Kernel headers of the functions that an expression calls."""
    return list(dict.fromkeys(_HEADER[name] for name in re.findall(r"\bek_\w+(?=\()", text)))


def cast(x: DType, y: DType) -> str:
    """The expression of an element converted to another type, as `Cast` defines it."""
    if y is DType.BOOL:
        return "x != 0"
    if not (x.is_float and y.is_integer):
        return "x"
    low, high = y.bounds
    above, below = float_literal(float(high + 1), x), float_literal(float(low), x)
    kind, name = y.c_name, y.value.upper()
    if low == 0:
        return f"x >= {above} ? {name}_MAX : x > {below} ? ({kind})x : ({kind})0"
    return f"x >= {above} ? {name}_MAX : x > {below} ? ({kind})x : x != x ? ({kind})0 : {name}_MIN"
