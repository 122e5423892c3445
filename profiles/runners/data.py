"""Arrays to the harness' input records and back, with every mismatch reported."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.artefact import Manifest, Port
from edgekit.errors import DataError, Problem, ToolError
from targets.toolchains.base import Image
from targets.toolchains.glue import port_offsets

STACK_OVERFLOW = 0x4B545345  # as in the harness
Bytes = NDArray[np.uint8]


def check_inputs(manifest: Manifest, inputs: Sequence[NDArray[Any]]) -> int:
    """Check arrays against the input ports.

    Returns:
        The number of samples.

    Raises:
        DataError: with every array that does not fit.
    """
    ports = manifest.inputs
    if len(inputs) != len(ports):
        names = ", ".join(p.name for p in ports)
        raise DataError(f"{len(inputs)} input arrays given, the model has {len(ports)}: {names}")
    problems = [
        Problem(f"is {a.dtype}{list(a.shape)}", p.name, f"{p.dtype.value}[n, {_dims(p)}]")
        for p, a in zip(ports, inputs, strict=True)
        if a.dtype != p.dtype.numpy or a.shape[1:] != p.shape[1:] or a.ndim == 0
    ]
    counts = {
        len(a) // math.prod(p.shape[:1]) for p, a in zip(ports, inputs, strict=True) if a.ndim
    }
    problems += [
        Problem(f"holds {len(a)} rows", p.name, f"a multiple of {p.shape[0]}")
        for p, a in zip(ports, inputs, strict=True)
        if a.ndim and p.shape and len(a) % p.shape[0]
    ]
    if len(counts) > 1:
        problems.append(Problem(f"inputs have different numbers of samples: {sorted(counts)}"))
    if problems:
        raise DataError("the inputs do not fit the model", problems)
    return counts.pop() if counts else 1


def pack_inputs(manifest: Manifest, inputs: Sequence[NDArray[Any]]) -> Bytes:
    """Records (n, bytes of one sample) as the harness' input buffer has them.

    Raises:
        DataError: with every array that does not fit.
    """
    samples = check_inputs(manifest, inputs)
    offsets, size = port_offsets(manifest.inputs)
    records = np.zeros((samples, size), dtype=np.uint8)
    for port, offset, array in zip(manifest.inputs, offsets, inputs, strict=True):
        flat = np.ascontiguousarray(array).reshape(samples, -1).view(np.uint8)
        records[:, offset : offset + port.nbytes] = flat
    return records


def unpack_outputs(manifest: Manifest, records: Bytes) -> list[NDArray[Any]]:
    """Arrays from records of the harness' output buffer, samples along the first axis."""
    offsets, _ = port_offsets(manifest.outputs)
    arrays = []
    for port, offset in zip(manifest.outputs, offsets, strict=True):
        data = np.ascontiguousarray(records[:, offset : offset + port.nbytes])
        shape = (len(records) * math.prod(port.shape[:1]), *port.shape[1:])
        array = data.view(port.dtype.numpy).reshape(shape)
        arrays.append(array)
    return arrays


def require_trace(image: Image, wanted: bool) -> None:
    """Refuse an image built without (or with) trace.

    Raises:
        ToolError: ``image.trace`` is not ``wanted``.
    """
    if image.trace != wanted:
        kind = "with" if wanted else "without"
        raise ToolError(f"{image.path.name} must be built {kind} trace for this")


def check_status(manifest: Manifest, status: int, sample: int) -> None:
    """Refuse a run in which the model itself reported an error.

    Raises:
        ToolError: ``status`` is not 0.
    """
    if status == STACK_OVERFLOW:
        raise ToolError(f"the stack of the test harness overflowed in sample {sample}")
    if status != 0:
        raise ToolError(f"{manifest.run_copy_symbol} returned {status} for sample {sample}")


def _dims(port: Port) -> str:
    return ", ".join(map(str, port.shape[1:]))
