"""Templates and the kernel library."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest

from codegen.c import kernels
from codegen.c.render import _TEMPLATES, render
from edgekit.ir.ops import Rounding
from tests.proofs.emission import STRICT, compiler, run


def test_an_undefined_name_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="is undefined"):
        render("CMakeLists.txt.j2", {})


def test_every_template_is_strict() -> None:
    for path in sorted(_TEMPLATES.glob("*.j2")):
        with pytest.raises(jinja2.UndefinedError):
            render(path.name, {})


@pytest.mark.parametrize("name", sorted(kernels.locate()))
def test_a_kernel_compiles_alone(name: str, tmp_path: Path) -> None:
    """Each kernel file is valid C by itself: it can be read, linted and reused on its own."""
    path = kernels.locate()[name]
    folders = {f"-I{p.parent}" for p in kernels.locate().values()}
    unused = "-Wno-unused-function"
    for tool in ("gcc", "zig") if name.endswith(".c") else ("gcc",):
        flags = [*STRICT, "-Wno-unused-const-variable", unused, *sorted(folders)]
        unit = tmp_path / "unit.c"
        unit.write_text(f'#include "{path.name}"\ntypedef int not_empty;\n')
        run([*compiler(tool), *flags, "-c", unit, "-o", tmp_path / "unit.o"], tmp_path)


def test_closure_places_headers_first_and_once() -> None:
    names = kernels.closure(["ek_conv2d_s8.c", "ek_dense_s8.c", "ek_conv2d_s8.c"])
    assert len(names) == len(set(names))
    for name in names:
        for header in kernels.includes(name):
            assert names.index(header) < names.index(name)
    assert "ek_common.h" in names


def test_sources_have_no_includes_of_each_other() -> None:
    for name in kernels.locate():
        assert '#include "' not in kernels.source(name)


def test_a_variant_fixes_the_rule() -> None:
    text = kernels.variant("ek_dense_s8", "high")
    assert re.search(r"EK_KERNEL void ek_dense_s8_high\(", text)
    assert "EK_HIGH);" in text
    assert "int rule" not in text


def test_a_kernel_without_a_rule_has_no_variants() -> None:
    with pytest.raises(ValueError, match="takes no rounding rule"):
        kernels.variant("ek_clip_s8", "high")


def test_every_rule_has_its_number_in_c() -> None:
    header = kernels.source("ek_requant.h")
    numbers = {m[0]: int(m[1]) for m in re.findall(r"#define EK_(\w+) (\d+)", header)}
    wanted = {rule.name for rule in Rounding} | {"AWAY"}
    assert wanted <= set(numbers)
    assert len(set(numbers.values())) == len(numbers)


def test_every_kernel_is_documented() -> None:
    for name, path in kernels.locate().items():
        assert path.read_text(encoding="utf-8").startswith("/* "), name
