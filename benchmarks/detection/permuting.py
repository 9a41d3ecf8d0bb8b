"""One-sided sign-flip permutation of paired outcomes, written anew from METHODS and not from the auditor's code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

DRAWS = 1999
"""p is then a multiple of .0005, fine enough for levels of .01 and more."""
_BATCH_CELLS = 4_000_000
"""Values flipped at once."""


def sign_flip(
    values: Sequence[np.ndarray], clusters: Sequence[np.ndarray], *, seed: int = 0, draws: int = DRAWS
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each row's mean is above zero: p of its own, and p adjusted for the largest of all rows.

    Signs are flipped by cluster, for all rows alike, so that the largest statistic of a draw is the Westfall–Young
    null. The statistic is the sum over clusters by the root of the sum of squares, which flips do not change.

    Args:
        values: Of each row, float (its recipients,).
        clusters: Of each row, int (its recipients,); the same number is the same unit in every row.
        seed: Of the draws; where there are fewer sign patterns than draws, all of them are taken.
        draws: Random sign patterns.

    Returns:
        p and adjusted p, each float (rows,); 1 where nothing differs or there is one unit only.

    Source: Westfall and Young, "Resampling-Based Multiple Testing", 1993; Phipson and Smyth, "Permutation p-values
        should never be zero", 2010
    """
    rows = len(values)
    units = np.unique(np.concatenate([*clusters, np.empty(0, dtype=np.int64)]))
    sums = np.zeros((rows, len(units)))
    for row, (own, of) in enumerate(zip(values, clusters, strict=True)):
        np.add.at(sums[row], np.searchsorted(units, of), own)
    scale = np.sqrt((sums**2).sum(axis=1))
    alive = np.flatnonzero(scale > 0)
    raw, adjusted = np.ones(rows), np.ones(rows)
    if len(alive) == 0 or len(units) < 2:
        return raw, adjusted
    scaled = sums[alive] / scale[alive, None]
    result = stats.permutation_test(
        (scaled,),
        _total,
        permutation_type="samples",
        vectorized=True,
        n_resamples=draws,
        batch=max(1, _BATCH_CELLS // scaled.size),
        alternative="greater",
        axis=-1,
        rng=np.random.default_rng(seed),
    )
    null = np.asarray(result.null_distribution).reshape(-1, len(alive))
    largest = null.max(axis=1)
    observed = np.asarray(result.statistic)
    # sums of the same numbers in another order differ in the last digits: a tie is a tie
    reached = (largest[:, None] >= observed - 1e-9).sum(axis=0)
    every_pattern = len(null) < draws
    raw[alive] = result.pvalue
    adjusted[alive] = np.maximum(reached / len(null) if every_pattern else (reached + 1) / (len(null) + 1), raw[alive])
    return raw, adjusted


def _total(values: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(values.sum(axis=axis))
