"""Ranking of an output's classes as C."""

from __future__ import annotations

import math
from typing import Any

from codegen.c.literals import float_literal, string_literal
from edgekit.artefact import Port
from edgekit.errors import Problem
from edgekit.ir import DType
from edgekit.processing import Ranking
from quantize.processing.rank import least


def check_rank(port: Port, settings: Ranking) -> list[Problem]:
    """Why the settings do not fit the output."""
    where, size = f"postprocessing of output '{port.name}'", math.prod(port.shape)
    found = []
    if port.dtype not in (DType.INT8, DType.FLOAT32):
        found.append(Problem(f"the model's output is {port.dtype.value}", where, "int8, float32"))
        return found
    if settings.labels and len(settings.labels) != size:
        found.append(Problem(f"{len(settings.labels)} labels are given", where, f"{size} classes"))
    if settings.top > size:
        found.append(Problem(f"top is {settings.top}", where, f"up to {size} classes"))
    if port.quant is not None and least(settings, port.quant) > 127:
        top = port.quant.scale[0] * (127 - port.quant.zero_point[0])
        found.append(Problem("no score reaches the threshold", where, f"up to {top:g}"))
    return found


def rank_context(port: Port, settings: Ranking) -> dict[str, Any]:
    """What the templates place."""
    quantized = port.dtype is DType.INT8
    smallest = least(settings, port.quant)
    return {
        "port": port,
        "size": math.prod(port.shape),
        "top": settings.top,
        "labels": [string_literal(text) for text in settings.labels],
        "least": int(smallest) if quantized else float_literal(smallest),
        "threshold": settings.threshold,
        "kernel": f"ek_rank_{'s8' if quantized else 'f32'}",
        "dequantize": port.quant is not None,
    }
