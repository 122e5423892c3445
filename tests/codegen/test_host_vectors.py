"""Convolutions with the vectors of this machine: whatever a compiler may use, the same outputs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from codegen.c.choice import PORTABLE
from codegen.c.emit import Source, emit
from edgekit.ir.ops import Rounding, Window
from edgekit.pipeline.vectors import make_vectors
from edgekit.schedule import plan
from tests.codegen import graphs
from tests.codegen.on_core import merged

WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-pedantic", "-Werror")
FLAGS = {"plain": ("-O3",), "avx2": ("-O3", "-mavx2"), "none": ("-O1", "-U__SSE2__")}


@pytest.mark.parametrize("flags", FLAGS)
def test_every_length_of_a_window(flags: str, tmp_path: Path) -> None:
    """15, 16, 17 products, several sixteens, none; odd pixels and filters."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is missing")
    if flags == "avx2" and " avx2 " not in Path("/proc/cpuinfo").read_text(encoding="utf-8"):
        pytest.skip("this processor has no AVX2")
    rng = np.random.default_rng(1)
    layers = [
        graphs.conv(rng, (3, 5), channels, 5, kernel, Window(), 1, Rounding.DOUBLE)
        for channels in (1, 5, 15, 16, 17, 32, 50)
        for kernel in ((1, 1), (3, 3))
    ]
    graph = merged(layers)
    program = plan(graph, PORTABLE.scratch_bytes)
    emit(program, "m", "host", Source("m", "0"), make_vectors(graph, 4)).write(tmp_path)
    command = ["gcc", *WARNINGS, *FLAGS[flags], "-I.", "m.c", "test/host_test.c", "-o", "host_test"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([str(tmp_path / "host_test")], cwd=tmp_path, check=True)
