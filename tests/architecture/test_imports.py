"""The direction of imports of docs/design/001-architecture.md, read from every module."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("edgekit", "quantize", "codegen", "targets", "profiles")

LAYERS: tuple[tuple[str, ...], ...] = (
    ("edgekit.errors",),
    ("edgekit.files", "edgekit.ir", "edgekit.options", "edgekit.processing", "edgekit.shadowing"),
    ("edgekit.artefact", "edgekit.config", "edgekit.npz", "quantize.requantize"),
    ("quantize.reference",),
    ("targets", "edgekit.passes"),
    ("quantize", "edgekit.importers", "edgekit.exporters", "edgekit.schedule", "edgekit.report"),
    ("codegen",),
    ("edgekit.plugins", "profiles"),
    ("edgekit.pipeline",),
    ("edgekit.deployment",),
    ("edgekit.api",),
    ("edgekit.cli",),
    ("edgekit.docs_figures", "edgekit.docs_operators", "edgekit.docs_tables"),
    ("edgekit.docs", "profiles.bench"),
)
"""From the foundation upwards. A module imports from its own part and from layers below; parts in
one layer do not know each other. The longest matching name decides."""

HEAVY = (
    "numpy onnx onnxruntime pydantic rich jinja2 unicorn capstone elftools ai_edge_litert "
    "flatbuffers ziglang"
).split()
"""Packages that the command line may import only when a command needs them."""


def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: dict[str, Path]) -> Iterator[tuple[int, str]]:
    """(line, module) of every import of the project's own modules, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            base = node.module or ""
            # ``from edgekit import api`` imports a module, ``from edgekit.api import x`` a name.
            joined = [f"{base}.{alias.name}" for alias in node.names]
            names = [name if name in known else base for name in joined]
        else:
            continue
        yield from ((node.lineno, n) for n in names if n.split(".")[0] in PACKAGES)


def part(module: str) -> tuple[int, str] | None:
    """Layer and part of a module; None for the bare ``edgekit`` (its version)."""
    best: tuple[int, str] | None = None
    for layer, parts in enumerate(LAYERS):
        for name in parts:
            inside = module == name or module.startswith(f"{name}.")
            if inside and (best is None or len(name) > len(best[1])):
                best = (layer, name)
    return best


KNOWN = modules()


def test_every_module_has_a_layer() -> None:
    homeless = [m for m in KNOWN if part(m) is None]
    assert homeless == ["edgekit"]


def test_imports_point_downwards() -> None:
    wrong = []
    for module, path in KNOWN.items():
        here = part(module)
        for line, name in imports(path, KNOWN):
            there = part(name)
            if here is None or there is None or here[1] == there[1]:
                continue
            if there[0] >= here[0]:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {module} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_the_version_module_imports_nothing() -> None:
    assert list(imports(ROOT / "edgekit" / "__init__.py", KNOWN)) == []


def test_the_rule_is_the_documented_one() -> None:
    """The document names every part, in the order of the layers."""
    text = (ROOT / "docs" / "design" / "001-architecture.md").read_text(encoding="utf-8")
    section = text.partition("## Direction of imports")[2].partition("\n## ")[0]
    rows = [
        re.findall(r"`([a-z_.]+)`", row) for row in section.splitlines() if re.match(r"\d+\. ", row)
    ]
    assert rows == [list(parts) for parts in LAYERS]


def test_examples_use_the_public_interface() -> None:
    parts = "api cli deployment errors files npz options plugins report"
    allowed = tuple(f"edgekit.{name}" for name in parts.split())
    for path in sorted((ROOT / "examples").rglob("*.py")):
        for line, name in imports(path, KNOWN):
            assert name.startswith(allowed) or name == "edgekit", f"{path}:{line}: {name}"


def loaded(code: str) -> set[str]:
    """Top-level packages that a fresh interpreter has loaded after ``code``."""
    program = f"{code}\nimport sys\nprint(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import edgekit.cli.main",
        "import edgekit.cli.app",
        "from click.testing import CliRunner\nfrom edgekit.cli.app import cli\n"
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0",
    ],
)
def test_the_command_line_starts_without_heavy_packages(code: str) -> None:
    assert loaded(code) & set(HEAVY) == set()


@pytest.mark.parametrize("name", ["edgekit.api", "edgekit.pipeline.convert", "edgekit.deployment"])
def test_the_api_leaves_optional_packages_alone(name: str) -> None:
    """numpy is everywhere; what reads, compiles, emulates and draws is loaded when it is used."""
    assert loaded(f"import {name}") & (set(HEAVY) - {"numpy"}) == set()


def test_no_import_has_a_side_effect_on_the_registries() -> None:
    """Registries are written out in one file: importing one module more adds nothing."""
    code = (
        "from codegen.c.operators import EMITTERS\nfrom quantize.lower import RULES\n"
        "before = len(EMITTERS), len(RULES)\nimport pkgutil, importlib\n"
        "import codegen, quantize\n"
        "for p in (codegen, quantize):\n"
        "    for m in pkgutil.walk_packages(p.__path__, p.__name__ + '.'):\n"
        "        importlib.import_module(m.name)\n"
        "assert (len(EMITTERS), len(RULES)) == before"
    )
    loaded(code)
