"""``Clip(op(x)) -> op with that clamp(x)`` for layers, sums, pools and other Clips."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgekit.ir import Graph, Node
from edgekit.ir.ops import Add, AvgPool2D, Clamp, Clip, Conv2D, Dense, MaxPool2D, Mul, Sub
from edgekit.passes.rewrite import absorb, refuse


def bound(value: float | None, clamp: Clamp) -> float | None:
    """``clamp`` applied to one bound."""
    if value is None:
        return None
    if clamp.low is not None and value < clamp.low:
        return clamp.low
    return clamp.high if clamp.high is not None and value > clamp.high else value


def both(first: Clamp | None, then: Clamp) -> Clamp:
    """The clamp that equals ``first`` followed by ``then``."""
    if first is None:
        return then
    low = bound(first.low, then) if first.low is not None else then.low
    high = bound(first.high, then) if first.high is not None else then.high
    return Clamp(low, high)


@dataclass(frozen=True)
class FuseClamp:
    """Let the operator before a Clip (ReLU, ReLU6) clamp its own result."""

    name: str = "fuse-clamp"

    def run(self, graph: Graph) -> bool:
        changed = False
        for clip in list(graph.nodes):
            if isinstance(clip.op, Clip):
                changed |= self._fuse(graph, clip, clip.op)
        return changed

    def _fuse(self, graph: Graph, clip: Node, op: Clip) -> bool:
        x = clip.input(0)
        source = x.producer
        if source is None or graph.sole_user(x) is not clip:
            refuse(self.name, clip, "its operand is a graph input or read elsewhere")
            return False
        if x.type.quant != clip.output.type.quant:
            refuse(self.name, clip, "it changes the quantization")
            return False
        match source.op:
            case Conv2D() | Dense() | Add() | Sub() | Mul() | AvgPool2D() | MaxPool2D():
                graph.set_op(source, replace(source.op, clamp=both(source.op.clamp, op.clamp)))
            case Clip():
                graph.set_op(source, Clip(both(source.op.clamp, op.clamp)))
            case _:
                refuse(self.name, clip, f"{source.op.name} has no clamp")
                return False
        absorb(graph, source, clip)
        return True
