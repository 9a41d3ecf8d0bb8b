"""Marks that move: what is known of one, and what both ways of finding them share."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ALPHA", "LEAST_HITS", "STATIC", "MovingTag", "association_p", "enlarged", "shrunk", "shrunk_map", "window_side",
]  # fmt: skip

LONGEST = 64
"""Pixels: larger pictures are shrunk for the search."""
SIDE, LEAST_SIDE = 0.14, 5
"""Side of the square that is looked at: a share of the shorter side, at least so many pixels."""
LEAST_HITS = 5
ALPHA = 0.01
STATIC = 1.5
"""Pixels: copies that lie closer together than this (standard deviation) are one static overlay, found elsewhere."""


@dataclass(frozen=True, slots=True)
class MovingTag:
    """A patch that is copied to different places.

    Attributes:
        colour: float32 (channels, height, width), 0..255.
        alpha: float32 (height, width): 1 where the copies repeat each other.
        label: The class that carries it.
        present: bool (n,): pictures that hold a copy.
        corners: int (n, 2): x, y of the copy; -1 where there is none.
        p: Fisher's exact p that copies go with the class, times the number of windows tried (Holm).
        found_by: "copies" (pixels that repeat) or "colour" (a plain silhouette that repeats).
    """

    colour: NDArray[np.float32]
    alpha: NDArray[np.float32]
    label: int
    present: NDArray[np.bool_]
    corners: NDArray[np.int64]
    p: float
    found_by: str


def shrunk(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
    """(n, height, width, channels) float32, the longer side at most `LONGEST`; and by how much they were shrunk."""
    planes = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).astype(np.float32)
    longest = max(planes.shape[1:3])
    if longest <= LONGEST:
        return planes, 1.0
    factor = LONGEST / longest
    size = (max(1, round(planes.shape[2] * factor)), max(1, round(planes.shape[1] * factor)))
    smaller = [np.atleast_3d(cv2.resize(plane, size, interpolation=cv2.INTER_AREA)) for plane in planes]
    return np.stack(smaller), factor


def window_side(height: int, width: int) -> int:
    """Side of the square around a place of high attention, in the shrunk pictures."""
    return max(LEAST_SIDE, round(SIDE * min(height, width)))


def shrunk_map(plane: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """A map, (height, width), in the size of the shrunk pictures."""
    if plane.shape == (height, width):
        return plane
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))


def association_p(hits: NDArray[np.bool_], classes: NDArray[np.int64], label: int) -> float:
    """Fisher's exact one-sided p that copies go with the class; one of them is a hit by construction.

    Args:
        hits: bool (n,).
        classes: int (n,).
    """
    from scipy import stats

    own = classes == label
    inside = max(0, int(hits[own].sum()) - 1)
    table = np.array([[inside, max(0, int(own.sum()) - 1 - inside)], [hits[~own].sum(), (~hits)[~own].sum()]])
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


def enlarged(
    colour: NDArray[np.float32],
    alpha: NDArray[np.float32],
    corners: NDArray[np.int64],
    present: NDArray[np.bool_],
    label: int,
    p: float,
    factor: float,
    found_by: str,
) -> MovingTag:
    """Back to the pixels of the pictures given."""
    if factor < 1:
        size = (max(1, round(alpha.shape[1] / factor)), max(1, round(alpha.shape[0] / factor)))
        colour = np.atleast_3d(np.asarray(cv2.resize(colour, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32))
        alpha = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)
        corners = np.where(corners >= 0, np.round(corners / factor), -1).astype(np.int64)
    plane = np.ascontiguousarray(colour.transpose(2, 0, 1)).astype(np.float32)
    return MovingTag(plane, alpha.astype(np.float32), label, present, corners, p, found_by)
