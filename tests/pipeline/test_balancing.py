"""``--optimize balanced``: what is built to find which kernels are worth their code."""

from __future__ import annotations

import numpy as np

from codegen.c.choice import kernels_for
from edgekit.pipeline.balancing import balance
from targets.load import load_core
from targets.toolchains import get_toolchain
from tests.codegen.on_core import chosen, merged
from tests.codegen.test_choice import dense, layer
from tests.runners.support import skip_unless


def test_every_build_is_named() -> None:
    """First with all kernels, then without one after the other, the least work first."""
    core = load_core("cortex-m4")
    skip_unless(get_toolchain("gcc").missing(core))
    rng = np.random.default_rng(0)
    graph = merged([layer(rng, 0, 16, 1, 32), dense(rng, 1, 16, 4)])
    kernels = kernels_for(core, optimize="balanced")
    lines: list[str] = []
    found = balance(graph, kernels, core, "gcc", lines.append)
    assert found.optimize == "balanced"
    large, small = chosen(graph, kernels)
    assert lines == [
        "building with every kernel",
        f"building without '{small}' (1 of 2 kernels)",
        f"building without '{large}' (2 of 2 kernels)",
    ]


def test_portable_c_has_nothing_to_leave_out() -> None:
    graph = dense(np.random.default_rng(0), 1, 16, 4)
    core, lines = load_core("cortex-m4"), list[str]()
    kernels = kernels_for(core, "portable", "balanced")
    assert balance(graph, kernels, core, "gcc", lines.append) is kernels
    assert not lines
