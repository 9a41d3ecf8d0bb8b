"""Who is nearest to whom, and how far neighbours are of one kind."""

from __future__ import annotations

import numpy as np

__all__ = ["agreement", "nearest"]


def nearest(features: np.ndarray, clusters: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest pictures of other clusters by cosine, nearest first: indices and cosines, (n, k) each.

    k is `count`, or what the picture with the largest cluster has.
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    directions = features / np.where(lengths > 0, lengths, 1)
    cosines = directions @ directions.T
    cosines[clusters[:, None] == clusters[None, :]] = -np.inf
    most = min(count, int(np.isfinite(cosines).sum(axis=1).min()))
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :most]
    return order, np.take_along_axis(cosines, order, axis=1)


def agreement(groups: np.ndarray, near: np.ndarray, clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of neighbours of the same group, what chance gives, and whose: of all pictures that have a group.

    Neighbours without a group are left out.

    Args:
        groups: int (n,), −1 where there is none.
        near: int (n, k).
        clusters: int (n,).
    """
    known = groups >= 0
    counted = known[near]
    same = (groups[near] == groups[:, None]) & counted
    other = known[None, :] & (clusters[None, :] != clusters[:, None])
    alike = other & (groups[None, :] == groups[:, None])
    used = known & counted.any(axis=1) & other.any(axis=1)
    shares = same[used].sum(axis=1) / counted[used].sum(axis=1)
    return shares, alike[used].sum(axis=1) / other[used].sum(axis=1), np.flatnonzero(used)
