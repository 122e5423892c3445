"""The C file that ties one model to the test harness, and where its buffers lie."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.artefact import Manifest, Port, Region

ALIGN_BYTES = 16


SLOW = '__attribute__((section(".ek_slow")))'
"""Where the linker script puts what lies outside the arena."""


def region_symbol(region: Region) -> str:
    """The harness' buffer for a further region."""
    return f"ek_region_{region.name}"


def port_offsets(ports: Sequence[Port]) -> tuple[tuple[int, ...], int]:
    """Byte offset of each port in the harness' buffer of one sample, and the buffer's size."""
    offsets, end = [], 0
    for port in ports:
        offsets.append(end)
        end += -(-port.nbytes // ALIGN_BYTES) * ALIGN_BYTES
    return tuple(offsets), end


def firmware_glue(manifest: Manifest, trace: bool) -> str:
    """C source: buffers, the call of the model, and the trace hook."""
    upper = manifest.name.upper()
    ins, in_bytes = port_offsets(manifest.inputs)
    outs, out_bytes = port_offsets(manifest.outputs)
    args = ["ek_arena", *(region_symbol(r) for r in manifest.regions)]
    args += ["ek_weights"] if manifest.copied else []
    args += ["MODEL_STATE"]
    args += [
        f"(const {p.dtype.c_name} *)(const void *)(ek_input + {o})"
        for p, o in zip(manifest.inputs, ins, strict=True)
    ]
    args += [
        f"({p.dtype.c_name} *)(void *)(ek_output + {o})"
        for p, o in zip(manifest.outputs, outs, strict=True)
    ]
    lines = [
        '#include "harness.h"',
        *(f'#include "{header}"' for header in manifest.headers),
        "",
        "/* The manifest and the header must agree, or every figure would be wrong. */",
        _same("arena_bytes", f"{upper}_ARENA_BYTES", manifest.arena_bytes),
        *(
            _same(f"{r.name}_bytes", f"{upper}_MEM_{r.name.upper()}_BYTES", r.nbytes)
            for r in manifest.regions
        ),
        _same("state_bytes", f"{upper}_STATE_BYTES", manifest.state_bytes),
        "",
        f"#define ALIGNED __attribute__((aligned({max(ALIGN_BYTES, manifest.arena_align)})))",
        f"static uint8_t ek_arena[{max(manifest.arena_bytes, 1)}] ALIGNED;",
        *(
            f"static uint8_t {region_symbol(r)}[{r.nbytes}] ALIGNED {SLOW};"
            for r in manifest.regions
        ),
        *_weights_lines(manifest),
        f"uint8_t ek_input[{max(in_bytes, 1)}] ALIGNED;",
        f"uint8_t ek_output[{max(out_bytes, 1)}] ALIGNED;",
        f"const uint32_t ek_input_bytes = {in_bytes}u;",
        f"const uint32_t ek_output_bytes = {out_bytes}u;",
        *_state_lines(manifest),
        "",
        "__attribute__((noinline)) int ek_model_call(void)",
        "{",
        "    int status;",
        "    EK_MEASURE_STACK(status,",
        f"        {manifest.run_copy_symbol}({', '.join(args)}));",
        "    return status;",
        "}",
        "",
        "void ek_model_init(void)",
        "{",
        *_first_calls(manifest),
        "}",
    ]
    if trace:
        lines += ["", *_firmware_trace(manifest)]
    return "\n".join(lines) + "\n"


def host_trace_glue(manifest: Manifest) -> str:
    """C source: hands the trace of a host library to a function the caller sets."""
    name = manifest.name
    return "\n".join(
        [
            "typedef void (*ek_callback)(int, const void *);",
            "static ek_callback callback;",
            "void ek_set_trace(ek_callback function);",
            f"void {name}_trace(int step, const void *arena);",
            "void ek_set_trace(ek_callback function)",
            "{",
            "    callback = function;",
            "}",
            f"void {name}_trace(int step, const void *arena)",
            "{",
            "    if (callback) {",
            "        callback(step, arena);",
            "    }",
            "}",
            "",
        ]
    )


def _firmware_trace(manifest: Manifest) -> list[str]:
    name = manifest.name
    return [
        f"void {name}_trace(int step, const void *arena);",
        f"__attribute__((noinline)) void {name}_trace(int step, const void *arena)",
        "{",
        f"    ek_trace_record(step, arena, {manifest.arena_bytes}u);",
        *(f"    ek_trace_more({region_symbol(r)}, {r.nbytes}u);" for r in manifest.regions),
        "}",
    ]


def _first_calls(manifest: Manifest) -> list[str]:
    """What has to be called before the first run."""
    calls = [f"    {manifest.init_symbol}(MODEL_STATE);"] if manifest.state_bytes else []
    calls += [f"    {manifest.copied.symbol}(ek_weights);"] if manifest.copied else []
    return calls or ["    /* nothing has to be prepared */"]


def _weights_lines(manifest: Manifest) -> list[str]:
    """The buffer of copied constants: beside the arena unless a slower memory is named for it."""
    if manifest.copied is None:
        return []
    slow = manifest.copied.memory in [r.name for r in manifest.regions]
    agree = _same("weights_bytes", f"{manifest.name.upper()}_WEIGHTS_BYTES", manifest.copied_bytes)
    buffer = f"static uint8_t ek_weights[{manifest.copied_bytes}] ALIGNED"
    return [agree, f"{buffer} {SLOW};" if slow else f"{buffer};"]


def _state_lines(manifest: Manifest) -> list[str]:
    if manifest.state_bytes == 0:
        return ["#define MODEL_STATE ((void *)0)"]
    buffer = f"static uint8_t ek_state[{manifest.state_bytes}] ALIGNED;"
    return [buffer, "#define MODEL_STATE ek_state"]


def _same(what: str, macro: str, value: int) -> str:
    return f"typedef char ek_{what}_agree[({macro}) == {value} ? 1 : -1];"
