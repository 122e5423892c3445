"""docs/conformance.md from the outcomes of a whole run."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tests.conformance.batch import Outcome, State
from tests.conformance.cases import PINNED

STATES: tuple[State, ...] = ("passed", "unsupported", "wrong")
_HEAD = """<!-- made by: make conformance -->

# Conformance with ONNX

onnx {version} generates {total} node cases, each a small model with inputs and the outputs that a
back end must give. Every case is imported, written as C, compiled (gcc, warnings are errors) and
run on this machine; its outputs are compared with the stored ones in shape, type and value (rtol
and atol as onnx gives them; integers exactly). A case is *wrong* where they differ, where its code
does not compile, crashes or hangs, or where edgekit fails in any way but a stated refusal. In
*expanded* cases the operator stands as its function body, made of other operators; they are
counted apart.

Graph inputs that determine shapes or stand for attributes become constants, as exporters write
them: the list below and no others. All data, weights and indices included, are inputs at run time.

How many rows NonMaxSuppression gives depends on data; generated code has a fixed number of them,
and those that are not needed hold -1, which is checked.
"""


def document(outcomes: Sequence[Outcome], version: str) -> str:
    """The document.

    Args:
        outcomes: of every case.
        version: of onnx.
    """
    plain = [o for o in outcomes if not is_expanded(o)]
    expanded = [o for o in outcomes if is_expanded(o)]
    parts = [_HEAD.format(version=version, total=len(outcomes))]
    parts += ["| cases | passed | unsupported | wrong | all |", "|---|---|---|---|---|"]
    parts += [_row("as generated", plain), _row("expanded", expanded), ""]
    parts += ["## Operators", "", "Cases as generated, then expanded.", ""]
    parts += ["| operator | passed | unsupported | wrong | expanded passed | of |"]
    parts += ["|---|---|---|---|---|---|", *_operators(plain, expanded), ""]
    parts += ["## Unsupported", "", *_reasons(plain), ""]
    parts += ["## Unsupported, expanded", "", *_reasons(expanded), ""]
    parts += ["## Inputs that become constants", ""]
    parts += ["| operator | inputs (from 0) |", "|---|---|"]
    parts += [f"| {name} | {', '.join(map(str, PINNED[name]))} |" for name in sorted(PINNED)]
    return "\n".join(parts) + "\n"


def is_expanded(outcome: Outcome) -> bool:
    """True where the operator of the case stands as its function body."""
    return "_expanded" in outcome.name


def counts(text: str) -> dict[str, tuple[int, int, int, int]]:
    """Passed, unsupported, wrong and all cases by row (``as generated``, ``expanded``), read from
    a document."""
    rows = re.findall(
        r"^\| (as generated|expanded) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", text, re.M
    )
    return {name: (int(a), int(b), int(c), int(d)) for name, a, b, c, d in rows}


def _row(title: str, outcomes: Sequence[Outcome]) -> str:
    found = Counter(o.state for o in outcomes)
    cells = [title, *(str(found[s]) for s in STATES), str(len(outcomes))]
    return f"| {' | '.join(cells)} |"


def _operators(plain: Sequence[Outcome], expanded: Sequence[Outcome]) -> Iterable[str]:
    for name in sorted({o.operator for o in plain}):
        found = Counter(o.state for o in plain if o.operator == name)
        bodies = Counter(o.state for o in expanded if o.operator == name)
        own = " | ".join(str(found[s] or "") for s in STATES)
        of = f"{bodies['passed']} | {bodies.total()}" if bodies else " | "
        yield f"| {name} | {own} | {of} |"


def _reasons(outcomes: Sequence[Outcome]) -> Iterable[str]:
    cases: dict[tuple[str, str], list[str]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.state != "passed":
            key = (outcome.operator, f"{'WRONG: ' * (outcome.state == 'wrong')}{outcome.reason}")
            cases[key].append(outcome.name.removeprefix("test_"))
    yield from ("| operator | reason | cases |", "|---|---|---|")
    for (operator, reason), names in sorted(cases.items()):
        text = reason.replace("|", "\\|").replace("<", "&lt;")
        yield f"| {operator} | {text} | {', '.join(names)} |"
