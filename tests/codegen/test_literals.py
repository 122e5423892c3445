"""C spellings: they read back as the same numbers, and no text can break out of a comment."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.c.literals import (
    _KEYWORDS,
    array_literal,
    comment,
    float_literal,
    identifier,
    is_prefix,
    prefix,
)
from tests.proofs.emission import compiler, run

MAX = float(np.finfo(np.float32).max)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_literal_reads_back(value: float) -> None:
    text = float_literal(value)
    assert text.endswith("f")
    assert struct.pack("<f", float(text[:-1])) == struct.pack("<f", value)


def test_infinities_are_the_kernels_macro() -> None:
    assert float_literal(float("inf")) == "EK_INFINITY"
    assert float_literal(float("-inf")) == "-EK_INFINITY"
    assert float_literal(float("nan")) == "EK_NAN"


def test_the_compiler_reads_the_same_floats(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**32, 3000, np.uint64).astype(np.uint32)
    values = bits.view(np.float32)
    values = values[np.isfinite(values)]
    special = [0.0, -0.0, MAX, -MAX, 1e-45, 1.17549435e-38, 0.1, 1 / 3]
    values = np.concatenate([values, np.array(special, np.float32)])
    doubles = np.concatenate([rng.normal(0, 1, 50) * 10.0 ** rng.integers(-300, 300, 50)])
    (tmp_path / "main.c").write_text(
        "#include <stdio.h>\n"
        f"static const float f[] = {{{array_literal(values)}}};\n"
        f"static const double d[] = {{{array_literal(doubles)}}};\n"
        "int main(void) { fwrite(f, sizeof f, 1, stdout); fwrite(d, sizeof d, 1, stdout);"
        " return 0; }\n"
    )
    run([*compiler("gcc"), "-std=c99", "-pedantic", "-Werror", "main.c", "-o", "main"], tmp_path)
    out = subprocess.run([tmp_path / "main"], capture_output=True, check=True).stdout
    assert out == values.tobytes() + doubles.tobytes()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32])
def test_integer_arrays(dtype: type[np.generic]) -> None:
    info = np.iinfo(dtype)  # type: ignore[type-var]
    data = np.array([info.min, -1 if info.min else 1, 0, info.max], dtype)
    text = array_literal(data)
    # A plain -2147483648 would be an expression of a wider type.
    assert "-2147483648" not in text
    words = re.split(r",\s+", text.replace("(-2147483647 - 1)", str(-(2**31))))
    assert [int(word) for word in words] == data.tolist()


def test_long_arrays_are_wrapped() -> None:
    lines = array_literal(np.arange(40, dtype=np.int32)).splitlines()
    assert len(lines) == 3
    assert all(len(line) < 100 for line in lines)


@given(st.text(max_size=40))
def test_every_text_becomes_an_identifier(text: str) -> None:
    name = identifier(text)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert "__" not in name  # reserved in C++
    assert name not in _KEYWORDS
    assert is_prefix(prefix(text))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("pretrainedResnet_quant", "pretrainedresnet_quant"),
        ("model (1).v2", "model_1_v2"),
        ("8bit", "m_8bit"),
        ("int", "m_int"),
        ("class", "m_class"),
        ("", "x"),
        ("模型", "x"),
    ],
)
def test_identifiers(text: str, name: str) -> None:
    assert identifier(text) == name


@pytest.mark.parametrize(
    "text", ["", "1a", "a-b", "for", "a b", "é", "a;", "ek", "ek_conv", "stdint", "test", "_x"]
)
def test_what_cannot_name_symbols_and_files(text: str) -> None:
    assert not is_prefix(text)


@pytest.mark.parametrize(
    ("text", "name"), [("test.v1", "test_v1"), ("test", "test_model"), ("ek", "m_ek")]
)
def test_prefixes(text: str, name: str) -> None:
    assert prefix(text) == name


@given(st.text(max_size=300))
def test_no_text_leaves_a_comment(text: str) -> None:
    inside = comment(text)
    assert "*/" not in inside
    assert "/*" not in inside
    assert inside.isascii()
    assert inside.isprintable()
    assert len(inside) <= 90


@given(st.lists(st.sampled_from("*/ a"), max_size=12).map("".join))
def test_stars_and_slashes_do_not_leave_a_comment(text: str) -> None:
    inside = comment(text)
    assert "*/" not in inside
    assert "/*" not in inside
