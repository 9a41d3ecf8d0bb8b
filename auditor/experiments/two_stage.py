"""Screens candidate regions on half A and confirms what stands out on half B, with swaps and removals.

Source: docs/methods.md, interventions and statistics.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from auditor.evidence import CheckEvidence, PairedEffects
from auditor.experiments.experiment import (
    SCREEN_ALPHA,
    SCREEN_EFFECT,
    Candidate,
    Experiment,
    Outcomes,
    classes_of,
    examples_of,
    paired,
    screen_p,
)
from auditor.experiments.removal import with_removal
from auditor.interventions import FILLS, Fill
from auditor.regions import Region


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a probe may spend.

    Attributes:
        donors_screen, donors_confirm: Donors an image on half A and on half B.
        shortlist: Checks that may go to half B, at most.
        fills: Fill families tried on what goes to half B; none in `quick`.
    """

    donors_screen: int
    donors_confirm: int
    shortlist: int
    fills: tuple[Fill, ...] = FILLS


@dataclass(frozen=True, slots=True)
class _Row:
    candidate: Candidate
    donor_class: int | None
    screen: PairedEffects
    p: float

    @property
    def effect(self) -> float:
        return float(np.mean(self.screen.differences)) if len(self.screen) else 0.0

    @property
    def stood_out(self) -> bool:
        return self.p <= SCREEN_ALPHA and self.effect >= SCREEN_EFFECT


def two_stage(
    experiment: Experiment,
    kind: str,
    candidates: Sequence[Candidate],
    budget: Budget,
    *,
    screened: tuple[list[Region], Outcomes] | None = None,
) -> list[CheckEvidence]:
    """Test candidates of one kind, for the whole sample and for each donor class.

    Args:
        screened: Swaps that were already made on half A for all the regions (the causal map's), so that they cost
            nothing again.

    Returns:
        One record a candidate for the whole sample, and one for each class with enough donors and recipients.
    """
    rows = list(_screen(experiment, kind, candidates, budget, screened))
    ranked = sorted((row for row in rows if row.stood_out and row.candidate.judged), key=lambda r: (r.p, -r.effect))
    chosen = _spread(ranked, budget.shortlist)
    return [_confirm(experiment, kind, row, budget, taken=any(row is other for other in chosen)) for row in rows]


def _spread(ranked: list[_Row], wanted: int) -> list[_Row]:
    """The strongest row of the whole sample, then the strongest of each class, before second regions follow."""
    by_class: dict[int | None, list[_Row]] = {}
    for row in sorted(ranked, key=lambda r: (-r.effect, r.p)):
        by_class.setdefault(row.donor_class, []).append(row)
    chosen: list[_Row] = []
    queues = sorted(by_class.values(), key=lambda rows: (rows[0].donor_class is not None, -rows[0].effect))
    while queues and len(chosen) < wanted:
        for queue in queues:
            if queue and len(chosen) < wanted:
                chosen.append(queue.pop(0))
        queues = [queue for queue in queues if queue]
    return chosen


