"""Rows of pictures under headed columns, with the rows numbered: one picture a row, one method a column.

Heads and numbers are no part of the picture: they come beside it, for the page to set them in the reader's language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from auditor.figures.colours import PAPER, Rgb
from auditor.figures.pictures import fit
from auditor.figures.svg import shorten, text_width
from auditor.records import PlacedWords

GAP = 6
"""Pixels between cells."""
BETWEEN = 3 * GAP
"""Pixels between blocks."""
SIZE, LEAST = 6.0, 5.0
"""Points: letters of heads and numbers; and as small as they get so that no word of a name is broken."""
LINE = 1.2
"""Letters: from line to line."""
MARK = 1.1
"""Letters: room of the triangle before a name."""
SLACK = 0.95
"""Of a column's width that a place is shortened to: pages measure text a little wider, and would cut off its end."""
MOST_LINES = 3
"""Of a name."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands over a column.

    Attributes:
        name: In ink, on several lines where one is too short; "" for what needs none.
        place: Under it, quieter, on one line: what is too long loses its middle.
        marked: Whether a triangle in the colour of a finding stands before the name; the legend says why.
    """

    name: str = ""
    place: str = ""
    marked: bool = False


@dataclass(frozen=True, slots=True)
class HeadedSheet:
    """A sheet, and what belongs on it.

    Attributes:
        picture: uint8 (height, width, 3), white where words go.
        words: Heads and numbers.
        rows: Where each row of the first block begins and how tall it is, in percent of the height.
    """

    picture: Rgb
    words: tuple[PlacedWords, ...]
    rows: tuple[tuple[float, float], ...]


def headed_rows(
    rows: Sequence[Sequence[Rgb]],
    heads: Sequence[Head],
    *,
    cell: tuple[int, int],
    room: tuple[float, float],
    full: int | None = None,
    blocks: int = 1,
) -> HeadedSheet:
    """All rows, numbered from 1; in several blocks they go on beside each other, each under the same heads.

    Args:
        rows: Pictures of each row, as many as heads; uint8 (height, width, 3), of any size.
        cell: (height, width) of a cell in pixels.
        room: (width, height) in points that the sheet fills on paper, one of them at least.
        full: Rows of the tallest sheet that is printed on the same scale; None: these.
        blocks: Side by side.

    Raises:
        ValueError: No rows, or one that does not fit the heads.
    """
    if not rows or any(len(row) != len(heads) for row in rows):
        raise ValueError(f"every row needs a picture for each of {len(heads)} columns")
    height, width = cell
    each = ceil(len(rows) / blocks)
    blocks = ceil(len(rows) / each)
    tallest = ceil((full or len(rows)) / blocks) * (height + GAP)
    # a pixel's size must be known before the gutter of the numbers is: the cells alone tell it closely enough
    pixels = blocks * len(heads) * (width + GAP)
    a_point = max(pixels / room[0], tallest / (room[1] - (MOST_LINES + 1) * LINE * SIZE))
    size = _size(heads, width / a_point)
    letters = size * a_point
    gutter = round(1.5 * letters)
    top = _top(heads, width / a_point, size, letters)
    block = gutter + len(heads) * (width + GAP) - GAP
    sheet = np.full((top + each * (height + GAP) - GAP, blocks * (block + BETWEEN) - BETWEEN, 3), PAPER, np.uint8)
    tall, wide = sheet.shape[:2]
    words: list[PlacedWords] = []
    for start in range(0, len(rows), each):
        left = start // each * (block + BETWEEN)
        for column, head in enumerate(heads):
            x = left + gutter + column * (width + GAP)
            words += _said(head, (x, top - GAP), width / a_point, size, letters, (tall, wide))
            for number, row in enumerate(rows[start : start + each]):
                y = top + number * (height + GAP)
                sheet[y : y + height, x : x + width] = fit(row[column], height, width)
        words += [
            PlacedWords(
                text=str(start + number + 1), left=_percent(left, wide), room=_percent(gutter, wide), tone="quiet",
                top=_percent(top + number * (height + GAP) + 0.5 * LINE * letters, tall), size=size,
            )
            for number in range(len(rows[start : start + each]))
        ]  # fmt: skip
    places = tuple(
        (_percent(top + number * (height + GAP), tall), _percent(height, tall))
        for number in range(min(each, len(rows)))
    )
    return HeadedSheet(sheet, tuple(words), places)


def _size(heads: Sequence[Head], room: float) -> float:
    """Points."""
    longest = max((text_width(part, SIZE) for head in heads for part in _words(head)), default=0.0)
    return round(max(LEAST, min(SIZE, SIZE * room / longest)), 2) if longest else SIZE


def _top(heads: Sequence[Head], room: float, size: float, letters: float) -> int:
    """Pixels over the first row: all heads stand on it."""
    lines = max(_lines(head, room, size) + bool(head.place) for head in heads)
    return round(lines * LINE * letters) + GAP if lines else 0


def _said(
    head: Head, corner: tuple[float, float], room: float, size: float, letters: float, extent: tuple[int, int]
) -> Iterator[PlacedWords]:
    """The name and under it the place, both ending over the column; `corner` is where the column's pictures begin."""
    (x, y), (tall, wide) = corner, extent
    across = {"left": _percent(x, wide), "room": _percent(room * letters / size, wide), "size": size}
    if head.name:
        middle = y - (0.5 + bool(head.place)) * LINE * letters
        tone, lines = "marked" if head.marked else "plain", _lines(head, room, size)
        yield PlacedWords(text=head.name, top=_percent(middle, tall), tone=tone, lines=lines, **across)
    if head.place:
        place = shorten(head.place, SLACK * room / 72, size)
        yield PlacedWords(text=place, top=_percent(y - 0.5 * LINE * letters, tall), tone="quiet", **across)


def _lines(head: Head, room: float, size: float) -> int:
    """Lines that a name takes; points."""
    if not head.name:
        return 0
    lines, left = 1, room - MARK * size * head.marked
    for part in _words(head):
        if text_width(part, size) > left and left < room:
            lines, left = lines + 1, room
        left -= text_width(part if part.endswith("-") else f"{part} ", size)
    return min(MOST_LINES, lines)


def _words(head: Head) -> list[str]:
    """Of a name, which may part at a space or after a hyphen."""
    return head.name.replace("-", "- ").split()


def _percent(pixels: float, of: int) -> float:
    return round(min(100.0, max(0.0, 100 * pixels / of)), 2)
