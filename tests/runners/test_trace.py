"""The arena after each step, from every runner."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import ToolError
from profiles.runners import HOST
from tests.runners import sample_model
from tests.runners.support import build, emulator

CASES = [
    ("host", "host"),
    ("cortex-m0plus", "unicorn"),
    ("cortex-m4", "unicorn"),
    ("cortex-m4", "qemu"),
    ("cortex-m55", "qemu"),
    ("rv32imc", "unicorn"),
    ("rv32imc", "qemu"),
]


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize(("core", "name"), CASES)
def test_snapshots(core: str, name: str, toolchain: str) -> None:
    runner = HOST if name == "host" else emulator(name, core)
    image, manifest = build(core, toolchain, trace=True)
    inputs = sample_model.inputs(3)
    snapshots = runner.trace(image, manifest, inputs)
    assert [len(s) for s in snapshots] == [manifest.arena_bytes] * len(manifest.steps)
    hidden = np.frombuffer(snapshots[0][32:48], np.int32)
    table = np.array([70000, -3, 900000, 12])
    expected_hidden = sample_model.WEIGHTS.astype(np.int64) @ inputs[0][0] + table
    np.testing.assert_array_equal(hidden, expected_hidden)
    y = np.frombuffer(snapshots[1][64:68], np.int8)
    np.testing.assert_array_equal(y, sample_model.expected(inputs, False)[0][0])
    assert snapshots[0][:8] == inputs[0][0].tobytes()


def test_an_image_of_the_wrong_kind_is_refused() -> None:
    plain, manifest = build("host", "zig")
    traced, _ = build("host", "zig", trace=True)
    with pytest.raises(ToolError, match="must be built with trace"):
        HOST.trace(plain, manifest, sample_model.inputs(1))
    with pytest.raises(ToolError, match="must be built without trace"):
        HOST.run(traced, manifest, sample_model.inputs(1))
