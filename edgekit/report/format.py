"""Figures as words: one spelling for the terminal, HTML and comparisons. Unknown stays visible."""

from __future__ import annotations

from typing import Any

from edgekit.report.model import Cycles, LayerCost, Memory, Report
from edgekit.report.placement import MemorySplit
from edgekit.report.processing import Preprocessing

UNKNOWN = "unknown"
_KIB = 1024


def count(value: float | None) -> str:
    """A whole number with thousands separators."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def short(value: float | None) -> str:
    """A number in three figures with k, M or G, for places too narrow for `count`."""
    if value is None:
        return UNKNOWN
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit * 0.9995:
            scaled = value / limit
            return f"{scaled:.{max(0, 3 - len(str(int(abs(scaled)))))}f} {unit}"
    return f"{value:,.0f}"


def bytes_exact(value: int | None) -> str:
    """Bytes, exact: ``49,152 B``."""
    return UNKNOWN if value is None else f"{value:,} B"


def bytes_short(value: int | None) -> str:
    """Bytes in KiB or MiB (1024): ``48.0 KiB``."""
    if value is None:
        return UNKNOWN
    if value < _KIB:
        return f"{value} B"
    if value < _KIB * _KIB:
        return f"{value / _KIB:.1f} KiB"
    return f"{value / _KIB**2:.2f} MiB"


def ratio(part: float | None, whole: float | None, digits: int = 2) -> str:
    """``part / whole``; a dash where it has no meaning."""
    return "-" if part is None or not whole else f"{part / whole:.{digits}f}"


def percent(part: float | None, whole: float | None) -> str:
    """``part`` of ``whole`` in percent; a dash where it has no meaning."""
    if part is None or not whole:
        return "-"
    return "<0.1 %" if 0 < part / whole < 0.0005 else f"{100 * part / whole:.1f} %"


PARTS = {
    "products": "load, multiply, add up",
    "packing": "bring bytes into the order of the products",
    "requantize": "from sums to outputs",
    "borders": "windows over an edge",
    "fallback": "filters in portable C, whose rounding has no proven shorter form",
    "control": "loops and calls",
}
"""What the parts of a kernel's count mean."""


def macs(report: Report) -> str:
    """Multiply-accumulates of a model, and how many of them are computed where not all are."""
    whole = report.model.macs
    computed = sum(layer.macs for layer in report.latency.layers)
    text = f"{short(whole)} MACs"
    if 0 < computed < whole:
        text += f", {short(computed)} computed: the others meet weights that are all zero"
    return text


def limit(layer: LayerCost) -> str:
    """What a layer's kernel spends most on, and what comes close; empty for portable C."""
    parts = spent(layer)
    near = [part for part in parts if 2 * part[1] >= parts[0][1]][:2]
    return ", ".join(f"{name} {100 * share:.0f} %" for name, share in near)


def spending(layer: LayerCost) -> str:
    """What a layer's kernel spends its instructions on, the most first; for portable C why."""
    if not layer.parts:
        return f"portable C, {layer.limit}" if layer.limit else ""
    return ", ".join(f"{name} {percent(share, 1)}" for name, share in spent(layer))


def spent(layer: LayerCost) -> list[tuple[str, float]]:
    """Shares of the instructions of a layer's kernel, the largest first."""
    whole = sum(layer.parts.values())
    parts = sorted(layer.parts.items(), key=lambda part: -part[1])
    return [(name, size / whole) for name, size in parts]


def abbreviate(name: str, limit: int = 40) -> str:
    """A long name with its middle left out; converters join many names into one."""
    if len(name) <= limit:
        return name
    head = (limit - 1) // 2
    return f"{name[:head]}…{name[head + 1 - limit :]}"


def shape(dims: tuple[int, ...]) -> str:
    """``1x32x32x16``; ``scalar`` without dimensions."""
    return "x".join(map(str, dims)) or "scalar"


def number(value: float | None, digits: int = 4) -> str:
    """A real number with ``digits`` significant figures."""
    return "-" if value is None else f"{value:.{digits}g}"


def sqnr(value: float | None, max_abs_error: float | None) -> str:
    """Signal to noise ratio; ``exact`` where there is no noise."""
    if value is None:
        return "exact" if max_abs_error == 0 else UNKNOWN
    return f"{value:.1f} dB"


def cycles(estimate: Cycles | None) -> str:
    """The cycle estimate with its range, always labelled as an estimate."""
    if estimate is None:
        return "no estimate"
    span = f"{short(estimate.low)} to {short(estimate.high)}"
    if estimate.typical is None:
        return f"estimate {span}"
    return f"estimate {short(estimate.typical)} (range {span})"


