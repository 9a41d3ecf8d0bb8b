"""Whether what was claimed of a model is the cue that was planted in it.

A claim matches a cue when it lies on it (30 % of the smaller place in common; a ring lies on a frame) and is about the
whole sample or one of the cue's classes. A cue without a place, global or moving, is matched by kind.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.detection.case_folders import Case, Cue
from benchmarks.detection.places import Place
from benchmarks.detection.run_folders import Claim


def about_its_class(cue: Cue, claim: Claim) -> bool:
    """Whether the claim is about the whole sample or one of the cue's classes."""
    return claim.class_name is None or claim.class_name in cue.classes


def lies_on(cue: Cue, place: Place | None) -> bool:
    """Whether a place covers the cue.

    A frame whose width the case does not state runs along the rim of its box: rings lie on it, and boxes that reach
    the rim.
    """
    if cue.place is None or place is None:
        return False
    if cue.family == "frame" and cue.place.hole is None:
        return place.hole is not None or (place.overlaps(cue.place) and place.touches_the_rim_of(cue.place.box))
    return place.overlaps(cue.place)


def matches(cue: Cue, claim: Claim) -> bool:
    """Whether the claim is the cue: by place, or by kind where the cue has none."""
    if not about_its_class(cue, claim):
        return False
    return claim.kind in cue.kinds if cue.place is None else lies_on(cue, claim.place)


def is_right(case: Case, claim: Claim) -> bool:
    """Whether the model relies on a planted cue that the claim matches: true score of .10 and more."""
    return any(cue.relied_on(claim.class_name) and matches(cue, claim) for cue in case.cues)


def merged(claims: Sequence[Claim]) -> list[list[Claim]]:
    """One cue, one finding: claims whose places overlap and whose classes agree, the strongest first in each group.

    Claims without a place stand alone, one a kind.
    """
    groups: list[list[Claim]] = []
    for claim in claims:
        touching = [group for group in groups if any(_same_cue(claim, other) for other in group)]
        for group in touching:
            groups.remove(group)
        groups.append([claim, *(other for group in touching for other in group)])
    return [sorted(group, key=lambda claim: -claim.effect) for group in groups]


def _same_cue(first: Claim, second: Claim) -> bool:
    if first.place is None or second.place is None:
        return first.place is second.place and first.kind == second.kind
    classes = {first.class_name, second.class_name} - {None}
    return len(classes) <= 1 and first.place.overlaps(second.place)
