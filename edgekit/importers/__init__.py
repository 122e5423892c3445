"""Readers of model files. A model's format is told by its content, not by its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgekit.errors import ModelError
from edgekit.ir import Graph

TFLITE_MARK = b"TFL3"
MAX_FILE_BYTES = 2**31 - 1
"""Protocol buffers and flatbuffers end here; a larger file cannot be either."""


def detect_format(path: Path) -> str:
    """``tflite`` or ``onnx``.

    Raises:
        ModelError: the file is missing, empty, too large or a folder.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise ModelError(f"{path} is a folder; a .tflite or .onnx file is needed")
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None
    if not head:
        raise ModelError(f"{path} is empty")
    if size > MAX_FILE_BYTES:
        raise ModelError(f"{path} has {size:,} bytes; the limit is {MAX_FILE_BYTES:,}")
    if head[4:8] == TFLITE_MARK:
        return "tflite"
    if path.suffix.lower() == ".tflite":
        raise ModelError(f"{path} is not a TFLite file (no '{TFLITE_MARK.decode()}' mark)")
    return "onnx"


def load_model(
    path: Path, shapes: Mapping[str, tuple[int, ...]] | None = None, signature: str = ""
) -> Graph:
    """Read a model file into a model-level graph.

    Args:
        path: the file.
        shapes: of inputs whose axes an ONNX file leaves open, by name.
        signature: which signature of a TFLite file; by default its first subgraph.

    Raises:
        ModelError: with everything that is wrong or unsupported.
    """
    if detect_format(path) == "tflite":
        from edgekit.importers.tflite import load_tflite

        return load_tflite(path, signature)
    from edgekit.importers.onnx import load_onnx

    return load_onnx(path, shapes=shapes)
