"""Intervals for shares and for means of bounded values; nothing here is unsure of nothing."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["clopper_pearson", "mean_interval", "mean_intervals", "wilson"]

_RESAMPLES = 4999
"""Draws of the bootstrap: its own error of a 95 % bound is then below 2 % of the interval's width."""
_MANY_RESAMPLES = 999
"""Draws where thousands of means are asked for at once."""
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


def mean_intervals(
    values: NDArray[np.floating],
    defined: NDArray[np.bool_],
    clusters: ArrayLike,
    *,
    seed: int,
    lower: float = 0.0,
    upper: float = 1.0,
    confidence: float = 0.95,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Percentile bootstrap intervals of many means over the same units, drawn once for all of them.

    For tables of pairs, where `mean_interval` of each would take minutes; where all clusters have one mean, its bound.

    Args:
        values: Shape (sets, n), within [lower, upper] where defined.
        defined: Shape (sets, n): values that count.
        clusters: Shape (n,), which values belong together.
        seed, lower, upper, confidence: As in `mean_interval`.

    Returns:
        Lows and highs, shape (sets,) each; NaN where no value is defined. They always contain the mean.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3
    """
    _, index = np.unique(np.asarray(clusters), return_inverse=True)
    member = np.eye(index.max(initial=-1) + 1)[index]
    known = np.where(defined, values, 0.0).astype(np.float64)
    sums, counts = known @ member, defined.astype(np.float64) @ member
    lows, highs = np.full(len(known), np.nan), np.full(len(known), np.nan)
    some = counts > 0
    with np.errstate(invalid="ignore"):
        means = sums / counts
    spread = np.where(some, means, -np.inf).max(axis=1, initial=-np.inf)
    spread = spread - np.where(some, means, np.inf).min(axis=1, initial=np.inf)
    steady = some.any(axis=1) & (spread <= 1e-9 * (upper - lower))
    names = np.asarray(clusters)
    for row in np.flatnonzero(steady):
        kept = defined[row]
        found = mean_interval(
            values[row, kept], names[kept], seed=seed, lower=lower, upper=upper, confidence=confidence
        )
        lows[row], highs[row] = found
    drawn = _drawn(member.shape[1], seed)
    ends = (0.5 - confidence / 2, 0.5 + confidence / 2)
    moving = np.flatnonzero(some.any(axis=1) & ~steady)
    size = max(1, _BATCH_CELLS // _MANY_RESAMPLES)
    for rows in (moving[start : start + size] for start in range(0, len(moving), size)):
        with np.errstate(invalid="ignore"):
            resampled = (sums[rows] @ drawn) / (counts[rows] @ drawn)
        low, high = np.nanquantile(resampled, ends, axis=1)
        estimate = sums[rows].sum(axis=1) / counts[rows].sum(axis=1)
        lows[rows], highs[rows] = np.minimum(low, estimate), np.maximum(high, estimate)
    return lows, highs


def _drawn(clusters: int, seed: int) -> NDArray[np.float64]:
    """How often each cluster is drawn in each resampling, shape (clusters, draws)."""
    if clusters == 0:
        return np.zeros((0, _MANY_RESAMPLES))
    rng = np.random.default_rng(seed)
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=_MANY_RESAMPLES).T.astype(np.float64)


def _proportion(successes: int, count: int, confidence: float, method: str) -> tuple[float, float]:
    from statsmodels.stats.proportion import proportion_confint

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
    from scipy.stats import DegenerateDataWarning, bootstrap

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
