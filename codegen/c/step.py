"""What an operator's emitter works with: the step that it writes; and what emitters are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from codegen.assembly.cost import Cost
from codegen.c.writer import Writer
from edgekit.ir import DType, Node, Value
from edgekit.schedule import Overlap, Program, Step
from edgekit.schedule.program import ARENA, STATE


@dataclass
class StepWriter(Writer):
    """Writes one step of a program.

    Attributes:
        program, step: what is emitted.
    """

    program: Program
    step: Step

    @property
    def tag(self) -> str:
        """The step's number."""
        return f"{self.step.index:02d}"

    def key(self, data: NDArray[Any], kind: str) -> tuple[str, ...]:
        """Strips of one layer share what is equal."""
        digest = hashlib.sha256(data.tobytes()).hexdigest()
        return (*self.node.origin, kind, data.dtype.str, str(data.size), digest)

    @property
    def node(self) -> Node:
        """The node that this step computes."""
        return self.step.node

    def read(self, value: Value) -> str:
        """Expression of type ``const T *`` for a tensor that the step reads."""
        if value.is_constant:
            return self.weights(value.array, f"{value.name}")
        return self._place(value, "const ")

    def write(self, value: Value) -> str:
        """Expression of type ``T *`` for a tensor that the step writes."""
        return self._place(value, "")

    def scratch(self) -> str:
        """Expression for the step's scratch, or NULL."""
        if self.step.scratch is None:
            return "NULL"
        return f"(int8_t *)({pointer(self.step.scratch.region)} + {self.step.scratch.offset})"

    def shares_bytes(self, first: Value, second: Value) -> bool:
        """Whether two tensors that are no constants lie over each other."""
        a, b = (self.program.location[v.name] for v in (first, second))
        apart = a.offset + a.nbytes <= b.offset or b.offset + b.nbytes <= a.offset
        return a.region == b.region and not apart

    @contextmanager
    def each_sample(self, x: Value, y: Value) -> Iterator[tuple[str, str]]:
        """Repeat what is written for every sample along axis 0 of ``x`` and ``y``; gives the
        expressions of their pointers (a loop only where there are several)."""
        count = y.type.shape[0]
        if count == 1:
            yield self.read(x), self.write(y)
            return
        with self.loop("n", count):
            sources = f"{self.read(x)} + n * {x.type.size // count}"
            yield sources, f"{self.write(y)} + n * {y.type.size // count}"

    def _place(self, value: Value, qualifier: str) -> str:
        buffer = self.program.location[value.name]
        base = pointer(buffer.region)
        return f"({qualifier}{value.type.dtype.c_name} *)({base} + {buffer.offset})"


def pointer(region: str) -> str:
    """The parameter of generated functions that points to a region."""
    return region if region in (ARENA, STATE) else f"mem_{region}"


@dataclass(frozen=True)
class Emitter:
    """How one operator becomes C.

    Attributes:
        emit: writes the step.
        scratch: bytes of scratch that its kernel needs for a node.
        overlap: how far its output may lie over each input of a node; nothing is assumed.
        types: element types that its first input may have; empty where the emitter decides.
    """

    emit: Callable[[StepWriter], None]
    scratch: Callable[[Node], int] = lambda node: 0
    types: tuple[DType, ...] = ()
    overlap: Callable[[Node], Sequence[Overlap | None]] = lambda node: ()


def _nothing(node: Node) -> int:
    return 0


@dataclass(frozen=True, kw_only=True)
class Variant(Emitter):
    """A faster way to compute an operator, for some nodes and one instruction set.

    Attributes:
        name: as profiles and reports show it, e.g. ``conv1x1``.
        refuse: why it cannot compute a node, an `OtherKind` where it is for nodes of another kind;
            empty where it can.
        cost: instructions executed by one run of a node, from the loops of its block, by what they
            are spent on.
        stack: bytes of working memory that it takes from the stack (tiles that the stack pointer
            addresses), beside the few words that any function saves.
        pays_flash: True where it takes several times the weights of other kernels: chosen by
            ``--optimize fastest`` alone, where it saves a twentieth of the instructions.
        needs: a feature of the core that its instruction set does not imply; empty for none.
    """

    name: str
    refuse: Callable[[Node], str]
    cost: Callable[[Node], Cost]
    stack: Callable[[Node], int] = _nothing
    pays_flash: bool = False
    needs: str = ""

    def instructions(self, node: Node) -> int:
        """Executed by one run of a node."""
        return self.cost(node).total
