"""Whether the colours of the objects go with the class as well, or those of their surroundings alone.

A model that reads a cast and one that reads a tinted background follow the same transfers: most of a picture is
background. What tells the two apart is the data: a cast lies on the object too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from auditor.experiments.experiment import Experiment
from auditor.foreground import clearest_part, object_within
from auditor.interventions.transferring import Pictures
from auditor.records import Measurement

LEAST = 8
"""Pictures of the class."""
FOLDS = 5
RESAMPLES = 999
PIXELS = 80
"""Drawn from each object at most."""


def object_colours(experiment: Experiment, class_name: str | None) -> Measurement | None:
    """Area under the ROC curve with which the colours of the objects' pixels tell the class from the others.

    In boxes, the object's own pixels are cut out by colour, and of these the clearest part by lightness: corners of a
    box, the inside of a ring and the panes of a window are background.

    By logistic regression on the channels of single pixels, their squares and products, cross-validated by cluster; a
    picture's score is the mean of its pixels'. Means alone miss a toning that gives lights one hue and shadows the
    opposite one. Averaged over classes for the whole sample.

    Returns:
        None where objects are not known, or too few of them.
    """
    objects, known = experiment.sample.objects, np.flatnonzero(experiment.sample.has_object)
    if objects is None or len(known) < 2 * LEAST:
        return None
    images = experiment.sample.images[known]
    in_bytes = Pictures(images).as_bytes(images.float().numpy())
    boxes = experiment.sample.object_source != "mask"
    where = [
        clearest_part(image, object_within(image, objects[i])) if boxes else objects[i]
        for image, i in zip(in_bytes, known, strict=True)
    ]
    rng = experiment.rng("object-pixels")
    pixels = [_drawn(image[:, inside].T, rng) for image, inside in zip(in_bytes, where, strict=True)]
    predicted, clusters = experiment.predicted[known], experiment.clusters[known]
    labels = np.unique(predicted) if class_name is None else [experiment.classes.index(class_name)]
    scores: dict[int, np.ndarray] = {}
    for label in labels:
        of_class = predicted == label
        found = _scores(pixels, of_class, clusters, experiment.seed) if of_class.sum() >= LEAST else None
        if found is not None:
            scores[int(label)] = found
    if not scores:
        return None

    def mean_area(rows: np.ndarray) -> float:
        return float(np.mean([_area(found[rows], predicted[rows] == label) for label, found in scores.items()]))

    members = [np.flatnonzero(clusters == cluster) for cluster in np.unique(clusters)]
    rng = experiment.rng("object-colours", str(class_name))
    drawn = [
        mean_area(np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))]))
        for _ in range(RESAMPLES)
    ]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Measurement(
        name="object_colour_auc",
        value=mean_area(np.arange(len(known))),
        low=float(low),
        high=float(high),
        count=len(members),
        note="area under the curve with which the colour of the objects alone tells the class; .5 is chance",
    )


def _drawn(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At most `PIXELS` of (count, channels)."""
    return pixels if len(pixels) <= PIXELS else pixels[rng.choice(len(pixels), PIXELS, replace=False)]


def _scores(pixels: Sequence[np.ndarray], of_class: np.ndarray, clusters: np.ndarray, seed: int) -> np.ndarray | None:
    """Cross-validated decision values, one a picture; None where clusters do not allow it.

    Each picture weighs the same in its class, and the class as much as all others.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    if min(len(np.unique(clusters[of_class])), len(np.unique(clusters[~of_class]))) < FOLDS:
        return None
    counts = np.array([len(own) for own in pixels])
    picture, colours = np.repeat(np.arange(len(pixels)), counts), np.concatenate(pixels).astype(np.float64)
    scores = np.empty(len(pixels))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(counts, of_class, clusters):
        shares = np.where(of_class, 1 / of_class[train].sum(), 1 / (~of_class[train]).sum()) / counts * len(train) / 2
        model = make_pipeline(
            StandardScaler(),
            PolynomialFeatures(2, include_bias=False),
            StandardScaler(),
            LogisticRegression(max_iter=300),
        )
        own = np.isin(picture, train)
        model.fit(colours[own], of_class[picture[own]], logisticregression__sample_weight=shares[picture[own]])
        left = picture[~own]
        sums = np.bincount(left, weights=model.decision_function(colours[~own]), minlength=len(pixels))
        scores[test] = sums[test] / counts[test]
    return scores


def _area(scores: np.ndarray, of_class: np.ndarray) -> float:
    """Mann–Whitney: how often a picture of the class scores above one of the others; NaN without either."""
    if of_class.all() or not of_class.any():
        return float("nan")
    ranks = stats.rankdata(scores)[of_class]
    inside = len(ranks)
    return float((ranks.sum() - inside * (inside + 1) / 2) / (inside * (len(scores) - inside)))
