"""Superpixels: an image cut into patches of like colour, which perturbation methods switch on and off."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["superpixels"]

ROUNDS = 10
"""Rounds of assigning and averaging; the paper's own number."""
COMPACTNESS = 0.5
"""Weight of distance in space, in grid steps, against distance in colour, in the image's own standard deviations."""


def superpixels(image: np.ndarray, count: int) -> np.ndarray:
    """Cut an image into about `count` patches of like colour.

    k-means over colour and place, started on a regular grid, where a pixel may only join the nine patches whose cells
    are around its own. Afterwards each patch keeps its largest connected piece; stray pixels join the nearest patch.

    Args:
        image: Float, shape (channels, height, width), in any units; finite.
        count: Patches wanted, at least 1. Their number is that of the nearest grid, less what ran empty.

    Returns:
        int64 (height, width), numbered from 0 without gaps.

    Source: Achanta et al., "SLIC Superpixels", IEEE TPAMI 2012, algorithm 1, on the image's own channels.
    """
    channels, height, width = image.shape
    rows = max(1, min(height, round(math.sqrt(count * height / width))))
    columns = max(1, min(width, round(count / rows)))
    colours = image.astype(np.float64).reshape(channels, -1)
    spread = float(np.sqrt(((colours - colours.mean(axis=1, keepdims=True)) ** 2).sum(axis=0).mean()))
    y, x = (axis.ravel() for axis in np.indices((height, width)))
    # places in grid steps and colours in standard deviations, so that one weight serves all images
    step_y, step_x = height / rows, width / columns
    places = np.stack(((y + 0.5) / step_y, (x + 0.5) / step_x)) * COMPACTNESS
    features = np.concatenate((colours / spread if spread > 0 else colours * 0, places))
    cell_y, cell_x = (y / step_y).astype(np.int64), (x / step_x).astype(np.int64)
    near = [
        np.clip(cell_y + down, 0, rows - 1) * columns + np.clip(cell_x + right, 0, columns - 1)
        for down in (0, -1, 1)
        for right in (0, -1, 1)
    ]
    labels = near[0]
    for _ in range(ROUNDS):
        centres = _means(features, labels, rows * columns)
        distances = np.stack([((features - centres[:, patch]) ** 2).sum(axis=0) for patch in near])
        labels = np.choose(distances.argmin(axis=0), near)
    return _connected(labels.reshape(height, width))


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
    rows, columns = ndimage.distance_transform_edt(~kept, return_distances=False, return_indices=True)
    _, numbered = np.unique(labels[rows, columns], return_inverse=True)
    return np.asarray(numbered.reshape(labels.shape), dtype=np.int64)
