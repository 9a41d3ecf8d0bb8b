"""Pictures that were enlarged from fewer pixels: found exactly, and given to others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import cv2
import numpy as np

FACTORS = (1.5, 2.0, 3.0, 4.0)
KERNELS = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
Sides = Literal["both", "height", "width"]
SIDES: tuple[Sides, ...] = ("both", "height", "width")
"""Which sides were enlarged: every second line of a video doubled leaves the width alone."""
LINES = 32
"""Rows and columns of a picture that are looked at, evenly spread."""
ROUNDING = 0.29
"""Grey levels of 255, root mean square, that rounding to 8 bits costs: √(1/12)."""
SLACK = 1.35
"""An enlarged picture may be off its enlargement by so many times what rounding costs; interpolation that overshoots
and is clipped adds to it. A picture that is merely blurred is off by more."""
FLAT = 8.0
"""Lines of smaller deviation, in grey levels, would fit any enlargement: their picture is not judged."""


@dataclass(frozen=True, slots=True)
class Enlargement:
    """How a picture was enlarged.

    Attributes:
        factor: New pixels for each old one along an enlarged side.
        kernel: Of the interpolation, a key of `KERNELS`.
        sides: Which were enlarged.
    """

    factor: float
    kernel: str
    sides: Sides = "both"

    @property
    def coarseness(self) -> float:
        """Natural logarithm of the factor, the mean over both sides."""
        return float(np.log(self.factor)) / (1 if self.sides == "both" else 2)


ENLARGEMENTS: tuple[Enlargement | None, ...] = (
    None,
    *(Enlargement(factor, kernel, sides) for sides in reversed(SIDES) for factor in FACTORS for kernel in KERNELS),
)
"""None for pictures that were not enlarged; then along one side, then along both, each from the finest to the coarsest.
"""


def enlargements(pictures: np.ndarray) -> np.ndarray:
    """Which enlargement each picture comes from: its lines are exactly what such an interpolation can give.

    An enlarged line is a linear map of fewer numbers, so it lies in the map's range; the distance to the range is
    rounding alone.

    Args:
        pictures: float (n, channels, height, width), 0..255.

    Returns:
        int (n,): place in `ENLARGEMENTS`, the coarsest that fits; along both sides before one.
    """
    rows = _fits(_lines(pictures))
    columns = _fits(_lines(pictures.swapaxes(2, 3)))
    fits: dict[Sides, tuple[np.ndarray, np.ndarray]] = {
        "width": rows,
        "height": columns,
        "both": (rows[0] & columns[0], rows[1] + columns[1]),
    }
    found = np.zeros(len(pictures), dtype=np.int64)
    for sides in SIDES:
        fitting, off = fits[sides]
        best = _coarsest(fitting, off)
        places = np.array([ENLARGEMENTS.index(Enlargement(how.factor, how.kernel, sides)) for how in _KINDS])
        taken = (found == 0) & fitting.any(axis=1)
        found[taken] = places[best[taken]]
    return found


_KINDS = tuple(Enlargement(factor, kernel) for factor in FACTORS for kernel in KERNELS)


def _lines(pictures: np.ndarray) -> np.ndarray:
    """(n, lines, width): some rows of each picture, over its channels."""
    height = pictures.shape[2]
    chosen = np.unique(np.linspace(0, height - 1, min(LINES, height)).round().astype(int))
    return np.asarray(pictures[:, :, chosen].mean(axis=1))


def _fits(lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether lines (n, lines, width) can come from each of `_KINDS`: bool (n, kinds), and how far off they are."""
    width = lines.shape[2]
    off = np.stack(
        [np.sqrt(np.square(lines - lines @ _projection(width, how)).mean(axis=(1, 2))) for how in _KINDS], axis=1
    )
    allowed = [SLACK * ROUNDING * np.sqrt(1 - _small(width, how) / width) for how in _KINDS]
    varied = lines.std(axis=2).mean(axis=1) >= FLAT
    return varied[:, None] & (off <= np.array(allowed)), off


def _coarsest(fitting: np.ndarray, off: np.ndarray) -> np.ndarray:
    """Of the kinds that fit, the one of the largest factor, and of those the least off: int (n,)."""
    factors = np.array([how.factor for how in _KINDS])
    largest = np.where(fitting, factors, 0).max(axis=1, keepdims=True)
    return np.asarray(np.where(fitting & (factors == largest), off, np.inf).argmin(axis=1))


def resampled(pictures: np.ndarray, enlargement: Enlargement) -> np.ndarray:
    """Shrunk by averaging and enlarged again: float32, same shape."""
    height, width = pictures.shape[-2:]
    changed = np.asarray(pictures, dtype=np.float32)
    if enlargement.sides != "width":
        changed = _shrunk_and_enlarged(height, enlargement) @ changed
    if enlargement.sides != "height":
        changed = changed @ _shrunk_and_enlarged(width, enlargement).T
    return np.asarray(changed, dtype=np.float32)


def _small(size: int, enlargement: Enlargement) -> int:
    """Pixels a side before the enlargement."""
    return max(1, round(size / enlargement.factor))


@cache
def _shrunk_and_enlarged(size: int, enlargement: Enlargement) -> np.ndarray:
    """(size, size): columns of pixels → the same, shrunk by averaging and enlarged."""
    small = _small(size, enlargement)
    shrink = cv2.resize(np.eye(size, dtype=np.float32), (size, small), interpolation=cv2.INTER_AREA)
    return np.asarray(_enlarging(size, enlargement) @ shrink, dtype=np.float32)


def _enlarging(size: int, enlargement: Enlargement) -> np.ndarray:
    """(size, small): OpenCV's interpolation as a matrix."""
    small = _small(size, enlargement)
    enlarge = cv2.resize(np.eye(small, dtype=np.float32), (small, size), interpolation=KERNELS[enlargement.kernel])
    return np.asarray(enlarge)


@cache
def _projection(size: int, enlargement: Enlargement) -> np.ndarray:
    """(size, size), symmetric: onto what the enlargement can give."""
    basis, _ = np.linalg.qr(_enlarging(size, enlargement).astype(np.float64))
    return np.asarray(basis @ basis.T, dtype=np.float32)
