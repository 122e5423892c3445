"""Initializers as arrays: dense, sparse, or in files beside the model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import Problem
from edgekit.importers.onnx.external import with_external_data
from edgekit.importers.onnx.functions import all_nodes
from edgekit.importers.onnx.scope import MAX_ELEMENTS, Refusal
from edgekit.ir import DType

_WEIGHTED = {
    "BatchNormalization", "Conv", "ConvInteger", "ConvTranspose", "DequantizeLinear", "GRU", "Gemm",
    "GroupNormalization", "InstanceNormalization", "LSTM", "LayerNormalization", "MatMul",
    "MatMulInteger", "PRelu", "QLinearConv", "QLinearMatMul", "QuantizeLinear", "RNN",
}  # fmt: skip
"""Operators whose constants are trained numbers: NaN and infinity are damage there. Elsewhere they
may be meant (masks, bounds)."""
_HALF = ("float16", "bfloat16")
_PACKED = {"int2": np.int8, "int4": np.int8, "uint2": np.uint8, "uint4": np.uint8}
"""Types that DequantizeLinear alone reads as what they stand for; other operators would saturate
or wrap around at their bounds."""


def read_constants(
    graph: Any, problems: list[Problem], folder: Path | None
) -> dict[str, NDArray[Any]]:
    """Initializers that a node or an output reads.

    Args:
        graph: GraphProto.
        problems: receives what cannot be read, and trained numbers that are not finite.
        folder: the model's own, in which its external data lie.
    """
    readers: dict[str, set[str]] = {o.name: set() for o in graph.output}
    for node in all_nodes(graph.node):
        for name in node.input:
            readers.setdefault(name, set()).add(node.op_type)
    found: dict[str, NDArray[Any]] = {}
    tensors = [(t.name, t, _dense) for t in graph.initializer]
    tensors += [(t.values.name, t, _sparse) for t in graph.sparse_initializer]
    for name, tensor, read in tensors:
        if name not in readers:
            continue
        where = f"initializer '{name}'"
        try:
            data = _widened(read(tensor, folder), readers[name])
            DType.from_numpy(data.dtype)
        except Refusal as error:
            problems.append(Problem(error.what, where, error.allowed, error.hint))
            continue
        except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            problems.append(Problem(f"cannot be read: {error}", where))
            continue
        check_finite(data, where, readers[name], problems)
        found[name] = data
    return found


def check_finite(
    data: NDArray[Any], where: str, readers: set[str], problems: list[Problem]
) -> None:
    """Report NaN and infinity among the trained numbers of a layer."""
    if data.dtype.kind != "f" or not readers & _WEIGHTED:
        return
    bad = int(np.count_nonzero(~np.isfinite(data)))
    if bad:
        hint = "Training diverged or the file is damaged"
        what = f"{bad} of {data.size} values are NaN or infinite"
        problems.append(Problem(what, where, "finite numbers", hint))


def to_array(tensor: Any, folder: Path | None) -> NDArray[Any]:
    """The array of a TensorProto, wherever its data lie.

    Raises:
        Refusal: it is too large, or its external data are not where they may be.
        ValueError, TypeError: it is damaged.
    """
    return _dense(tensor, folder)


def sparse_to_array(tensor: Any, folder: Path | None) -> NDArray[Any]:
    """The dense array of a SparseTensorProto; raises as `to_array`."""
    return _sparse(tensor, folder)


def _dense(tensor: Any, folder: Path | None) -> NDArray[Any]:
    from onnx import TensorProto, numpy_helper

    _check_size(tensor.dims)
    if tensor.data_location == TensorProto.EXTERNAL:
        tensor = with_external_data(tensor, folder)
    return np.asarray(numpy_helper.to_array(tensor))


def _sparse(tensor: Any, folder: Path | None) -> NDArray[Any]:
    """A SparseTensorProto as a dense array: its indices are flat, or one row for each value."""
    _check_size(tensor.dims)
    shape = tuple(tensor.dims)
    values, indices = _dense(tensor.values, folder), _dense(tensor.indices, folder)
    dense = np.zeros(shape, values.dtype)
    flat = indices if indices.ndim == 1 else np.ravel_multi_index(tuple(indices.T), shape)
    if flat.size and not (flat.min() >= 0 and flat.max() < dense.size):
        raise Refusal(f"its indices lie outside of shape {shape}")
    dense.reshape(-1)[flat] = values
    return dense


def _check_size(dims: Any) -> None:
    if math.prod(dims) > MAX_ELEMENTS or any(n < 0 for n in dims):
        raise Refusal(f"its shape is {tuple(dims)}", f"up to {MAX_ELEMENTS} elements")


def _widened(data: NDArray[Any], readers: set[str]) -> NDArray[Any]:
    """Half precision that is only cast, as float32: exact, and the cast need not be done. Integers
    of fewer than 8 bits that are only dequantized, as integers of 8."""
    if data.dtype.name in _PACKED and readers <= {"DequantizeLinear"}:
        return data.astype(_PACKED[data.dtype.name])
    return data.astype(np.float32) if data.dtype.name in _HALF and readers <= {"Cast"} else data
