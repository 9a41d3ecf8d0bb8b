"""Maps averaged over areas, so that a fine one and a coarse one can be compared: by ranks, and by the hottest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["areas_of"]


def areas_of(maps: Sequence[np.ndarray], side: int, top: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardised ranks and the hottest areas, (sets, m, areas) each, and whether a map varies at all, (sets, m).

    The sum of the products of two maps' ranks is Spearman's correlation of them.

    Args:
        maps: Sets of maps of the same pictures, (m, height, width) each.
        side: Areas along the longer side.
        top: Share of areas that counts as the hottest.
    """
    import cv2
    from scipy.stats import rankdata

    height, width = maps[0].shape[-2:]
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = [[cv2.resize(one, size, interpolation=cv2.INTER_AREA).reshape(-1) for one in item] for item in maps]
    ranks = rankdata(np.array(small), axis=2)
    ranks -= ranks.mean(axis=2, keepdims=True)
    length = np.linalg.norm(ranks, axis=2, keepdims=True)
    # of equal areas none is hotter than the other: all that share the last place are left out
    tops = rankdata(-np.array(small), method="max", axis=2) <= max(1, round(top * ranks.shape[2]))
    return ranks / np.maximum(length, 1e-12), tops.astype(np.float64), length[..., 0] > 0
