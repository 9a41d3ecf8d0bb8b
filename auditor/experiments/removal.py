"""Removes a region by several fills: flips against matched controls, fill sanity, and what it does to accuracy.

Source: docs/methods.md, interventions.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

from auditor.evidence import CheckEvidence, FillSanity, PairedEffects
from auditor.experiments.experiment import Candidate, Experiment, paired
from auditor.interventions import Fill, remove
from auditor.regions import Region
from auditor.statistics.intervals import clopper_pearson

SANE_SHARE = 0.20
SANE_FLIPS = 0.10
NEIGHBOURS = 3


def with_removal(
    experiment: Experiment,
    evidence: CheckEvidence,
    candidate: Candidate,
    donor_class: int | None,
    fills: Sequence[Fill],
) -> CheckEvidence:
    """Remove the region and its controls by each fill: flips, fill sanity, and what it does to accuracy."""
    members = experiment.halves["B"]
    if candidate.eligible is not None:
        members = members[candidate.eligible[members]]
    if candidate.carriers is not None:
        members = members[candidate.carriers[members]]
    elif donor_class is not None:
        members = members[experiment.predicted[members] == donor_class]
    regions = [candidate.region, *candidate.controls[:2]]
    if not fills or len(members) < 2 or experiment.budget < len(regions) * len(fills) * len(members):
        return evidence
    donors = _other_class_donors(experiment, members, evidence.id)
    tests, sanity, corrects = [], [], []
    labels = experiment.sample.labels[members]
    for fill in fills:
        flips, correct, features = _fill(experiment, fill, regions, members, donors)
        test = paired(
            f"removal_{fill}", "B", flips[0], flips[1:], members, experiment.clusters, [r.name for r in regions[1:]]
        )
        tests.append(test)
        corrects.append(correct)
        if len(regions) > 1:
            sanity.append(_sanity(experiment, fill, features, flips[1:]))
    gain = None
    known = labels >= 0
    if known.any():
        before = (experiment.predicted[members] == labels).astype(float)
        after = np.mean(corrects, axis=0)
        gain = PairedEffects(
            name="accuracy_gain",
            half="B",
            recipients=tuple(int(i) for i in members[known]),
            clusters=tuple(int(experiment.clusters[i]) for i in members[known]),
            effect=tuple(float(v) for v in after[known]),
            control=tuple(float(v) for v in before[known]),
        )
    return evidence.model_copy(
        update={"confirm": (*evidence.confirm, *tests), "fills": tuple(sanity), "accuracy_gain": gain}
    )


def _other_class_donors(experiment: Experiment, members: np.ndarray, purpose: str) -> np.ndarray:
    rng = experiment.rng("removal", purpose)
    everyone = experiment.halves["B"]
    chosen = []
    for i in members:
        others = everyone[experiment.predicted[everyone] != experiment.predicted[i]]
        chosen.append(int(rng.choice(others)) if len(others) else int(i))
    return np.asarray(chosen)


def _fill(
    experiment: Experiment, fill: Fill, regions: Sequence[Region], members: np.ndarray, donors: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flips (regions, members), correct after removal of the first region (members,), features at the first control."""
    images, count = experiment.sample.images, len(members)

    def one(flat: int) -> np.ndarray:
        region, member = divmod(flat, count)
        donor = images[int(donors[member])].numpy() if fill == "donor" else None
        return remove(images[int(members[member])].numpy(), regions[region], fill, donor)

    with ThreadPoolExecutor() as pool:

        def make(start: int, stop: int) -> torch.Tensor:
            return torch.from_numpy(np.stack(list(pool.map(one, range(start, stop)))))

        total = len(regions) * count
        experiment.budget -= total
        scores = experiment.predictor.scores_of(
            total, make, progress=lambda done, of: experiment.progress(done, of, f"removal by {fill}")
        )
        features = np.empty((0, 0))
        if len(regions) > 1:
            features = experiment.features(make(count, 2 * count))
    after = scores.argmax(axis=1).reshape(len(regions), count)
    flips = after != experiment.predicted[members][None, :]
    return flips, (after[0] == experiment.sample.labels[members]).astype(float), features


def _sanity(experiment: Experiment, fill: str, filled: np.ndarray, control_flips: np.ndarray) -> FillSanity:
    originals = experiment.features(experiment.sample.images[torch.from_numpy(experiment.halves["B"])])
    k = min(NEIGHBOURS, len(originals) - 1)
    neighbours = NearestNeighbors(n_neighbors=k + 1).fit(originals)
    own = neighbours.kneighbors(originals)[0][:, 1:].mean(axis=1)
    # the filled picture's own original is among the neighbours: take it out as an original takes out itself
    distance = neighbours.kneighbors(filled)[0][:, 1:].mean(axis=1)
    beyond = float((distance > np.quantile(own, 0.95)).mean())
    flipped = int(control_flips[0].sum())
    low = clopper_pearson(flipped, control_flips.shape[1])[0]
    return FillSanity(
        fill=fill, beyond=beyond, control_flips_low=low, passed=beyond <= SANE_SHARE and low <= SANE_FLIPS
    )
