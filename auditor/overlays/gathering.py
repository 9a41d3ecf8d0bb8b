"""Searches the picture window by window for pinned structures, and joins the windows that show one overlay."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.overlays.features import Planes
from auditor.overlays.pinning import SCOUTING, THOROUGH, Pinning, Placed, Window, compare, pin

__all__ = ["SAME_IMAGES", "Mask", "Search", "bounding_box", "dilated", "jaccard"]

_WINDOWS = 7
"""Windows along the shorter side, not counting their overlap."""
SAME_IMAGES = 0.6
"""Two regions show one overlay when the images that carry it agree at least so (Jaccard)."""
_SCOUTS = 128
"""Images that look for regions; all images are then compared in them."""
_LEAST_WINDOW = 8
"""Pixels."""

Mask = NDArray[np.bool_]


class Search:
    """One look at all images, window by window.

    Attributes:
        placed: All images; the few that scout are drawn from them.
    """

    def __init__(self, planes: Planes, *, seed: int, agreement: float, share: float) -> None:
        """Prepare the search.

        Args:
            planes: What the images may agree on, at the size at which pixels are compared.
            seed: Draws start here.
            agreement: Least agreement of an image with an overlay, see `Effort`.
            share: Least share of pinned images, see `Effort`.
        """
        self.placed = Placed(planes, replace(THOROUGH, agreement=agreement, share=share), seed=seed)
        self._few = np.sort(np.random.default_rng(seed).permutation(len(planes))[:_SCOUTS])
        self._scouts = Placed(planes[self._few], replace(SCOUTING, agreement=agreement, share=share), seed=seed)

    def regions(self, candidates: Mask) -> list[tuple[Mask, Pinning]]:
        """Regions made of windows that touch and show the same images, and how all images fit there.

        Args:
            candidates: bool (height, width), where screening found agreement; other windows are left out.
        """
        height, width = candidates.shape
        side = max(_LEAST_WINDOW, min(height, width) // _WINDOWS)
        windows = [
            (slice(top, min(top + side, height)), slice(left, min(left + side, width)))
            for top in _starts(height, side)
            for left in _starts(width, side)
        ]
        hits = self._hits([window for window in windows if candidates[window].any()], candidates.shape)
        settled = []
        for region, pinning in self._repinned(_merged(hits, reach=side // 2)):
            grown = _grown(self.placed, region, pinning, windows, reach=side // 2)
            settled.append((grown, pinning.present))
        return self._repinned(_merged(settled, reach=side // 2))

    def holds(self, region: Mask, images: Mask) -> bool:
        """Whether some images still share something to the pixel when only this region is looked at."""
        return bool(region.any()) and bool(self._repinned([(region, images)]))

    def _hits(self, windows: list[Window], shape: tuple[int, ...]) -> list[tuple[Mask, Mask]]:
        """Windows in which the scouts found something, as regions, and the scouts that carry it."""
        hits = []
        for window in windows:
            pinning = pin(self._scouts, window)
            if self._scouts.is_overlay(pinning):
                images = np.zeros(self.placed.count, bool)
                images[self._few] = pinning.present
                hits.append((_region(shape, window), images))
        return hits

    def _repinned(self, groups: list[tuple[Mask, Mask]]) -> list[tuple[Mask, Pinning]]:
        """Compare all images in each region; regions that are no overlay then are left out."""
        kept = []
        for region, images in groups:
            x1, y1, x2, y2 = bounding_box(region)
            window = (slice(y1, y2), slice(x1, x2))
            pinning = pin(self.placed, window, region=region[window], start=images)
            if self.placed.is_overlay(pinning):
                kept.append((region, pinning))
        return kept


def bounding_box(mask: Mask) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 around what is set, far edges exclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def dilated(mask: Mask, reach: int) -> Mask:
    """The mask and all within `reach` pixels, diagonals included."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)).astype(bool)


def jaccard(first: Mask, second: Mask) -> float:
    """Shared over all, 0 to 1."""
    return float((first & second).sum() / max(int((first | second).sum()), 1))


def _grown(placed: Placed, region: Mask, pinning: Pinning, windows: list[Window], *, reach: int) -> Mask:
    """Add neighbouring windows in which the same images are pinned as well: a frame's sides, a long line of text."""
    left = [window for window in windows if not region[window].all()]
    grown = True
    while grown:
        near = dilated(region, reach)
        touching = [window for window in left if near[window].any()]
        grown = False
        for window in touching:
            left.remove(window)
            there = compare(placed, window, pinning.present)
            if placed.is_overlay(there) and jaccard(there.present, pinning.present) >= SAME_IMAGES:
                region = region | _region(region.shape, window)
                grown = True
    return region


def _merged(found: list[tuple[Mask, Mask]], *, reach: int) -> list[tuple[Mask, Mask]]:
    """Join regions that touch within `reach` pixels and show the same images; (region, images) pairs."""
    groups: list[tuple[Mask, Mask]] = []
    for region, present in sorted(found, key=lambda item: -int(item[1].sum())):
        joined, images = region, present
        apart = []
        for other, others in groups:
            if bool(dilated(joined, reach)[other].any()) and jaccard(images, others) >= SAME_IMAGES:
                joined, images = joined | other, images | others
            else:
                apart.append((other, others))
        groups = [*apart, (joined, images)]
    return groups


def _starts(length: int, window: int) -> list[int]:
    """First pixels of windows that overlap by a third, the last window flush with the end."""
    last = max(length - window, 0)
    return sorted({*range(0, last, max(2 * window // 3, 1)), last})


def _region(shape: tuple[int, ...], window: Window) -> Mask:
    region = np.zeros(shape, bool)
    region[window] = True
    return region
