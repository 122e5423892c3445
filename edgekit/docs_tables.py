"""Documents that list what is registered: targets, float functions."""

from __future__ import annotations


def targets_document() -> str:
    """docs/targets.md, from the TOML files."""
    from targets.load import board_names, core_names, load_board, load_core

    lines = [
        "# Targets",
        "",
        "`--target` takes a core or a board. A board adds memory sizes (a model that does not fit "
        "is refused, with what would make it fit), clock and flash wait states.",
        "",
        "## Cores",
        "",
        "| core | what | compilers | emulators | cycle estimate |",
        "|---|---|---|---|---|",
    ]
    for name in core_names():
        core = load_core(name)
        compilers = _names({"zig": core.zig, "gcc": core.gcc})
        emulators = (
            "runs natively"
            if core.is_host
            else _names({"unicorn": core.unicorn, "qemu": core.qemu})
        )
        cycles = "-"
        if core.cycles is not None:
            pairs = core.cycles.method == "pairs"
            span = f"{core.cycles.cpi_low:g} to {core.cycles.cpi_high:g} cycles per instruction"
            cycles = "instruction pairs per basic block" if pairs else span
        lines.append(f"| `{name}` | {core.title} | {compilers} | {emulators} | {cycles} |")
    lines += [
        "",
        "## Boards",
        "",
        "| board | what | core | flash | RAM for the model | `--memory` | clock | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in board_names():
        b = load_board(name)
        memories = ", ".join(f"`{m.name}` {m.nbytes // 1024:,} KiB" for m in b.memories)
        lines.append(
            f"| `{name}` | {b.title} | {b.core} | {b.flash_bytes // 1024:,} KiB | "
            f"{b.contiguous_sram_bytes // 1024:,} of {b.sram_bytes // 1024:,} KiB | "
            f"{memories or '-'} | {b.clock_hz / 1e6:g} MHz | {b.source} |"
        )
    return "\n".join(lines) + "\n"


def float_library_document() -> str:
    """docs/float-library.md, from the comments of the headers below codegen/c/kernels/math."""
    from codegen.c.kernels.float_library import float_functions

    lines = [
        "# Float functions of the generated code",
        "",
        "Generated C calls no C library for arithmetic: it brings along the float32 functions that "
        "it uses. They are built from float32 addition, subtraction, multiplication, division, "
        "comparison and integers alone, without double and without fused multiply-add (compile "
        "with `-ffp-contract=off`), so every target computes the same bits, whether with an FPU "
        "or in software.",
        "",
        "The error is the largest distance to the exact result, in units in the last place (ULP) "
        "of the exact result: 0.5 means correctly rounded, 0 that the exact result always is a "
        "float32. It is a bound that holds for every argument tested - each exponent, both signs, "
        "subnormal numbers, ends of ranges, and a grid of some 64 million arguments for each "
        "function of one argument (`python -m tests.codegen.float_sweep`) - not a proof. Tests "
        "hold it on every run.",
        "",
        "Special values follow C99 Annex F: NaN gives NaN, signed zeros and infinities are what "
        "the standard says, powers included; no exception flags are promised. The sign of a NaN "
        "is not defined. Where the hardware flushes subnormal numbers to zero (vector "
        "instructions of Cortex-M55, or an FPU set so), subnormal arguments and results may "
        "count as zero.",
        "",
        "| functions | largest error (ULP) | header | notes |",
        "|---|---|---|---|",
    ]
    functions = float_functions()
    for header in sorted({f.header for f in functions}):
        own = [f for f in functions if f.header == header]
        names = ", ".join(f"`{f.name}`" for f in own)
        bounds = ", ".join(f"{f.ulp:g}" for f in own)
        notes = own[0].digest.replace("|", "\\|")
        lines.append(f"| {names} | {bounds} | `{header}` | {notes} |")
    return "\n".join(lines) + "\n"


def _names(tools: dict[str, object]) -> str:
    return ", ".join(name for name, tool in tools.items() if tool is not None) or "none"
