"""What kernels declare about overlaps: run at exactly the declared distance, and beyond it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from codegen.c.choice import PORTABLE, KernelSet
from codegen.c.operators import EMITTERS
from edgekit.ir import DType, Graph, Node, Quant, TensorType
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    Binary,
    Cast,
    Clip,
    Conv2D,
    Copy,
    Dense,
    Dequantize,
    LogSoftmax,
    MaxPool2D,
    Mean,
    Mul,
    Normalize,
    Op,
    QAdd,
    QAvgPool2D,
    QClip,
    QConv2D,
    QLookup,
    QMaxPool2D,
    QMean,
    QMeanPool2D,
    QMul,
    QRescale,
    QSoftmax,
    QTableSoftmax,
    Quantize,
    Rescale,
    Rounding,
    Slice,
    Softmax,
    Sub,
    Unary,
    Where,
    Window,
)
from edgekit.options import LEVERS
from edgekit.schedule import Buffer, Program, plan, verify_program
from quantize.requantize import make_requant
from tests.codegen import graphs
from tests.codegen.batch import Compiled, compile_all, samples
from tests.codegen.graphs import RULES, float32, int8, single
from tests.codegen.test_float_kernels import noise
from tests.codegen.test_integer_kernels import windows

SLACK = 64
"""Bytes on both sides, so that a wrong write is not a crash."""


def only(graph: Graph) -> Node:
    """The node that is tested (reshapes come before it)."""
    return graph.nodes[-1]


def shifted(
    graph: Graph, operand: int, distance: int, backward: bool, chosen: KernelSet = PORTABLE
) -> Program:
    """The plan without overlap, then the output ``distance`` bytes above one of its operands.

    The other operands and the scratch move out of the way. Offsets need not be aligned: the test
    is about bytes, and the host reads int8 anywhere.
    """
    program = plan(graph, chosen.scratch_bytes)
    node = only(graph)
    source = program.location[node.input(operand).name]
    target = program.location[node.output.name]
    base = SLACK + max(0, -distance)
    places = {source.name: base, target.name: base + distance}
    end = max(base + source.nbytes, base + distance + target.nbytes)
    blocks = [*program.buffers, *(s.scratch for s in program.steps if s.scratch)]
    for block in blocks:
        if block.name not in places:
            places[block.name] = -(-end // 8) * 8
            end = places[block.name] + block.nbytes

    def moved(buffer: Buffer) -> Buffer:
        return replace(buffer, offset=places[buffer.name])

    return replace(
        program,
        buffers=tuple(map(moved, program.buffers)),
        location={name: moved(b) for name, b in program.location.items()},
        steps=tuple(
            replace(s, scratch=s.scratch and moved(s.scratch), backward=backward)
            for s in program.steps
        ),
        arena_bytes=-(-end // 8) * 8 + SLACK,
    )


def limits(graph: Graph, chosen: KernelSet = PORTABLE) -> Iterator[tuple[int, int, bool]]:
    """(operand, distance, backward) for every limit that the node declares."""
    node = only(graph)
    sizes = {v.type.dtype.itemsize for v in (*node.inputs, node.output) if v is not None}
    for operand, overlap in enumerate(chosen.overlaps(node)):
        if overlap is not None:
            step = max(sizes)
            if overlap.forward is not None:
                yield operand, overlap.forward // step * step, False
            if overlap.backward is not None:
                yield operand, -(-overlap.backward // step) * step, True


def convolutions() -> list[Graph]:
    rng = np.random.default_rng(5)
    found = []
    for index, (size, kernel, window) in zip(range(60), windows(rng), strict=False):
        groups, channels, filters = 1, int(rng.integers(1, 7)), int(rng.integers(1, 7))
        if index % 2:
            groups = channels = int(rng.integers(2, 6))
            filters = channels * int(rng.integers(1, 3))
        rule = RULES[index % len(RULES)]
        found.append(graphs.conv(rng, size, channels, filters, kernel, window, groups, rule))
    for index, shape in enumerate([(2, 9), (8, 8), (9, 2), (16, 3)]):
        for size, window in (((5, 5), Window()), ((6, 7), Window((2, 2)))):
            found.append(graphs.conv(rng, size, *shape, (1, 1), window, 1, RULES[index]))
    return found


def wide() -> list[Graph]:
    """int16 activations: kernels and loops of their own."""
    rng = np.random.default_rng(11)
    found = []
    kind = TensorType((1, 4, 6), DType.INT16)
    spec = make_requant([0.01], Rounding.DOUBLE, 0, -32768, 32767)
    for index, (size, kernel, window) in zip(range(24), windows(rng), strict=False):
        groups = (1, 3)[index % 2]
        weights = rng.integers(-128, 128, (6, *kernel, 3 // groups), np.int8)
        x = TensorType((1, *size, 3), DType.INT16)
        constants = [weights, rng.integers(-9999, 9999, 6, np.int64)]
        found.append(single(QConv2D(spec, 0, window, groups), [x, *constants], DType.INT16))
    same, half = Rescale(0, 2**30, 0), Rescale(0, 2**30, -1)
    found.append(single(QAdd(same, half, spec, 0), [kind, kind], DType.INT16))
    found.append(single(QRescale(spec, 0), [kind], DType.INT16))
    found.append(single(QRescale(spec, 3), [int8(1, 4, 6)], DType.INT16))
    return found


def float_windows() -> list[Graph]:
    rng = np.random.default_rng(6)
    found = []
    for index, (size, kernel, window) in zip(range(48), windows(rng), strict=False):
        groups = (1, 2)[index % 2]
        weights = noise(rng, 2 * groups, *kernel, 2)
        op: Op = Conv2D(window, groups)
        if index % 3 == 0:
            found.append(single(op, [float32(1, *size, 2 * groups), weights], DType.FLOAT32))
        elif window.meets_input(size, kernel):
            op = (MaxPool2D, AvgPool2D)[index % 3 - 1](kernel, window)
            found.append(single(op, [float32(1, *size, 3)], DType.FLOAT32))
    return found + float_fours()


def float_fours() -> list[Graph]:
    """Layers of float32 whose pixels and filters are taken by fours."""
    rng = np.random.default_rng(12)
    found = []
    for index, (size, kernel, window) in zip(range(24), windows(rng), strict=False):
        groups, channels, filters = ((1, 3, 6), (1, 6, 4), (5, 5, 5), (2, 4, 10))[index % 4]
        weights = noise(rng, filters, *kernel, channels // groups)
        x = float32(1, *size, channels)
        found.append(single(Conv2D(window, groups), [x, weights], DType.FLOAT32))
    for padding in ((1, 1, 1, 1), (0, 0, 0, 0), (1, 0, 1, 1)):
        x, weights = float32(1, 4, 5, 6), noise(rng, 6, 3, 3, 1)
        found.append(single(Conv2D(Window(padding=padding), 6), [x, weights], DType.FLOAT32))
    for channels, filters in ((3, 8), (8, 4), (8, 8)):
        weights = noise(rng, filters, 1, 1, channels)
        x = float32(1, 3, 7, channels)
        found.append(single(Conv2D(Window()), [x, weights], DType.FLOAT32))
    return found


def pools() -> list[Graph]:
    found = []
    fitting = (w for w in windows(np.random.default_rng(7)) if w[2].meets_input(w[0], w[1]))
    for index, (size, kernel, window) in zip(range(40), fitting, strict=False):
        op = (QMaxPool2D, QAvgPool2D)[index % 2](kernel, window, -100, 90)
        found.append(single(op, [int8(1, *size, (1, 2, 3, 16, 21)[index % 5])]))
    return found


def elementwise() -> list[Graph]:
    rng = np.random.default_rng(8)
    spec = make_requant([0.7], RULES[0], 3, -128, 127)
    shape = (1, 5, 9)
    f, q = float32(*shape), int8(*shape)
    scaled = TensorType(shape, DType.INT8, "", Quant.per_tensor(0.05, 3))
    quantize = Graph("quantize")
    node = quantize.add_node(Quantize(True), [quantize.add_input("x", f)], scaled)
    quantize.outputs = [node.output]
    return [
        quantize,
        single(Dequantize(), [scaled], DType.FLOAT32),
        single(QClip(-5, 60), [q]),
        single(QRescale(spec, 7), [q]),
        single(QMean(make_requant([0.2], RULES[0], 0, -128, 127), 4, (1,), True), [q]),
        single(QSoftmax(1717986918, 23, -248), [q]),
        *(graphs.add(rng, q, q, rule) for rule in (Rounding.DOUBLE, Rounding.SINGLE)),
        graphs.add(rng, q, int8(1, 1, 9), RULES[0]),
        graphs.dense(rng, 4, 7, 3, RULES[0]),
        graphs.dense(rng, 4, 3, 7, RULES[0]),
        *(single(op, [f, f], DType.FLOAT32) for op in (Add(), Sub(), Mul())),
        *(single(Binary(name), [f, f], DType.FLOAT32) for name in ("max", "div")),
        single(Where(), [TensorType(shape, DType.BOOL), f, f], DType.FLOAT32),
        single(Unary("abs"), [f], DType.FLOAT32),
        single(Cast(DType.FLOAT32), [q], DType.FLOAT32),
        single(Copy(), [f], DType.FLOAT32),
        single(Clip(), [f], DType.FLOAT32),
        single(Softmax(2), [f], DType.FLOAT32),
        single(LogSoftmax(2), [f], DType.FLOAT32),
        single(Normalize(2), [f], DType.FLOAT32),
        single(Mean((1,)), [f], DType.FLOAT32),
    ]


def rounded_once() -> list[Graph]:
    rng = np.random.default_rng(12)
    q, spec = int8(1, 5, 9), make_requant([0.01], Rounding.EVEN, 3)
    powers = np.rint(np.exp(-np.arange(256) * 0.1) * 2**24).astype(np.uint32)
    found = [
        single(QLookup(), [q, rng.integers(-128, 128, 256, np.int8)]),
        single(QTableSoftmax(255 << 16, 16, -128), [q, powers]),
        single(QMul(spec, 3, -5), [q, q]),
        single(QMul(spec, 3, -5), [q, int8(1, 1, 9)]),
    ]
    fitting = (w for w in windows(np.random.default_rng(13)) if w[2].meets_input(w[0], w[1]))
    for index, (size, kernel, window) in zip(range(20), fitting, strict=False):
        scales = [0.9 / n for n in range(1, kernel[0] * kernel[1] + 1)]
        op = QMeanPool2D(kernel, make_requant(scales, Rounding.EVEN, 3), -7, window)
        found.append(single(op, [int8(1, *size, 1 + index % 5)]))
    return found


def slices() -> list[Graph]:
    """Rows of an image, and a part of a vector."""
    parts = (((1, 9, 5, 3), (0, 4, 0, 0), (1, 3, 5, 3)), ((1, 24), (0, 5), (1, 11)))
    return [
        single(Slice(starts, sizes, (1,) * len(sizes)), [make(*shape)], make(*shape).dtype)
        for shape, starts, sizes in parts
        for make in (int8, float32)
    ]


FAMILIES: list[Callable[[], list[Graph]]] = [
    convolutions, float_windows, pools, elementwise, wide, rounded_once, slices
]  # fmt: skip


def test_slices_may_lie_anywhere() -> None:
    """Rows that move a little or a lot, down or up, through their old place."""
    (graph, *_) = slices()
    x, y = only(graph).input(0).type.nbytes, only(graph).output.type.nbytes
    cases = [(graph, (0, distance, False)) for distance in range(-y, x + 1, 3)]
    for case in compile_at(cases):
        case.check_samples()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_every_declared_limit_is_safe(family: Callable[[], list[Graph]]) -> None:
    cases = [(g, at) for g in family() for at in limits(g)]
    assert len(cases) >= len(family())
    for case in compile_at(cases):
        case.check_samples()


def compile_at(
    cases: list[tuple[Graph, tuple[int, int, bool]]], chosen: KernelSet = PORTABLE
) -> list[Compiled]:
    """Each graph with its output at the given distance; the checker has its say before."""
    waiting = iter(cases)

    def planner(graph: Graph) -> Program:
        expected, at = next(waiting)
        assert expected is graph
        return shifted(graph, *at, chosen)

    return compile_all([g for g, _ in cases], planner=planner, chosen=chosen)


def test_the_checker_agrees_with_the_limits() -> None:
    for graph in pools()[:8]:
        for operand, distance, backward in limits(graph):
            program = shifted(graph, operand, distance, backward)
            proven = replace(program.certificate, levers=LEVERS)
            verify_program(replace(program, align=1, certificate=proven), PORTABLE.overlaps)


Case = tuple[str, tuple[int, int], int, int, tuple[int, int], Window, int]
EXACT: list[Case] = [
    ("rows", (6, 5), 4, 4, (3, 3), Window((1, 1), (1, 1, 1, 1)), 1),
    ("valid", (6, 5), 3, 5, (3, 3), Window(), 1),
    ("strided", (8, 8), 3, 3, (3, 3), Window((2, 2), (0, 0, 1, 1)), 1),
    ("wide", (5, 5), 2, 8, (1, 1), Window(), 1),
    ("narrow", (5, 5), 9, 4, (1, 1), Window(), 1),
    ("depthwise", (6, 5), 4, 4, (3, 3), Window((1, 1), (1, 1, 1, 1)), 4),
]


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("case", EXACT, ids=lambda c: c[0])
def test_the_limits_are_not_wasteful(case: Case, backward: bool) -> None:
    """Two pixels beyond the limit the result is wrong."""
    rng = np.random.default_rng(9)
    graph = graphs.conv(rng, *case[1:], RULES[0])
    ((operand, distance, _),) = [at for at in limits(graph) if at[2] == backward]
    y = only(graph).output.type
    beyond = 2 * max(y.shape[3], only(graph).input(0).type.shape[3])
    beyond = -beyond if backward else beyond
    (wrong,) = compile_at([(graph, (operand, distance + beyond, backward))])
    x = samples(rng, graph.inputs[0].type, 8)
    with pytest.raises(AssertionError):
        wrong.check([x])


def test_what_reads_again_declares_nothing() -> None:
    """Groups are an outer loop, broadcast operands repeat, one row of a dense layer is read
    to its end; and a type may not be stored over another."""
    rng = np.random.default_rng(10)
    grouped = graphs.conv(rng, (4, 4), 4, 4, (1, 1), Window(), 2, RULES[0])
    assert PORTABLE.overlaps(only(grouped)) == ()
    assert PORTABLE.overlaps(only(graphs.dense(rng, 1, 8, 8, RULES[0]))) == ()
    repeated = graphs.add(rng, int8(1, 4, 3), int8(1, 1, 3), RULES[0])
    assert [o is None for o in PORTABLE.overlaps(only(repeated))] == [False, True]
    cast = single(Cast(DType.FLOAT32), [TensorType((1, 4), DType.INT32)], DType.FLOAT32)
    assert PORTABLE.overlaps(only(cast)) == [None]


def test_every_declaration_is_tested() -> None:
    declaring = {op for op, e in EMITTERS.items() if e.overlap is not type(e)(e.emit).overlap}
    tested = {type(only(g).op) for family in FAMILIES for g in family()}
    assert declaring <= tested | {Dense}
