"""One cue, one finding: overlapping checks of one class are one, named by the most specific kind that fits.

Source: docs/methods.md, verdicts.
"""

from __future__ import annotations

from collections.abc import Sequence

from auditor.findings.judging import LOCATION_KINDS
from auditor.records import Box, Check, Severity, Verdict
from auditor.regions import intersection

OVERLAP = 0.3
"""Two regions are one place where they share this much of the smaller one."""
AS_STRONG = 0.8
"""A more specific kind names the cue when its effect reaches this share of the strongest."""
AS_MUCH = 0.6
"""A cue explains a background finding when it moves this share of what the whole background moves."""
CAUSAL = ("follow_rate", "spurious_score")
FRAME_CORNERS = 3
"""A cue in this many corners at once is a frame."""


def merge(checks: Sequence[Check]) -> list[Check]:
    """Fold overlapping confirmed and suspected location checks into one finding each; the others stay as they are.

    A background finding is folded as well where location findings explain it: the background of a picture with a tag
    holds the tag.
    """
    confirmed = [check for check in checks if check.is_finding and check.kind in LOCATION_KINDS]
    groups = _groups(confirmed)
    replaced: dict[str, Check | None] = {}
    for group in groups:
        leader = _leader(group)
        rest = [check for check in group if check is not leader]
        rest += [check for check in checks if _explained(check, group) or _holds(check, group)]
        for check in rest:
            replaced[check.id] = None
        weight = max((check.severity for check in group if check.severity), key=lambda s: s.rank)
        replaced[leader.id] = _with_also(leader, rest, weight)
    merged: list[Check] = []
    for check in checks:
        kept = replaced.get(check.id, check)
        if kept is not None:
            merged.append(kept)
    return merged


def _with_also(leader: Check, rest: Sequence[Check], severity: Severity) -> Check:
    also = tuple(dict.fromkeys(check.id for check in rest))
    return leader.model_copy(update={"also": also, "severity": severity})


def _groups(confirmed: Sequence[Check]) -> list[list[Check]]:
    """Checks of one cue: those that overlap, of one class or of the whole sample.

    The whole sample can join several classes at one place. Where it shows the cue as strongly as they, it is one cue;
    else each class has its own, and the whole sample's check belongs to the strongest.
    """
    return [group for component in _components(confirmed) for group in _by_class(component)]


def _by_class(component: list[Check]) -> list[list[Check]]:
    whole = [check for check in component if check.class_name is None]
    classes = sorted({check.class_name for check in component if check.class_name is not None})
    strongest = max(effect(check) for check in component)
    if len(classes) < 2 or any(effect(check) >= AS_STRONG * strongest for check in whole):
        return [component]
    groups = [[check for check in component if check.class_name == name] for name in classes]
    max(groups, key=lambda group: max(effect(check) for check in group)).extend(whole)
    return groups


def _components(confirmed: Sequence[Check]) -> list[list[Check]]:
    """Connected components of 'same class (or one of them the whole sample) and overlapping region'."""
    groups: list[list[Check]] = []
    for check in confirmed:
        touching = [group for group in groups if any(_same_cue(check, other) for other in group)]
        for group in touching:
            groups.remove(group)
        groups.append([check, *(member for group in touching for member in group)])
    return groups


def _same_cue(first: Check, second: Check) -> bool:
    classes = {first.class_name, second.class_name} - {None}
    return len(classes) <= 1 and _share(first.region, second.region) >= OVERLAP


def _share(first: Box | None, second: Box | None) -> float:
    """Overlap of two regions as a share of the smaller; a ring overlaps what lies in its rim."""
    if first is None or second is None or first.box is None or second.box is None:
        return 0.0
    if first.hole is not None and second.hole is not None:
        return 1.0
    for ring, other in ((first, second), (second, first)):
        if ring.hole is not None and ring.box is not None and other.box is not None:
            inside = intersection(other.box, ring.hole) if _smaller(other.box, ring.hole) else 0.0
            # a corner patch is deeper than a narrow ring: that it reaches the rim at all makes it the same place
            return 0.0 if inside >= 1.0 else 1.0
    return intersection(first.box, second.box)


def _smaller(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> bool:
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return areas[0] <= areas[1]


def effect(check: Check) -> float:
    """The effect that a location finding is ranked by: of following or insertion, else the strongest removal."""
    causal = [m.value for m in check.measurements if m.name in CAUSAL and m.value is not None]
    if causal:
        return max(causal)
    return max(
        (m.value for m in check.measurements if m.name.startswith("removal") and m.value is not None), default=0.0
    )


def _leader(group: Sequence[Check]) -> Check:
    strongest = max(effect(check) for check in group)
    able = [check for check in group if effect(check) >= AS_STRONG * strongest]
    corners = {check.region.name for check in group if check.kind == "corner" and check.region is not None}
    if len(corners) >= FRAME_CORNERS and any(check.kind == "border" for check in able):
        able = [check for check in able if check.kind != "corner"]
    # where the whole sample shows the cue as strongly as any class does, it is not a matter of one class
    return min(able, key=lambda c: (LOCATION_KINDS.index(c.kind), c.class_name is not None, -effect(c), c.id))


def _holds(check: Check, group: Sequence[Check]) -> bool:
    """Whether a background finding is no more than the group's cue, which lies in the background."""
    follow = check.measurement("background_follow")
    if check.kind != "background" or not check.is_finding or follow is None or follow.value is None:
        return False
    whole = [effect(member) for member in group if member.class_name is None and member.kind != "overlay"]
    own = max(whole or [effect(member) for member in group])
    return own >= AS_MUCH * follow.value


def _explained(check: Check, group: Sequence[Check]) -> bool:
    """A suspicion at a place where a confirmed cue of the same class already explains it."""
    doubtful = check.verdict in (Verdict.SUSPECTED, Verdict.NOT_REPRODUCED, Verdict.INCONCLUSIVE)
    return doubtful and check.kind in LOCATION_KINDS and any(_same_cue(check, member) for member in group)