def _screen(
    experiment: Experiment,
    kind: str,
    candidates: Sequence[Candidate],
    budget: Budget,
    screened: tuple[list[Region], Outcomes] | None,
) -> Iterator[_Row]:
    groups: dict[tuple[bytes, bytes], list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault((_key(candidate.eligible), _key(candidate.carriers)), []).append(candidate)
    for members in groups.values():
        if screened is None:
            pool, outcomes, placebo = _swap_pool(experiment, kind, members, budget)
        else:
            (pool, outcomes), placebo = screened, {}
        place = {region.name: row for row, region in enumerate(pool)}
        for candidate in members:
            target = outcomes.followed[place[candidate.region.name]]
            controls = outcomes.followed[[place[c.name] for c in candidate.controls]]
            names = [c.name for c in candidate.controls]
            seam = placebo.get(candidate.region.name)
            keep = _allowed(candidate, outcomes)
            for donor_class, subset in classes_of(experiment, outcomes.recipient, outcomes.donor, keep):
                test = paired(
                    "follow_rate",
                    "A",
                    target[subset],
                    controls[:, subset],
                    outcomes.recipient[subset],
                    experiment.clusters,
                    names,
                    None if seam is None else seam[subset],
                )
                yield _Row(candidate, donor_class, test, screen_p([test], experiment.seed)[0])


def _key(pictures: np.ndarray | None) -> bytes:
    return b"" if pictures is None else pictures.tobytes()


def _swap_pool(
    experiment: Experiment, kind: str, members: Sequence[Candidate], budget: Budget
) -> tuple[list[Region], Outcomes, dict[str, np.ndarray]]:
    """All regions and controls with the same pairs, and each judged region with donors of the own class."""
    pool = {region.name: region for c in members for region in (c.region, *c.controls)}
    recipient, donor = experiment.pairs(
        "A", budget.donors_screen, kind, eligible=members[0].eligible, carriers=members[0].carriers
    )
    regions = list(pool.values())
    what = f"{kind}: screening"
    outcomes = experiment.swap(regions, recipient, donor, what)
    judged = [candidate.region for candidate in members if candidate.judged]
    placebo = _placebo(experiment, judged, "A", recipient, donor, members[0], kind, what)
    return regions, outcomes, {region.name: row for region, row in zip(judged, placebo, strict=True)}


def _placebo(
    experiment: Experiment,
    regions: Sequence[Region],
    half: str,
    recipient: np.ndarray,
    donor: np.ndarray,
    candidate: Candidate,
    purpose: str,
    what: str,
) -> np.ndarray:
    """bool (regions, pairs): turned to the donor's class although the region came from the recipient's own class."""
    able = candidate.eligible
    if candidate.carriers is not None:
        able = ~candidate.carriers if able is None else able & ~candidate.carriers
    own = experiment.own_class(half, recipient, purpose, able)
    return experiment.swap(regions, recipient, own, what, towards=experiment.predicted[donor]).followed


def _allowed(candidate: Candidate, outcomes: Outcomes) -> np.ndarray:
    if candidate.eligible is None:
        return np.ones(len(outcomes.recipient), dtype=bool)
    return np.asarray(candidate.eligible[outcomes.recipient] & candidate.eligible[outcomes.donor])


def _confirm(experiment: Experiment, kind: str, row: _Row, budget: Budget, *, taken: bool) -> CheckEvidence:
    candidate = row.candidate
    evidence = CheckEvidence(
        kind=kind,
        region=candidate.region.record(),
        class_name=None if row.donor_class is None else experiment.classes[row.donor_class],
        screen=(row.screen,),
        stood_out=row.stood_out,
        off_object=candidate.off_object,
        judged=candidate.judged,
    )
    if not taken:
        return evidence.model_copy(update={"out_of_budget": row.stood_out and candidate.judged})
    recipient, donor = experiment.pairs(
        "B",
        budget.donors_confirm,
        f"{kind}.{candidate.region.name}",
        eligible=candidate.eligible,
        carriers=candidate.carriers,
        donor_class=row.donor_class,
    )
    regions = [candidate.region, *candidate.controls]
    if len(recipient) == 0 or experiment.budget < (1 + len(regions)) * len(recipient):
        return evidence.model_copy(update={"out_of_budget": True})
    what = f"{kind}: confirming {candidate.region.name}"
    outcomes = experiment.swap(regions, recipient, donor, what)
    names = [control.name for control in candidate.controls]
    purpose = f"{kind}.{candidate.region.name}"
    placebo = _placebo(experiment, regions[:1], "B", recipient, donor, candidate, purpose, what)[0]
    test = paired(
        "follow_rate", "B", outcomes.followed[0], outcomes.followed[1:], recipient, experiment.clusters, names, placebo
    )
    evidence = evidence.model_copy(
        update={
            "confirm": (test,),
            "examples": examples_of(outcomes, 0, experiment.scores, experiment.classes),
        }
    )
    return with_removal(experiment, evidence, candidate, row.donor_class, budget.fills)
