"""Tables as a page prints them: every cell is finished text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auditor.reports._words import plain

Tags = tuple[tuple[str, str], ...]
"""What a row or finding is filtered by: (severity, kind, class or verdict; the word for it)."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Attributes:
        mark: A shape before the text, for verdicts and severities.
        tone: The mark's colour: "critical", "high", "medium", "low", "quiet" or "".
        note: Smaller words under the text.
        order: What the page sorts by, where the text does not say; None: the text.
        text: What it says.
    """

    text: str
    mark: str = ""
    tone: str = ""
    note: str = ""
    order: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading and kind: "text", "number", "mono" or "name" (long names may break anywhere).

    Attributes:
        title: The heading.
        kind: "text", "number", "mono" or "name".
    """

    title: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """A table, or the sentence that stands where it would be empty.

    Attributes:
        tags: What each row can be filtered by; () where there is no filter.
        caption: Its name.
        columns: Headings.
        rows: One cell a column.
        empty: What stands where there are no rows.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = ""
    tags: tuple[Tags, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its value; `kind` "mono" for digests and paths, `loud` for what must not be missed.

    Attributes:
        label: What it is.
        value: In words.
        kind: "text", or "mono" for digests and paths.
        loud: Must not be missed.
    """

    label: str
    value: str
    kind: str = "text"
    loud: bool = False


def table(
    caption: str,
    columns: Sequence[str | Column],
    rows: Iterable[Sequence[str | Cell]],
    *,
    empty: str = "",
    tags: Sequence[Tags] = (),
) -> Table:
    """A table from cells or plain strings, which are made safe to show.

    Raises:
        ValueError: A row has more or fewer cells than there are columns, or there are tags for other rows.
    """
    heads = tuple(column if isinstance(column, Column) else Column(column) for column in columns)
    cells = tuple(tuple(cell if isinstance(cell, Cell) else Cell(plain(cell)) for cell in row) for row in rows)
    wrong = next((row for row in cells if len(row) != len(heads)), None)
    if wrong is not None:
        raise ValueError(f"{caption}: {len(wrong)} cells for {len(heads)} columns, first {wrong[0].text!r}")
    if tags and len(tags) != len(cells):
        raise ValueError(f"{caption}: tags for {len(tags)} of {len(cells)} rows")
    return Table(caption, heads, cells, empty, tuple(tags))


def numeric(title: str) -> Column:
    """A right-aligned column of figures."""
    return Column(title, "number")
