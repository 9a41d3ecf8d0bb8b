"""Which pixels an overlay covers, how strongly, and whether it brightens: measured on the images that carry it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.overlays.features import FloatImages, sign_planes

__all__ = ["Strokes", "trace"]

_MARGIN = 4
"""Pixels around the region that belong to the picture beneath."""
_DEVIATIONS = 3.3
"""A coin agrees that well at one pixel in a thousand."""
_LEAST_AGREEMENT = 0.5
"""Share of the carrying images, beyond opposite ones, whose gradient must point the same way."""
_INSIDE = 0.4
"""Share of the overlay's full brightness, restored from its outlines, from which a pixel belongs to it."""
_FAINTEST = 8.0
"""Grey levels: what stands out less is chance agreement."""
_CONSTANT = 4.0
"""Grey levels (median absolute deviation) within which a covered pixel repeats itself, compression included."""
_VARIED = 12.0
"""Grey levels that the same pixel must vary by without the overlay, for repeating to mean something."""
_ENOUGH = 5
"""Images from which a spread is estimated."""


@dataclass(frozen=True, slots=True)
class Strokes:
    """What the overlay paints.

    Attributes:
        mask: bool (height, width), covered pixels.
        opacity: 0 to 1, estimated from how much less the covered pixels vary; None where that cannot be said.
        polarity: "brighter", "darker" or "mixed", against what surrounds the strokes.
        repeated_share: Of the covered pixels, the share that has one value in the carrying images and others elsewhere.
    """

    mask: NDArray[np.bool_]
    opacity: float | None
    polarity: str
    repeated_share: float


