"""What a model consists of, and what a target makes of it, without converting it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codegen.c.choice import KernelSet, is_alias, kernels_for, unsupported
from edgekit.errors import FitError, ModelError, Problem
from edgekit.ir import Binding, Graph, Node, Value
from edgekit.ir.graph import node_macs
from edgekit.options import Precision, Rounding
from edgekit.passes import CANONICAL, TO_NHWC, Pass, run_passes
from edgekit.passes.dead_code import DeadCode
from edgekit.pipeline.lowering import LOWERINGS, TO_EXECUTE, is_quantized, own_rounding
from edgekit.pipeline.reporting import target_info
from edgekit.pipeline.source import read_source
from edgekit.report.model import ModelInfo
from edgekit.report.results import InspectedNode, Inspection, TensorInfo
from edgekit.schedule import PlanOptions, plan
from edgekit.schedule.stages import least_bytes
from profiles.cost import Cost, kernel_of, node_cost, refusal, toolchains
from quantize.observers import Range
from quantize.ptq import check_quantizable, quantize_ranges
from targets.fit import check_fit
from targets.load import load_core, resolve
from targets.model import Core, Target

PLAN_SECONDS = 2.0
"""For the bound; a longer search could only raise it."""
ANY_RANGE = Range(0.0, 1.0)
"""Stands for ranges that only calibration would tell; shapes and operators do not depend on it."""


@dataclass(frozen=True)
class Prospect:
    """What the model would become.

    Attributes:
        graph: lowered as far as it goes.
        dtype: element type of its activations.
        rounding: of its integer operators.
        problems: why nodes are not supported, by node name.
    """

    graph: Graph
    dtype: Precision
    rounding: Rounding
    problems: Mapping[str, str]


def inspect_model(
    model: Path | str | Graph,
    target: str | None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    signature: str = "",
) -> Inspection:
    """Operators, shapes, MACs, parameters, a lower bound of RAM, and what a target supports.

    A float model is judged as the int8 model that calibration would make of it (operators without
    an integer form stay in float32), or as float32 where none of its operators has one.

    Raises:
        ModelError: the file cannot be read, or holds operators that edgekit does not know (all
            are listed).
        UsageError: there is no such target.
    """
    chosen = resolve(target) if target is not None else None
    source = read_source(model, shapes, signature)
    graph = run_passes(source.graph, (*CANONICAL, DeadCode()))
    core = chosen.core if chosen else load_core("host")
    prospect = prospect_of(graph, core, own_rounding(source))
    ram, least = _ram(prospect.graph, kernels_for(core))
    weights = sum(v.type.nbytes for v in prospect.graph.constants())
    return Inspection(
        model=ModelInfo(
            name=source.file,
            sha256=source.sha256,
            macs=graph.macs(),
            parameters=graph.parameters(),
            format=source.format,
            operators=dict(Counter(n.op.name for n in graph.nodes)),
        ),
        precision="int8" if is_quantized(graph) else "float32",
        inputs=tuple(map(_tensor, graph.input_bindings, graph.inputs)),
        outputs=tuple(map(_tensor, graph.output_bindings, graph.outputs)),
        nodes=_nodes(graph, prospect, chosen.core if chosen else None),
        figures_for=prospect.dtype,
        ram_lower_bound_bytes=ram,
        weights_bytes=weights,
        shortage=_shortage(chosen, weights, least),
        target=target_info(chosen) if chosen else None,
    )


def _shortage(target: Target | None, flash_bytes: int, ram_bytes: int) -> str:
    """Why the model cannot fit the board whatever the code is; empty where it may fit."""
    try:
        if target is not None:
            check_fit(target, flash_bytes, ram_bytes)
    except FitError as error:
        return "; ".join(p.what for p in error.problems)
    return ""


def _tensor(binding: Binding, value: Value) -> TensorInfo:
    outer = binding.outer
    return TensorInfo(binding.name, outer.dtype.value, outer.shape, outer.layout)


def prospect_of(graph: Graph, core: Core, own: Rounding) -> Prospect:
    """What a canonical graph becomes; a float one as the int8 model that calibration would make,
    unless it has operators without an integer form."""
    lowering = LOWERINGS[core.lowering]
    if is_quantized(graph):
        return _lowered(graph, lowering(own), own)
    try:
        check_quantizable(graph)
        quantized = quantize_ranges(graph, {v.name: ANY_RANGE for v in _variables(graph)})
    except ModelError:
        channels_last = run_passes(graph, (*TO_NHWC, *TO_EXECUTE))
        problems = _by_node(unsupported(channels_last))
        return Prospect(channels_last, "float32", "fast", problems)
    return _lowered(quantized, lowering("fast"), "fast")


def _variables(graph: Graph) -> list[Value]:
    return [*graph.inputs, *(v for n in graph.nodes for v in n.outputs)]


def _lowered(graph: Graph, passes: tuple[Pass, ...], rounding: Rounding) -> Prospect:
    try:
        lowered = run_passes(graph, (*passes, *TO_EXECUTE))
        return Prospect(lowered, "int8", rounding, _by_node(unsupported(lowered)))
    except ModelError as error:
        channels_last = run_passes(graph, (*TO_NHWC, *TO_EXECUTE))
        return Prospect(channels_last, "int8", rounding, _by_node(error.problems))


def _by_node(problems: tuple[Problem, ...] | list[Problem]) -> dict[str, str]:
    """Problems by the node that they name as ``Op 'name'``."""
    found: dict[str, str] = {}
    for problem in problems:
        name = problem.where.partition("'")[2].removesuffix("'")
        allowed = f"allowed: {problem.allowed}" if problem.allowed else None
        found[name] = "; ".join(filter(None, (found.get(name), problem.what, allowed)))
    return found


def _ram(graph: Graph, kernels: KernelSet) -> tuple[int | None, int]:
    """Arena bytes that no plan of `convert` can undercut, and those that none can with strips; the
    first is None where an output needs no inference at all. Nodes without a kernel count without
    scratch."""

    def scratch(node: Node) -> int:
        found = kernels.find(node)
        return 0 if found is None else found.scratch(node)

    least = least_bytes(graph, scratch, kernels.overlaps)
    try:
        made = plan(graph, scratch, kernels.overlaps, PlanOptions(seconds=PLAN_SECONDS))
    except ModelError:
        return None, least
    return made.certificate.bound_bytes, least


def _nodes(graph: Graph, prospect: Prospect, core: Core | None) -> tuple[InspectedNode, ...]:
    """Nodes of the model; after them what lowering adds and has to be executed (layout changes)."""
    if core is None:
        return tuple(_node(n, None, None, None) for n in graph.nodes)
    later = {n.name: n for n in prospect.graph.nodes}
    costs = _costs(prospect, core)
    known = {n.name for n in graph.nodes}
    added = [n for n in prospect.graph.nodes if n.name not in known and not is_alias(n.op)]
    return tuple(
        _node(n, later.get(n.name), costs.get(n.name), prospect) for n in [*graph.nodes, *added]
    )


def _node(
    node: Node, later: Node | None, price: Cost | None, prospect: Prospect | None
) -> InspectedNode:
    constants = [v for v in node.inputs if v is not None and v.is_constant]
    supported, reason = None, ""
    if prospect is not None:
        reason = prospect.problems.get(node.name, "")
        if later is not None and not reason:
            reason = refusal(later.op, _shapes(later), prospect.dtype, prospect.rounding)
        supported = not reason
        if later is None and supported:
            price = Cost(0, 0, 0, "modelled", 0.0)  # folded away by lowering
    return InspectedNode(
        name=node.name,
        op=node.op.name,
        shape=node.output.type.shape,
        macs=node_macs(node),
        parameters=sum(v.type.size for v in constants),
        instructions=price.instructions if price and supported else None,
        cost_origin=price.origin if price and supported else None,
        supported=supported,
        reason=reason,
    )


def _costs(prospect: Prospect, core: Core) -> dict[str, Cost]:
    """Costs by node, of the compiler whose image would be kept: the one with the smaller total."""
    nodes = prospect.graph.nodes
    kernels = [kernel_of(n.op, _shapes(n), prospect.dtype, prospect.rounding) for n in nodes]
    uses = Counter(kernels)
    candidates = [
        {
            node.name: node_cost(
                node, core, prospect.dtype, rounding=prospect.rounding,
                toolchain=tool, alone=uses[kernel] == 1,
            )
            for node, kernel in zip(nodes, kernels, strict=True)
        }
        for tool in toolchains(core) or (None,)
    ]  # fmt: skip
    return min(candidates, key=_total)


def _total(costs: Mapping[str, Cost]) -> int:
    return sum(c.instructions or 0 for c in costs.values())


def _shapes(node: Node) -> list[tuple[int, ...]]:
    return [() if v is None else v.type.shape for v in node.inputs]
