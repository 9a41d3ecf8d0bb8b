"""Whether an artefact goes with the class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Association", "Share", "class_association"]


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its Clopper–Pearson interval and count."""

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Association:
    """How an artefact is spread over the classes.

    Attributes:
        p: Of independence of artefact and class, by permutation of the labels; None without two classes.
        per_class: Label → share of its pictures that carry the artefact.
    """

    p: float | None
    per_class: Mapping[int, Share]


def class_association(present: ArrayLike, labels: ArrayLike, *, seed: int, draws: int = 9999) -> Association:
    """Test independence of an artefact and the class; the statistic is the variance of the classes' shares.

    Args:
        present: bool (n,).
        labels: int (n,), negative where unknown; those pictures are left out.
        seed: Of the permutations.
    """
    from scipy import stats
    from statsmodels.stats.proportion import proportion_confint

    carries, classes = np.asarray(present, dtype=bool), np.asarray(labels)
    carries, classes = carries[classes >= 0], classes[classes >= 0]
    names, members, counts = np.unique(classes, return_inverse=True, return_counts=True)
    per_class = {}
    for place, name in enumerate(names):
        hits = int(carries[members == place].sum())
        low, high = proportion_confint(hits, int(counts[place]), method="beta")
        per_class[int(name)] = Share(hits / int(counts[place]), float(low), float(high), int(counts[place]))
    if len(names) < 2 or carries.all() or not carries.any():
        return Association(None, per_class)
    indicator = np.eye(len(names))[members]

    def spread(sample: np.ndarray, axis: int = -1) -> np.ndarray:
        hits = np.moveaxis(sample, axis, -1).astype(float) @ indicator
        return np.asarray((hits**2 / counts).sum(axis=-1))

    result = stats.permutation_test(
        (carries.astype(float),),
        spread,
        permutation_type="pairings",
        vectorized=True,
        n_resamples=draws,
        batch=500,
        alternative="greater",
        rng=np.random.default_rng(seed),
    )
    return Association(float(result.pvalue), per_class)
