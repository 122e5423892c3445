"""A user's own operator and kernel: in a process of their own, because registries keep them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.proofs.program import ROOT, edgekit

EXAMPLE = ROOT / "examples" / "plugin"
PLUGIN = EXAMPLE / "snake.py"


@pytest.fixture
def snake(tmp_path: Path) -> Path:
    """The example's model."""
    script = [sys.executable, str(EXAMPLE / "make_model.py"), str(tmp_path / "snake.onnx")]
    subprocess.run(script, check=True)
    return tmp_path / "snake.onnx"


def test_the_example_runs_on_host_and_emulated_core(snake: Path, tmp_path: Path) -> None:
    options = ("--target", "cortex-m4", "--precision", "float32", "--plugin", PLUGIN)
    done = edgekit(tmp_path, "convert", snake, *options, "-o", "out")
    assert done.returncode == 0, done.stderr
    kernels = (tmp_path / "out" / "snake_kernels.h").read_text(encoding="utf-8")
    assert "void ek_snake_f32(" in kernels
    assert "float ek_sinf(" in kernels
    done = edgekit(tmp_path, "debug", "out", "--plugin", PLUGIN)
    assert "every tensor equals the reference" in done.stdout
    assert "Snake" in done.stdout


def test_without_the_plugin_the_operator_is_named(snake: Path, tmp_path: Path) -> None:
    done = edgekit(tmp_path, "inspect", snake)
    assert done.returncode == 3
    assert "'Snake' of domain 'com.example'" in done.stderr


def test_a_converted_model_needs_its_plugin_again(snake: Path, tmp_path: Path) -> None:
    options = ("--target", "host", "--precision", "float32", "--plugin", PLUGIN)
    assert edgekit(tmp_path, "convert", snake, *options, "-o", "out").returncode == 0
    done = edgekit(tmp_path, "debug", "out")
    assert done.returncode == 3
    assert "Snake" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("def broken(:", "SyntaxError"),
        ("x = 1", "defines no PLUGIN"),
        (
            "from edgekit.plugins import Plugin\n"
            "PLUGIN = Plugin('p', kernels=('ek_gone.c', 'other.c', 'ek_common.h'))",
            "is missing",
        ),
    ],
)
def test_a_plugin_that_cannot_be_used(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(text, encoding="utf-8")
    done = edgekit(tmp_path, "inspect", "model.onnx", "--plugin", "bad.py")
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_every_problem_of_a_plugin_is_listed(tmp_path: Path) -> None:
    text = (
        "from dataclasses import dataclass\n"
        "from edgekit.plugins import Emitter, Op, Operator, Plugin\n"
        "@dataclass(frozen=True)\nclass Relu2(Op):\n    pass\n"
        "@dataclass(frozen=True)\nclass Dense(Op):\n    pass\n"
        "emit = Emitter(lambda w: None)\n"
        "PLUGIN = Plugin('p', (Operator(Dense, lambda *a: a, emit, 'Gemm', lambda c: None),"
        " Operator(Relu2, lambda *a: a, emit, 'x.Y')), ('other.c',))"
    )
    (tmp_path / "bad.py").write_text(text, encoding="utf-8")
    done = edgekit(tmp_path, "inspect", "model.onnx", "--plugin", "bad.py")
    assert done.returncode == 2
    for expected in ("'Dense': the name is taken", "'Gemm' is imported already", "go together",
                     "other.c: is no kernel's name"):  # fmt: skip
        assert expected in done.stderr, done.stderr


def test_a_configuration_file_loads_no_plugin(snake: Path, tmp_path: Path) -> None:
    (tmp_path / "edgekit.toml").write_text(f'[inspect]\nplugin = ["{PLUGIN}"]\n', encoding="utf-8")
    done = edgekit(tmp_path, "inspect", snake, "--config", "edgekit.toml")
    assert done.returncode == 2
    assert "plugin" in done.stderr
