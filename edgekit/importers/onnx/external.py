"""Tensors whose bytes lie in files beside the model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.importers.onnx.scope import Refusal


def with_external_data(tensor: Any, folder: Path | None) -> Any:
    """A copy of ``tensor`` that holds the bytes of its file.

    The file must lie in the model's own folder or below, links followed: a model must not make
    anyone read other files.

    Raises:
        Refusal: with what is wrong.
    """
    from onnx import TensorProto

    entries = {e.key: e.value for e in tensor.external_data}
    path = _inside(entries.get("location", ""), folder)
    offset, length = _span(entries, path.stat().st_size, path.name)
    wanted = (math.prod(tensor.dims) * _bits(tensor.data_type) + 7) // 8
    if length != wanted:
        raise Refusal(f"has {length} bytes of external data, its shape needs {wanted}")
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(length)
    copy = type(tensor)()
    copy.CopyFrom(tensor)
    copy.ClearField("external_data")
    copy.data_location = TensorProto.DEFAULT
    copy.raw_data = data
    return copy


def _span(entries: dict[str, str], size: int, name: str) -> tuple[int, int]:
    """Offset and length of the data in a file of ``size`` bytes."""
    try:
        offset = int(entries.get("offset", 0))
        length = int(entries.get("length", size - offset))
    except ValueError:
        raise Refusal("offset and length of its external data are no numbers") from None
    if offset < 0 or length < 0 or offset + length > size:
        what = f"bytes {offset} to {offset + length} of '{name}', which has {size}"
        raise Refusal(f"its external data would be {what}", "bytes of the file")
    return offset, length


def _bits(data_type: int) -> int:
    from onnx import TensorProto, helper

    if data_type in (TensorProto.INT4, TensorProto.UINT4):
        return 4
    return 8 * int(np.dtype(helper.tensor_dtype_to_np_dtype(data_type)).itemsize)


def _inside(location: str, folder: Path | None) -> Path:
    allowed = "a file in the model's own folder"
    if folder is None or not location:
        raise Refusal("its external data have no place", allowed)
    named = Path(location)
    if named.is_absolute() or ".." in named.parts or "\\" in location:
        raise Refusal(f"its external data lie at '{location}'", allowed)
    root = folder.resolve()
    try:
        path = (root / named).resolve()
        path.is_file()
    except (OSError, ValueError):
        raise Refusal(f"its external data lie at '{location[:40]}...'", allowed) from None
    if not path.is_relative_to(root):
        raise Refusal(f"its external data at '{location}' are linked to elsewhere", allowed)
    if not path.is_file():
        hint = "Keep it beside the model, or save the model as a single file"
        raise Refusal(f"its external data '{location}' are missing", allowed, hint)
    return path
