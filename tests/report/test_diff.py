"""Comparing two reports."""

from __future__ import annotations

import dataclasses
import json

from edgekit.report.codec import to_json
from edgekit.report.diff import Difference, compare, compare_layers, diff_view
from edgekit.report.model import LayerCost
from tests.report.samples import bare_report, full_report
from tests.report.test_terminal import text_of


def test_same_report() -> None:
    found = compare(full_report(), full_report())
    assert found.identical
    assert text_of(diff_view(found)).strip() == "no difference"


def test_what_changed() -> None:
    a = full_report()
    layers = (dataclasses.replace(a.latency.layers[0], instructions=10_000), *a.latency.layers[1:])
    b = dataclasses.replace(
        a,
        memory=dataclasses.replace(a.memory, ram_bytes=1000),
        latency=dataclasses.replace(a.latency, instructions=34_362, layers=layers),
        versions=dataclasses.replace(a.versions, toolchain="gcc 12"),
    )
    found = compare(a, b, ("old", "new"))
    assert not found.identical
    assert {f.name: f.change for f in found.memory if f.change} == {"ram_bytes": -68}
    assert [(x.name, x.change) for x in found.layers if x.status == "changed"] == [
        ("conv_a", 10_000 - 13_824)
    ]
    assert [(f.name, f.a, f.b) for f in found.facts] == [
        ("versions.toolchain", "zig 0.17", "gcc 12")
    ]
    text = text_of(diff_view(found))
    assert "-68" in text
    assert "-6.4 %" in text
    assert json.loads(to_json(found))["schema_version"] == 1


def test_layers_that_came_and_went() -> None:
    def layer(name: str, cost: int) -> LayerCost:
        return LayerCost(name, "QConv2D", 1, cost)

    a = (layer("a", 1), layer("b", 2), layer("c", 3))
    b = (layer("a", 1), layer("x", 9), layer("c", 4))
    found = [(x.name, x.status, x.change) for x in compare_layers(a, b)]
    assert found == [
        ("a", "same", 0),
        ("b", "removed", None),
        ("x", "added", None),
        ("c", "changed", 1),
    ]


def test_a_change_from_zero_and_unknown_figures() -> None:
    a = full_report()
    b = dataclasses.replace(
        a, memory=dataclasses.replace(a.memory, state_bytes=8, stack_bytes=None)
    )
    figures = {f.name: f for f in compare(a, b).memory}
    assert figures["state_bytes"].change == 8
    assert figures["stack_bytes"].change is None
    assert figures["stack_bytes"].differs


def test_very_different_reports() -> None:
    a, b = full_report(), bare_report()
    there, back = compare(a, b), compare(b, a)
    assert [(f.name, f.a, f.b) for f in there.facts] == [
        (f.name, f.b, f.a) for f in sorted(back.facts, key=lambda f: order(there, f.name))
    ]
    assert all(f.a != f.b for f in there.facts)
    assert {x.status for x in there.layers} == {"removed"}
    text_of(diff_view(there))
    text_of(diff_view(back))


def order(difference: Difference, name: str) -> int:
    return [f.name for f in difference.facts].index(name)
