"""Generated C without a build: what tests compile in their own way."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from codegen.c.emit import Source, emit
from edgekit.api import ConvertOptions
from edgekit.artefact import Artefact
from edgekit.ir import Graph
from edgekit.options import Optimize, Rounding
from edgekit.pipeline.lowering import lower
from edgekit.pipeline.source import read_source
from edgekit.pipeline.vectors import make_vectors, reference_outputs
from targets.load import load_core
from targets.toolchains import get_toolchain

Array = NDArray[Any]
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror")


@dataclass(frozen=True)
class Emission:
    """A lowered graph and the C for it."""

    graph: Graph
    artefact: Artefact

    @property
    def name(self) -> str:
        """Symbol prefix."""
        return self.artefact.manifest.name

    def reference(self, inputs: list[Array]) -> list[Array]:
        """What the numpy reference computes."""
        return reference_outputs(self.graph, inputs)


def emission(
    model: Path | Graph,
    name: str,
    rounding: Rounding | None = None,
    calibration: Mapping[str, Array] | None = None,
    vectors: int = 2,
    core: str = "host",
    optimize: Optimize = "speed",
) -> Emission:
    """Import, lower and emit a model. Compiled for this machine, the kernels of another core are
    the portable equals of its assembly."""
    precision = "float32" if calibration is None and rounding is None else None
    options = ConvertOptions(core, precision, rounding, optimize=optimize)  # type: ignore[arg-type]
    lowered = lower(read_source(model), load_core(core), options, calibration)
    stored = make_vectors(lowered.graph, vectors)
    source = Source(lowered.source.file, lowered.source.sha256 or "not a file")
    artefact = emit(lowered.program, name, core, source, stored, lowered.kernels)
    return Emission(lowered.graph, artefact)


def compiler(name: str) -> list[str]:
    """Command of ``gcc``, ``g++`` or ``zig``; skips the test where it is missing."""
    if name == "zig":
        pytest.importorskip("ziglang", reason="the Python package ziglang is not installed")
        return list(get_toolchain("zig").host_command())
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return [name]


def run(command: Sequence[str | Path], folder: Path) -> str:
    """Run a program to success; its complete output is the message of a failure."""
    done = subprocess.run(
        [str(c) for c in command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
#include "@name@.h"

int main(int argc, char **argv)
{
    FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL;
    FILE *out = argc == 3 ? fopen(argv[2], "wb") : NULL;
    /* Exact sizes from malloc: an address sanitizer sees the first byte beyond them. */
    unsigned char *arena = malloc(@NAME@_ARENA_BYTES);
@buffers@
    if (in == NULL || out == NULL) {
        return 2;
    }
    while (@reads@) {
        if (@name@_run_copy(arena, NULL, @arguments@) != 0) {
            return 1;
        }
@writes@
    }
    free(arena);
@frees@
    fclose(in);
    return fclose(out);
}
"""


def driver(artefact: Artefact) -> str:
    """A program that runs the samples of one file into another."""
    m = artefact.manifest
    assert not m.state_bytes
    pairs = [(p, f"{p.c_name}_buffer") for p in (*m.inputs, *m.outputs)]
    ins, outs = pairs[: len(m.inputs)], pairs[len(m.inputs) :]
    parts = {
        "name": m.name,
        "NAME": m.name.upper(),
        "buffers": "\n".join(f"    {p.dtype.c_name} *{n} = malloc({p.nbytes});" for p, n in pairs),
        "reads": " && ".join(f"fread({n}, {p.nbytes}, 1, in) == 1" for p, n in ins),
        "arguments": ", ".join(n for _, n in pairs),
        "writes": "\n".join(f"        fwrite({n}, {p.nbytes}, 1, out);" for p, n in outs),
        "frees": "\n".join(f"    free({n});" for _, n in pairs),
    }
    text = DRIVER
    for key, value in parts.items():
        text = text.replace(f"@{key}@", value)
    return text


def pack(arrays: list[Array]) -> bytes:
    """Samples as the driver reads and writes them: all ports of one sample, then the next."""
    rows = [np.ascontiguousarray(a).reshape(len(a), -1).view(np.uint8) for a in arrays]
    return np.concatenate(rows, axis=1).tobytes()


def unpack(data: bytes, wanted: list[Array]) -> list[Array]:
    """Arrays of the shapes and types of ``wanted`` from the driver's output."""
    count = len(wanted[0])
    rows = np.frombuffer(data, np.uint8).reshape(count, -1)
    found, start = [], 0
    for array in wanted:
        stop = start + array.nbytes // count
        part = np.ascontiguousarray(rows[:, start:stop])
        found.append(part.view(array.dtype).reshape(array.shape))
        start = stop
    return found
