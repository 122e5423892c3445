"""Reports for tests: one with everything, one with nothing that may be unknown."""

from __future__ import annotations

from dataclasses import replace

from edgekit.report.model import (
    Accuracy,
    Cycles,
    Fit,
    GraphNode,
    Latency,
    LayerCost,
    LayerError,
    Memory,
    ModelInfo,
    Report,
    TargetInfo,
    ToolchainCandidate,
    Verification,
    Versions,
)
from edgekit.report.placement import Buffer, Schedule
from edgekit.report.processing import Postprocessing, Preprocessing

HOSTILE = "<b>conv[bold]</b>&:smile:"


def full_report() -> Report:
    """A residual block and a classifier, every section filled."""
    nodes = (
        GraphNode("conv_a", "QConv2D", ("in",), ("a",), (1, 8, 8, 4), 6912),
        GraphNode(HOSTILE, "QConv2D", ("a",), ("b",), (1, 8, 8, 4), 9216),
        GraphNode("sum", "QAdd", ("a", "b"), ("c",), (1, 8, 8, 4)),
        GraphNode("fc", "QDense", ("c",), ("d",), (1, 10), 2560),
    )
    layers = tuple(LayerCost(n.name, n.op, n.macs, 2 * n.macs or 700, (n.name,)) for n in nodes)
    parts = {"control": 20, "products": 100, "requantize": 80}
    assembled = replace(layers[0], variant="block", parts=parts, limit="products")
    layers = (assembled, replace(layers[1], limit="a reason"), *layers[2:])
    return Report(
        model=ModelInfo("tiny", "ab" * 32, 18688, 900, "onnx", {"Conv2D": 2, "Add": 1}),
        target=TargetInfo("nucleo-x", "cortex-m4", "nucleo-x", 120_000_000, 1 << 20, 1 << 17),
        options={"precision": "int8", "rounding": "litert", "outputs": ("d",), "name": None},
        memory=Memory(768, 0, 0, 300, 1068, 900, 96, 4000, 4996),
        latency=Latency(38_186, layers, 110, Cycles(40_000, 55_000, 70_000, "pairs", "a source")),
        verification=Verification(
            "integer reference", 4, True, 0.0, "unicorn 2.1.4", None, ("gcc 12",), ("zig 0.17",)
        ),
        versions=Versions("0.1.0", "3.11", "zig 0.17", "unicorn 2.1.4", {"numpy": "2.3"}),
        quantization=(
            LayerError("conv_a", 41.5, 0.01, 0.001),
            LayerError(HOSTILE, 22.25, 0.2, 0.05),
            LayerError("fc", None, 0.0, 0.0),
        ),
        schedule=Schedule(
            tuple(n.name for n in nodes),
            (
                Buffer("in", 512, 192, -1, 0, "input"),
                Buffer("a", 0, 256, 0, 2),
                Buffer("b", 256, 256, 1, 2),
                Buffer("c", 512, 256, 2, 3),
                Buffer("d", 0, 10, 3, 4, "output"),
                Buffer("b scratch", 512, 64, 1, 1, "scratch"),
            ),
            768,
        ),
        fit=Fit("nucleo-x", 1 << 20, 1 << 17, True),
        toolchain=(
            ToolchainCandidate("zig", "0.17", 4000, 38_186, True, "fewer instructions"),
            ToolchainCandidate(
                "gcc", "arm-none-eabi-gcc (15:12.2.rel1-1) 12.2.1 20221205", 3900, 40_000
            ),
        ),
        accuracy=(Accuracy("int8 on the emulated core", "top1", 0.9612, 360),),
        graph=nodes,
        preprocessing=(
            Preprocessing(
                HOSTILE,
                "image",
                {
                    "height": 240,
                    "width": 320,
                    "colour": "rgb",
                    "model_colour": "gray",
                    "resize": "bilinear",
                    "mean": (127.5,),
                },
                "uint8",
                (1, 240, 320, 3),
                0,
                2000,
                1_198_859,
                64,
                ("host gcc", "cortex-m4 zig"),
            ),
        ),
        postprocessing=(Postprocessing("scores", ("nobody", HOSTILE), 2, 0.25),),
        warnings=("a warning to read",),
    )


def native_report() -> Report:
    """Made for this machine: it ran, and nothing counts instructions there."""
    full = full_report()
    layers = tuple(replace(x, instructions=None) for x in full.latency.layers)
    reason = "the target is this machine; it was run natively"
    return replace(
        full,
        target=TargetInfo("host", "host"),
        memory=Memory(768, weights_bytes=900, table_bytes=96),
        latency=Latency(layers=layers),
        verification=Verification(
            "integer reference", 4, True, 0.0, "not_run", reason, ("gcc 12", "zig 0.17")
        ),
        fit=None,
        accuracy=(),
        warnings=(),
    )


def bare_report() -> Report:
    """Nothing could be run, nothing is known but the model."""
    return Report(
        model=ModelInfo("bare", None, 0, 0),
        target=TargetInfo("cortex-m55", "cortex-m55"),
        options={},
        memory=Memory(None),
        latency=Latency(),
        verification=Verification("integer reference", 4, None, None, "not_run", "no compiler"),
        versions=Versions("0.1.0", "3.11"),
    )
