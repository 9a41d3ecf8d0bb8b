"""Tags that move: small patches that are copied, pixel by pixel, to different places of many pictures of one class."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.overlays.moving_tag import (
    ALPHA,
    LEAST_HITS,
    STATIC,
    MovingTag,
    association_p,
    enlarged,
    shrunk,
    shrunk_map,
    window_side,
)

__all__ = ["find_moving_tags"]

_WINDOWS = 4
"""Windows of the highest attention taken from each picture."""
_ALIKE = 0.9
"""Normalised cross-correlation from which two windows are copies."""
_EXACT = 14.0
"""Mean absolute difference, grey levels, up to which they are: edges correlate with edges, copies repeat values."""
_PLAIN = 14.0
"""Windows that vary less, grey levels, hold nothing to recognise."""
_STEADY, _VARIED = 14.0, 20.0
"""Standard deviation over aligned copies below which a pixel belongs to the tag, and above which its surroundings must
vary for that to mean something."""


@dataclass(frozen=True, slots=True)
class _Window:
    picture: int
    x: int
    y: int
    pixels: NDArray[np.float32]


def find_moving_tags(
    images: NDArray[np.uint8],
    attention: NDArray[np.float32],
    classes: NDArray[np.int64],
    members: NDArray[np.int64],
    *,
    most: int = 2,
) -> list[MovingTag]:
    """Look for windows of high attention that other pictures of the class hold as well, and other classes do not.

    Args:
        images: (n, channels, height, width).
        attention: (n, height, width), non-negative: where the model looks.
        classes: int (n,), as predicted.
        members: Indices that the tag is discovered in (half A); presence is then looked up in all pictures.
        most: Tags returned at most, the most frequent first.
    """
    from statsmodels.stats.multitest import multipletests

    pictures, factor = shrunk(images)
    height, width = pictures.shape[1:3]
    side = window_side(height, width)
    if side * 2 > min(height, width):
        return []
    windows = [w for i in members for w in _windows(int(i), pictures[i], shrunk_map(attention[i], width, height), side)]
    if not windows:
        return []
    found: list[MovingTag] = []
    hits = np.stack([_hits(window, pictures[members])[0] for window in windows])
    ps = np.array(
        [association_p(row, classes[members], classes[w.picture]) for row, w in zip(hits, windows, strict=True)]
    )
    adjusted = multipletests(ps, method="holm")[1]
    used = np.zeros(len(windows), dtype=bool)
    order = np.lexsort((-hits.sum(axis=1), adjusted))
    for index in order:
        if len(found) == most or adjusted[index] > ALPHA:
            break
        if used[index] or hits[index].sum() < LEAST_HITS:
            continue
        window = windows[index]
        tag = _described(images, pictures, window, classes, members, factor, float(adjusted[index]))
        used |= (hits & hits[index]).sum(axis=1) >= 0.5 * np.maximum(hits.sum(axis=1), 1)
        if tag is not None:
            found.append(tag)
    return found


def _windows(picture: int, pixels: NDArray[np.float32], attention: NDArray[np.float32], side: int) -> Iterator[_Window]:
    """The windows of highest attention that hold something, none overlapping by half."""
    mass = cv2.boxFilter(attention, -1, (side, side), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
    mass = mass[: mass.shape[0] - side + 1, : mass.shape[1] - side + 1].copy()
    taken = 0
    while taken < _WINDOWS and mass.max() > 0:
        y, x = np.unravel_index(int(mass.argmax()), mass.shape)
        mass[max(0, y - side // 2) : y + side // 2 + 1, max(0, x - side // 2) : x + side // 2 + 1] = 0
        window = pixels[y : y + side, x : x + side]
        taken += 1
        if float(window.std(axis=(0, 1)).max()) >= _PLAIN:
            yield _Window(picture, int(x), int(y), np.ascontiguousarray(window))


def _hits(window: _Window, pictures: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which pictures hold a copy, and where its upper left pixel lies."""
    found = np.zeros(len(pictures), dtype=bool)
    places = np.full((len(pictures), 2), -1)
    count, height, width = pictures.shape[:3]
    side = window.pixels.shape[0]
    # one long strip of all pictures: windows that reach into the next one are left out again
    scores = cv2.matchTemplate(pictures.reshape(count * height, width, -1), window.pixels, cv2.TM_CCOEFF_NORMED)
    rows, columns = height - side + 1, width - side + 1
    own = (np.arange(count)[:, None] * height + np.arange(rows)).ravel()
    fits = np.nan_to_num(scores[own]).reshape(count, rows * columns)
    best = fits.argmax(axis=1)
    for index in np.flatnonzero(fits.max(axis=1) >= _ALIKE):
        y, x = divmod(int(best[index]), columns)
        found[index] = float(np.abs(pictures[index, y : y + side, x : x + side] - window.pixels).mean()) <= _EXACT
        places[index] = (x, y) if found[index] else (-1, -1)
    return found, places


def _described(
    images: NDArray[np.uint8],
    pictures: NDArray[np.float32],
    window: _Window,
    classes: NDArray[np.int64],
    members: NDArray[np.int64],
    factor: float,
    p: float,
) -> MovingTag | None:
    """The whole patch, grown around the window as far as its copies repeat each other; None where it does not move."""
    present, places = _hits(window, pictures)
    discovered = np.zeros(len(pictures), dtype=bool)
    discovered[members] = present[members] & (classes[members] == classes[window.picture])
    if discovered.sum() < LEAST_HITS or max(places[discovered].std(axis=0)) < STATIC:
        return None
    side = window.pixels.shape[0]
    grown = side
    stack = _aligned(pictures, places, np.flatnonzero(discovered), side, grown)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a pixel that lies beyond every picture has no copies
        spread = np.nanmean(np.nanstd(stack, axis=0), axis=2)
        middles = np.nanmedian(stack, axis=0)
    outer = np.ones_like(spread, dtype=bool)
    outer[grown : grown + side, grown : grown + side] = False
    if float(np.nanmedian(spread[outer])) < _VARIED:
        return None
    steady = (spread < _STEADY).astype(np.uint8)
    _, parts = cv2.connectedComponents(steady)
    centre = (slice(grown, grown + side), slice(grown, grown + side))
    labels = np.unique(parts[centre][steady[centre] > 0])
    mask = np.isin(parts, labels[labels > 0])
    if not mask.any():
        return None
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (xs[0], ys[0], xs[-1] + 1, ys[-1] + 1)
    middle = middles[box[1] : box[3], box[0] : box[2]]
    alpha = mask[box[1] : box[3], box[0] : box[2]].astype(np.float32)
    corners = np.where(places >= 0, places - grown + np.asarray(box[:2]), -1)
    return enlarged(np.nan_to_num(middle), alpha, corners, present, int(classes[window.picture]), p, factor, "copies")


def _aligned(
    pictures: NDArray[np.float32], places: NDArray[np.int64], rows: NDArray[np.int64], side: int, grown: int
) -> NDArray[np.float32]:
    """Windows around the copies, NaN beyond the pictures: (copies, side + 2 grown, side + 2 grown, channels)."""
    margin = ((0, 0), (grown, grown), (grown, grown), (0, 0))
    padded = np.pad(pictures[rows], margin, constant_values=np.nan)
    reach = side + 2 * grown
    return np.stack([plane[y : y + reach, x : x + reach] for plane, (x, y) in zip(padded, places[rows], strict=True)])
