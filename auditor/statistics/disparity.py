"""Accuracy gaps between groups, among pictures of the same true class, and how large they get by chance alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.statistics.comparison import Comparison
from auditor.statistics.shuffling import Exchange
from auditor.statistics.testing import ALPHA, DRAWS, POWER

__all__ = ["LEAST_CLUSTERS", "LEAST_PICTURES", "Contrast", "Gap", "Members", "contrasts_of", "gaps"]

Integers = NDArray[np.integer]
Floats = NDArray[np.floating]

LEAST_PICTURES = 20
"""On each side of a comparison; fewer say nothing about a group."""
LEAST_CLUSTERS = 8
"""Independent units on each side."""
LEAST_OVERLAP = LEAST_PICTURES / 2
"""Sum of the Mantel–Haenszel weights n₁n₂/(n₁ + n₂) over classes: that of 20 against 20 pictures of one class. Where
groups go with classes it is smaller, and the few pictures that can be compared say nothing."""


@dataclass(frozen=True)
class Members:
    """Pictures, their groups, and whether they are classified right.

    Attributes:
        correct: bool (n,).
        groups, classes, clusters: int (n,), none negative; classes are the true ones.
    """

    correct: NDArray[np.bool_]
    groups: Integers
    classes: Integers
    clusters: Integers

    def comparison(self, group: int, within: int | None) -> Comparison:
        """A group against the rest, over all classes or within one."""
        kept = slice(None) if within is None else self.classes == within
        return Comparison(self.correct[kept], (self.groups == group)[kept], self.classes[kept], self.clusters[kept])


@dataclass(frozen=True, slots=True)
class Contrast:
    """One group against the rest, over all classes that both have, or within one class.

    Attributes:
        group: Its number.
        within: Class, or None for all.
        members, others: Pictures on either side.
    """

    group: int
    within: int | None
    members: int
    others: int


@dataclass(frozen=True, slots=True)
class Gap:
    """How much less often a group's pictures are classified right than pictures of the same classes in the rest.

    Attributes:
        value: Accuracy of the rest minus accuracy of the group.
        low, high: 95 % interval that holds for all contrasts of a class at once.
        p: One-sided, adjusted for the largest of all contrasts of the family.
        detectable: Gap that would have been seen with 80 % power.
        accuracy, accuracy_rest: Weighted alike over classes.
        clusters: Independent units in the group.
    """

    contrast: Contrast
    value: float
    low: float
    high: float
    p: float
    detectable: float
    accuracy: float
    accuracy_rest: float
    clusters: int


def contrasts_of(pictures: Members, *, by_class: bool) -> list[Contrast]:
    """What can be compared: 20 pictures and 8 clusters on each side in classes that both have, spread well enough.

    Args:
        pictures: All with a known group.
        by_class: Each group within each class, instead of over all classes.
    """
    found = []
    for group in np.unique(pictures.groups):
        for within in np.unique(pictures.classes) if by_class else (None,):
            one = pictures.comparison(int(group), within)
            shared = one.weights[one.place] > 0
            sides = [shared & one.inside, shared & ~one.inside]
            many = all(side.sum() >= LEAST_PICTURES and one.units(side) >= LEAST_CLUSTERS for side in sides)
            if many and one.weights.sum() >= LEAST_OVERLAP:
                of_class = None if within is None else int(within)
                found.append(Contrast(int(group), of_class, int(sides[0].sum()), int(sides[1].sum())))
    return found


def gaps(
    pictures: Members, contrasts: Sequence[Contrast], *, seed: int, most: int = 1, draws: int = DRAWS
) -> list[Gap]:
    """The worst contrast over all classes, or of each class, tested as the largest of all contrasts; clearest first.

    Group labels are shuffled within true classes, whole clusters at a time. A contrast's statistic is the number of
    right answers that its group lacks against its classes' accuracy, in standard deviations of that null; p is how
    often the largest statistic of a draw is as large (Westfall and Young). Which group is the worst is thereby part of
    every draw. The worst is the largest gap among those with p ≤ .05, else the largest gap.

    Args:
        pictures: All with a known group.
        contrasts: The family, as `contrasts_of` gives it.
        seed: Of all draws.
        most: Classes whose worst contrast is given.

    Source: Westfall and Young, "Resampling-Based Multiple Testing", 1993
    """
    from scipy import stats

    if not contrasts:
        return []
    lacking, spread, largest = _against_shuffles(pictures, contrasts, seed, draws)
    ps = [
        (1 + int((largest >= value - 1e-9).sum())) / (draws + 1) if sd > 0 else 1.0
        for value, sd in zip(lacking, spread, strict=True)
    ]
    comparisons = [pictures.comparison(contrast.group, contrast.within) for contrast in contrasts]
    worst: dict[int | None, int] = {}
    for i in sorted(range(len(contrasts)), key=lambda i: (ps[i] > ALPHA, -comparisons[i].difference)):
        worst.setdefault(contrasts[i].within, i)
    chosen = sorted(worst.values(), key=lambda i: (ps[i], -comparisons[i].difference))[:most]
    # k groups against the rest make up for one another: k − 1 of the gaps are free, in each class
    alpha = ALPHA / max(1.0, len(contrasts) / len(worst) - 1)
    critical = float(np.quantile(largest, 1 - ALPHA)) if spread.any() else float(stats.norm.ppf(1 - ALPHA))
    reach = critical + float(stats.norm.ppf(POWER))
    found = []
    for i in chosen:
        one = comparisons[i]
        low, high = one.interval(alpha, seed)
        found.append(
            Gap(
                contrast=contrasts[i],
                value=one.difference,
                low=low,
                high=high,
                p=ps[i],
                detectable=one.detectable(reach, float(spread[i])),
                accuracy=one.accuracies[0],
                accuracy_rest=one.accuracies[1],
                clusters=one.units(one.inside),
            )
        )
    return found


def _against_shuffles(
    pictures: Members, contrasts: Sequence[Contrast], seed: int, draws: int
) -> tuple[Floats, Floats, Floats]:
    """Right answers that each contrast's group lacks, in standard deviations of the null; those; each draw's largest.

    Their number is the numerator of the Mantel–Haenszel difference: Σ over classes (n₁ K − n k₁) / n, with k right
    answers among n₁ of the group, K among all n.

    Returns:
        (contrasts,), (contrasts,) and (draws,).
    """
    _, place = np.unique(pictures.classes, return_inverse=True)
    accuracy = np.bincount(place, weights=pictures.correct) / np.bincount(place)
    lacking = accuracy[place] - pictures.correct
    exchange = Exchange.within(pictures.groups, pictures.classes, pictures.clusters)
    values = [
        np.bincount(exchange.unit, lacking if c.within is None else np.where(pictures.classes == c.within, lacking, 0))
        for c in contrasts
    ]

    def sums(labels: Integers) -> Floats:
        of_group = {group: (labels == group).astype(np.float64) for group in {c.group for c in contrasts}}
        return np.stack([of_group[c.group] @ value for c, value in zip(contrasts, values, strict=True)], axis=1)

    observed = sums(exchange.label[None, :])[0]
    null = np.concatenate([sums(labels) for labels in exchange.shuffles(draws, np.random.default_rng([seed, 1]))])
    centre, spread = null.mean(axis=0), null.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 0.0)
    scale = np.where(spread > 0, spread, 1.0)
    largest = np.where(spread > 0, (null - centre) / scale, -np.inf).max(axis=1)
    return (observed - centre) / scale, spread, largest
