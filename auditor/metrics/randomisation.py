"""Randomisation: whether maps change when everything that the model learnt is taken away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.media import EVERY
from auditor.metrics import USUAL, MapSet, Metric, MetricContext, MetricResult, Workload
from auditor.records import Measurement
from auditor.trust.deciding import FAILED, LEAST, PASSED, UNDECIDED, mean_of
from auditor.trust.reinitialising import STATISTICS_IMAGES, estimate_statistics, reinitialised, stages

SAME = 0.5
"""Of the rank correlation that the network's build leaves open, the share from which two maps count as the same. The
source shows curves and gives no limit; this one is our choice."""
BUILD = 0.9
"""Rank correlation from which a map is the build and nothing else: ρ² is then above four fifths of its ranks'
variance. Our choice."""
HISTOGRAM = 100
"""Bins of the entropy's histogram, from the map's least to its greatest value."""
CASCADE_IMAGES = 8
"""Pictures whose maps are made again at each stage of the cascade."""
NAMES = ("rank_correlation", "rank_correlation_other_picture", "rank_correlation_beyond_build", "efficient_mprt")
NO_PAIRS = "no picture has a usable map on both the model and its re-initialised copy"
NO_OTHER = "no copy explains two pictures with usable maps"


class Randomisation(Metric):
    """Whether maps depend on what the model has learnt: the same maps on a copy with re-initialised weights.

    `rank_correlation` is the mean absolute Spearman correlation between the map of the model and that of the copy,
    for the same picture and class. `rank_correlation_other_picture` is the same with the copy's map of another
    picture: what the network's build alone gives, such as convolutions without padding that see the centre more often.
    `rank_correlation_beyond_build` is (first − second) / (1 − second): of what the build leaves open, the share that
    a network which has learnt nothing shows as well. `efficient_mprt` is (H_copy − H) / H with H the entropy of the
    map's histogram: above zero where the model's own map is more ordered than that of a network that knows nothing.

    The copy draws each module's weights again by its own rule (`reset_parameters`), or shuffles them where it has
    none; batch-norm statistics are estimated again on the sample. One copy can resemble the model by luck, so the
    pictures are dealt out among several. The audited model is only copied. With `cascade`, weights are also drawn
    again stage by stage from the output down; `cascading_correlation` is the mean rank correlation over the stages,
    and the table holds the curve.

    Source: Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, section 3 (cascading and full, rank
    correlation); Hedström et al., "Sanity Checks Revisited", 2024 (efficient MPRT); the correction for what agrees
    anyway is that of Cohen, "A coefficient of agreement for nominal scales", 1960.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"images": 8},
        "standard": {},
        "full": {"images": 32, "draws": 8, "cascade": 8},
    }
    media = EVERY
    rule = (
        "Failed where a network with random weights gives nearly the same map (rank correlation surely at least "
        f"{BUILD:g}), or shares at least half of what the network's build leaves open (correlation beyond that with "
        f"another picture's map surely at least {SAME:g}). Passed where both are surely below."
    )
    of_classes = False
    headlines = ("rank_correlation_beyond_build",)

    images: int = Field(16, ge=1, description="Pictures drawn from the sample.")
    draws: int = Field(4, ge=1, le=50, description="Re-initialised copies; the pictures are dealt out among them.")
    cascade: int = Field(0, ge=0, le=200, description="Stages from the output down; 0 leaves the cascade out.")

    def forwards(self, work: Workload = USUAL) -> float:
        copies = (self.draws + self.cascade) * (STATISTICS_IMAGES + work.copy_forwards) / work.images
        mapped = work.share(self.images) + self.cascade * work.share(min(self.images, CASCADE_IMAGES))
        return copies + mapped * work.map_forwards

    def measure(self, context: MetricContext) -> MetricResult:
        if not context.maps:
            return MetricResult()
        draw = np.random.default_rng([context.seed, 1])
        rows = np.sort(draw.permutation(len(context.sample))[: self.images])
        draws = min(self.draws, len(rows))
        on_copies: dict[str, dict[int, np.ndarray]] = {item.name: {} for item in context.maps}
        for number in range(draws):
            context.progress(number, draws, "maps of re-initialised copies")
            for name, maps in _maps_of_copy(context, rows[number::draws], number).items():
                on_copies.setdefault(name, {}).update(maps)
        context.progress(draws, draws, "maps of re-initialised copies")
        of_maps: dict[str, list[Measurement]] = {}
        trust: dict[str, str] = {}
        for item in context.maps:
            of_maps[item.name] = found = _compare(item, on_copies[item.name], rows, draws, context)
            trust[item.name] = verdict(found[0], found[2])
        if not self.cascade:
            return MetricResult(of_maps=of_maps, trust=trust)
        curves, names = _cascade(context, rows[:CASCADE_IMAGES], self.cascade)
        for item in context.maps:
            of_maps[item.name].append(_mean_over_stages(curves[item.name], context))
        table = {
            "stages": names,
            "images": min(len(rows), CASCADE_IMAGES),
            "curves": {
                name: [float(np.mean(list(stage.values()))) if stage else None for stage in curve]
                for name, curve in curves.items()
            },
        }
        return MetricResult(of_maps=of_maps, trust=trust, tables={"cascade": table})


