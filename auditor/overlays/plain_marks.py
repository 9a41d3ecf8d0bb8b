"""Plain marks that move: stickers, tape and boxes of one colour, whose outline repeats in pictures of one class.

What copies of a plain mark share is a colour and an outline; their pixels correlate with any other plain surface, so
that templates do not find them. Objects of one colour repeat their colour, not their outline.
"""

from __future__ import annotations

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

__all__ = ["find_plain_marks"]

_NEAR = 24.0
"""Grey levels, in the channel that differs most, up to which a pixel has the mark's colour."""
_SPOTS = 4
"""Places of the highest attention whose colours are taken from each picture."""
_COLOURS = 2
"""Taken at each place, the most frequent first: a mark and what lies beside it."""
_LEAST_PIXELS, _LEAST_WIDTH = 8, 3
_LARGEST, _LONGEST_SHARE = 0.12, 0.5
"""Of the picture's area, and of its sides."""
_AREA, _REACH = 1.8, 0.35
"""Silhouettes are compared where their areas differ by at most this factor, and their sides by at most this share."""
_ALIKE = 0.75
"""Intersection over union of two silhouettes from which they are copies."""
_TYPICAL = 0.85
"""Median over the copies: outlines of objects of one colour reach .6 to .82 on drawn shapes, copies .89 to .98."""


@dataclass(frozen=True, slots=True)
class _Silhouette:
    """A connected area of one colour: `mask` is bool (rows, columns), its upper left pixel lies at x, y."""

    colour: NDArray[np.float32]
    mask: NDArray[np.bool_]
    x: int
    y: int


def find_plain_marks(
    images: NDArray[np.uint8],
    attention: NDArray[np.float32],
    classes: NDArray[np.int64],
    members: NDArray[np.int64],
    *,
    most: int = 2,
) -> list[MovingTag]:
    """Look for areas of one colour at high attention that other pictures of the class repeat, and other classes do not.

    Args:
        images: (n, channels, height, width).
        attention: (n, height, width), non-negative: where the model looks.
        classes: int (n,), as predicted.
        members: Indices that the mark is discovered in (half A); presence is then looked up in all pictures.
        most: Marks returned at most, the most frequent first.
    """
    from statsmodels.stats.multitest import multipletests

    pictures, factor = shrunk(images)
    height, width = pictures.shape[1:3]
    candidates: list[tuple[_Silhouette, int]] = []
    for i in members:
        for seen in _silhouettes(pictures[i], shrunk_map(attention[i], width, height)):
            if not any(label == classes[i] and _same(seen, other) for other, label in candidates):
                candidates.append((seen, int(classes[i])))
    if not candidates:
        return []
    searched = pictures[members]
    fits = np.stack([_fits(seen, searched, classes[members] == label)[0] for seen, label in candidates])
    hits = fits >= _ALIKE
    ps = [association_p(row, classes[members], label) for row, (_, label) in zip(hits, candidates, strict=True)]
    adjusted = multipletests(ps, method="holm")[1]
    found: list[MovingTag] = []
    used = np.zeros(len(candidates), dtype=bool)
    for index in np.lexsort((-hits.sum(axis=1), adjusted)):
        if len(found) == most or adjusted[index] > ALPHA:
            break
        row = hits[index]
        if used[index] or row.sum() < LEAST_HITS or float(np.median(fits[index][row])) < _TYPICAL:
            continue
        seen, label = candidates[index]
        tag = _described(seen, label, pictures, members, classes, factor, float(adjusted[index]))
        if tag is not None:
            used |= (hits & row).sum(axis=1) >= 0.5 * np.maximum(hits.sum(axis=1), 1)
            found.append(tag)
    return found


def _silhouettes(picture: NDArray[np.float32], attention: NDArray[np.float32]) -> Iterator[_Silhouette]:
    """Areas of one colour at the places of highest attention, of the size that a mark has."""
    height, width = attention.shape
    reach = window_side(height, width) // 2
    mass = cv2.blur(attention, (3, 3))
    for _ in range(_SPOTS):
        y, x = np.unravel_index(int(mass.argmax()), mass.shape)
        if mass[y, x] <= 0:
            return
        spot = (slice(max(0, y - reach), y + reach + 1), slice(max(0, x - reach), x + reach + 1))
        mass[spot] = 0
        for colour in _colours(picture[spot].reshape(-1, picture.shape[2])):
            parts, boxes = _parts(_near(picture, colour))
            inside = parts[spot][parts[spot] > 0]
            if not inside.size:
                continue
            part = int(np.bincount(inside).argmax())
            left, top, wide, tall, area = (int(value) for value in boxes[part])
            small = area <= _LARGEST * height * width and max(wide / width, tall / height) <= _LONGEST_SHARE
            if small and area >= _LEAST_PIXELS and min(wide, tall) >= _LEAST_WIDTH:
                yield _Silhouette(colour, parts[top : top + tall, left : left + wide] == part, left, top)


