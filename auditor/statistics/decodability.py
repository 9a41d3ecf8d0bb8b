"""Whether a group can be read from features by a linear classifier, beyond what the class gives away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.statistics.intervals import wilson
from auditor.statistics.shuffling import Exchange

__all__ = ["Decoding", "decode", "whitened"]

Integers = NDArray[np.integer]
Floats = NDArray[np.floating]

FOLDS = 5
REFITS = 999
MOST_PICTURES = 512
"""More are not needed to tell, and every shuffle is fitted anew."""
BATCH_CELLS = 8_000_000


@dataclass(frozen=True, slots=True)
class Decoding:
    """How well the group was read.

    Attributes:
        value: Balanced accuracy, cross-validated by cluster: the mean over groups of the share that is recognised.
        low, high: 95 % interval.
        chance: The same, averaged over shuffles within classes.
        p: One-sided, every shuffle fitted anew.
        clusters: Independent units.
        draws: Shuffles.
    """

    value: float
    low: float
    high: float
    chance: float
    p: float
    clusters: int
    draws: int


def decode(
    features: Floats, groups: Integers, classes: Integers, clusters: Integers, *, seed: int, draws: int = REFITS
) -> Decoding:
    """Read the group by linear discriminant analysis with equal priors, cross-validated by cluster.

    Features are whitened with their shrunk covariance and the nearest mean decides; nothing before that looks at
    groups, so the fits on shuffled groups differ in nothing else from the fit that is tested. Folds hold whole
    clusters. What the class gives away about the group, shuffles within classes give away as well.

    Args:
        features: float (n, d).
        groups, classes, clusters: int (n,), none negative; at least two groups.
        seed: Of folds, draws, and pictures where there are more than 512.
        draws: Shuffles, whole clusters at a time, within classes.

    Source: Ojala and Garriga, "Permutation tests for studying classifier performance", JMLR 2010; Ledoit and Wolf, "A
    well-conditioned estimator for large-dimensional covariance matrices", 2004
    """
    rng = np.random.default_rng([seed, 4])
    kept = _some(clusters, rng)
    features, clusters, classes = features[kept], clusters[kept], classes[kept]
    _, groups = np.unique(groups[kept], return_inverse=True)
    likeness = whitened(features)
    likeness = likeness @ likeness.T
    fold = _folds(classes, clusters, rng)
    exchange = Exchange.within(groups, classes, clusters)
    observed, right = (array[0] for array in _read(likeness, groups[None, :], fold))
    batch = max(1, BATCH_CELLS // (len(groups) * int(groups.max() + 1)))
    null = np.concatenate(
        [
            _read(likeness, labels[start : start + batch][:, exchange.unit], fold)[0]
            for labels in exchange.shuffles(draws, rng)
            for start in range(0, len(labels), batch)
        ]
    )
    low, high = _interval(right, groups, clusters, float(observed))
    return Decoding(
        value=float(observed),
        low=low,
        high=high,
        chance=float(null.mean()),
        p=(1 + int((null >= observed - 1e-9).sum())) / (draws + 1),
        clusters=len(np.unique(clusters)),
        draws=draws,
    )


def _some(clusters: Integers, rng: np.random.Generator) -> Integers:
    """All pictures, or whole clusters drawn until there are 512 pictures."""
    if len(clusters) <= MOST_PICTURES:
        return np.arange(len(clusters))
    place = rng.permutation(int(clusters.max()) + 1)[clusters]
    order = np.argsort(place, kind="stable")
    return np.sort(order[place[order] <= place[order[MOST_PICTURES - 1]]])


def whitened(features: Floats) -> Floats:
    """Features turned and scaled to the unit covariance, shrunk after Ledoit and Wolf: float64 (n, rank)."""
    from sklearn.covariance import ledoit_wolf_shrinkage

    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    powers, turned = np.linalg.eigh(centred @ centred.T)
    strong = powers > 1e-12 * max(float(powers.max(initial=0.0)), 1e-30)
    if not strong.any():
        return np.zeros((len(features), 1))
    scores = turned[:, strong] * np.sqrt(powers[strong])
    variance = powers[strong] / len(features)
    shrunk = float(ledoit_wolf_shrinkage(scores, assume_centered=True))
    return np.asarray(scores / np.sqrt((1 - shrunk) * variance + shrunk * variance.mean()))


def _folds(classes: Integers, clusters: Integers, rng: np.random.Generator) -> Integers:
    """Fold of each picture: clusters dealt out class by class, without a look at groups."""
    _, first, cluster = np.unique(clusters, return_index=True, return_inverse=True)
    order = rng.permutation(len(first))
    order = order[np.argsort(classes[first][order], kind="stable")]
    fold = np.empty(len(first), dtype=np.int64)
    fold[order] = np.arange(len(first)) % FOLDS
    return fold[cluster]


def _read(likeness: Floats, labels: Integers, fold: Integers) -> tuple[Floats, NDArray[np.bool_]]:
    """Balanced accuracy of the nearest mean for each row of labels, and which pictures were read right.

    Args:
        likeness: float (n, n), scalar products of the features.
        labels: int (draws, n), groups numbered from 0.

    Returns:
        float (draws,) and bool (draws, n).
    """
    count = int(labels.max()) + 1
    member = labels[:, :, None] == np.arange(count)
    read = np.empty(labels.shape, dtype=labels.dtype)
    for one in range(FOLDS):
        test, train = np.flatnonzero(fold == one), np.flatnonzero(fold != one)
        known = member[:, train].transpose(1, 0, 2).reshape(len(train), -1).astype(np.float64)
        size = known.sum(axis=0)
        product = np.divide(likeness[:, train] @ known, size, out=np.zeros((len(likeness), len(size))), where=size > 0)
        length = (known * product[train]).sum(axis=0) / np.maximum(size, 1)
        score = np.where(size > 0, product[test] - length / 2, -np.inf).reshape(len(test), len(labels), count)
        read[:, test] = score.argmax(axis=2).T
    right = read == labels
    sizes = member.sum(axis=1)
    shares = (member & right[:, :, None]).sum(axis=1) / np.maximum(sizes, 1)
    return shares.sum(axis=1) / (sizes > 0).sum(axis=1), right


def _interval(right: NDArray[np.bool_], groups: Integers, clusters: Integers, value: float) -> tuple[float, float]:
    """Interval of the mean over groups: their Wilson intervals, at the count of clusters, joined by squares.

    Source: Zou and Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 2008
    """
    down, up = [], []
    for group in np.unique(groups):
        inside = groups == group
        units, share = len(np.unique(clusters[inside])), float(right[inside].mean())
        low, high = wilson(round(share * units), units)
        down.append(max(0.0, share - low))
        up.append(max(0.0, high - share))
    count = len(down)
    return max(0.0, value - float(np.hypot.reduce(down)) / count), min(1.0, value + float(np.hypot.reduce(up)) / count)
