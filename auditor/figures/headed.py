"""Rows of pictures under headed columns, with the rows numbered: one picture a row, one method a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.figures.colours import PAPER, Rgb, colourise
from auditor.figures.fonts import typeface
from auditor.figures.pictures import fit
from auditor.figures.svg import INK, MUTED, SEVERITY_COLOURS, shorten

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

GAP = 6
LEAST_LETTERS = 11
"""Pixels."""
LETTERS = 8
"""A cell's width by the height of its letters: they are legible wherever the pictures are."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands over a column.

    Attributes:
        name: In ink.
        place: Under it, quieter.
        warning: Under that, in the colour of a finding.
    """

    name: str
    place: str = ""
    warning: str = ""


def headed_rows(
    rows: Sequence[Sequence[Rgb]],
    heads: Sequence[Head],
    *,
    cell: tuple[int, int],
    blocks: int = 1,
    scale: tuple[str, str] | None = None,
) -> Rgb:
    """All rows, numbered from 1; in several blocks they go on beside each other, each under the same heads.

    Args:
        rows: Pictures of each row, as many as heads; uint8 (height, width, 3), of any size.
        cell: (height, width) of a cell in pixels.
        blocks: Side by side.
        scale: What the two ends of the maps' colours mean; drawn below.

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
    sheet = np.hstack(parts)
    return sheet if scale is None else np.vstack([sheet, _scale(sheet.shape[1], cell[1], size, scale)])


def _block(rows: Sequence[Sequence[Rgb]], first: int, heads: Sequence[Head], cell: tuple[int, int], size: int) -> Rgb:
    from PIL import Image, ImageDraw

    height, width = cell
    lines = 1 + max(bool(head.place) for head in heads) + max(bool(head.warning) for head in heads)
    top, left = round(lines * 1.35 * size) + GAP, round(1.6 * size)
    canvas = _blank(top + len(rows) * (height + GAP) - GAP, left + len(heads) * (width + GAP) - GAP)
    for number, row in enumerate(rows):
        for column, picture in enumerate(row):
            y, x = top + number * (height + GAP), left + column * (width + GAP)
            canvas[y : y + height, x : x + width] = fit(picture, height, width)
    drawn = Image.fromarray(canvas)
    pen = ImageDraw.Draw(drawn)
    for column, head in enumerate(heads):
        x = left + column * (width + GAP)
        for line, (words, colour) in enumerate(_lines(head)):
            _write(pen, (x, round(line * 1.35 * size)), shorten(words, width / 72, size), colour, size)
    for number in range(len(rows)):
        _write(pen, (0, top + number * (height + GAP)), str(first + number), MUTED, size)
    return np.asarray(drawn, np.uint8)


def _lines(head: Head) -> list[tuple[str, str]]:
    found = [(head.name, INK), (head.place, MUTED), (head.warning, SEVERITY_COLOURS["high"])]
    return [(words, colour) for words, colour in found if words]


def _scale(width: int, cell: int, size: int, ends: tuple[str, str]) -> Rgb:
    """A bar of the maps' colours at the right, its ends in words at its sides."""
    from PIL import Image, ImageDraw

    band = _blank(2 * GAP + size + 4, width)
    font = typeface(size)
    room = round(font.getlength(ends[1])) + size // 2
    bar = max(1, min(cell, width - room - size))
    right = width - room
    ramp = colourise(np.linspace(0, 1, bar, dtype=np.float32)[None].repeat(max(4, size // 2), axis=0), 0.0, 1.0)
    middle = 2 * GAP + size // 2
    y = middle - ramp.shape[0] // 2
    band[y : y + ramp.shape[0], right - bar : right] = ramp
    drawn = Image.fromarray(band)
    pen = ImageDraw.Draw(drawn)
    pen.text((right - bar - size // 2, middle), ends[0], fill=MUTED, font=font, anchor="rm")
    pen.text((right + size // 2, middle), ends[1], fill=MUTED, font=font, anchor="lm")
    return np.asarray(drawn, np.uint8)


def _write(pen: ImageDraw, place: tuple[int, int], words: str, colour: str, size: int) -> None:
    pen.text(place, words, fill=colour, font=typeface(size), anchor="la")


def _blank(height: int, width: int) -> Rgb:
    return np.full((height, width, 3), PAPER, np.uint8)