def milliseconds(estimate: Cycles | None, clock_hz: int | None) -> str:
    """Estimated time at a clock; empty where either is unknown."""
    if estimate is None or not clock_hz:
        return ""
    points = [estimate.typical] if estimate.typical is not None else [estimate.low, estimate.high]
    times = " to ".join(f"{1000 * p / clock_hz:.3g}" for p in points)
    return f"about {times} ms at {clock_hz / 1e6:g} MHz"


def compiler(name: str, version: str) -> str:
    """A compiler with its version; some version texts carry the name themselves."""
    return version if name in version else f"{name} {version}"


def unknown(report: Report) -> str:
    """What stands for a figure that an emulated core would have given."""
    return "not measured natively" if natively(report) else UNKNOWN


def memories(split: MemorySplit) -> str:
    """What lies in which memory, and what that costs."""
    pieces = [f"{bytes_exact(split.arena_bytes)} in {split.arena}"]
    pieces += [f"{bytes_exact(r.nbytes)} in {r.name}" for r in split.regions]
    if not split.regions:
        return f"everything in {split.arena}"
    gap = split.moved_bytes - split.bound_bytes
    proof = f"at least {bytes_exact(split.bound_bytes)} in this order" if gap else "proven least"
    moved = f"{bytes_exact(split.moved_bytes)} moved outside {split.arena} in a run"
    return f"{', '.join(pieces)}; {moved}, {proof}"


def ram_parts(memory: Memory) -> tuple[tuple[str, int | None], ...]:
    """The parts of RAM, named."""
    return (
        ("arena", memory.arena_bytes),
        ("further memories", memory.region_bytes),
        ("copied weights", memory.copied_bytes),
        ("state", memory.state_bytes),
        ("static", memory.static_bytes),
        ("stack", memory.stack_bytes),
    )


def flash_parts(memory: Memory) -> tuple[tuple[str, int | None], ...]:
    """The parts of flash, named."""
    return (
        ("weights", memory.weights_bytes),
        ("tables", memory.table_bytes),
        ("code", memory.code_bytes),
    )


def verdict(report: Report) -> tuple[str, str]:
    """The outcome of verification: a level (``good``, ``warn``) and a sentence.

    A conversion whose results are wrong ends without a report: integers must be identical, float32
    results within the tolerance. Where they are not identical, they are float32.
    """
    v = report.verification
    reason = v.reason or "no reason given"
    if v.bit_exact is None:
        return "warn", f"nothing was compared: {reason}"
    real = report.options.get("precision") == "float32" or not v.bit_exact
    right = "within tolerance of the reference" if real else "bit-exact"
    if v.emulator == "not_run" and not natively(report):
        return "warn", f"{right} on the host only; not run on an emulated core: {reason}"
    where = "; runs natively" if natively(report) else " in every run"
    largest = f"; largest difference {number(v.max_abs_diff)}" if real else ""
    vectors = "1 vector" if v.vectors == 1 else f"{v.vectors} vectors"
    return "good", f"{right} on {vectors}{where}{largest}"


def helper(made: Preprocessing) -> str:
    """What a helper before the model takes and how it works, in one line."""
    s = made.settings
    if made.kind == "image":
        size = f"{s['width']}x{s['height']} {s['colour']}"
        return f"{size} image, {s['resize']}, to {s['model_colour']}"
    kind = f"MFCC {s['coefficients']} of" if s["coefficients"] else "log-mel"
    bands = (
        f"{kind} {s['mel_bins']} bands, window {s['window_ms']:g} ms every {s['stride_ms']:g} ms"
    )
    samples = f"{made.shape[-1]} samples at {s['sample_rate_hz']} Hz"
    return f"{samples}, {bands}, {s['arithmetic']}"


def settings_line(made: Preprocessing) -> str:
    """Every setting of a helper."""
    return ", ".join(f"{k}={_plain(v)}" for k, v in made.settings.items())


def _plain(value: Any) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)


def natively(report: Report) -> bool:
    """True where the target is the machine itself, which nothing has to emulate."""
    return report.target.core == "host"


def compared(report: Report) -> str:
    """What was compared with the reference, in words."""
    v = report.verification
    parts = [f"host C ({', '.join(v.host)})"] if v.host else []
    if v.emulator != "not_run":
        images = f" ({', '.join(v.emulated)})" if v.emulated else ""
        parts.append(f"emulated {report.target.core}{images} in {v.emulator}")
    return "; ".join(parts) or "nothing"
