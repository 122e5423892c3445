"""Functions of elements and of pairs of elements, choices, bounds, conversions of type."""

from __future__ import annotations

import math

import numpy as np

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir import DType, Value
from edgekit.ir.ops import RELU, Add, Binary, Cast, Clamp, Clip, Op, Unary, Where

SELU_ALPHA = 1.67326319217681884765625
SELU_GAMMA = 1.05070102214813232421875

_UNARY: dict[str, tuple[str, tuple[tuple[str, float], ...]]] = {
    "Abs": ("abs", ()),
    "Acos": ("acos", ()),
    "Acosh": ("acosh", ()),
    "Asin": ("asin", ()),
    "Asinh": ("asinh", ()),
    "Atan": ("atan", ()),
    "Atanh": ("atanh", ()),
    "BitwiseNot": ("bitwise_not", ()),
    "Ceil": ("ceil", ()),
    "Celu": ("celu", (("alpha", 1.0),)),
    "Cos": ("cos", ()),
    "Cosh": ("cosh", ()),
    "Elu": ("elu", (("alpha", 1.0),)),
    "Erf": ("erf", ()),
    "Exp": ("exp", ()),
    "Floor": ("floor", ()),
    "HardSigmoid": ("hard_sigmoid", (("alpha", 0.2), ("beta", 0.5))),
    "HardSwish": ("hard_swish", ()),
    "IsNaN": ("isnan", ()),
    "LeakyRelu": ("leaky_relu", (("alpha", 0.01),)),
    "Log": ("log", ()),
    "Mish": ("mish", ()),
    "Neg": ("neg", ()),
    "Not": ("not", ()),
    "Reciprocal": ("reciprocal", ()),
    "Round": ("round", ()),
    "Selu": ("selu", (("alpha", SELU_ALPHA), ("gamma", SELU_GAMMA))),
    "Shrink": ("shrink", (("lambd", 0.5), ("bias", 0.0))),
    "Sigmoid": ("sigmoid", ()),
    "Sign": ("sign", ()),
    "Sin": ("sin", ()),
    "Sinh": ("sinh", ()),
    "Softplus": ("softplus", ()),
    "Softsign": ("softsign", ()),
    "Sqrt": ("sqrt", ()),
    "Swish": ("swish", (("alpha", 1.0),)),
    "Tan": ("tan", ()),
    "Tanh": ("tanh", ()),
    "ThresholdedRelu": ("thresholded_relu", (("alpha", 1.0),)),
}
"""Operator -> function, and the attributes (with defaults) that are its alpha and beta."""

_BINARY = {
    "And": "and", "BitwiseAnd": "bitwise_and", "BitwiseOr": "bitwise_or",
    "BitwiseXor": "bitwise_xor", "Div": "div", "Equal": "equal", "Greater": "greater",
    "GreaterOrEqual": "greater_equal", "Less": "less", "LessOrEqual": "less_equal", "Or": "or",
    "PRelu": "prelu", "Xor": "xor",
}  # fmt: skip


def unary(call: Call) -> None:
    """A function of each element."""
    function, attributes = _UNARY[call.op_type]
    parameters = [call.attr_float(name, default) for name, default in attributes]
    if function == "celu" and parameters[0] == 0:
        raise Refusal("alpha 0", "another number")
    call.emit(Unary(function, *parameters), [call.value(0)])


def gelu(call: Call) -> None:
    """``Gelu`` by the error function or by its approximation through tanh."""
    approximate = call.attr_str("approximate", "none")
    if approximate not in ("none", "tanh"):
        raise Refusal(f"approximate '{approximate}'", "none, tanh")
    call.emit(Unary("gelu_tanh" if approximate == "tanh" else "gelu"), [call.value(0)])


def is_inf(call: Call) -> None:
    """``IsInf`` of either sign or both."""
    upwards, downwards = call.attr_int("detect_positive", 1), call.attr_int("detect_negative", 1)
    call.emit(Unary("isinf", float(bool(upwards)), float(bool(downwards))), [call.value(0)])


def binary(call: Call) -> None:
    """A function of pairs of elements, with broadcasting."""
    call.emit(Binary(_BINARY[call.op_type]), [call.value(0), call.value(1)])


def mod(call: Call) -> None:
    """``Mod`` with the divisor's sign, or with ``fmod`` the dividend's."""
    function = "fmod" if call.attr_int("fmod", 0) else "floor_mod"
    call.emit(Binary(function), [call.value(0), call.value(1)])


