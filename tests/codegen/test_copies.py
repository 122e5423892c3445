"""Which constants are copied to RAM, and where to."""

from __future__ import annotations

import functools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.c.copies import ALIGN
from codegen.c.emit import Source, emit
from edgekit.artefact import Artefact
from edgekit.options import ConvertOptions
from edgekit.pipeline.lowering import Lowered, lower
from edgekit.pipeline.source import read_source
from edgekit.pipeline.vectors import make_vectors
from edgekit.schedule import Room
from profiles.bench.models import chain
from targets.load import load_core

LAYERS = 5
COPY = re.compile(r"ek_copy_bytes\((\w+), to \+ (\d+), (\d+)\);")


@functools.cache
def lowered() -> Lowered:
    """A chain of equal convolutions."""
    return lower(read_source(chain(LAYERS)), load_core("host"), ConvertOptions("host"), None)


def emitted(nbytes: int | None) -> Artefact:
    found = lowered()
    vectors = make_vectors(found.graph, 1)
    room = Room("fast", nbytes)
    return emit(found.program, "net", "host", Source("x", "0"), vectors, found.kernels, room)


def copies(artefact: Artefact) -> list[tuple[str, int, int]]:
    """Symbol, offset and bytes of each copy."""
    return [(s, int(o), int(n)) for s, o, n in COPY.findall(artefact.files["net.c"])]


@given(st.integers(0, 2000))
@settings(max_examples=60, deadline=None)
def test_a_budget_is_kept(budget: int) -> None:
    artefact = emitted(budget)
    found = sorted(copies(artefact), key=lambda copy: copy[1])
    ends = [0, *(offset + nbytes for _, offset, nbytes in found)]
    for (_, offset, _), end in zip(found, ends, strict=False):
        assert offset % 4 == 0
        assert offset >= end, "two copies share bytes"
    copied = artefact.manifest.copied
    assert ends[-1] == artefact.manifest.copied_bytes <= budget
    assert (copied is None) == (not found)
    if copied is not None:
        assert copied.count == len(found)
        assert 0 < copied.share <= 1
    more = emitted(budget + 200).manifest.copied
    assert (more.share if more else 0) >= (copied.share if copied else 0)


def test_everything_is_copied_without_a_size() -> None:
    artefact = emitted(None)
    found = copies(artefact)
    assert sum(nbytes for _, _, nbytes in found) == artefact.manifest.weights_bytes
    assert artefact.manifest.copied is not None
    assert artefact.manifest.copied.share == pytest.approx(1)
    text = artefact.files["net.c"].split("net_load(")[0]
    assert not any(symbol in text for symbol, _, _ in found), "a layer reads the original"
    assert f"#define NET_WEIGHTS_ALIGN {ALIGN}" in artefact.files["net.h"]


def test_nothing_that_fits_changes_nothing() -> None:
    found = lowered()
    vectors = make_vectors(found.graph, 1)
    plain = emit(found.program, "net", "host", Source("x", "0"), vectors, found.kernels)
    assert emitted(3).files == plain.files
    assert "weights" not in plain.files["net.h"].split("Weights and tables")[1]
