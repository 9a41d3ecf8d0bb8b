"""Finds strategies: clusters of predictions that look where the others do not, and come back when looked for again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.experiments.clustering import Clustering, clustered, descriptors, eigengap, hot_boxes, stability
from auditor.regions import intersection

if TYPE_CHECKING:
    from auditor.experiments.experiment import Experiment

__all__ = ["NULL_SHARE", "Search", "Strategy", "find_strategies"]

LEAST_MAPS = 50
"""Of one predicted class; classes with fewer are pooled."""
MOST_MAPS = 256
"""Of one set: all eigenvalues are computed, and more maps show no other clusters."""
LEAST_MEMBERS, LEAST_SHARE = 5, 0.05
"""A smaller cluster is left out."""
STABLE = 0.6
"""Mean adjusted Rand index under resampling from which clusters are taken to come back."""
NULL_SHARE = 0.5
"""Maps that are clustered for each network without training, in all sets together, as a share of the sample."""
LEAST_NULL, MOST_NULL = 32, 64
"""Maps of one set for each such network; so many of the model's are clustered, as often."""
QUANTILE = 0.95
SAME_PLACE = 0.5
"""Places that share this much of the smaller one are one."""


@dataclass(frozen=True)
class _Set:
    """Maps that are clustered together: those of one predicted class, or of all classes that are too small.

    Attributes:
        name: The class's, or "all".
        rows: int (n,), pictures.
        points: float (n, rows, columns), their small maps.
    """

    name: str
    rows: np.ndarray
    points: np.ndarray

    def __str__(self) -> str:
        return f"{len(self.rows)} predictions" + ("" if self.name == "all" else f" of class {self.name}")


@dataclass(frozen=True)
class Strategy:
    """A cluster that came back, and a place that it alone looks at.

    Attributes:
        name: Of the class, or "all", and a number.
        rows: int (n,), all pictures that were clustered together.
        inside: bool (n,), those of the cluster; of all clusters that look at this place.
        typical: int (members,), those of the cluster that looks there most, the most typical first.
        box: (x1, y1, x2, y2), the place.
        weight: Share of the cluster's excess attribution that lies there.
        stability: Mean adjusted Rand index under resampling, and its 2.5 and 97.5 %.
        facts: Eigengaps, for the record.
    """

    name: str
    rows: np.ndarray
    inside: np.ndarray
    typical: np.ndarray
    box: tuple[int, int, int, int]
    weight: float
    stability: tuple[float, float, float]
    facts: Mapping[str, Any]


@dataclass
class Search:
    """What came of the search.

    Attributes:
        strategies: Those with most attribution in a place of their own first.
        absent: Sentences on sets without strategies.
        untested: Why no set could be searched; "" where one was.
    """

    strategies: list[Strategy] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    untested: str = ""


def find_strategies(experiment: Experiment, networks: int, notes: list[str]) -> Search:
    """Cluster attributions, for each predicted class with 50 of them and for the others together.

    Clusters are believed where they come back under resampling (adjusted Rand index at least .6), and where the
    eigengap exceeds the 95th percentile of those of re-initialised networks on the same pictures: pictures have a
    structure of their own, which shows in any network's maps.

    Args:
        experiment: Model, sample, and what may be spent.
        networks: Re-initialised networks.
        notes: What a reader must know is added here.

    Raises:
        ModelError: The model allows no gradients.
    """
    search = Search()
    sets = list(_sets(experiment, notes))
    if not sets:
        search.untested = f"fewer than {LEAST_MAPS} predictions have an attribution map; fewer show no clusters"
        return search
    steady = []
    for number, one in enumerate(sets):
        experiment.progress(number, len(sets), "cluster: attribution maps")
        found = clustered(one.points, seed=experiment.seed)
        agreement = stability(one.points, found, seed=experiment.seed)
        if agreement[0] >= STABLE:
            steady.append((one, found, agreement))
        else:
            search.absent.append(
                f"the maps of {one} fall into no clusters that come back (stability {agreement[0]:.2f})"
            )
    if steady and not _affordable(experiment, len(steady), networks):
        search.untested = "the budget held no networks without training to compare clusters with"
        return search
    gaps = _eigengaps(experiment, [one for one, _, _ in steady], networks) if steady else []
    for (one, found, agreement), (own, null) in zip(steady, gaps, strict=True):
        alive = null[~np.isnan(null)]
        if 2 * len(alive) < networks:
            notes.append(f"the maps of {one} were not compared: those of most networks without training are blank")
            continue
        limit = float(np.quantile(alive, QUANTILE, method="higher"))
        if own <= limit:
            search.absent.append(
                f"the maps of {one} fall into clusters no clearer than those of networks without training (eigengap "
                f"{own:.2f}, limit {limit:.2f})"
            )
            continue
        facts = {"eigengap": own, "eigengap_limit": limit, "networks": len(alive), "clusters": found.count}
        places = list(_places(experiment, one, found, agreement, facts))
        if not places:
            search.absent.append(f"the maps of {one} fall into {found.count} clusters, none with a place of its own")
        search.strategies += places
    if not search.strategies and not search.absent:
        search.untested = "networks without training have blank maps here, so clusters have nothing to be compared with"
    search.strategies = _joined(search.strategies)
    return search


