"""Generated C on the machine at hand, against LiteRT: wall time of one inference, one thread."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit import api
from edgekit.errors import ToolError
from profiles.bench.markdown import table
from profiles.bench.measure import Log
from profiles.bench.models import BenchModel
from quantize.oracle import litert_interpreter, oracle_version

MODEL = "ic"
BUILDS = (("gcc -O3", ("-O3",)), ("gcc -O3 -mavx2", ("-O3", "-mavx2")))
REPEATS = 100
ALIGN = 64


@dataclass(frozen=True)
class HostTimes:
    """Seconds of processor time of one inference, the best of many.

    Attributes:
        ours: of the generated C, by how it was built.
        reference: of LiteRT's reference kernels.
        default: of the kernels that LiteRT takes by itself.
        oracle: its version.
    """

    ours: dict[str, float]
    reference: float
    default: float
    oracle: str


def host_section(models: Sequence[BenchModel], log: Log) -> list[str]:
    """The page's section; nothing where the model, gcc or LiteRT is missing."""
    found = next((m for m in models if m.key == MODEL and m.path.is_file()), None)
    if found is None or shutil.which("gcc") is None:
        log("skipped the host: no ResNet8 or no gcc")
        return []
    log("ResNet8 on the host")
    try:
        return [write_section(measure_host(found.path))]
    except ToolError as error:
        log(f"skipped the host: {error.summary}")
        return []


def write_section(times: HostTimes) -> str:
    """Times and ratios as a table."""
    seconds = {f"edgekit, {name}": s for name, s in times.ours.items()}
    seconds |= {"LiteRT, reference kernels": times.reference, "LiteRT, default": times.default}
    cells = [
        [name, f"{1000 * s:.2f}", f"{times.reference / s:.1f}", f"{times.default / s:.2f}"]
        for name, s in seconds.items()
    ]
    head = ["kernels", "ms", "times as fast as the reference kernels", "as the default"]
    return "\n".join([
        "## On the host",
        "",
        f"ResNet8 int8, one thread, processor time of one inference, the best of {REPEATS}; "
        f"{times.oracle}, whose default kernels are XNNPACK's and give other results.",
        "",
        *table(head, cells),
        "",
    ])  # fmt: skip


def measure_host(model: Path) -> HostTimes:
    """Time one model.

    Raises:
        ToolError: gcc fails, or LiteRT is not installed.
    """
    ours = {}
    for name, flags in BUILDS:
        with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as folder:
            run = _build(model, Path(folder), flags)
            if run is not None:
                ours[name] = best(run)
    reference = best(_litert(model, True))
    return HostTimes(ours, reference, best(_litert(model, False)), oracle_version())


def best(run: Callable[[], object]) -> float:
    """The shortest of many runs."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time_ns()
        run()
        times.append(time.process_time_ns() - start)
    return min(times) / 1e9


def _build(model: Path, folder: Path, flags: Sequence[str]) -> Callable[[], object] | None:
    """The generated C as a function of nothing; None where this processor lacks what it uses."""
    if "-mavx2" in flags and not _has("avx2"):
        return None
    options = api.ConvertOptions("host", toolchain="gcc", emulator="none", vectors=1)
    made = api.convert(model, folder / "out", options).manifest
    library = folder / "model.so"
    sources = [str(folder / "out" / name) for name in made.sources]
    command = ["gcc", "-std=c99", *flags, "-shared", "-fPIC", *sources, "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"gcc failed: {done.stderr.strip()[:400]}")
    function = getattr(ctypes.CDLL(str(library)), made.run_copy_symbol)
    raw = ctypes.create_string_buffer(made.arena_bytes + ALIGN)
    arena = ctypes.c_void_p(-(-ctypes.addressof(raw) // ALIGN) * ALIGN)
    ports = [ctypes.create_string_buffer(p.nbytes) for p in (*made.inputs, *made.outputs)]
    return lambda: (function(arena, None, *ports), raw)


def _has(feature: str) -> bool:
    """True where the processor says that it has a feature."""
    path = Path("/proc/cpuinfo")
    return path.is_file() and f" {feature} " in path.read_text(encoding="utf-8")


def _litert(model: Path, reference: bool) -> Callable[[], object]:
    interpreter = litert_interpreter(model, reference=reference)
    (port,) = interpreter.get_input_details()
    interpreter.set_tensor(port["index"], np.zeros(port["shape"], port["dtype"]))
    return lambda: interpreter.invoke()
