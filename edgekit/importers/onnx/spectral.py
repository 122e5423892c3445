"""Fourier transforms as products with constant matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.importers.onnx.context import MAX_ELEMENTS, Call, Refusal
from edgekit.importers.onnx.nodes import apply
from edgekit.ir import DType, Value
from edgekit.ir.ops import MatMul, Mul, Reshape, Transpose

REAL, COMPLEX = 1, 2
"""Length of the last axis: real numbers, or pairs of real and imaginary part."""


def dft(call: Call) -> None:
    """``DFT``, inverse and one-sided too: a product with a constant matrix."""
    x = call.value(0)
    shape = x.type.shape
    rank = len(shape)
    axis = _axis(call, rank)
    inverse = bool(call.attr_int("inverse", 0))
    onesided = bool(call.attr_int("onesided", 0))
    natural = 2 * (shape[axis] - 1) if inverse and onesided else shape[axis]
    length = int(call.scalar(1, "dft_length")) if call.has(1) else natural
    matrix = dft_matrix(shape[axis], shape[-1], length, inverse=inverse, onesided=onesided)
    order = [*(i for i in range(rank) if i not in (axis, rank - 1)), axis, rank - 1]
    out = call.output_names[0]
    moved = call.add(Transpose(tuple(order)), [x], f"{out}_moved")
    found = _transformed(call, moved, matrix, 2 if not (inverse and onesided) else 1)
    call.emit(Transpose(tuple(int(i) for i in np.argsort(order))), [found])


def _axis(call: Call, rank: int) -> int:
    """The axis that is transformed: an attribute before operator set 20, an input since."""
    if call.opset < 20:
        axis = call.attr_int("axis", 1)
    else:
        axis = int(call.scalar(2, "axis")) if call.has(2) else -2
    if rank < 2 or not -rank <= axis < rank or axis % rank == rank - 1:
        raise Refusal(f"axis {axis} of shape {call.value(0).type.shape}")
    return axis % rank


def dft_matrix(
    samples: int, parts: int, length: int, *, inverse: bool, onesided: bool
) -> NDArray[np.float64]:
    """The matrix of a discrete Fourier transform.

    Args:
        samples: how many there are; those behind ``length`` do not count, missing ones are 0.
        parts: 1 for real samples, 2 for complex ones.
        length: of the transform.
        inverse: with the factor ``1 / length``.
        onesided: real samples to the non-negative frequencies, or back.

    Returns:
        (samples * parts, frequencies * 2), and (samples * 2, length) for the one-sided inverse.

    Raises:
        Refusal: sizes that make no sense together, or a matrix that is too large.
    """
    if length < 1 or samples * parts * length * 2 > MAX_ELEMENTS or parts not in (REAL, COMPLEX):
        raise Refusal(f"a transform of length {length} of {samples} samples of {parts} parts")
    if onesided and parts != (COMPLEX if inverse else REAL):
        allowed = "complex to real" if inverse else "real to complex"
        raise Refusal(f"one-sided for samples of {parts} parts", allowed)
    basis = np.eye(samples * parts).reshape(samples * parts, samples, parts)
    numbers = basis[..., 0] + (1j * basis[..., 1] if parts == COMPLEX else 0)
    if inverse and onesided:
        return np.fft.irfft(numbers, length, axis=1)
    found = (np.fft.ifft if inverse else np.fft.fft)(numbers, length, axis=1)
    kept = found[:, : length // 2 + 1] if onesided else found
    return np.stack([kept.real, kept.imag], axis=-1).reshape(samples * parts, -1)


def _transformed(call: Call, x: Value, matrix: NDArray[np.float64], parts: int) -> Value:
    """The last two axes of ``x`` (samples, parts) as (frequencies, ``parts``)."""
    lead, out = x.type.shape[:-2], call.output_names[0]
    flat = call.add(Reshape((*lead, matrix.shape[0])), [x], f"{out}_flat")
    weights = call.array(matrix.astype(_real(x).numpy), f"{out}_dft")
    found = call.add(MatMul(), [flat, weights], f"{out}_parts")
    return call.add(Reshape((*lead, matrix.shape[1] // parts, parts)), [found], f"{out}_pairs")


def _real(x: Value) -> DType:
    if not x.type.dtype.is_float:
        raise Refusal(f"element type {x.type.dtype.value}", "float32, float64")
    return x.type.dtype


def stft(call: Call) -> None:
    """``STFT``: frames gathered, times the window, and a product with a constant matrix."""
    x = call.value(0)
    if len(x.type.shape) == 2:
        x = call.add(Reshape((*x.type.shape, 1)), [x], f"{call.output_names[0]}_real")
    if len(x.type.shape) != 3:
        raise Refusal(f"signal has shape {x.type.shape}", "batch, samples, 1 or 2")
    _, samples, parts = x.type.shape
    step = int(call.scalar(1, "frame_step"))
    window = call.optional(2)
    length = int(call.scalar(3, "frame_length")) if call.has(3) else 0
    length = length or (window.type.shape[0] if window is not None else 0)
    onesided = bool(call.attr_int("onesided", 1)) and parts == REAL
    if step < 1 or not 0 < length <= samples:
        raise Refusal(f"frames of {length} every {step} of {samples} samples")
    starts = np.arange((samples - length) // step + 1) * step
    index = call.array((starts[:, None] + np.arange(length)).astype(np.int64), "frames")
    frames = apply(call, "Gather", [x, index], axis=1)
    if window is not None:
        if window.type.shape != (length,):
            raise Refusal(f"window has shape {window.type.shape}", f"{(length,)}")
        column = call.add(Reshape((length, 1)), [window], f"{call.output_names[0]}_window")
        frames = call.add(Mul(), [frames, column], f"{call.output_names[0]}_windowed")
    matrix = dft_matrix(length, parts, length, inverse=False, onesided=onesided)
    call.result(_transformed(call, frames, matrix, COMPLEX))