def _joined(places: list[Strategy]) -> list[Strategy]:
    """Strongest first; clusters of one set that look at one place are one strategy."""
    kept: list[Strategy] = []
    for place in sorted(places, key=lambda place: (-place.weight, place.name)):
        for at, other in enumerate(kept):
            if other.rows is place.rows and intersection(other.box, place.box) >= SAME_PLACE:
                kept[at] = replace(other, inside=other.inside | place.inside)
                break
        else:
            kept.append(place)
    return kept


def _sets(experiment: Experiment, notes: list[str]) -> Iterator[_Set]:
    maps = experiment.attributions()
    usable = maps.sum(axis=(1, 2)) > 0
    if not usable.all():
        notes.append(f"{int((~usable).sum())} predictions have no positive attribution and were not clustered")
    rows = np.flatnonzero(usable)
    predicted = experiment.predicted[rows]
    counts = np.bincount(predicted, minlength=len(experiment.classes))
    large = counts[predicted] >= LEAST_MAPS
    members = [(experiment.classes[c], rows[predicted == c]) for c in np.flatnonzero(counts >= LEAST_MAPS)]
    if (~large).sum() >= LEAST_MAPS:
        members.append(("all", rows[~large]))
    elif (~large).any() and members:
        notes.append(f"{int((~large).sum())} predictions of classes with fewer than {LEAST_MAPS} were not clustered")
    most = max(1, int(NULL_SHARE * len(maps)) // LEAST_NULL)
    if len(members) > most:
        notes.append(f"the {most} largest of {len(members)} sets of predictions were clustered")
        members = sorted(members, key=lambda item: -len(item[1]))[:most]
    for name, chosen in members:
        if len(chosen) > MOST_MAPS:
            notes.append(f"{MOST_MAPS} of {len(chosen)} predictions of '{name}' were clustered")
            chosen = np.sort(experiment.rng("cluster", name).choice(chosen, MOST_MAPS, replace=False))
        yield _Set(name, chosen, descriptors(maps[chosen]))


def _null_maps(experiment: Experiment, sets: int) -> int:
    """Maps of each set for each network without training."""
    return max(LEAST_NULL, min(MOST_NULL, int(NULL_SHARE * len(experiment.sample)) // sets))


def _affordable(experiment: Experiment, sets: int, networks: int) -> bool:
    from auditor.engine.attribution import PASS
    from auditor.trust.reinitialising import STATISTICS_IMAGES

    return experiment.budget >= networks * (STATISTICS_IMAGES + sets * _null_maps(experiment, sets) * PASS)


def _eigengaps(experiment: Experiment, sets: Sequence[_Set], networks: int) -> list[tuple[float, np.ndarray]]:
    """For each set the model's mean eigengap over as many draws of maps as there are networks, and theirs.

    NaN where most maps of a network are blank.
    """
    import torch

    from auditor.engine.attribution import mean_picture, positive_attribution
    from auditor.trust.reinitialising import STATISTICS_IMAGES, estimate_statistics, reinitialised

    predictor, images = experiment.predictor, experiment.sample.images
    reference = mean_picture(images)
    before = predictor.forwards
    wanted = _null_maps(experiment, len(sets))
    own, null = np.zeros((2, len(sets), networks))
    for number in range(networks):
        experiment.progress(number, networks, "cluster: networks without training")
        draw = experiment.rng("cluster", "network", str(number))
        module = reinitialised(predictor.original(), int(draw.integers(2**31)))
        estimate_statistics(module, predictor.model, images)
        predictor.forwards += min(STATISTICS_IMAGES, len(images))
        for at, one in enumerate(sets):
            drawn = np.sort(draw.choice(len(one.rows), min(wanted, len(one.rows)), replace=False))
            rows = one.rows[drawn]
            maps = positive_attribution(
                predictor,
                images[torch.from_numpy(rows)],
                experiment.predicted[rows],
                module=module,
                reference=reference,
            )
            own[at, number] = eigengap(one.points[drawn])
            small = descriptors(maps[maps.sum(axis=(1, 2)) > 0])
            null[at, number] = eigengap(small) if 2 * len(small) >= len(rows) else np.nan
    experiment.budget -= predictor.forwards - before
    return [(float(own[at].mean()), null[at]) for at in range(len(sets))]


def _places(
    experiment: Experiment, one: _Set, found: Clustering, agreement: tuple[float, float, float], facts: dict[str, Any]
) -> Iterator[Strategy]:
    number = 0
    for label in range(found.count):
        inside = found.labels == label
        if inside.sum() < max(LEAST_MEMBERS, LEAST_SHARE * len(inside)) or inside.all():
            continue
        middle = one.points[inside].mean(axis=0)
        away = np.abs(one.points[inside] - middle).sum(axis=(1, 2))
        typical = one.rows[inside][np.argsort(away, kind="stable")]
        for weight, box in hot_boxes(one.points, inside, *experiment.size):
            number += 1
            yield Strategy(f"{one.name}-{number}", one.rows, inside, typical, box, weight, agreement, facts)
