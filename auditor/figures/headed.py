"""Rows of pictures under headed columns, with the rows numbered: one picture a row, one method a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.figures.colours import PAPER, Rgb
from auditor.figures.fonts import typeface
from auditor.figures.pictures import fit
from auditor.figures.svg import INK, MUTED, SEVERITY_COLOURS, shorten, text_width

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

GAP = 6
LEAST_LETTERS = 11
"""Pixels."""
LINE = 1.35
"""Letters: from line to line."""
MARK = 1.15
"""Letters: room of the triangle before a name."""
LETTERS = 8
"""A cell's width by the height of its letters: they are legible wherever the pictures are."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands over a column.

    Attributes:
        name: In ink, on two lines where one is too short; "" for what needs none.
        place: Under it, quieter.
        marked: Whether a triangle in the colour of a finding stands before the name; the legend says why.
    """

    name: str = ""
    place: str = ""
    marked: bool = False


def headed_rows(
    rows: Sequence[Sequence[Rgb]],
    heads: Sequence[Head],
    *,
    cell: tuple[int, int],
    blocks: int = 1,
) -> Rgb:
    """All rows, numbered from 1; in several blocks they go on beside each other, each under the same heads.

    Args:
        rows: Pictures of each row, as many as heads; uint8 (height, width, 3), of any size.
        cell: (height, width) of a cell in pixels.
        blocks: Side by side.

    Raises:
        ValueError: No rows, or one that does not fit the heads.
    """
    if not rows or any(len(row) != len(heads) for row in rows):
        raise ValueError(f"every row needs a picture for each of {len(heads)} columns")
    size = max(LEAST_LETTERS, cell[1] // LETTERS)
    each = -(-len(rows) // blocks)
    made = [_block(rows[start : start + each], start + 1, heads, cell, size) for start in range(0, len(rows), each)]
    tall = max(block.shape[0] for block in made)
    parts: list[Rgb] = []
    for block in made:
        parts += [_blank(tall, 3 * GAP)] * bool(parts)
        parts.append(np.vstack([block, _blank(tall - block.shape[0], block.shape[1])]))
    return np.hstack(parts)


def _block(rows: Sequence[Sequence[Rgb]], first: int, heads: Sequence[Head], cell: tuple[int, int], size: int) -> Rgb:
    from PIL import Image, ImageDraw

    height, width = cell
    written = [_lines(head, width, size) for head in heads]
    lines = max(len(one) for one in written)
    top, left = round(lines * LINE * size) + GAP * bool(lines), round(1.6 * size)
    canvas = _blank(top + len(rows) * (height + GAP) - GAP, left + len(heads) * (width + GAP) - GAP)
    for number, row in enumerate(rows):
        for column, picture in enumerate(row):
            y, x = top + number * (height + GAP), left + column * (width + GAP)
            canvas[y : y + height, x : x + width] = fit(picture, height, width)
    drawn = Image.fromarray(canvas)
    pen = ImageDraw.Draw(drawn)
    for column, (head, found) in enumerate(zip(heads, written, strict=True)):
        x, above = left + column * (width + GAP), lines - len(found)
        for line, (words, colour) in enumerate(found):
            across = x + (round(MARK * size) if head.marked and line == 0 else 0)
            _write(pen, (across, round((above + line) * LINE * size)), words, colour, size)
        if head.marked:
            _triangle(pen, x, round((above + 0.5) * LINE * size), size)
    for number in range(len(rows)):
        _write(pen, (0, top + number * (height + GAP)), str(first + number), MUTED, size)
    return np.asarray(drawn, np.uint8)


def _lines(head: Head, width: int, size: int) -> list[tuple[str, str]]:
    """What stands over a column, each line as long as it may be."""
    room = width / 72
    names = _broken(head.name, room - (MARK * size / 72 if head.marked else 0), room, size) if head.name else []
    found = [(words, INK) for words in names]
    return found + ([(shorten(head.place, room, size), MUTED)] if head.place else [])


def _broken(name: str, first: float, room: float, size: int) -> list[str]:
    """One line, or two that part at a space or after a hyphen; inches."""
    if text_width(name, size) <= 72 * first:
        return [name]
    ends = [place for place, letter in enumerate(name, start=1) if letter in " -" and place < len(name)]
    fitting = [end for end in ends if text_width(name[:end].rstrip(), size) <= 72 * first]
    if not fitting:
        return [shorten(name, first, size)]
    return [name[: fitting[-1]].rstrip(), shorten(name[fitting[-1] :], room, size)]


def _triangle(pen: ImageDraw, x: int, middle: int, size: int) -> None:
    """As high as a capital letter."""
    half = round(0.42 * size)
    corners = [(x, middle + half), (x + 2 * half, middle + half), (x + half, middle - half)]
    pen.polygon(corners, fill=SEVERITY_COLOURS["high"])


def _write(pen: ImageDraw, place: tuple[int, int], words: str, colour: str, size: int) -> None:
    pen.text(place, words, fill=colour, font=typeface(size), anchor="la")


def _blank(height: int, width: int) -> Rgb:
    return np.full((height, width, 3), PAPER, np.uint8)