def histogram_entropy(heatmap: np.ndarray) -> float:
    """Entropy in nats of the map's histogram over 100 bins between its least and greatest value."""
    from scipy.stats import entropy

    return float(entropy(np.histogram(heatmap, bins=HISTOGRAM)[0]))


def verdict(correlation: Measurement, beyond_build: Measurement) -> str:
    """The metric's rule, on `rank_correlation` and `rank_correlation_beyond_build`."""
    if correlation.low is None or correlation.high is None or correlation.count < LEAST:
        return UNDECIDED
    if correlation.low >= BUILD:
        return FAILED
    # where the build leaves nothing open, nothing is shared beyond it
    low = beyond_build.low if beyond_build.low is not None else correlation.low
    high = beyond_build.high if beyond_build.high is not None else correlation.high
    if low >= SAME:
        return FAILED
    return PASSED if high < SAME and correlation.high < BUILD else UNDECIDED


def _maps_of_copy(
    context: MetricContext, rows: np.ndarray, number: int, parts: Collection[str] | None = None
) -> dict[str, dict[int, np.ndarray]]:
    """Method → row → map of a copy, as far as it is usable.

    Args:
        number: Of the copy.
        parts: Modules that are drawn again; None: all.
    """
    seed = int(np.random.default_rng([context.seed, 2, number]).integers(2**31))
    module = reinitialised(context.model.module, seed, parts)
    estimate_statistics(module, context.model, context.sample.images, parts)
    return {
        item.name: {
            row: heatmap
            for row, heatmap, usable in zip(rows.tolist(), item.maps, item.usable, strict=True)
            if usable and _varies(heatmap)
        }
        for item in context.make_maps(module, rows)
    }


def _cascade(
    context: MetricContext, rows: np.ndarray, count: int
) -> tuple[dict[str, list[dict[int, float]]], list[str]]:
    """Method → one row → correlation a stage; and the module that each stage reaches down to."""
    curves: dict[str, list[dict[int, float]]] = {item.name: [] for item in context.maps}
    groups = stages(context.model.module, count)
    drawn: set[str] = set()
    for number, group in enumerate(groups):
        context.progress(number, len(groups), "maps of a model forgotten from the output down")
        drawn.update(group)
        made = _maps_of_copy(context, rows, 0, drawn)
        for item in context.maps:
            there = made.get(item.name, {})
            curves[item.name].append(
                {
                    row: _correlation(item.maps[row], there[row])
                    for row in rows.tolist()
                    if row in there and item.usable[row] and _varies(item.maps[row])
                }
            )
    context.progress(len(groups), len(groups), "maps of a model forgotten from the output down")
    return curves, [group[-1] or "the model itself" for group in groups]


