"""Documents point at what is there: links, headings, files and names of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name

import pytest

ROOT = Path(__file__).resolve().parents[2]
DESIGN = ROOT / "docs" / "design"
PAGE = 100
"""Lines of a design record: one that grows beyond is about two subjects."""
PARTS = "codegen|docs|edgekit|examples|profiles|quantize|targets|tests"
PLANNED = DESIGN / "002-seams.md"
"""Names folders that do not exist yet."""
DOCUMENTS = sorted(
    path
    for folder in (".", "docs", "docs/design", "examples/*")
    for path in ROOT.glob(f"{folder}/*.md")
)


def prose(path: Path) -> str:
    """The text of a document without its blocks of code."""
    return re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(path: Path) -> set[str]:
    """What GitHub calls the headings of a document."""
    heads = re.findall(r"^#+ (.+)$", prose(path), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def sources() -> Iterator[Path]:
    for part in PARTS.split("|"):
        yield from (ROOT / part).rglob("*.py")
    yield from (ROOT / "Makefile", ROOT / "pyproject.toml")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_resolve(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        other = path.parent / name if name else path
        assert other.exists(), f"{path.relative_to(ROOT)}: no {target}"
        assert not anchor or anchor in anchors(other), f"{path.relative_to(ROOT)}: no {target}"


@pytest.mark.parametrize(
    "path",
    [path for path in DOCUMENTS if path != PLANNED],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_named_files_and_code_exist(path: Path) -> None:
    """In backticks: ``tests/codegen/test_overlap.py``, ``codegen.c.choice.KernelSet``."""
    text = prose(path)
    for name in re.findall(rf"`((?:{PARTS})/[\w./-]*)`", text):
        assert (ROOT / name).exists(), f"{path.relative_to(ROOT)}: no {name}"
    for name in re.findall(rf"`((?:{PARTS})(?:\.\w+)+)`", text):
        if not name.endswith((".toml", ".h", ".c")):
            resolve_name(name)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tables_have_even_rows(path: Path) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", prose(path), flags=re.M):
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(cells) == 1, f"{path.relative_to(ROOT)}: {table.splitlines()[0]}"


def test_documents_that_code_names_exist() -> None:
    for path in sources():
        for name in re.findall(r"\bdocs/[\w./-]+\.md\b", path.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{path.relative_to(ROOT)}: no {name}"


def test_design_records_are_listed_and_short() -> None:
    records = {path.name for path in DESIGN.glob("0*.md")}
    index = (DESIGN / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\((0[^)]+)\)", index)) == records
    for name in sorted(records):
        lines = (DESIGN / name).read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith(f"# {name[:3]} "), name
        assert len(lines) <= PAGE, f"{name}: {len(lines)} lines; split it by subject"
