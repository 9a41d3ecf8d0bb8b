"""Superpixels: an image, clip or volume cut into patches of like colour, which methods switch on and off."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

__all__ = ["superpixels"]

ROUNDS = 10
"""Rounds of assigning and averaging; the paper's own number."""
COMPACTNESS = 0.5
"""Weight of distance in space, in grid steps, against distance in colour, in the image's own standard deviations."""


def superpixels(image: np.ndarray, count: int) -> np.ndarray:
    """Cut an image into about `count` patches of like colour.

    k-means over colour and place, started on a regular grid, where a pixel may only join the patches whose cells are
    around its own: nine in a picture, 27 in a clip or volume. Afterwards each patch keeps its largest connected piece;
    stray pixels join the nearest patch.

    Args:
        image: Float, shape (channels, height, width), or (channels, depth, height, width), in any units; finite.
        count: Patches wanted, at least 1. Their number is that of the nearest grid, less what ran empty.

    Returns:
        int64, shape of the image without its channels, numbered from 0 without gaps.

    Source: Achanta et al., "SLIC Superpixels", IEEE TPAMI 2012, algorithm 1, on the image's own channels.
    """
    channels, *extent = image.shape
    cells = _grid(extent, count)
    colours = image.astype(np.float64).reshape(channels, -1)
    spread = float(np.sqrt(((colours - colours.mean(axis=1, keepdims=True)) ** 2).sum(axis=0).mean()))
    at = [axis.ravel() for axis in np.indices(tuple(extent))]
    steps = [length / number for length, number in zip(extent, cells, strict=True)]
    # places in grid steps and colours in standard deviations, so that one weight serves all images
    places = np.stack([(axis + 0.5) / step for axis, step in zip(at, steps, strict=True)]) * COMPACTNESS
    features = np.concatenate((colours / spread if spread > 0 else colours * 0, places))
    own = [(axis / step).astype(np.int64) for axis, step in zip(at, steps, strict=True)]
    near = []
    for shifts in itertools.product((0, -1, 1), repeat=len(cells)):
        moved = [np.clip(cell + by, 0, most - 1) for cell, by, most in zip(own, shifts, cells, strict=True)]
        near.append(np.ravel_multi_index(tuple(moved), cells))
    labels = near[0]
    for _ in range(ROUNDS):
        centres = _means(features, labels, math.prod(cells))
        distances = np.stack([((features - centres[:, patch]) ** 2).sum(axis=0) for patch in near])
        labels = np.choose(distances.argmin(axis=0), near)
    return _connected(labels.reshape(extent))


def _grid(extent: Sequence[int], count: int) -> tuple[int, ...]:
    """How many cells along each axis, so that they are about `count` and about as long as wide."""
    cells: list[int] = []
    for axis, length in enumerate(extent):
        left = count / math.prod(cells)
        side = (math.prod(extent[axis:]) / left) ** (1 / (len(extent) - axis))
        cells.append(max(1, min(length, round(length / side))))
    return tuple(cells)


def _means(features: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Mean feature of each patch, shape (features, count); infinitely far where a patch ran empty."""
    sizes = np.bincount(labels, minlength=count)
    sums = np.stack([np.bincount(labels, weights=row, minlength=count) for row in features])
    return np.where(sizes > 0, sums / np.maximum(sizes, 1), np.inf)


def _connected(labels: np.ndarray) -> np.ndarray:
    """Each patch's largest piece; other pixels take the label of the nearest kept one."""
    from scipy import ndimage

    kept = np.zeros(labels.shape, dtype=bool)
    for label in np.unique(labels):
        pieces, count = ndimage.label(labels == label)
        sizes = np.bincount(pieces.ravel(), minlength=count + 1)
        kept |= pieces == 1 + int(sizes[1:].argmax())
    nearest = ndimage.distance_transform_edt(~kept, return_distances=False, return_indices=True)
    _, numbered = np.unique(labels[tuple(nearest)], return_inverse=True)
    return np.asarray(numbered.reshape(labels.shape), dtype=np.int64)
