"""Figure files, and regions of what the model sees."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditor.records.record import Record


class Box(Record):
    """A named region: [x1, y1, x2, y2] in pixels of the model's input, end exclusive.

    A ring is its outer box with `hole`, the box that is left out.
    """

    name: str
    box: tuple[int, int, int, int] | None = None
    hole: tuple[int, int, int, int] | None = None


LegendMark = Literal[
    "line", "dashed", "dotted", "dashdot", "longdash", "band", "swatch", "frame", "ramp", "upright", "bar", "circle",
    "ring", "square", "triangle", "downward", "diamond", "plus", "hexagon", "cross",
]  # fmt: skip
Colour = Annotated[str, Field(pattern="^#[0-9a-f]{6}$")]
Percent = Annotated[float, Field(ge=0, le=100)]


class LegendEntry(Record):
    """What one mark of a chart stands for; told apart by its shape as well as by its colour.

    Attributes:
        mark: Its shape.
        colours: One, or those of a ramp from its low to its high end.
        label: In words.
    """

    mark: LegendMark
    colours: tuple[Colour, ...] = Field(min_length=1)
    label: str


class PlacedWords(Record):
    """Words that stand on a figure and are no part of its drawing, so that a page sets them in its own language.

    Attributes:
        left, top: Where they stand, in percent of the figure's width and height: the start, middle or end of a line,
            and the middle of its height.
        room: What they may take, in percent of the width; longer ones are cut by the page.
        tone: "strong" for headings, "quiet" for axes; "marked" for those before which a triangle stands.
        size: Of the letters, in points, where the figure is as large as it was drawn.
        lines: On how many lines they may go on; `top` is the middle of the last.
    """

    text: str
    left: Percent
    top: Percent
    align: Literal["left", "center", "right"] = "left"
    room: Percent = 100
    tone: Literal["plain", "strong", "quiet", "marked"] = "plain"
    size: float = Field(default=8, gt=0)
    lines: int = Field(default=1, ge=1)


class Picture(Record):
    """A figure file and the words that belong to it: nothing in the file itself needs translation."""

    path: str
    caption: str
    alt: str
    reading: str | None = None
    """How to read it."""
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    outlines: tuple[tuple[int, int, int, int], ...] = ()
    """Where a check's region is drawn in it, [x1, y1, x2, y2] in pixels of this figure, end exclusive."""
    words: tuple[PlacedWords, ...] = ()
    """Titles, names and axes that a page sets over the drawing. Figures of older versions hold theirs themselves."""
    legend: tuple[LegendEntry, ...] = ()
    rows: tuple[tuple[Percent, Percent], ...] = ()
    """Where each row of a sheet begins and how tall it is, in percent of the height: what it shows stands beside it."""
