"""A few random models in the suite; ``make random`` computes 5,000."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Runner
from tests.onnx_models import noise, onnx_model, save
from tests.proofs.emission import compiler
from tests.random_models.campaign import run_host
from tests.random_models.generate import make
from tests.random_models.shrink import shrink

COUNT = 24


def test_reference_and_generated_code_agree() -> None:
    compiler("gcc")
    result = run_host(COUNT, 3, 1, lambda _: None)
    assert result.models == COUNT
    assert not result.failures, "\n".join(what for _, _, what in result.failures)


def test_models_are_valid_and_repeat() -> None:
    import onnx

    for number in range(20):
        model = make(number, 5, bool(number % 2))
        onnx.checker.check_model(model, full_check=True)
        assert model.SerializeToString() == make(number, 5, bool(number % 2)).SerializeToString()
        assert len(model.graph.node) >= 1


def test_shrinking_keeps_the_failure_alone() -> None:
    body = "a = Relu(x) b = Conv(a, w) c = Tanh(b) d = Abs(c) y = Sin(d)"
    model = onnx_model(body, "float[1,2,6,6] x", "float[1,4,4,4] y", w=noise(4, 2, 3, 3))

    def fails(candidate: Any) -> bool:
        return any(node.op_type == "Tanh" for node in candidate.graph.node)

    small = shrink(model, fails)
    assert [node.op_type for node in small.graph.node] == ["Tanh"]


def test_debug_opens_a_model_file(tmp_path: Path, edgekit_program: Runner) -> None:
    path = save(onnx_model("a = Relu(x) y = Abs(a)", "float[1,4] x", "float[1,4] y"), tmp_path)
    result = edgekit_program("debug", path, "--precision", "float32")
    assert result.exit_code == 0, result.stderr
    assert "every tensor equals the reference" in result.stdout


@pytest.fixture
def edgekit_program(monkeypatch: pytest.MonkeyPatch) -> Runner:
    """The command line with its real Python interface behind it."""
    from click.testing import CliRunner

    from edgekit.cli.app import cli

    return lambda *arguments: CliRunner().invoke(cli, [str(a) for a in arguments])
