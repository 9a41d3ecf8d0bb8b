"""Figure files, and regions of what the model sees."""

from __future__ import annotations

from pydantic import Field

from auditor.records.record import Record


class Box(Record):
    """A named region: [x1, y1, x2, y2] in pixels of the model's input, end exclusive.

    A ring is its outer box with `hole`, the box that is left out.
    """

    name: str
    box: tuple[int, int, int, int] | None = None
    hole: tuple[int, int, int, int] | None = None


class Picture(Record):
    """A figure file and the words that belong to it."""

    path: str
    caption: str
    alt: str
    reading: str | None = None
    """How to read it."""
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    outlines: tuple[tuple[int, int, int, int], ...] = ()
    """Where a check's region is drawn in it, [x1, y1, x2, y2] in pixels of this figure, end exclusive."""
