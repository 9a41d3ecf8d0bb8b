"""How often one group's values lie above another's, among pictures of the same class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auditor.statistics.intervals import wilson
from auditor.statistics.shuffling import resampled_weights

__all__ = ["LARGE", "stratified_cliffs_delta"]

Integers = NDArray[np.integer]
Floats = NDArray[np.floating]

LARGE = 0.33
"""Medium effects start here. Source: Romano et al., "Appropriate statistics for ordinal level data", 2006"""
RESAMPLES = 999


def stratified_cliffs_delta(
    values: Floats, inside: NDArray[np.bool_], classes: Integers, clusters: Integers, *, seed: int
) -> tuple[float, float, float]:
    """P(value in the group > value in the rest) − P(<), over pairs of the same class, with its 95 % interval.

    The interval is a bootstrap over clusters; where all pairs go one way it is Wilson's, of as many as the smaller side
    has clusters.

    Args:
        values: float (n,).
        inside: bool (n,), the group.
        classes, clusters: int (n,).
        seed: Of the bootstrap.

    Returns:
        Estimate, low, high; NaN where no class has both.

    Source: Cliff, "Dominance statistics", Psychological Bulletin 1993; pairs within strata as in van Elteren, 1960
    """
    first, second = np.flatnonzero(inside), np.flatnonzero(~inside)
    same = (classes[first][:, None] == classes[second][None, :]).astype(np.float64)
    if not same.any():
        return float("nan"), float("nan"), float("nan")
    wins = np.sign(values[first][:, None] - values[second][None, :]) * same
    value = float(wins.sum() / same.sum())
    weights = resampled_weights(clusters, inside.astype(int), RESAMPLES, np.random.default_rng([seed, 3]))
    left, right = weights[:, first].astype(np.float64), weights[:, second].astype(np.float64)
    pairs = ((left @ same) * right).sum(axis=1)
    drawn = ((left @ wins) * right).sum(axis=1)[pairs > 0] / pairs[pairs > 0]
    low, high = (float(bound) for bound in np.quantile(drawn, [0.025, 0.975]))
    if np.ptp(drawn) < 1e-9:
        units = min(len(np.unique(clusters[first])), len(np.unique(clusters[second])))
        low, high = (2 * bound - 1 for bound in wilson(round((1 + value) / 2 * units), units))
    return value, max(-1.0, min(value, low)), min(1.0, max(value, high))
