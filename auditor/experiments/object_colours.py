"""Whether the colours of the objects go with the class as well, or those of their surroundings alone.

A model that reads a cast and one that reads a tinted background follow the same transfers: most of a picture is
background. What tells the two apart is the data: a cast lies on the object too.
"""

from __future__ import annotations

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


def object_colours(experiment: Experiment, class_name: str | None) -> Measurement | None:
    """Area under the ROC curve with which the mean colour of the objects tells the class from the others.

    In boxes, the object's own pixels are cut out by colour, and of these the clearest part by lightness: corners of a
    box, the inside of a ring and the panes of a window are background.

    By logistic regression on the channel means, cross-validated by cluster; averaged over classes for the whole sample.

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
    colours = np.stack([image[:, inside].mean(axis=1) for image, inside in zip(in_bytes, where, strict=True)])
    predicted, clusters = experiment.predicted[known], experiment.clusters[known]
    labels = np.unique(predicted) if class_name is None else [experiment.classes.index(class_name)]
    scores: dict[int, np.ndarray] = {}
    for label in labels:
        of_class = predicted == label
        found = _scores(colours, of_class, clusters, experiment.seed) if of_class.sum() >= LEAST else None
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


def _scores(colours: np.ndarray, of_class: np.ndarray, clusters: np.ndarray, seed: int) -> np.ndarray | None:
    """Cross-validated decision values; None where clusters do not allow it."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if min(len(np.unique(clusters[of_class])), len(np.unique(clusters[~of_class]))) < FOLDS:
        return None
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    return np.asarray(
        cross_val_predict(model, colours, of_class, groups=clusters, cv=folds, method="decision_function")
    )


def _area(scores: np.ndarray, of_class: np.ndarray) -> float:
    """Mann–Whitney: how often a picture of the class scores above one of the others; NaN without either."""
    if of_class.all() or not of_class.any():
        return float("nan")
    ranks = stats.rankdata(scores)[of_class]
    inside = len(ranks)
    return float((ranks.sum() - inside * (inside + 1) / 2) / (inside * (len(scores) - inside)))
