"""docs/supported-operators.md: what the registries of importers, lowering and kernels hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_INTRODUCTION = """# Supported operators

Made from the registries that edgekit itself uses, so it cannot claim more than there is. A
model with any other operator is refused: every such node is listed with its name, what is
allowed, and what to do.

**Targets.** Every operator below runs on every core of [targets](targets.md) ({cores}): its C
is portable, and float functions come from edgekit's own [float library](float-library.md), so
that results are the same on all of them. What an operator costs on a core: `edgekit inspect
MODEL --target CORE`.

**Shapes** are static: an open batch axis becomes 1, other open axes need `--shape
NAME=1,3,224,224`. A tensor has up to {axes} axes; neighbouring ones that behave alike count as one.

**Limits** of a model file: {bytes:,} bytes; {elements:,} elements a tensor; for ONNX {nodes:,}
nodes after functions and loops are unrolled, {turns:,} turns a loop, {depth} levels of functions
and subgraphs; external data in the model's own folder.

**Precision.** `float32`: a kernel for real numbers, used with `--precision float32` and by what
a quantized model computes between a Dequantize and a Quantize (the report names these operators
with their cost). `int8`, `int16`: an integer form, identical to the reference and to LiteRT's
reference kernels or ONNX Runtime's integer operators, whichever the model comes from. Other
types: plain integers and truth values.
"""


def operators_document() -> str:
    """The whole document."""
    from codegen.c.operators.pointwise import MAX_AXES
    from edgekit.importers import MAX_FILE_BYTES
    from edgekit.importers.onnx.control import MAX_TURNS
    from edgekit.importers.onnx.scope import MAX_DEPTH, MAX_ELEMENTS, MAX_NODES
    from targets.load import core_names

    cores = ", ".join(f"`{name}`" for name in core_names())
    parts = [
        _INTRODUCTION.format(
            cores=cores,
            elements=MAX_ELEMENTS,
            axes=MAX_AXES,
            bytes=MAX_FILE_BYTES,
            nodes=MAX_NODES,
            turns=MAX_TURNS,
            depth=MAX_DEPTH,
        ),
        "## In ONNX files\n",
        *_onnx(),
        "## In TFLite files\n",
        *_tflite(),
        "## In the generated code\n",
        *_generated(),
        "## Element-wise functions\n",
        *_functions(),
    ]
    return "\n".join(parts)


def _onnx() -> Iterable[str]:
    from onnx.defs import get_all_schemas, onnx_opset_version

    from edgekit.importers.onnx.read import OLDEST_OPSET
    from edgekit.importers.onnx.registry import HANDLERS

    yield (
        f"Operator sets {OLDEST_OPSET} to {onnx_opset_version()}. `since`: the operator set that "
        "changed the operator last.\n"
    )
    newest = {s.name: s for s in get_all_schemas() if s.domain == ""}
    rows = [
        f"| {name} | {newest[name].since_version if name in newest else '-'} | "
        f"{first_paragraph(HANDLERS[name].__doc__)} |"
        for name in sorted(HANDLERS)
    ]
    yield _table(("operator", "since", "note"), rows)
    bodies = sorted(
        s.name
        for s in newest.values()
        if s.name not in HANDLERS and (s.has_function or s.has_context_dependent_function)
    )
    yield (
        "Computed by the body of other operators that onnx defines for them, where that body needs "
        f"nothing that is refused: {', '.join(bodies)}. So are functions of the model's own. "
        "`If`, `Loop` and `Scan` are unrolled where conditions and counts are constants.\n"
    )


def _tflite() -> Iterable[str]:
    from edgekit.importers.tflite.load import HANDLERS

    yield (
        "float32, int8, uint8, int16 activations with int8 weights, and int8 weights beside float "
        "activations (taken as the real numbers that they stand for); state in variables.\n"
    )
    rows = [f"| {n} | {first_paragraph(HANDLERS[n].__doc__)} |" for n in sorted(HANDLERS)]
    yield _table(("operator", "note"), rows)


def _generated() -> Iterable[str]:
    from codegen.c.operators import EMITTERS
    from edgekit.ir import DType
    from edgekit.ir.ops import OPS, Reshape
    from quantize.lower import INT16, RULES

    yield (
        "What the operators of model files become. One without any entry is removed by a rewrite "
        "(BatchNorm folds into the layer before it where it can).\n"
    )
    rows = []
    for name, op in OPS.items():
        if op.__module__.startswith("edgekit.ir.ops.integer"):
            continue
        emitter = EMITTERS.get(op)
        types = emitter.types if emitter else ()
        anything = op is Reshape or (emitter is not None and not types)
        real = anything or DType.FLOAT32 in types
        others = "as its parts allow" if anything else ", ".join(
            t.value for t in types if t is not DType.FLOAT32
        )  # fmt: skip
        marks = (_mark(real), _mark(op in RULES), _mark(op in INT16), others)
        rows.append(f"| {name} | {' | '.join(marks)} | {first_paragraph(op.__doc__)} |")
    yield _table(("operator", "float32", "int8", "int16", "other types", "what it computes"), rows)


def _functions() -> Iterable[str]:
    from codegen.c.operators.expressions import BINARY as C_BINARY
    from codegen.c.operators.expressions import UNARY as C_UNARY
    from edgekit.ir.ops.pointwise import BINARY, UNARY

    yield "The functions of `Unary` and `Binary`, on real and on plain integer elements.\n"
    tables: tuple[tuple[Mapping[str, str], Mapping[str, object]], ...] = (
        (UNARY, C_UNARY),
        (BINARY, C_BINARY),
    )
    rows = []
    for texts, forms in tables:
        for name in sorted(texts):
            form = forms.get(name)
            real, whole = bool(getattr(form, "real", "")), bool(getattr(form, "whole", ""))
            rows.append(f"| {name} | {_mark(real)} | {_mark(whole)} | {_cell(texts[name])} |")
    yield _table(("function", "real", "integer", "what it computes"), rows)


def _table(head: tuple[str, ...], rows: Iterable[str]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *rows]
    return "\n".join(lines) + "\n"


def first_paragraph(text: str | None) -> str:
    """The first paragraph of a docstring on one line, as Markdown inside a table."""
    line = " ".join((text or "").strip().split("\n\n")[0].split())
    return line.replace("``", "`").replace("|", "\\|")


def _cell(text: str) -> str:
    """Text that ends no cell of a table."""
    return text.replace("|", "\\|")


def _mark(yes: bool) -> str:
    return "yes" if yes else ""
