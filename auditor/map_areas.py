"""Maps averaged over areas, so that a fine one and a coarse one can be compared: by ranks, and by the hottest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["areas_of"]


def areas_of(maps: Sequence[np.ndarray], side: int, top: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardised ranks and the hottest areas, (sets, m, areas) each, and whether a map varies at all, (sets, m).

    The sum of the products of two maps' ranks is Spearman's correlation of them.

    Args:
        maps: Sets of maps of the same pictures, (m, height, width) each; of clips and volumes with a depth in front.
        side: Areas along the longest side.
        top: Share of areas that counts as the hottest.
    """
    from scipy.stats import rankdata

    extent = maps[0].shape[1:]
    scale = min(1.0, side / max(extent))
    size = tuple(max(1, round(length * scale)) for length in extent)
    averaged = _picture if len(extent) == 2 else _stack
    small = [[averaged(one, size).reshape(-1) for one in item] for item in maps]
    ranks = rankdata(np.array(small), axis=2)
    ranks -= ranks.mean(axis=2, keepdims=True)
    length = np.linalg.norm(ranks, axis=2, keepdims=True)
    # of equal areas none is hotter than the other: all that share the last place are left out
    tops = rankdata(-np.array(small), method="max", axis=2) <= max(1, round(top * ranks.shape[2]))
    return ranks / np.maximum(length, 1e-12), tops.astype(np.float64), length[..., 0] > 0


def _picture(values: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    import cv2

    return np.asarray(cv2.resize(values, size[::-1], interpolation=cv2.INTER_AREA))


def _stack(values: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    import torch

    depth, rows, columns = size
    given = torch.from_numpy(np.ascontiguousarray(values, np.float32))[None]
    return np.asarray(torch.nn.functional.adaptive_avg_pool3d(given, (depth, rows, columns))[0].numpy())
