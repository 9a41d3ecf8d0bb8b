"""Tests, corrections and power, from SciPy and statsmodels.

Source: METHODS of the project's documentation (docs/methods.md), section on statistics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

DRAWS = 9999
ALPHA = 0.05
POWER = 0.8
CONTROL_RATE = 0.04
"""How often a prediction changes at a control region in clean models; the minimum detectable effect assumes it."""


def cluster_sums(values: np.ndarray, clusters: Sequence[int]) -> np.ndarray:
    """Sum over the recipients of one cluster, so that clusters are the units.

    Args:
        values: (checks, recipients).

    Returns:
        (checks, clusters).
    """
    _, inverse = np.unique(np.asarray(clusters), return_inverse=True)
    membership = np.eye(int(inverse.max()) + 1 if len(inverse) else 0)[inverse]
    return np.asarray(values @ membership)


def sign_flip_test(
    differences: np.ndarray, clusters: Sequence[int], *, seed: int, draws: int = DRAWS
) -> tuple[np.ndarray, np.ndarray]:
    """One-sided paired sign-flip permutation test of many checks at once.

    All checks share each draw's signs, so the maximum over checks is the Westfall–Young null and keeps their
    correlation. The statistic Σδ / √Σδ² makes checks with different numbers of recipients comparable; its
    denominator does not change under sign flips.

    Args:
        differences: Effect minus control, (checks, recipients); NaN where a recipient has no part in a check.
        clusters: One number a recipient.
        seed: Of the draws; exact enumeration replaces them where there are fewer sign patterns.

    Returns:
        Raw p and p adjusted for the family, each (checks,). 1 where nothing differs.
    """
    from scipy import stats

    if differences.size == 0:
        return np.ones(len(differences)), np.ones(len(differences))
    sums = cluster_sums(np.nan_to_num(differences), clusters)
    scale = np.sqrt((sums**2).sum(axis=1, keepdims=True))
    scaled = np.divide(sums, scale, out=np.zeros_like(sums), where=scale > 0)
    if not scaled.any() or scaled.shape[1] < 2:
        return np.ones(len(differences)), np.ones(len(differences))
    result = stats.permutation_test(
        (scaled,),
        lambda x, axis: np.sum(x, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=draws,
        batch=max(1, 20_000_000 // scaled.size),
        alternative="greater",
        axis=-1,
        rng=np.random.default_rng(seed),
    )
    null = np.asarray(result.null_distribution).reshape(-1, len(scaled))
    observed = np.asarray(result.statistic)
    maximum = null.max(axis=1)
    exact = null.shape[0] < draws
    slack = 1e-12 * max(1.0, float(np.abs(observed).max()))
    exceed = (maximum[:, None] >= observed[None, :] - slack).sum(axis=0)
    adjusted = exceed / len(maximum) if exact else (exceed + 1) / (len(maximum) + 1)
    raw = np.atleast_1d(np.asarray(result.pvalue, dtype=float))
    return raw, np.maximum(adjusted, raw)


def across_kinds(adjusted: Mapping[str, Sequence[float]], *, overlapping: bool) -> dict[str, list[float]]:
    """Correction across kinds, on p values that are already adjusted within their kind.

    Each kind enters with its smallest p; the other checks of a kind are raised by the same factor. Where regions
    overlap the kinds depend on each other in ways that nobody knows, so Holm's step-down: it holds under any
    dependence, as Benjamini–Yekutieli does, bounds the chance of a single wrong finding and with it their expected
    share, and with the few kinds of an audit it is the sharper of the two. Else Benjamini–Hochberg.

    Returns:
        Kind → q of each check, in order.
    """
    from statsmodels.stats.multitest import multipletests

    kinds = list(adjusted)
    smallest = [min(adjusted[kind], default=1.0) for kind in kinds]
    if not kinds:
        return {}
    _, qs, _, _ = multipletests(smallest, alpha=ALPHA, method="holm" if overlapping else "fdr_bh")
    return {
        kind: [float(min(1.0, p * (q / low if low > 0 else 1.0))) for p in adjusted[kind]]
        for kind, q, low in zip(kinds, qs, smallest, strict=True)
    }


def mcnemar_power(effect: float, count: int, *, control: float = CONTROL_RATE, alpha: float = ALPHA) -> float:
    """Power of the exact one-sided McNemar test of paired yes/no outcomes.

    Target and control outcomes are independent given the model: P(target) = control + effect, P(control) = control.
    Sums over the number of discordant pairs (binomial) and, given that, over the pairs in favour (binomial).
    """
    from scipy import stats

    p10 = min(1.0, control + effect) * (1 - control)
    p01 = (1 - min(1.0, control + effect)) * control
    discordant = np.arange(count + 1)
    weight = stats.binom.pmf(discordant, count, p10 + p01)
    # smallest number in favour that rejects: P(Bin(d, ½) ≥ k) ≤ alpha
    critical = stats.binom.isf(alpha, discordant, 0.5) + 1
    reject = stats.binom.sf(critical - 1, discordant, p10 / max(p10 + p01, 1e-12))
    return float((weight * reject).sum())


def minimum_detectable_effect(
    count: int, *, power: float = POWER, control: float = CONTROL_RATE, alpha: float = ALPHA
) -> float | None:
    """Smallest effect that `count` recipients show with the given power; None where even 1 − control is missed."""
    if count < 1 or mcnemar_power(1 - control, count, control=control, alpha=alpha) < power:
        return None
    low, high = 0.0, 1 - control
    for _ in range(20):
        middle = (low + high) / 2
        if mcnemar_power(middle, count, control=control, alpha=alpha) >= power:
            high = middle
        else:
            low = middle
    return high


def recipients_needed(effect: float, *, alpha: float = ALPHA) -> int:
    """How many recipients show an effect with 80 % power: doubling, then bisection."""
    low, high = 1, 2
    while mcnemar_power(effect, high, alpha=alpha) < POWER:
        low, high = high, high * 2
        if high > 1 << 16:
            return high
    while high - low > 1:
        middle = (low + high) // 2
        if mcnemar_power(effect, middle, alpha=alpha) >= POWER:
            high = middle
        else:
            low = middle
    return high


def above_chance(correct: int, count: int, chance: float) -> float:
    """One-sided exact binomial p that accuracy is above chance."""
    from scipy import stats

    return float(stats.binomtest(correct, count, chance, alternative="greater").pvalue)
