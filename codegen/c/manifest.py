"""What an artefact says of itself: its files, ports, memory and steps."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.c.choice import KernelSet
from codegen.c.step import StepWriter, Variant
from codegen.c.writer import Constant
from edgekit.artefact import Manifest, Region, StepInfo, Tensor
from edgekit.ir import Graph
from edgekit.ir.graph import node_macs
from edgekit.schedule import Program
from edgekit.schedule.ports import make_ports


def describe(
    program: Program,
    name: str,
    target: str,
    writers: Sequence[StepWriter],
    constants: Sequence[Constant],
    chosen: KernelSet,
) -> Manifest:
    """The manifest of a program whose steps are written.

    Args:
        program, name, target, chosen: as in `codegen.c.emit.emit`.
        writers: of its steps.
        constants: of all of them, and those of states.
    """
    graph = program.graph
    inputs, outputs = make_ports(program)
    integer = any(w.node.op.name.startswith("Q") for w in writers)
    return Manifest(
        kind="c",
        name=name,
        target=target,
        precision="int8" if integer or not _has_floats(graph) else "float32",
        sources=(f"{name}.c",),
        headers=(f"{name}.h",),
        inputs=inputs,
        outputs=outputs,
        arena_bytes=max(program.arena_bytes, program.align),
        arena_align=program.align,
        state_bytes=program.state_bytes,
        scratch_bytes=program.scratch_bytes,
        steps=tuple(_step_info(program, name, w, chosen) for w in writers),
        run_symbol=f"{name}_run",
        run_copy_symbol=f"{name}_run_copy",
        init_symbol=f"{name}_init",
        weights_bytes=sum(c.data.nbytes for c in constants),
        table_bytes=sum(c.table_bytes for c in constants),
        stream_table_bytes=sum(c.table_bytes for c in constants if c.table_bytes < c.data.nbytes),
        arena_memory=program.split.arena if program.split else "",
        regions=tuple(Region(r.name, r.nbytes) for r in program.regions),
        optimize=chosen.optimize,
    )


def _has_floats(graph: Graph) -> bool:
    values = [*graph.inputs, *(v for n in graph.nodes for v in n.outputs)]
    return any(not v.type.dtype.is_integer for v in values)


def _step_info(program: Program, name: str, writer: StepWriter, chosen: KernelSet) -> StepInfo:
    node, step = writer.node, writer.step
    emitter = chosen.emitter(node)
    fast = emitter if isinstance(emitter, Variant) else None
    return StepInfo(
        symbol=f"{name}_step_{step.index:02d}_{node.op.name.lower()}",
        name=node.name,
        op=node.op.name,
        macs=node_macs(node),
        origin=node.origin,
        writes=tuple(
            Tensor(v.name, v.type.dtype, v.type.shape, place.offset, place.region)
            for v, place in ((v, program.location[v.name]) for v in node.outputs)
        ),
        scratch_bytes=step.scratch.nbytes if step.scratch else 0,
        variant=fast.name if fast else "",
        stack_bytes=fast.stack(node) if fast else 0,
        parts=fast.cost(node).parts() if fast else {},
        refused=chosen.refusal(node),
    )
