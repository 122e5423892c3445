"""A sample of onnx's node cases; ``make conformance`` tries them all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from tests.conformance.__main__ import CACHE, DOCUMENT
from tests.conformance.batch import Outcome, try_cases
from tests.conformance.cases import PINNED, UNSOUND, Case, collect
from tests.conformance.document import counts, document

STEP = 16


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return collect(CACHE)


def test_sample_has_nothing_wrong_and_nothing_lost(cases: list[Case]) -> None:
    found = try_cases(sorted(cases, key=lambda c: c.name)[::STEP])
    assert [o for o in found if o.state == "wrong"] == []
    known = DOCUMENT.read_text(encoding="utf-8")
    lost = [o for o in found if o.state != "passed" and o.name.removeprefix("test_") not in known]
    assert lost == []


def test_document_covers_every_case(cases: list[Case]) -> None:
    rows = counts(DOCUMENT.read_text(encoding="utf-8"))
    for name, expanded in (("as generated", False), ("expanded", True)):
        passed, unsupported, wrong, total = rows[name]
        assert passed + unsupported + wrong == total
        assert wrong == 0
        if onnx.__version__ in DOCUMENT.read_text(encoding="utf-8"):
            assert total == sum(c.expanded == expanded for c in cases)


def test_only_listed_inputs_become_constants(cases: list[Case]) -> None:
    for case in cases:
        if case.expanded:
            continue
        for node in onnx.load_from_string(case.model).graph.node:
            indices = {i for i, n in enumerate(node.input) if n in case.pinned}
            assert indices <= set(PINNED.get(node.op_type, ()))


def test_a_wrong_result_is_found() -> None:
    (case,) = collect(CACHE, "^test_relu$")
    off = replace(case, outputs={n: a + 1 for n, a in case.outputs.items()})
    (found,) = try_cases([off])
    assert found.state == "wrong"
    assert "'y'" in found.reason


def test_exact_results_fail_the_cases_that_are_left_out() -> None:
    for case in collect(CACHE, f"^({'|'.join(UNSOUND)})$"):
        pairs = case.inputs["x"].astype(np.float64)
        exact = np.fft.ifft(pairs[..., 0] + 1j * pairs[..., 1], axis=1)
        parts = np.stack([exact.real, exact.imag], axis=-1)
        want = case.outputs["y"]
        assert not np.allclose(parts, want, rtol=case.rtol, atol=case.atol)
        np.testing.assert_allclose(parts, want, atol=1e-5)


def test_document_counts_what_it_is_given() -> None:
    found = [
        Outcome("test_relu", "Relu", "passed"),
        Outcome("test_relu_expanded", "Relu", "unsupported", "why"),
    ]
    assert counts(document(found, "1")) == {
        "as generated": (1, 0, 0, 1), "expanded": (0, 1, 0, 1)
    }  # fmt: skip
