"""One group against the rest, class by class: accuracies, their difference, its interval, and what could be seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from auditor.statistics.shuffling import resampled_weights

__all__ = ["Comparison"]

Integers = NDArray[np.integer]
Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]

RESAMPLES = 1999


@dataclass(frozen=True)
class Comparison:
    """Pictures of a group and of the rest, weighted alike over true classes after Mantel and Haenszel.

    A class with n₁ pictures of the group and n₂ of the rest weighs n₁n₂/(n₁ + n₂).

    Attributes:
        correct: bool (n,).
        inside: bool (n,), the group.
        classes, clusters: int (n,).

    Source: Mantel and Haenszel, 1959; for differences Greenland and Robins, "Estimation of a common effect parameter
    from sparse follow-up data", Biometrics 1985
    """

    correct: Mask
    inside: Mask
    classes: Integers
    clusters: Integers

    @cached_property
    def place(self) -> Integers:
        """Class of each picture, numbered from 0."""
        return np.asarray(np.unique(self.classes, return_inverse=True)[1])

    @cached_property
    def weights(self) -> Floats:
        """Of each class."""
        count, rest = np.bincount(self.place, self.inside), np.bincount(self.place, ~self.inside)
        return np.asarray(count * rest / (count + rest))

    @cached_property
    def accuracies(self) -> tuple[float, float]:
        """Of the group and of the rest."""
        inside, rest = self._weighted(np.ones((1, len(self.correct))))
        return float(inside[0]), float(rest[0])

    @property
    def difference(self) -> float:
        """Accuracy of the rest minus accuracy of the group."""
        return self.accuracies[1] - self.accuracies[0]

    def units(self, side: Mask) -> int:
        """Clusters on one side."""
        return len(np.unique(self.clusters[side]))

    def interval(self, alpha: float, seed: int) -> tuple[float, float]:
        """Bootstrap over clusters of the group and of the rest, percentile; contains the difference.

        Where all answers of a side are alike resampling takes that side for certain: there it is Newcombe's interval,
        if that is wider.
        """
        draws = resampled_weights(self.clusters, self.inside.astype(int), RESAMPLES, np.random.default_rng(seed))
        inside, rest = self._weighted(draws)
        low, high = (float(bound) for bound in np.nanquantile(rest - inside, [alpha / 2, 1 - alpha / 2]))
        if min(self.accuracies) <= 0 or max(self.accuracies) >= 1:
            floor, ceiling = self._newcombe(alpha)
            low, high = min(low, floor), max(high, ceiling)
        return max(-1.0, min(low, self.difference)), min(1.0, max(high, self.difference))

    def detectable(self, reach: float, spread: float) -> float:
        """The smallest difference that is seen in four of five samples, by the normal approximation; 1 if none is.

        A gap lowers accuracy, and with it raises the variance, so that even a model without a mistake has one; no
        sample is taken to be without mistakes for certain (Laplace's rule). Clusters widen it as they widen the null.

        Args:
            reach: Critical value plus the quantile of the power, in standard deviations.
            spread: Standard deviation, under the null, of the right answers that the group lacks.
        """
        share = np.bincount(self.place, self.correct) / np.bincount(self.place)
        single = float(self.weights @ (share * (1 - share)))
        everyone = np.ones_like(self.inside)
        design = spread**2 / single if single > 1e-9 else len(self.correct) / self.units(everyone)
        gap = np.linspace(0, 1, 201)
        right = (self.correct.sum() + 1) / (len(self.correct) + 2) - gap * self.inside.mean()
        variance = np.clip(right * (1 - right), 0, None)
        seen = (gap >= reach * np.sqrt(max(1.0, design) * variance / self.weights.sum())) & (right > 0)
        return float(gap[seen.argmax()]) if seen.any() else 1.0

    def _weighted(self, times: Floats) -> tuple[Floats, Floats]:
        """Accuracy of the group and of the rest when each picture counts so many times.

        Args:
            times: float (draws, n).

        Returns:
            Two of (draws,); NaN where a draw holds no class that both sides have.
        """
        order = np.argsort(self.place, kind="stable")
        starts = np.flatnonzero(np.diff(self.place[order], prepend=-1))
        times, correct, inside = times[:, order].astype(np.float64), self.correct[order], self.inside[order]

        def by_class(chosen: Mask) -> Floats:
            return np.asarray(np.add.reduceat(times * chosen, starts, axis=1))

        def share(right: Floats, count: Floats) -> Floats:
            shares = np.divide(right * weight, count, out=np.zeros_like(count), where=count > 0)
            return np.asarray(shares.sum(axis=1))

        count, rest = by_class(inside), by_class(~inside)
        weight = np.divide(count * rest, count + rest, out=np.zeros_like(count), where=count + rest > 0)
        total = weight.sum(axis=1)
        with np.errstate(invalid="ignore"):
            return share(by_class(inside & correct), count) / total, share(by_class(~inside & correct), rest) / total

    def _newcombe(self, alpha: float) -> tuple[float, float]:
        """Wilson's intervals of both sides, at the independent pictures that their weights amount to, joined.

        Source: Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
        Medicine 1998, method 10; weighted as in Yan and Su, "Stratified Wilson and Newcombe intervals", 2010
        """
        from statsmodels.stats.proportion import proportion_confint

        bounds = []
        for share, side in zip(self.accuracies, (self.inside, ~self.inside), strict=True):
            both = self.weights > 0
            worth = self.weights.sum() ** 2 / (self.weights[both] ** 2 / np.bincount(self.place, side)[both]).sum()
            count = float(worth) * self.units(side) / int(side.sum())
            low, high = proportion_confint(share * count, count, alpha=alpha, method="wilson")
            bounds.append((max(0.0, min(float(low), share)), min(1.0, max(float(high), share))))
        (low, high), (low_rest, high_rest) = bounds
        inside, rest = self.accuracies
        down, up = np.hypot(rest - low_rest, high - inside), np.hypot(high_rest - rest, inside - low)
        return self.difference - float(down), self.difference + float(up)