def _mean_over_stages(curve: list[dict[int, float]], context: MetricContext) -> Measurement:
    rows = sorted({row for stage in curve for row in stage})
    if not rows:
        return Measurement(name="cascading_correlation", value=None, count=0, reason=NO_PAIRS)
    means = np.array([np.mean([stage[row] for stage in curve if row in stage]) for row in rows])
    note = f"mean over {len(curve)} stages from the output down"
    clusters = context.clusters_of(np.array(rows))
    return mean_of("cascading_correlation", means, clusters, seed=context.seed, note=note)


def _compare(
    item: MapSet, on_copies: Mapping[int, np.ndarray], rows: np.ndarray, draws: int, context: MetricContext
) -> list[Measurement]:
    """Rank correlations and efficient MPRT over pictures whose maps are usable on the model and on its copy."""
    compared = [row for row in rows.tolist() if row in on_copies and item.usable[row] and _varies(item.maps[row])]
    if not compared:
        return [Measurement(name=name, value=None, count=0, reason=NO_PAIRS) for name in NAMES]
    same = {row: _correlation(item.maps[row], on_copies[row]) for row in compared}
    across = {}
    for number in range(draws):
        mine = [row for row in rows[number::draws].tolist() if row in same]
        for row, other in zip(mine, mine[1:] + mine[:1], strict=True):
            if row != other:
                across[row] = _correlation(item.maps[row], on_copies[other])
    changes = {row: histogram_entropy(on_copies[row]) / histogram_entropy(item.maps[row]) - 1 for row in compared}
    left_out = len(rows) - len(compared)
    copies = "copy" if draws == 1 else "copies"
    note = f"against {draws} re-initialised {copies}; {left_out} pictures left out, blank on one side"
    return [
        _mean(NAMES[0], same, context, note),
        _mean(NAMES[1], across, context, note),
        _beyond_build(same, across, context),
        _mean(NAMES[3], changes, context, note, lower=-1.0, upper=max(1.0, *changes.values())),
    ]


def _beyond_build(same: Mapping[int, float], across: Mapping[int, float], context: MetricContext) -> Measurement:
    """(same − other) / (1 − other), of the means; its interval is that of each picture's influence on it.

    Source: Efron, "The Jackknife, the Bootstrap and Other Resampling Plans", 1982, chapter 6 (infinitesimal jackknife).
    """
    rows = list(across)
    one = np.array([same[row] for row in rows])
    other = np.array([across[row] for row in rows])
    if not rows or other.mean() >= 1 - 1e-6:
        reason = "the network's build leaves nothing open" if rows else NO_OTHER
        return Measurement(name=NAMES[2], value=None, count=0, reason=reason)
    opened = 1 - other.mean()
    ratio = (one.mean() - other.mean()) / opened
    influence = ratio + ((one - one.mean()) - (1 - ratio) * (other - other.mean())) / opened
    return mean_of(
        NAMES[2],
        influence,
        context.clusters_of(np.array(rows)),
        seed=context.seed,
        lower=min(0.0, influence.min()),
        upper=max(1.0, influence.max()),
        note="of what the network's build leaves open; at .5 half of it does not depend on the weights",
    )


def _varies(heatmap: np.ndarray) -> bool:
    return bool(np.ptp(heatmap) > 0)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Absolute Spearman correlation over pixels."""
    from scipy.stats import spearmanr

    return abs(float(spearmanr(one, other, axis=None).statistic))


def _mean(
    name: str, of_rows: Mapping[int, float], context: MetricContext, note: str, lower: float = 0.0, upper: float = 1.0
) -> Measurement:
    """Mean over pictures with its bootstrap interval."""
    if not of_rows:
        return Measurement(name=name, value=None, count=0, reason=NO_OTHER)
    clusters = context.clusters_of(np.array(list(of_rows)))
    values = np.array(list(of_rows.values()))
    return mean_of(name, values, clusters, seed=context.seed, lower=lower, upper=upper, note=note)