def _colours(pixels: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """The colours that most pixels of (count, channels) share."""
    together = np.abs(pixels[:, None] - pixels[None]).max(axis=2) <= _NEAR / 2
    left = np.ones(len(pixels), dtype=bool)
    for _ in range(_COLOURS):
        votes = (together & left[None] & left[:, None]).sum(axis=1)
        first = int(votes.argmax())
        if votes[first] < _LEAST_PIXELS // 2:
            return
        colour = np.median(pixels[together[first] & left], axis=0)
        left &= ~_near(pixels, colour)
        yield colour


def _near(pixels: NDArray[np.float32], colour: NDArray[np.float32]) -> NDArray[np.bool_]:
    near = np.ones(pixels.shape[:-1], dtype=bool)
    for channel, value in enumerate(colour):  # several times as fast as the largest of all channels
        near &= np.abs(pixels[..., channel] - value) <= _NEAR
    return near


def _parts(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Connected areas, numbered from 1, and x, y, width, height, area of each number."""
    _, parts, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    return np.asarray(parts), np.asarray(boxes)


def _same(first: _Silhouette, second: _Silhouette) -> bool:
    """Whether asking for one finds the other as well."""
    ratio = first.mask.sum() / second.mask.sum()
    return bool(np.abs(first.colour - second.colour).max() <= _NEAR / 2 and 2 / 3 < ratio < 3 / 2)


def _fits(
    seen: _Silhouette, pictures: NDArray[np.float32], own: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How well each picture's best area repeats the silhouette, 0 to 1, and its upper left pixel, -1 where none does.

    Args:
        own: bool (n,): pictures of the class. Where too few of them hold enough of the colour, nobody is looked at.
    """
    scores, places = np.zeros(len(pictures)), np.full((len(pictures), 2), -1)
    near = _near(pictures, seen.colour)
    able = near.sum(axis=(1, 2)) >= seen.mask.sum() / _AREA
    if own is not None and (able & own).sum() < LEAST_HITS:
        return scores, places
    rows, columns = seen.mask.shape
    for index in np.flatnonzero(able):
        parts, boxes = _parts(near[index])
        alike = (
            (boxes[:, 4] >= seen.mask.sum() / _AREA)
            & (boxes[:, 4] <= seen.mask.sum() * _AREA)
            & (np.abs(boxes[:, 2] - columns) <= max(1, _REACH * columns))
            & (np.abs(boxes[:, 3] - rows) <= max(1, _REACH * rows))
        )
        alike[0] = False
        for part in np.flatnonzero(alike):
            x, y, wide, tall = (int(value) for value in boxes[part][:4])
            score = _overlap(parts[y : y + tall, x : x + wide] == part, seen.mask)
            if score > scores[index]:
                scores[index], places[index] = score, (x, y)
    return scores, places


def _overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Intersection over union with centres of mass on each other, to the pixel."""
    ys, xs = np.nonzero(first)
    others = np.nonzero(second)
    dy, dx = (round(float(b.mean() - a.mean())) for a, b in zip((ys, xs), others, strict=True))
    ys, xs = ys + dy, xs + dx
    inside = (ys >= 0) & (ys < second.shape[0]) & (xs >= 0) & (xs < second.shape[1])
    shared = int(second[ys[inside], xs[inside]].sum())
    return shared / (len(ys) + len(others[0]) - shared)


def _described(
    seen: _Silhouette,
    label: int,
    pictures: NDArray[np.float32],
    members: NDArray[np.int64],
    classes: NDArray[np.int64],
    factor: float,
    p: float,
) -> MovingTag | None:
    """The mark as seen, and where its copies lie; None where they do not move."""
    scores, corners = _fits(seen, pictures)
    present = scores >= _ALIKE
    corners[~present] = -1
    discovered = members[present[members] & (classes[members] == label)]
    if len(discovered) < LEAST_HITS or max(corners[discovered].std(axis=0)) < STATIC:
        return None
    colour = np.broadcast_to(seen.colour, (*seen.mask.shape, len(seen.colour))).astype(np.float32)
    return enlarged(colour, seen.mask.astype(np.float32), corners, present, label, p, factor, "colour")