def power(call: Call) -> None:
    """``Pow``: the result has the base's type; of different types the real one is computed in."""
    base, exponent = call.value(0), call.value(1)
    out, own = call.output_names[0], base.type.dtype
    common = own if own.is_float or own is exponent.type.dtype else _common(base, exponent)
    base, exponent = _as_type(call, base, common), _as_type(call, exponent, common)
    if common is own:
        call.emit(Binary("pow"), [base, exponent])
        return
    wide = call.add(Binary("pow"), [base, exponent], f"{out}_wide")
    call.emit(Cast(own), [wide])


def _common(base: Value, exponent: Value) -> DType:
    """The type in which the power of an integer is computed."""
    if exponent.type.dtype.is_float:
        return exponent.type.dtype
    wide = np.promote_types(base.type.dtype.numpy, exponent.type.dtype.numpy)
    return DType.INT64 if wide.kind == "f" else DType.from_numpy(wide)


def _as_type(call: Call, value: Value, dtype: DType) -> Value:
    if value.type.dtype is dtype:
        return value
    return call.add(Cast(dtype), [value], f"{value.name}_{dtype.value}")


def bit_shift(call: Call) -> None:
    """``BitShift`` of unsigned integers."""
    direction = call.attr_str("direction", "")
    if direction not in ("LEFT", "RIGHT"):
        raise Refusal(f"direction '{direction}'", "LEFT, RIGHT")
    call.emit(Binary(f"shift_{direction.lower()}"), [call.value(0), call.value(1)])


def extreme(call: Call) -> None:
    """``Max`` and ``Min`` of any number of tensors."""
    _chain(call, Binary(call.op_type.lower()))


def sum_(call: Call) -> None:
    """``Sum`` of any number of tensors."""
    _chain(call, Add())


def mean(call: Call) -> None:
    """``Mean`` of any number of tensors."""
    count = len(call.input_names)
    total = call.value(0)
    for i in range(1, count):
        total = call.add(Add(), [total, call.value(i)], f"{call.output_names[0]}_sum{i}")
    divisor = call.array(np.asarray(count, total.type.dtype.numpy))
    call.emit(Binary("div"), [total, divisor])


def _chain(call: Call, op: Op) -> None:
    """Apply ``op`` to the inputs from left to right."""
    values = [call.value(i) for i in range(len(call.input_names))]
    total, *rest = values
    for i, value in enumerate(rest):
        if value is rest[-1]:
            call.emit(op, [total, value])
            return
        total = call.add(op, [total, value], f"{call.output_names[0]}_{i}")
    call.result(total)


def where(call: Call) -> None:
    """``Where`` with broadcasting."""
    call.emit(Where(), [call.value(i) for i in range(3)])


def relu(call: Call) -> None:
    """``Relu``."""
    x = call.value(0)
    if x.type.dtype is DType.FLOAT32 or x.type.quant is not None:
        call.emit(Clip(RELU), [x])
    else:
        call.emit(Binary("max"), [x, call.array(np.asarray(0, x.type.dtype.numpy))])


def clip(call: Call) -> None:
    """``Clip``: bounds are attributes before opset 11, inputs since."""
    x = call.value(0)
    if call.opset < 11:
        low, high = call.attr_float("min", -math.inf), call.attr_float("max", math.inf)
        call.emit(Clip(_clamp(low, high)), [x])
        return
    low_value, high_value = call.optional(1), call.optional(2)
    bounds = [v for v in (low_value, high_value) if v is not None]
    if x.type.dtype is DType.FLOAT32 and all(v.is_constant for v in bounds):
        low = call.scalar(1, "min") if low_value is not None else -math.inf
        high = call.scalar(2, "max") if high_value is not None else math.inf
        if low <= high:
            call.emit(Clip(_clamp(low, high)), [x])
            return
    # Where the bounds cross every element becomes the upper one.
    out = call.output_names[0]
    if low_value is not None:
        x = call.add(Binary("max"), [x, low_value], f"{out}_low" if high_value else out)
    if high_value is not None:
        x = call.add(Binary("min"), [x, high_value], out)
    call.result(x)


def _clamp(low: float, high: float) -> Clamp:
    """Bounds; those of float32 mean "no bound" in exports of older opsets."""
    if low > high:
        raise Refusal(f"min {low} is greater than max {high}")
    return Clamp(None if low <= -3.4e38 else low, None if high >= 3.4e38 else high)


def cast_like(call: Call) -> None:
    """``CastLike``: the element type of the second input."""
    call.ignore("saturate", "round_mode")
    value, dtype = call.value(0), call.value(1).type.dtype
    if value.type.dtype is dtype:
        call.result(value)
    else:
        call.emit(Cast(dtype), [value])
