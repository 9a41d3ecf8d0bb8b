"""The words of a chart and its legend: no part of the drawing, so that a page sets them in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from auditor.figures.svg import to_svg
from auditor.records import LegendEntry, PlacedWords

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

    from auditor.records.pictures import LegendMark

UNDER_TICKS = 23
"""Points from an axis down to the middle of its title: ticks and their numbers lie between."""
OVER_PANEL = 10
"""Points from a panel up to the middle of its title."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, and the words that belong on and under it.

    Attributes:
        svg: Holds numbers and given names alone.
        words: Set over the drawing.
        legend: Set under it.
    """

    svg: bytes
    words: tuple[PlacedWords, ...] = ()
    legend: tuple[LegendEntry, ...] = ()


class Wording:
    """Collects the words of one figure while it is drawn; limits and places of axes must be set before."""

    def __init__(self, figure: Figure) -> None:
        self._figure = figure
        self._words: list[PlacedWords] = []
        self._legend: list[LegendEntry] = []

    def say(
        self,
        text: str,
        x: float,
        y: float,
        *,
        transform: Transform | None = None,
        align: Literal["left", "center", "right"] = "left",
        rise: float = 0,
        room: float | None = None,
        tone: Literal["plain", "strong", "quiet"] = "plain",
        size: float = 8,
    ) -> None:
        """Put one line of words on the figure; nothing for an empty one.

        Args:
            x, y: In `transform`, else in inches from the top left corner.
            rise: Points by which its middle stands higher.
            room: Inches that it may take; None: up to the figure's edge.
            size: Of its letters, in points.
        """
        if not text.strip():
            return
        wide, tall = self._figure.get_size_inches()
        if transform is not None:
            across, up = transform.transform((x, y)) / self._figure.dpi
            x, y = float(across), float(tall - up)
        left, top = (min(100.0, max(0.0, 100 * share)) for share in (x / wide, (y - rise / 72) / tall))
        free = {"left": 100 - left, "right": left, "center": 2 * min(left, 100 - left)}[align]
        taken = free if room is None else min(free, 100 * room / wide)
        self._words.append(
            PlacedWords(
                text=text, left=round(left, 2), top=round(top, 2), room=round(taken, 2), align=align, tone=tone,
                size=round(size, 2),
            )
        )  # fmt: skip

    def title(self, axes: Axes, text: str) -> None:
        """A panel's heading, at its left edge."""
        self.say(text, 0, 1, transform=axes.transAxes, rise=OVER_PANEL, tone="strong", size=8.5, room=_wide(axes))

    def across(self, axes: Axes, text: str) -> None:
        """What the horizontal axis shows, under the middle of it."""
        self.say(text, 0.5, 0, transform=axes.transAxes, rise=-UNDER_TICKS, tone="quiet", align="center")

    def upwards(self, axes: Axes, text: str) -> None:
        """What the vertical axis shows: over its upper end, where it reads without turning one's head."""
        self.say(text, 0, 1, transform=axes.transAxes, rise=OVER_PANEL, tone="quiet")

    def key(self, mark: LegendMark, colours: str | tuple[str, ...], label: str) -> None:
        """One entry of the legend; one that is there already is not repeated."""
        entry = LegendEntry(mark=mark, colours=(colours,) if isinstance(colours, str) else colours, label=label)
        if entry not in self._legend:
            self._legend.append(entry)

    def chart(self) -> Chart:
        """The figure as it is drawn now."""
        return Chart(to_svg(self._figure), tuple(self._words), tuple(self._legend))


def _wide(axes: Axes) -> float:
    return float(axes.get_position().width * axes.figure.get_figure(root=True).get_size_inches()[0])