def trace(grey: FloatImages, present: NDArray[np.bool_], region: NDArray[np.bool_]) -> Strokes:
    """Restore what the carrying images share in a region from its outlines.

    Args:
        grey: All images, shape (n, height, width).
        present: bool (n,), the images that carry it.
        region: bool (height, width), where it was found.

    Source: the median of gradients and its integration, Weiss, "Deriving intrinsic images from image sequences", ICCV
    2001; for watermarks Dekel et al., CVPR 2017
    """
    height, width = region.shape
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    around = np.s_[
        max(0, rows[0] - _MARGIN) : min(height, rows[-1] + 1 + _MARGIN),
        max(0, columns[0] - _MARGIN) : min(width, columns[-1] + 1 + _MARGIN),
    ]
    near = grey[(slice(None), *around)]
    within = region[around]
    right, down = _shared_gradients(near, present, within)
    painted = _integrated(right, down, within)
    edges = (right != 0) | (down != 0)
    inside = np.abs(painted) >= _INSIDE * max(float(np.abs(painted).max()), _FAINTEST)
    repeated = _repeated(near, present) & within
    covered = ((inside & within) | repeated).astype(np.uint8)
    closed = np.asarray(cv2.morphologyEx(covered, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), np.uint8)
    local = _without_specks(_filled(closed) & within, edges)
    mask = np.zeros(region.shape, bool)
    mask[around] = local
    free = ~cv2.dilate(local.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    free &= cv2.dilate(local.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    return Strokes(
        mask,
        _opacity(near, present, local, free),
        _polarity(painted[local]),
        repeated[local].mean() if local.any() else 0.0,
    )


def _shared_gradients(
    grey: FloatImages, present: NDArray[np.bool_], within: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median change to the right and downwards where the carrying images agree on its sign, else 0."""
    signs = sign_planes(grey)
    votes, voters = _counted(signs[present])
    agreed = (np.abs(votes) >= _DEVIATIONS * np.sqrt(np.maximum(voters, 1))) & (
        np.abs(votes) >= _LEAST_AGREEMENT * present.sum()
    )
    absent = ~present
    if absent.sum() >= max(8, 0.3 * present.size):
        # What the other images share as well is the scene.
        others, _ = _counted(signs[absent])
        agreed &= np.abs(votes / present.sum() - others / absent.sum()) >= _LEAST_AGREEMENT
    carrying = grey[present]
    right, down = np.zeros(within.shape), np.zeros(within.shape)
    right[:, :-1] = np.median(np.diff(carrying, axis=2), axis=0)
    down[:-1] = np.median(np.diff(carrying, axis=1), axis=0)
    return right * (agreed[0] & within), down * (agreed[1] & within)


def _counted(signs: NDArray[np.int8]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    return signs.sum(axis=0, dtype=np.int32), np.abs(signs).sum(axis=0, dtype=np.int32)


def _integrated(
    right: NDArray[np.float64], down: NDArray[np.float64], within: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The picture whose forward differences come nearest to those given; 0 at what lies outside the region."""
    from scipy.fft import dctn, idctn

    height, width = right.shape
    divergence = right + down
    divergence[:, 1:] -= right[:, :-1]
    divergence[1:] -= down[:-1]
    waves = 2 * np.cos(np.pi * np.arange(height) / height)[:, None] + 2 * np.cos(np.pi * np.arange(width) / width) - 4
    waves[0, 0] = 1
    spectrum = dctn(divergence, type=2, norm="ortho") / waves
    spectrum[0, 0] = 0
    picture = np.asarray(idctn(spectrum, type=2, norm="ortho"))
    outside = ~within
    if outside.sum() < 4:
        outside = np.ones(within.shape, bool)
        outside[1:-1, 1:-1] = False
    ground: NDArray[np.float64] = picture - np.median(picture[outside])
    return ground


def _spread(grey: FloatImages) -> NDArray[np.float32]:
    """Median absolute deviation over images, shape (height, width)."""
    return np.asarray(np.median(np.abs(grey - np.median(grey, axis=0)), axis=0), np.float32)


def _repeated(grey: FloatImages, present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels that repeat themselves in the carrying images and vary otherwise: an opaque overlay's."""
    carrying, absent = _spread(grey[present]), ~present
    if absent.sum() >= _ENOUGH:
        moved = np.abs(np.median(grey[present], axis=0) - np.median(grey[absent], axis=0))
        otherwise = np.maximum(_spread(grey[absent]), moved)
    else:
        otherwise = np.full_like(carrying, np.median(carrying))
    repeated: NDArray[np.bool_] = (carrying <= _CONSTANT) & (otherwise >= _VARIED)
    return repeated


def _filled(covered: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Fill enclosed holes, but none larger than what encloses it: the inside of a frame is the picture."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - covered, connectivity=4)
    height, width = covered.shape
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    right, bottom = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
    enclosed = (left > 0) & (top > 0) & (right < width) & (bottom < height)
    hole = enclosed & (stats[:, cv2.CC_STAT_AREA] <= covered.sum())
    hole[0] = False
    filled: NDArray[np.bool_] = (covered > 0) | hole[labels]
    return filled


def _without_specks(mask: NDArray[np.bool_], edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave out parts of one or two pixels, and parts without a shared edge, unless nothing else is left."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    touched = np.bincount(labels[cv2.dilate(edges.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0], minlength=count)
    keep = (stats[:, cv2.CC_STAT_AREA] >= 3) & (touched > 0)
    keep[0] = False
    kept: NDArray[np.bool_] = keep[labels]
    return kept if kept.any() else mask


def _opacity(
    grey: FloatImages, present: NDArray[np.bool_], mask: NDArray[np.bool_], free: NDArray[np.bool_]
) -> float | None:
    """1 − spread under the overlay / spread without it: (1 − α) x + α w spreads as (1 − α) x does."""
    absent = ~present
    if not mask.any() or present.sum() < _ENOUGH:
        return None
    if absent.sum() >= _ENOUGH:
        without = float(np.median(_spread(grey[absent])[mask]))
    elif free.any():
        without = float(np.median(_spread(grey[present])[free]))
    else:
        return None
    covered = float(np.median(_spread(grey[present])[mask]))
    return float(np.clip(1 - covered / without, 0, 1)) if without >= _VARIED / 2 else None


def _polarity(painted: NDArray[np.float64]) -> str:
    if painted.size == 0 or abs(painted.mean()) < 0.5 * np.abs(painted).mean():
        return "mixed"
    return "brighter" if painted.mean() > 0 else "darker"
