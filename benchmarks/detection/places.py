"""Where cues and checks lie: boxes and rings, in pixels of the model's input; ends exclusive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

OVERLAP = 0.3
"""Two places are one where they share this much of the smaller. Source: METHODS, the rule by which findings merge."""

Corners = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A box, or a ring: a box with a hole.

    Attributes:
        box: (x1, y1, x2, y2).
        hole: The box left out; it lies inside `box`.
    """

    box: Corners
    hole: Corners | None = None

    @classmethod
    def read(cls, record: Mapping[str, Any] | None) -> Self | None:
        """From {"box": [...], "hole": [...] | null}; None where there is no box."""
        if record is None or record.get("box") is None:
            return None
        hole = record.get("hole")
        return cls(_corners(record["box"]), None if hole is None else _corners(hole))

    @property
    def area(self) -> int:
        """Pixels."""
        return _common(self.box, self.box) - (0 if self.hole is None else _common(self.hole, self.hole))

    def common(self, other: Place) -> int:
        """Pixels that lie in both."""
        total = _common(self.box, other.box)
        if self.hole is not None:
            total -= _common(self.hole, other.box)
        if other.hole is not None:
            total -= _common(self.box, other.hole)
        if self.hole is not None and other.hole is not None:
            total += _common(self.hole, other.hole)
        return total

    def overlaps(self, other: Place) -> bool:
        """Whether both are one place: two rings always, else by the share of the smaller."""
        if self.hole is not None and other.hole is not None:
            return True
        smaller = min(self.area, other.area)
        return smaller > 0 and self.common(other) >= OVERLAP * smaller

    def touches_the_rim_of(self, box: Corners) -> bool:
        """Whether it reaches a side of the box from within."""
        return any(edge <= limit for edge, limit in zip(self.box[:2], box[:2], strict=True)) or any(
            edge >= limit for edge, limit in zip(self.box[2:], box[2:], strict=True)
        )

    def mask(self, height: int, width: int, side: int) -> np.ndarray:
        """bool (height, width) on a map of another resolution than the model's input.

        Args:
            height: Of the map.
            width: Of the map.
            side: Height and width of the model's input, pixels.
        """
        ys = (np.arange(height) + 0.5) * side / height
        xs = (np.arange(width) + 0.5) * side / width
        mask = _within(self.box, ys, xs)
        return mask if self.hole is None else mask & ~_within(self.hole, ys, xs)


def _corners(values: Any) -> Corners:
    x1, y1, x2, y2 = (int(value) for value in values)
    return x1, y1, x2, y2


def _common(first: Corners, second: Corners) -> int:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0, width) * max(0, height)


def _within(box: Corners, ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    rows = (ys >= box[1]) & (ys < box[3])
    columns = (xs >= box[0]) & (xs < box[2])
    return np.asarray(rows[:, None] & columns[None, :])
