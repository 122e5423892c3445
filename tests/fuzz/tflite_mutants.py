"""Mutants of TFLite models: objects of the schema are changed, then packed again."""

from __future__ import annotations

import random
import struct
from typing import Any

import numpy as np

INTEGERS = (0, 1, -1, 2, 3, 7, 127, -128, 255, 1000, 2**15, 2**31 - 1, -(2**31))
REALS = (0.0, -1.0, 1e-45, 3e38, float("inf"), float("nan"), 0.5)
TRIES = 8


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A model with one to four changed fields (or, where it cannot be packed, changed bytes)."""
    for _ in range(TRIES):
        try:
            return _structured(data, rng)
        except (TypeError, ValueError, AttributeError, OverflowError, AssertionError, struct.error):
            continue  # the schema's writer refuses the value
    return flip(data, rng)


def flip(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, or the end cut off."""
    changed = bytearray(data)
    if rng.random() < 0.2:
        return bytes(changed[: rng.randrange(len(changed))])
    for _ in range(rng.randrange(1, 6)):
        changed[rng.randrange(len(changed))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
    return bytes(changed)


def _structured(data: bytes, rng: random.Random) -> bytes:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        sites = _sites(model, [])
        owner, name = rng.choice(sites)
        setattr(owner, name, _changed(getattr(owner, name), model, rng))
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _sites(owner: Any, found: list[tuple[Any, str]]) -> list[tuple[Any, str]]:
    for name, value in vars(owner).items():
        if value is None:
            continue
        found.append((owner, name))
        for child in value if isinstance(value, list) else (value,):
            if hasattr(child, "__dict__") and type(child).__name__.endswith("T"):
                _sites(child, found)
    return found


def _changed(value: Any, model: Any, rng: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | np.integer):
        return rng.choice((*INTEGERS, int(value) + 1, int(value) - 1))
    if isinstance(value, float | np.floating):
        return rng.choice(REALS)
    if isinstance(value, bytes | str):
        return rng.choice((b"", b"x" * 3000, b"\xff\xfe", b"same"))
    if isinstance(value, list | np.ndarray):
        return _changed_list(list(value), model, rng)
    return None


def _changed_list(items: list[Any], model: Any, rng: random.Random) -> list[Any]:
    if not items:
        return [rng.choice(INTEGERS)]
    at = rng.randrange(len(items))
    what = rng.choice(("drop", "copy", "change", "change", "clear", "swap"))
    if what == "drop":
        del items[at]
    elif what == "clear":
        items = []
    elif what == "copy":
        items.append(items[at])
    elif what == "swap":
        other = rng.randrange(len(items))
        items[at], items[other] = items[other], items[at]
    elif hasattr(items[at], "__dict__"):
        items[at] = rng.choice(items)
    else:
        items[at] = _changed(items[at], model, rng)
    return items
