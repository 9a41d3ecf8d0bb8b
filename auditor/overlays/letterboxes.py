"""Letterboxes and frames: uniform strips along the sides of a picture, with a straight inner edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Letterbox", "find_letterboxes"]

FLAT = 6.0
"""A strip is uniform where its standard deviation is below this, in grey levels of 255."""
LARGEST_SHARE = 0.35
"""A strip is at most this share of the side: a picture that is uniform beyond is just plain."""
LEAST_WIDTH = 2
"""Pixels."""
EDGE_STEP = 8.0
"""Grey levels by which the picture must differ from the strip where it begins."""
EDGE_SHARE = 0.75
"""Share of the strip's length along which it must: a sky is as uniform, but ends wherever something rises into it.
[measured: of 299 clean photos 17 % end in a uniform strip and .3 % in one with such an edge; of planted bars 87 to 97 %
are found]"""
_SIDES = ("top", "bottom", "left", "right")


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Uniform strips on one side.

    Attributes:
        side: top, bottom, left or right.
        width: Median width in the pictures that have one, pixels.
        present: bool (n,).
    """

    side: str
    width: int
    present: NDArray[np.bool_]


def find_letterboxes(images: NDArray[np.uint8]) -> list[Letterbox]:
    """Strips of almost one value along a side, at least two pixels wide and cut off straight; most pictures first.

    A strip next to a picture that is as dark or as bright as itself has no edge and is not found.

    Args:
        images: uint8 (n, channels, height, width).
    """
    grey = images.astype(np.float32).mean(axis=1)
    found = []
    for side in _SIDES:
        widths = np.array([_strip(_from(side, image)) for image in grey])
        present = widths >= LEAST_WIDTH
        if present.any():
            found.append(Letterbox(side, int(np.median(widths[present])), present))
    return sorted(found, key=lambda item: (-int(item.present.sum()), _SIDES.index(item.side)))


def _from(side: str, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture turned so that the side is row 0."""
    turned = {"top": image, "bottom": image[::-1], "left": image.T, "right": image[:, ::-1].T}
    return turned[side]


def _strip(image: NDArray[np.float32]) -> int:
    """Rows from the first that are uniform together; 0 without a straight edge, or where the picture is just plain."""
    most = int(LARGEST_SHARE * len(image))
    rows = np.arange(1, most + 2)
    counts = rows * image.shape[1]
    sums = image[: most + 1].sum(axis=1, dtype=np.float64).cumsum()
    squares = (image[: most + 1].astype(np.float64) ** 2).sum(axis=1).cumsum()
    deviation = np.sqrt(np.maximum(squares / counts - (sums / counts) ** 2, 0))
    flat = deviation < FLAT
    width = most + 1 if flat.all() else int(flat.argmin())
    if not LEAST_WIDTH <= width <= most:
        return 0
    # the row between may be half strip, half picture
    beyond = image[min(width + 1, len(image) - 1)]
    edge = np.abs(beyond - image[width - 1]) > EDGE_STEP
    return width if edge.mean() >= EDGE_SHARE else 0
