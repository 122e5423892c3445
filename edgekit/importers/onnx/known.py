"""Operators whose results, or whose effect, is known when the model is converted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.importers.onnx.constants import sparse_to_array, to_array
from edgekit.importers.onnx.context import MAX_ELEMENTS, Call, Refusal
from edgekit.ir import DType

_CONSTANT_FORMS = (
    ("value_float", np.float32), ("value_floats", np.float32),
    ("value_int", np.int64), ("value_ints", np.int64),
)  # fmt: skip


def supported(dtype: np.dtype[Any]) -> DType:
    """The element type as the graph has it.

    Raises:
        Refusal: it has none.
    """
    try:
        return DType.from_numpy(dtype)
    except ValueError:
        allowed = ", ".join(t.value for t in DType)
        raise Refusal(f"element type {dtype}", allowed) from None


def named_type(call: Call, attribute: str, default: DType) -> DType:
    """The element type that an attribute names as TensorProto does."""
    from onnx.helper import tensor_dtype_to_np_dtype

    code = call.attr_raw(attribute)
    return default if code is None else supported(np.dtype(tensor_dtype_to_np_dtype(int(code))))


def _result(call: Call, data: NDArray[Any], index: int = 0) -> None:
    name = call.output_names[index] if index < len(call.output_names) else ""
    if name:
        call.result(call.array(data, name), index)


def constant(call: Call) -> None:
    """``Constant`` in its numeric forms, dense or sparse."""
    data: Any = None
    for name, dtype in _CONSTANT_FORMS:
        raw = call.attr_raw(name)
        if raw is not None:
            data = np.asarray(raw, dtype)
    tensor, sparse = call.attr_raw("value"), call.attr_raw("sparse_value")
    if tensor is not None:
        data = to_array(tensor, call.context.folder)
    elif sparse is not None:
        data = sparse_to_array(sparse, call.context.folder)
    if data is None:
        raise Refusal("its value is not a number or tensor")
    supported(data.dtype)
    _result(call, data)


def constant_of_shape(call: Call) -> None:
    """``ConstantOfShape``: a constant."""
    shape = call.ints(0, "shape")
    if any(n < 0 for n in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise Refusal(f"shape {shape}", f"up to {MAX_ELEMENTS} elements")
    tensor = call.attr_raw("value")
    value = np.zeros(1, np.float32) if tensor is None else to_array(tensor, call.context.folder)
    if value.size != 1:
        raise Refusal(f"its value has {value.size} elements", "1")
    supported(value.dtype)
    _result(call, np.full(shape, value.reshape(()), value.dtype))


def shape(call: Call) -> None:
    """``Shape``: a constant, because every shape is static here."""
    dims = call.value(0).type.shape
    start = call.attr_int("start", 0)
    end = call.attr_int("end", len(dims))
    _result(call, np.asarray(dims[start:end], np.int64))


def size(call: Call) -> None:
    """``Size``: a constant."""
    _result(call, np.asarray(call.value(0).type.size, np.int64))


def mel_weight_matrix(call: Call) -> None:
    """``MelWeightMatrix`` of constants: triangles over the bins of a spectrum, a constant.

    The centres lie evenly on the mel scale, ``2595 log10(1 + f / 700)``, at the bins that ONNX's
    definition rounds them down to.
    """
    names = ("num_mel_bins", "dft_length", "sample_rate", "lower_edge_hertz", "upper_edge_hertz")
    bands, length, rate, low, high = (call.scalar(i, what) for i, what in enumerate(names))
    dtype = named_type(call, "output_datatype", DType.FLOAT32)
    bins = int(length) // 2 + 1
    if not (0 < bands <= 2**12 and 0 < bins <= 2**16 and rate > 0 and 0 <= low < high):
        raise Refusal(f"{bands:g} bands from {low:g} to {high:g} Hz of {length:g} samples")
    ends = 2595 * np.log10(1 + np.asarray([low, high]) / 700)
    mel = ends[0] + np.arange(int(bands) + 2) * (ends[1] - ends[0]) / (int(bands) + 2)
    edges = np.floor((int(length) + 1) * 700 * (10 ** (mel / 2595) - 1) / rate)
    if edges[-1] > bins:
        raise Refusal(f"the upper edge, {high:g} Hz, lies above half the sample rate")
    place = np.arange(bins)[:, None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    with np.errstate(divide="ignore", invalid="ignore"):
        rising = np.where(centre > left, (place - left) / (centre - left), 1.0)
        falling = (right - place) / (right - centre)
    weights = np.where((left <= place) & (place <= centre), rising, 0.0)
    weights = np.where((centre <= place) & (place < right), falling, weights)
    _result(call, weights.astype(dtype.numpy))


def passthrough(call: Call) -> None:
    """``Identity`` (and ``OptionalGetElement`` of what is given)."""
    item = call.context.item(call.input_names[0]) if call.has(0) else None
    if item is None:
        raise Refusal("reads an optional value that is absent")
    call.result_item(item)


def optional(call: Call) -> None:
    """``Optional`` of what is given."""
    call.ignore("type")
    passthrough(call)


def optional_has_element(call: Call) -> None:
    """``OptionalHasElement``: a constant."""
    _result(call, np.asarray(call.has(0), np.bool_))


def dropout(call: Call) -> None:
    """``Dropout`` as it is at inference: everything is kept."""
    ratio = call.attr_float("ratio", 0.5)
    call.ignore("seed")
    if call.has(1):
        ratio = call.scalar(1, "ratio")
    if call.has(2) and call.scalar(2, "training_mode") and ratio != 0:
        raise Refusal("training_mode is set", "inference, or ratio 0")
    x = call.value(0)
    call.result(x)
    _result(call, np.ones(x.type.shape, np.bool_), 1)
