"""What belongs to a drawing and is no part of it, as a page sets it: words over it, a legend under it."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.records import Picture, PlacedWords
from auditor.reports._words import plain


@dataclass(frozen=True, slots=True)
class Words:
    """Words over a drawing.

    Attributes:
        text: One line.
        left, top, room: Where their line begins, its middle (of several the last's), and how wide it is, in percent of
            the figure.
        align: "left", "center" or "right" in that line.
        tone: "plain", "strong", "quiet" or "marked", which has a triangle before it.
        size: Of the letters, in points.
        lines: On how many lines they may go on.
        bottom: Middle of their last line, in percent of the figure from its lower edge.
    """

    text: str
    left: float
    top: float
    room: float
    align: str
    tone: str
    size: float
    lines: int
    bottom: float


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend.

    Attributes:
        mark: Its shape; figures.css draws each.
        colours: One, or those of a ramp from its low to its high end.
        label: What it stands for.
    """

    mark: str
    colours: tuple[str, ...]
    label: str


def words_on(picture: Picture) -> tuple[Words, ...]:
    """All words over a figure, in the order in which they are read."""
    return tuple(_placed(words) for words in picture.words)


def legend_of(picture: Picture) -> tuple[Key, ...]:
    """Its legend, in order."""
    return tuple(Key(entry.mark, entry.colours, plain(entry.label)) for entry in picture.legend)


def _placed(words: PlacedWords) -> Words:
    """With the left end of their line, whatever they are aligned to."""
    before = {"left": 0.0, "center": 0.5, "right": 1.0}[words.align] * words.room
    return Words(
        text=plain(words.text),
        left=round(words.left - before, 2),
        top=words.top,
        room=words.room,
        align=words.align,
        tone=words.tone,
        size=words.size,
        lines=words.lines,
        bottom=round(100 - words.top, 2),
    )
