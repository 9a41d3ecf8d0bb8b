"""Intervals for shares and for means of bounded values; nothing here is unsure of nothing."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import DegenerateDataWarning, bootstrap
from statsmodels.stats.proportion import proportion_confint

__all__ = ["clopper_pearson", "mean_interval", "wilson"]

_RESAMPLES = 4999
"""Draws of the bootstrap: its own error of a 95 % bound is then below 2 % of the interval's width."""
_BATCH_CELLS = 2_000_000
"""Resampled values held at once."""


def wilson(successes: int, count: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of a share; (0, 1) for nothing counted.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927
    """
    return _proportion(successes, count, confidence, "wilson")


def clopper_pearson(successes: int, count: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Exact interval of a share, never too narrow; (0, 1) for nothing counted.

    Source: Clopper and Pearson, "The use of confidence or fiducial limits", Biometrika 1934
    """
    return _proportion(successes, count, confidence, "beta")


def mean_interval(
    values: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    seed: int,
    lower: float = 0.0,
    upper: float = 1.0,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Bootstrap interval of a mean, resampling whole clusters: BCa, or percentile where BCa is undefined.

    Where all clusters have one mean v, resampling says nothing. Then with `confidence` less than
    w = 1 − ((1 − confidence) / 2)^(1/n) of the population can differ from v, at worst by lying at an end of the range:
    [v − w (v − lower), v + w (upper − v)], which for v at an end is Clopper and Pearson's bound.

    Args:
        values: Shape (n,), within [lower, upper].
        clusters: Shape (n,), which values belong together (a patient, an image); None: each stands alone.
        seed: The same seed gives the same interval.
        lower: Least value possible.
        upper: Greatest value possible.
        confidence: Of the two-sided interval.

    Returns:
        (low, high) within [lower, upper]; always contains the mean.

    Raises:
        ValueError: No values, a value that is not finite or out of range, clusters of another length.

    Source: Efron, "Better bootstrap confidence intervals", JASA 1987
    """
    flat = np.asarray(values, dtype=np.float64)
    if flat.ndim != 1 or flat.size == 0:
        raise ValueError(f"expected one or more values in one dimension, got shape {flat.shape}")
    slack = 1e-6 * (upper - lower)
    if not (np.isfinite(flat).all() and flat.min() >= lower - slack and flat.max() <= upper + slack):
        raise ValueError(f"values must be finite and lie in [{lower}, {upper}], got {flat.min()} to {flat.max()}")
    sums, counts = _by_cluster(flat.clip(lower, upper), clusters)
    estimate = float(sums.sum() / counts.sum())
    means = sums / counts
    if np.ptp(means) <= 1e-9 * (upper - lower):
        elsewhere = 1 - ((1 - confidence) / 2) ** (1 / means.size)
        low, high = estimate - elsewhere * (estimate - lower), estimate + elsewhere * (upper - estimate)
    else:
        low, high = _resampled(sums, counts, seed=seed, confidence=confidence)
    return max(lower, min(low, estimate)), min(upper, max(high, estimate))


def _proportion(successes: int, count: int, confidence: float, method: str) -> tuple[float, float]:
    if not 0 <= successes <= count:
        raise ValueError(f"expected 0 ≤ successes ≤ count, got {successes} of {count}")
    if count == 0:
        return 0.0, 1.0
    low, high = proportion_confint(successes, count, alpha=1 - confidence, method=method)
    share = successes / count
    return min(max(float(low), 0.0), share), max(min(float(high), 1.0), share)


def _by_cluster(
    values: NDArray[np.float64], clusters: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and count of each cluster."""
    if clusters is None:
        return values, np.ones_like(values)
    names = np.asarray(clusters)
    if names.shape != values.shape:
        raise ValueError(f"expected one cluster a value, got shapes {names.shape} and {values.shape}")
    index = np.unique(names, return_inverse=True)[1]
    sums = np.bincount(index, weights=values).astype(np.float64)
    return sums, np.bincount(index).astype(np.float64)


def _resampled(
    sums: NDArray[np.float64], counts: NDArray[np.float64], *, seed: int, confidence: float
) -> tuple[float, float]:
    rows = np.arange(sums.size)

    def mean(drawn: NDArray[np.int64], axis: int = -1) -> NDArray[np.float64]:
        ratio: NDArray[np.float64] = sums[drawn].sum(axis=axis) / counts[drawn].sum(axis=axis)
        return ratio

    batch = max(1, _BATCH_CELLS // sums.size)
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateDataWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            interval = bootstrap(
                (rows,),
                mean,
                n_resamples=_RESAMPLES,
                batch=batch,
                vectorized=True,
                confidence_level=confidence,
                method=method,
                rng=np.random.default_rng(seed),
            ).confidence_interval
        low, high = float(interval.low), float(interval.high)
        if np.isfinite(low) and np.isfinite(high):
            break
    return low, high
