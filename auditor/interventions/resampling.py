"""Pictures that were enlarged from fewer pixels: found exactly, and given to others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

FACTORS = (1.5, 2.0, 3.0, 4.0)
KERNELS = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
ROWS = 32
"""Rows of a picture that are looked at, evenly spread."""
ROUNDING = 0.29
"""Grey levels of 255, root mean square, that rounding to 8 bits costs: √(1/12)."""
SLACK = 1.35
"""An enlarged picture may be off its enlargement by so many times what rounding costs; interpolation that overshoots
and is clipped adds to it. A picture that is merely blurred is off by more."""
FLAT = 8.0
"""Rows of smaller deviation, in grey levels, would fit any enlargement: their picture is not judged."""


@dataclass(frozen=True, slots=True)
class Enlargement:
    """How a picture was enlarged.

    Attributes:
        factor: Old pixels per new pixel on a side.
        kernel: Of the interpolation, a key of `KERNELS`.
    """

    factor: float
    kernel: str


ENLARGEMENTS: tuple[Enlargement | None, ...] = (
    None,
    *(Enlargement(factor, kernel) for factor in FACTORS for kernel in KERNELS),
)
"""None for pictures that were not enlarged; then from the finest to the coarsest."""


def enlargements(pictures: np.ndarray) -> np.ndarray:
    """Which enlargement each picture comes from: its rows are exactly what such an interpolation can give.

    An enlarged row is a linear map of fewer numbers, so it lies in the map's range; the distance to the range is
    rounding alone.

    Args:
        pictures: float (n, channels, height, width), 0..255.

    Returns:
        int (n,): place in `ENLARGEMENTS`, the coarsest that fits.
    """
    height, width = pictures.shape[-2:]
    chosen = np.unique(np.linspace(0, height - 1, min(ROWS, height)).round().astype(int))
    rows = pictures[:, :, chosen].mean(axis=1)
    found = np.zeros(len(pictures), dtype=np.int64)
    least, factors = np.full(len(pictures), np.inf), np.ones(len(pictures))
    varied = rows.std(axis=2).mean(axis=1) >= FLAT
    for place, enlargement in enumerate(ENLARGEMENTS):
        if enlargement is not None:
            off = np.sqrt(np.square(rows - rows @ _projection(width, enlargement)).mean(axis=(1, 2)))
            allowed = SLACK * ROUNDING * np.sqrt(1 - _small(width, enlargement) / width)
            better = (off < least) | (enlargement.factor > factors)
            taken = varied & (off <= allowed) & better
            found[taken], least[taken], factors[taken] = place, off[taken], enlargement.factor
    return found


def resampled(pictures: np.ndarray, enlargement: Enlargement) -> np.ndarray:
    """Shrunk by averaging and enlarged again: float32, same shape."""
    height, width = pictures.shape[-2:]
    down, across = _shrunk_and_enlarged(height, enlargement), _shrunk_and_enlarged(width, enlargement)
    return np.asarray(down @ pictures.astype(np.float32) @ across.T, dtype=np.float32)


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
