"""What an operator costs on a core: instructions, flash and RAM, measured or modelled.

Instructions of shapes that were counted on the emulated core are looked up; for others a model
that is linear in the loops of the kernel is evaluated (data and fit: ``profiles/data/costs``, made
by ``python -m profiles.cost.fit``). Kernels in assembly count their own loops (`variants`). A call
takes microseconds, for a new shape of such a kernel milliseconds.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from edgekit.ir import Node
from edgekit.ir.op import Op, Shape
from edgekit.options import Precision, Rounding
from profiles.cost.call import Call, NoKernel, call_of
from profiles.cost.forms import integer_form
from profiles.cost.table import ALONE, load_table
from profiles.cost.variants import VARIANT_ERROR, node_variant, shape_instructions
from targets.load import load_core
from targets.model import Core

__all__ = [
    "Cost",
    "Origin",
    "cost",
    "kernel_of",
    "node_cost",
    "portable_cost",
    "refusal",
    "toolchains",
]

Origin = Literal["measured", "modelled"]


@dataclass(frozen=True)
class Cost:
    """What one operator costs.

    Attributes:
        instructions: executed by one inference; None where nothing is known.
        flash_bytes: weights, biases and quantization tables as portable C holds them (kernels in
            assembly pack a few constants more); not the kernel's code, which layers share.
        ram_bytes: operands, result and kernel scratch side by side; None without a kernel.
        origin: ``measured`` (this shape was counted) or ``modelled``.
        error: of a modelled figure: largest relative error of the model at the shapes that it was
            fitted to; None for measured and unknown figures.
    """

    instructions: int | None
    flash_bytes: int | None
    ram_bytes: int | None
    origin: Origin | None = None
    error: float | None = None


UNKNOWN = Cost(None, None, None)


def cost(
    op: Op,
    shapes: Sequence[Shape],
    core: Core,
    dtype: Precision = "int8",
    *,
    rounding: Rounding = "fast",
    toolchain: str | None = None,
    alone: bool = False,
) -> Cost:
    """The cost of one operator.

    Args:
        op: model-level operator in any layout, or integer operator.
        shapes: shapes of its inputs, constants included; ``()`` for an absent one.
        core: where it runs.
        dtype: element type of a model-level operator's activations.
        rounding: of the integer form that a model-level operator would get; integer operators
            carry their own.
        toolchain: ``gcc`` or ``zig``; None: the one with fewer instructions over all counted
            layers. What ``convert --toolchain auto`` keeps is decided for each model.
        alone: True where no other node of the model uses the same kernel: compilers then specialise
            it to the one shape. `kernel_of` says which kernel that is.

    Returns:
        The cost. Every figure that is not known (no kernel, no table for the core) is None.
    """
    return _cost(op, tuple(map(tuple, shapes)), core.name, dtype, rounding, toolchain, alone)


def node_cost(
    node: Node,
    core: Core,
    dtype: Precision = "int8",
    *,
    rounding: Rounding = "fast",
    toolchain: str | None = None,
    alone: bool = False,
) -> Cost:
    """`cost` of a lowered node, whose constants decide which kernel computes it."""
    shapes = tuple(() if v is None else v.type.shape for v in node.inputs)
    variant = node_variant(node, core)
    if variant is None:
        return _portable(node.op, shapes, core.name, dtype, rounding, toolchain, alone)
    call = _call(node.op, shapes, dtype, rounding)
    if isinstance(call, NoKernel):
        return UNKNOWN
    count = variant.instructions(node)
    return Cost(count, call.flash_bytes, call.ram_bytes, "modelled", VARIANT_ERROR)


def portable_cost(node: Node, core: Core, toolchain: str | None = None) -> Cost:
    """`cost` of a lowered int8 node in portable C, whatever kernels in assembly there are."""
    shapes = tuple(() if v is None else v.type.shape for v in node.inputs)
    return _portable(node.op, shapes, core.name, "int8", "fast", toolchain, False)


def kernel_of(
    op: Op, shapes: Sequence[Shape], dtype: Precision = "int8", rounding: Rounding = "fast"
) -> str | None:
    """The C kernel that computes the operator, as ``kernel`` or ``kernel.rule``.

    Returns:
        Its name; empty where nothing has to be executed (Reshape); None where there is no kernel
        (`refusal` says why).
    """
    call = _call(op, tuple(map(tuple, shapes)), dtype, rounding)
    return None if isinstance(call, NoKernel) else call.family


def refusal(
    op: Op, shapes: Sequence[Shape], dtype: Precision = "int8", rounding: Rounding = "fast"
) -> str:
    """Why the C kernels cannot compute the operator; empty where they can."""
    call = _call(op, tuple(map(tuple, shapes)), dtype, rounding)
    return call.reason if isinstance(call, NoKernel) else ""


def toolchains(core: Core) -> tuple[str, ...]:
    """Toolchains with figures for a core, the preferred one first."""
    table = load_table(core.name)
    if table is None:
        return ()
    return tuple(sorted(table.toolchains, key=lambda name: name != table.preferred))


_call = functools.lru_cache(4096)(call_of)


@functools.lru_cache(65536)
def _cost(
    op: Op,
    shapes: tuple[Shape, ...],
    core: str,
    dtype: Precision,
    rounding: Rounding,
    toolchain: str | None,
    alone: bool,
) -> Cost:
    found = _portable(op, shapes, core, dtype, rounding, toolchain, alone)
    if dtype != "int8" or found.instructions is None:
        return found
    own = shape_instructions(*integer_form(op, shapes, rounding), load_core(core))
    return (
        found
        if own is None
        else replace(found, instructions=own, origin="modelled", error=VARIANT_ERROR)
    )


@functools.lru_cache(65536)
def _portable(
    op: Op,
    shapes: tuple[Shape, ...],
    core: str,
    dtype: Precision,
    rounding: Rounding,
    toolchain: str | None,
    alone: bool,
) -> Cost:
    """The cost in portable C."""
    call = _call(op, shapes, dtype, rounding)
    if isinstance(call, NoKernel):
        return UNKNOWN
    instructions, origin, error = _instructions(call, core, toolchain, alone)
    return Cost(instructions, call.flash_bytes, call.ram_bytes, origin, error)


def _instructions(
    call: Call, core: str, toolchain: str | None, alone: bool
) -> tuple[int | None, Origin | None, float | None]:
    if not call.kernel:
        return 0, "modelled", 0.0
    table = load_table(core)
    images = None if table is None else table.toolchains.get(toolchain or table.preferred)
    families = {} if images is None else images.families
    family = families.get(f"{call.family}.{ALONE}") if alone else None
    family = family or families.get(call.family)
    if family is None:
        return None, None, None
    counted = family.measured.get(call.key)
    if counted is not None:
        return counted, "measured", None
    return family.modelled(call.kernel, call.key), "modelled", family.worst_error
