"""Tables and lists of facts that fit the terminal they are printed on.

Figures are never cut and never dropped. Where the columns do not fit, what only repeats a figure
(bars) or matters less goes first, then names wrap, and below `LIST_WIDTH` columns each row becomes
a list. Rich is imported on use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.report import format as fmt

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType, RenderResult
    from rich.text import Text

LIST_WIDTH = 50
"""Narrower terminals get lists instead of tables."""
_EASY, _LEAST = 20, 8  # characters that a column of text likes to have, and what it needs
_GAP = 2  # between columns
_NAME_LINES = 3  # longer names lose their middle


@dataclass(frozen=True)
class Column:
    """One column of a `Table`.

    Attributes:
        title: its heading; empty for marks and bars.
        figure: numbers: aligned right, never wrapped.
        spare: dropped where the terminal is narrow, the highest first; 0 is always shown.
        name: a long text may lose its middle.
        bar: a drawing of a figure, left out of lists.
    """

    title: str
    figure: bool = False
    spare: int = 0
    name: bool = False
    bar: bool = False


class Table:
    """A table that fits; rows are added as to a table of rich.

    Args:
        title: stands above it.
        columns: names of columns, or `Column` where more is to be said.
    """

    def __init__(self, title: str, *columns: str | Column) -> None:
        self.title = title
        self.columns = [Column(c) if isinstance(c, str) else c for c in columns]
        self._rows: list[list[Text]] = []

    def add_row(self, *cells: str | Text, style: str = "") -> None:
        """Add a row; missing cells at its end are empty."""
        from rich.text import Text

        texts = [cell if isinstance(cell, Text) else Text(cell) for cell in cells]
        for text in texts:
            text.stylize(style)
        self._rows.append(texts + [Text()] * (len(self.columns) - len(texts)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the form for the width that there is."""
        widths = None if options.max_width < LIST_WIDTH else self.widths(options.max_width)
        yield self._list() if widths is None else self._table(widths)

    def widths(self, available: int) -> dict[int, int] | None:
        """Width of each column that is shown, by its index; None where the figures do not fit."""
        natural = [
            max([len(c.title), *(row[i].cell_len for row in self._rows)])
            for i, c in enumerate(self.columns)
        ]
        easy = [
            n if c.figure else min(n, _EASY) for n, c in zip(natural, self.columns, strict=True)
        ]
        shown = list(range(len(self.columns)))
        while _total(easy, shown) > available and (spare := self._most_spare(shown)) is not None:
            shown.remove(spare)
        texts = [i for i in shown if not self.columns[i].figure]
        room = available - _total([0 if i in texts else n for i, n in enumerate(natural)], shown)
        if sum(min(natural[i], max(_LEAST, len(self.columns[i].title))) for i in texts) > room:
            return None
        return {i: natural[i] for i in shown} | _share({i: natural[i] for i in texts}, room)

    def _most_spare(self, shown: Sequence[int]) -> int | None:
        best = max(shown, key=lambda i: self.columns[i].spare)
        return best if self.columns[best].spare else None

    def _table(self, widths: dict[int, int]) -> RenderableType:
        from rich import box
        from rich.table import Table as RichTable

        made = RichTable(title=self.title, title_justify="left", title_style="bold",
                         box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0),
                         pad_edge=False)  # fmt: skip
        for i, width in widths.items():
            column = self.columns[i]
            justify: JustifyMethod = "right" if column.figure else "left"
            made.add_column(column.title, justify=justify, width=width, no_wrap=column.figure,
                            overflow="fold")  # fmt: skip
        for row in self._rows:
            made.add_row(*(self._fitted(row[i], i, width) for i, width in widths.items()))
        return made

    def _fitted(self, cell: Text, index: int, width: int) -> Text | str:
        limit = _NAME_LINES * width
        cut = self.columns[index].name and len(cell) > limit
        return fmt.abbreviate(cell.plain, limit) if cut else cell

    def _list(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        parts: list[RenderableType] = [Text(self.title, style="bold")]
        for row in self._rows:
            facts = Facts()
            for column, cell in zip(self.columns, row, strict=True):
                if cell.plain and not column.bar:
                    facts.add_row(column.title, cell)
            parts += [Text(), facts]
        return Group(*parts)


class Facts:
    """Names and what is known of them, in two columns or, where that is too narrow, below."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, Text]] = []

    def add_row(self, name: str, fact: str | Text) -> None:
        """Add one fact."""
        from rich.text import Text

        self._rows.append((name, fact if isinstance(fact, Text) else Text(fact)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the form for the width that there is."""
        from rich.padding import Padding
        from rich.table import Table as RichTable
        from rich.text import Text

        widest = max((len(name) for name, _ in self._rows), default=0)
        if 2 * widest <= options.max_width:
            grid = RichTable.grid(padding=(0, 2))
            grid.add_column(style="bold", no_wrap=True)
            grid.add_column(overflow="fold")
            for name, fact in self._rows:
                grid.add_row(name, fact)
            yield grid
            return
        for name, fact in self._rows:
            if name:
                yield Text(name, style="bold", overflow="fold")
            yield Padding(fact, (0, 0, 0, 2))


def _total(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[i] for i in shown) + _GAP * (len(shown) - 1)


def _share(wanted: dict[int, int], room: int) -> dict[int, int]:
    """Give each column what it wants, or where that is too much an equal share of the rest."""
    given: dict[int, int] = {}
    for index in sorted(wanted, key=wanted.__getitem__):
        given[index] = min(wanted[index], room // (len(wanted) - len(given)))
        room -= given[index]
    return given
