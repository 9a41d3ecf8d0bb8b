"""What is told of a transfer that was followed: how it grows with strength, and which part of it is followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from auditor.evidence import CheckEvidence, DoseResponse, PairedEffects
from auditor.experiments.matching import Pairs, draw_pairs
from auditor.experiments.transfer import Followed, Transfer, follow
from auditor.interventions.transferring import GivenWithin, GlobalProperty, Pictures
from auditor.records import Measurement
from auditor.statistics.intervals import mean_interval

STRENGTHS = (0.25, 0.5, 0.75, 1.0)


def followed_most(checks: Sequence[CheckEvidence]) -> int | None:
    """Place of the check with the strongest effect on half B, None where none got there."""
    effects = {
        place: float(np.mean(check.confirm[0].differences))
        for place, check in enumerate(checks)
        if check.confirm and len(check.confirm[0])
    }
    return max(effects, key=lambda place: effects[place]) if effects else None


def thinned_pairs(test: Transfer, check: CheckEvidence, given: GlobalProperty | None = None) -> Pairs:
    """One donor and one control for every second recipient of half B; `given` matches them."""
    donor_class = None if check.class_name is None else test.experiment.classes.index(check.class_name)
    positions = (given or test.given).positions
    pairs = draw_pairs(test.experiment, test.kind, "B", 1, positions, test.notes, donor_class).thinned()
    return replace(pairs, third=np.full_like(pairs.third, -1))


def dose_response(test: Transfer, check: CheckEvidence, what: str) -> DoseResponse | None:
    """Share of predictions that turn to the donor's class, by how much of its property is given.

    Returns:
        None where the budget holds no more, which is noted.
    """
    pairs = thinned_pairs(test, check)
    if not _affordable(test, len(STRENGTHS) * pairs.forwards, "dose-response"):
        return None
    results = [_tested(test, follow(test.experiment, test.given, pairs, f"{test.kind}: doses", s)) for s in STRENGTHS]
    intervals = [mean_interval(np.asarray(r.effect), r.clusters, seed=test.experiment.seed) for r in results]
    return DoseResponse(
        what=what,
        strength="share of the difference that is given",
        outcome="predictions that turn to the donor's class",
        strengths=STRENGTHS,
        rates=tuple(float(np.mean(result.effect)) for result in results),
        lows=tuple(low for low, _ in intervals),
        highs=tuple(high for _, high in intervals),
        controls=tuple(float(np.mean(result.control)) for result in results),
        count=len(results[0]),
    )


def part_followed(test: Transfer, check: CheckEvidence, given: GlobalProperty, name: str) -> Measurement | None:
    """Follow rate minus control where only a part of the property is given.

    Args:
        given: The part.
        name: The part's, behind "follow_rate_".

    Returns:
        None where the budget holds no more, which is noted.
    """
    pairs = thinned_pairs(test, check, given)
    if not _affordable(test, pairs.forwards, f"follow rate of {name} alone"):
        return None
    result = _tested(test, follow(test.experiment, given, pairs, f"{test.kind}: {name} alone"))
    differences = np.asarray(result.differences)
    low, high = mean_interval(differences, result.clusters, seed=test.experiment.seed, lower=-1.0, upper=1.0)
    who = "all classes" if check.class_name is None else f"donors of class {check.class_name}"
    return Measurement(
        name=f"follow_rate_{name}",
        value=float(differences.mean()),
        low=low,
        high=high,
        count=len(set(result.clusters)),
        note=f"half B, 1 donor an image, {who}; minus control",
    )


def sides_followed(test: Transfer, check: CheckEvidence) -> tuple[Measurement, ...]:
    """Follow rates where the property is given to the object alone, and to its surroundings alone.

    Returns:
        `follow_rate_object` and `follow_rate_surroundings`; nothing where objects are not known in all pictures.
    """
    sample = test.experiment.sample
    if sample.objects is None or not sample.has_object.all():
        return ()
    pictures = Pictures(sample.images)
    sides = {"object": sample.objects, "surroundings": ~sample.objects}
    found = [
        part_followed(test, check, GivenWithin(test.given, pictures, where), side) for side, where in sides.items()
    ]
    return tuple(item for item in found if item is not None)


def _tested(test: Transfer, followed: Followed) -> PairedEffects:
    return followed.test("B", test.experiment.clusters)


def _affordable(test: Transfer, forwards: int, what: str) -> bool:
    if forwards and test.experiment.budget >= forwards:
        return True
    why = "the budget holds no more" if forwards else "no pairs on half B"
    test.notes.append(f"{test.kind}: no {what}, {why}")
    return False
