"""``Conv2D(Pad 0(x)) -> Conv2D(x) with wider padding``; the same for MaxPool2D where the padded
number can never win: it is minus infinity, or the operand is known not to be smaller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgekit.ir import Graph, Node
from edgekit.ir.ops import Conv2D, MaxPool2D, Pad, Window
from edgekit.ir.ops.spatial import SPATIAL_AXES
from edgekit.passes.rewrite import forward, refuse

_LOWEST = -3.4e38


def _spatial(pad: Pad, layout: str) -> tuple[int, int, int, int] | None:
    """Padding (top, left, bottom, right), None where other axes are padded too."""
    h, w = SPATIAL_AXES[layout]
    others = [i for i in range(len(pad.before)) if i not in (h, w)]
    if len(pad.before) != 4 or any(pad.before[i] or pad.after[i] for i in others):
        return None
    return pad.before[h], pad.before[w], pad.after[h], pad.after[w]


def _lower_bound(node: Node) -> float:
    """A number that the operand of ``node`` is known not to fall below."""
    source = node.input(0).producer
    clamp = getattr(source.op, "clamp", None) if source is not None else None
    return _LOWEST if clamp is None or clamp.low is None else float(clamp.low)


@dataclass(frozen=True)
class FusePad:
    """Let a convolution or a maximum pool do the padding before it."""

    name: str = "fuse-pad"

    def run(self, graph: Graph) -> bool:
        changed = False
        for pad in list(graph.nodes):
            if isinstance(pad.op, Pad):
                changed |= self._fuse(graph, pad, pad.op)
        return changed

    def _fuse(self, graph: Graph, pad: Node, op: Pad) -> bool:
        user = graph.sole_user(pad.output)
        if user is None or not isinstance(user.op, Conv2D | MaxPool2D):
            refuse(self.name, pad, "its only reader is not a Conv2D or MaxPool2D")
            return False
        if len(pad.inputs) > 1:
            refuse(self.name, pad, "what it pads with is computed at run time")
            return False
        padding = _spatial(op, user.op.layout)
        if padding is None or pad.input(0).type.quant != pad.output.type.quant:
            refuse(self.name, pad, "it pads other axes too, or changes the quantization")
            return False
        window = user.op.window
        if isinstance(user.op, Conv2D):
            if op.value != 0.0:
                refuse(self.name, pad, f"it pads with {op.value}, a convolution with 0")
                return False
        elif not self._never_wins(pad, op, user.op, padding):
            refuse(self.name, pad, f"its {op.value} can be the maximum of a window")
            return False
        total = [a + b for a, b in zip(padding, window.padding, strict=True)]
        wider = Window(window.strides, (total[0], total[1], total[2], total[3]), window.dilations)
        graph.set_op(user, replace(user.op, window=wider))
        user.origin = (*pad.origin, *user.origin)
        forward(graph, pad, pad.input(0))
        return True

    @staticmethod
    def _never_wins(pad: Node, op: Pad, pool: MaxPool2D, padding: tuple[int, ...]) -> bool:
        """Every window holds an element of the input that is at least the padded number."""
        if any(pool.window.padding):
            return False  # MaxPool2D ignores its own padding, but not Pad's: do not mix them
        reach = [(k - 1) * d for k, d in zip(pool.kernel, pool.window.dilations, strict=True)]
        dense = pool.window.dilations == (1, 1)
        fits = all(p <= r for p, r in zip(padding, (*reach, *reach), strict=True))
        return dense and fits and op.value <= _lower_bound(pad)
