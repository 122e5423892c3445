"""The figures of README.md beside other stacks, taken from docs/benchmarks.md."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- from docs/benchmarks.md, made by: python -m edgekit.docs --write -->\n"
END = "<!-- end of what is made -->\n"
_TFLM = "TensorFlow Lite Micro + CMSIS-NN v7"
_BOARD = "edgekit, nucleo-l4r5zi"
ROWS = (
    ("instructions, millions", "edgekit", "Executed instructions on cortex-m4", "edgekit | int8"),
    ("", _TFLM, "Executed instructions on cortex-m4", _TFLM),
    ("RAM, bytes", "edgekit", "RAM in all", "edgekit, int8"),
    ("", _TFLM, "RAM in all", _TFLM),
    ("code, bytes", "edgekit", "Code on cortex-m4", "edgekit, int8"),
    ("", _TFLM, "Code on cortex-m4", _TFLM),
    ("cycles of a board, millions", "edgekit, estimated", "## Cycles", f"{_BOARD}, 5 wait states"),
    ("", "edgekit, range of the estimate", "## Cycles", f"{_BOARD}, range"),
    ("", "ST X-CUBE-AI 9.0, published", "## Cycles", "ST X-CUBE-AI 9.0"),
)
"""What, whose, and where it stands: the text before its table, and how its row begins."""


def readme_document() -> str:
    """README.md with the figures that docs/benchmarks.md has."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    figures = _figures((ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8"))
    return head + BEGIN + figures + END + rest.partition(END)[2]


def _figures(benchmarks: str) -> str:
    """A table with four models in columns, and what other cores take."""
    lines = ["| | | IC | KWS | VWW | AD |", "|---|---|---:|---:|---:|---:|"]
    for what, whose, title, label in ROWS:
        section = benchmarks.partition(title)[2]
        row = next(line for line in section.splitlines() if line.startswith(f"| {label}"))
        cells = [cell.strip() for cell in row.strip("|").split("|")][-4:]
        if what.endswith("millions") or title.startswith("Executed"):
            cells = [_millions(cell) for cell in cells]
        lines.append(f"| {what} | {whose} | {' | '.join(cells)} |")
    ratios = benchmarks.partition("## Against TensorFlow Lite Micro")[2].partition("\n## ")[0]
    found = re.findall(r"\| (\d\.\d\d)", ratios)
    span = f"{min(found)} to {max(found)} of the instructions of TensorFlow Lite Micro"
    return "\n".join([*lines, "", f"Over all Arm cores edgekit takes {span}.", ""])


def _millions(cell: str) -> str:
    """Three digits of a count; what is in millions already stays."""
    return f"{int(cell.replace(',', '')) / 1e6:.3g}" if "," in cell else cell
