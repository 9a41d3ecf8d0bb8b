"""Strategies nobody named: do predictions fall into clusters by where they look, and is one of them a shortcut?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.errors import ModelError
from auditor.evidence import CheckEvidence, Example, ProbeEvidence
from auditor.probes import LocationProbe
from auditor.records import Box, Measurement, PlannedCheck
from auditor.regions import Region, displaced
from auditor.statistics.intervals import wilson

if TYPE_CHECKING:
    from auditor.experiments.experiment import Candidate, Experiment
    from auditor.experiments.strategies import Strategy

LEAST_CARRIERS, LEAST_RECIPIENTS = 6, 33
"""In each half: with fewer recipients effects of 25 points would be missed."""
OFF_OBJECT = 0.02
"""A region is off the object where at most 2 % of it are covered."""
MEMBERS_SHOWN = 2
EXPECTED_SAMPLE = 128
DIMMED = 0.2
"""Brightness of what a strategy does not look at, in its pictures."""


class Cluster(LocationProbe):
    """Spectral relevance analysis: clusters predictions by where they look, and tests where one cluster alone looks.

    Positive attributions (input gradient times the distance from the sample's mean picture) are made small, clustered
    by their neighbour graph, and believed where clusters come back under resampling and are clearer (eigengap) than
    those of 19 networks with re-initialised weights on the same pictures. The place that a cluster has for itself is a
    candidate, never a verdict: it is swapped like any region, judged only where it is provably off the object, and
    otherwise drawn.

    Source: Lapuschkin et al., "Unmasking Clever Hans predictors", Nature Communications 2019
    """

    cue: ClassVar[str] = "a place that some predictions alone look at"
    recommendation: ClassVar[str] = (
        "Look at the pictures of this strategy for what they share at that place and the rest of the class does not; "
        "mask it, or put it into pictures of all classes. Then audit again with the cluster and region probes."
    )
    order: ClassVar[int] = 5
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}

    donors_screen: int = Field(1, ge=1, le=16, description="Donor pictures an image on the discovery half.")
    donors_confirm: int = Field(3, ge=1, le=64, description="Donor pictures an image on the confirmation half.")
    shortlist: int = Field(1, ge=1, le=64, description="Checks that may go to the confirmation half.")
    removal: bool = Field(False, description="Also remove what goes to the confirmation half, by three kinds of fill.")
    most: int = Field(2, ge=1, le=16, description="Places tested, those with most attribution of their own first.")
    networks: int = Field(19, ge=19, le=199, description="Re-initialised networks; 19 make the 95th percentile.")

    @classmethod
    def where(cls, region: Box | None) -> str:
        if region is None:
            return cls.cue
        name, _, number = region.name.rpartition("-")
        return f"the place that strategy {number} of {'all classes' if name == 'all' else f'class {name}'} looks at"

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="cluster",
            what="places that only one stable cluster of attribution maps looks at, swapped; off the object judged",
            control="the same box at mirrored places; for clusters, networks with re-initialised weights",
            limit=self.steps,
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="Finds what only some pictures of a class are recognised by, without a guess what it could be.",
        )

    def pool(self) -> int:
        return self.most * (1 + self.controls())

    def controls(self) -> int:
        return 3

    def placebos(self) -> int:
        return self.most

    def forwards(self) -> float:
        """For a sample of 128; a smaller one pays as much for the networks without training."""
        from auditor.engine.attribution import PASS
        from auditor.experiments.strategies import NULL_SHARE
        from auditor.trust.reinitialising import STATISTICS_IMAGES

        null = self.networks * (PASS * NULL_SHARE + STATISTICS_IMAGES / EXPECTED_SAMPLE)
        return super().forwards() + PASS + null

    def run(self, experiment: Experiment) -> ProbeEvidence:
        from auditor.experiments.experiment import empty_check
        from auditor.experiments.strategies import Search, find_strategies
        from auditor.experiments.two_stage import two_stage

        before = experiment.predictor.forwards
        notes: list[str] = []
        try:
            search = find_strategies(experiment, self.networks, notes)
        except ModelError as error:
            search = Search(untested=str(error))
        checks: list[CheckEvidence] = []
        if search.untested:
            checks.append(empty_check("cluster", None, search.untested))
        elif not search.strategies:
            checks.append(CheckEvidence(kind="cluster", absent=_sentence(search.absent)))
        else:
            notes += [_sentence([words]) for words in search.absent]
        chosen = {strategy.name: strategy for strategy in search.strategies[: self.most]}
        candidates = [_candidate(experiment, strategy, notes) for strategy in chosen.values()]
        for check in two_stage(experiment, "cluster", candidates, self.budget()):
            strategy = chosen.pop(check.region.name, None) if check.region is not None else None
            checks.append(check if strategy is None else _described(experiment, check, strategy))
        left_out = len(search.strategies) - self.most
        if left_out > 0:
            notes.append(f"{left_out} more places that one cluster alone looks at were not tested")
        return ProbeEvidence(
            probe="cluster",
            checks=tuple(checks),
            forwards=experiment.predictor.forwards - before,
            notes=tuple(dict.fromkeys(notes)),
            options=self.model_dump(mode="json"),
        )


def _sentence(parts: list[str]) -> str:
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _candidate(experiment: Experiment, strategy: Strategy, notes: list[str]) -> Candidate:
    """The strategy's place; its pictures are the donors where each half has enough of them and of the others.

    Judged where enough pictures leave it, and its controls, free of the object; else drawn.
    """
    from auditor.experiments.experiment import Candidate

    sample = experiment.sample
    height, width = experiment.size
    region = Region(strategy.name, strategy.box)
    controls = tuple(displaced(region, height, width))
    members = np.zeros(len(sample), dtype=bool)
    members[strategy.rows[strategy.inside]] = True
    everyone = np.ones(len(sample), dtype=bool)
    why = "" if controls else "no place like it elsewhere"
    free = everyone
    if sample.objects is None:
        why = why or "no masks or boxes"
    else:
        off = [place.overlap(sample.objects) <= OFF_OBJECT for place in (region, *controls)]
        free = sample.has_object & np.all(off, axis=0)
    for carriers in (members, None):
        others = free & ~members if carriers is not None else free
        donors = free & members if carriers is not None else free
        if _enough(experiment, others, LEAST_RECIPIENTS) and _enough(experiment, donors, LEAST_CARRIERS):
            break
    else:
        why = why or "too few pictures are free of the object there"
        free, carriers = everyone, None
    if why:
        notes.append(f"{strategy.name}, box {strategy.box}: drawn, not judged ({why})")
    return Candidate(
        region,
        controls,
        eligible=None if free.all() else free,
        carriers=carriers,
        off_object=not why,
        judged=not why,
    )


def _enough(experiment: Experiment, pictures: np.ndarray, least: int) -> bool:
    return all(int(pictures[half].sum()) >= least for half in experiment.halves.values())


def _described(experiment: Experiment, check: CheckEvidence, strategy: Strategy) -> CheckEvidence:
    """The check with what is known of the cluster, and with its pictures: where it looks, then swaps or members."""
    pictures = _pictures(experiment, strategy)
    inside, count = int(strategy.inside.sum()), len(strategy.inside)
    low, high = wilson(inside, count)
    mean, worst, best = strategy.stability
    further = (
        Measurement(name="cluster_share", value=inside / count, low=low, high=high, count=count, note="Wilson"),
        Measurement(
            name="cluster_stability",
            value=mean,
            low=min(worst, mean),
            high=max(best, mean),
            count=count,
            note="adjusted Rand index with resampled pictures, mean and 2.5 to 97.5 %",
        ),
    )
    return check.model_copy(
        update={
            "further": further,
            "facts": {**strategy.facts, "own_attribution": strategy.weight},
            "examples": (*pictures[:1], *(check.examples or pictures[1:])),
        }
    )


def _pictures(experiment: Experiment, strategy: Strategy) -> tuple[Example, ...]:
    """The sample's mean picture lit where the cluster looks on average, then its most typical pictures."""
    maps, images = experiment.attributions(), experiment.sample.images
    members = strategy.rows[strategy.inside]
    mass = maps[members].sum(axis=(1, 2), keepdims=True)
    mean = images.float().mean(dim=0).numpy()
    average = f"beside it the mean picture, lit where {len(members)} predictions of this strategy look on average"
    own = "a typical picture of this strategy, lit where the model looks"
    shown = [(int(strategy.typical[0]), mean, (maps[members] / mass).mean(axis=0), average)]
    for row in strategy.typical[:MEMBERS_SHOWN]:
        shown.append((int(row), images[int(row)].float().numpy(), maps[int(row)], own))
    examples = []
    for number, (row, picture, heat, words) in enumerate(shown):
        kept = experiment.keep_picture(f"cluster-{strategy.name}-{number}", lit(picture, heat))
        target = int(experiment.predicted[row])
        name, score = experiment.classes[target], float(experiment.scores[row, target])
        examples.append(
            Example(
                recipient=row,
                donor=-1,
                change=words,
                picture=kept,
                before=name,
                before_score=score,
                after=name,
                after_score=score,
            )
        )
    return tuple(examples)


def lit(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """The picture, dark where the map is cold: works for one channel and for three.

    Args:
        picture: float (channels, height, width).
        heat: float (height, width), non-negative.

    Returns:
        float32, as `picture`; cold places are moved towards the picture's least value.
    """
    import cv2

    smooth = cv2.GaussianBlur(heat.astype(np.float32), (0, 0), max(heat.shape) / 32)
    top = float(np.quantile(smooth, 0.995))
    share = np.clip(smooth / top, 0, 1) if top > 0 else np.ones_like(smooth)
    floor = float(picture.min())
    return np.asarray(floor + (picture - floor) * (DIMMED + (1 - DIMMED) * share), dtype=np.float32)
