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
"""A more specific kind names the cue when its effect reaches this share of the strongest; so does a place, of what the
whole background or the colours of the whole picture move."""
CAUSAL = ("follow_rate", "spurious_score", "background_follow", "background_gap")
GLOBAL_KINDS = ("background", "colour", "sharpness", "texture")
"""Checks of the whole picture, or of all but the object: what changes one of them often changes another."""
FRAME_CORNERS = 3
"""A cue in this many corners at once is a frame."""
SIDE_EFFECT = 0.5
"""A class that moves less than this share of what another moves at the same place has no cue of its own there."""
BACKGROUND_SHARE = 0.7
"""A background names the cue when it moves this share of what the colours or the sharpness of the whole picture move,
where nothing is known of the objects' colours. [tuned on the tuning half of the benchmark: tinted backgrounds .76 to
1.15 and once .53, casts .55 to .74]"""
ON_OBJECTS = 0.7
"""Area under the curve from which the objects' own colours go with the class: a cast, and no background. [development
halves of the benchmark: 13 of 15 classes under casts .82 to .95, two .62 and .64; 34 tinted backgrounds .32 to .65]"""
OFF_OBJECTS_SHARE = 0.4
"""As `BACKGROUND_SHARE`, where the objects' own colours do not go with the class."""
UNEVEN = 0.5
STRONGER = 1.25
"""Beside findings of other classes that are as strong, one of them by a quarter more, a global change of one class is
no cue of its own where pictures of the remaining classes follow it less than half as much as all do: then it is what
the loss of the other cues does. [tuned on the tuning half of the benchmark]"""
ORDER = (*LOCATION_KINDS, *GLOBAL_KINDS)


def merge(checks: Sequence[Check]) -> list[Check]:
    """Fold confirmed checks of one cue into one finding each; the others stay as they are.

    Location checks of one class that overlap are one cue. A global check (background, colour, sharpness, texture) is no
    cue of its own where a location finding of the same class explains it, as the background of a picture with a tag
    holds the tag, or where a stronger global one does: swapping a tinted background changes the colours of the picture.
    Nor is one that some class of pictures hardly follows, beside a stronger finding of another class.
    """
    hosts = _groups([check for check in checks if check.is_finding and check.kind in LOCATION_KINDS])
    leaders = [_leader(group) for group in hosts]
    singles = [
        group
        for kind in GLOBAL_KINDS
        if (found := [check for check in checks if check.is_finding and check.kind == kind])
        for group in _by_class(found)
    ]
    shares = _background_shares(checks)
    for group in sorted(singles, key=lambda group: -max(_rank(check, shares) for check in group)):
        leader = _leader(group)
        home = next((i for i, host in enumerate(hosts) if _explains(host, leaders[i], leader)), None)
        if home is None:
            home = _side_effect(leader, leaders)
        if home is not None:
            hosts[home] = [*hosts[home], *group]
            continue
        parts = [i for i, host in enumerate(hosts) if _part_of(host, leader)]
        group = [*group, *(check for i in parts for check in hosts[i])]
        hosts = [host for i, host in enumerate(hosts) if i not in parts]
        leaders = [item for i, item in enumerate(leaders) if i not in parts]
        hosts.append(group)
        leaders.append(leader)
    replaced: dict[str, Check | None] = {}
    for group, leader in zip(hosts, leaders, strict=True):
        rest = [check for check in group if check is not leader]
        rest += [check for check in checks if _explained(check, group)]
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
    groups.sort(key=lambda group: -_strength(group))
    kept: list[list[Check]] = []
    for group in groups:
        # what replaces one class's cue also takes it away: pictures that lose it fall to some other class
        home = next(
            (other for other in kept if _strength(group) < SIDE_EFFECT * _strength(other) and _meet(group, other)), None
        )
        if home is None:
            kept.append(group)
        else:
            home.extend(group)
    for check in whole:
        own = [group for group in kept if any(_same_place(check, member) for member in group)]
        max(own or kept, key=_strength).append(check)
    return kept


def _strength(group: Sequence[Check]) -> float:
    return max(effect(check) for check in group)


def _meet(first: Sequence[Check], second: Sequence[Check]) -> bool:
    """Whether two groups hold checks of one place, whatever their classes; global checks have none and always meet."""
    return any(
        a.kind in GLOBAL_KINDS or b.kind in GLOBAL_KINDS or _share(a.region, b.region) >= OVERLAP
        for a in first
        for b in second
    )


def _same_place(first: Check, second: Check) -> bool:
    return first.kind == second.kind and first.region == second.region


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
    return min(able, key=lambda c: (ORDER.index(c.kind), c.class_name is not None, -effect(c), c.id))


def _background_shares(checks: Sequence[Check]) -> dict[str | None, float]:
    """What a background must move to name the cue of a class, of what a change of whole pictures moves."""
    shares: dict[str | None, float] = {}
    for check in checks:
        on_objects = _lies_on_objects(check) if check.is_finding else None
        if on_objects is not None:
            share = float("inf") if on_objects else OFF_OBJECTS_SHARE
            shares[check.class_name] = max(share, shares.get(check.class_name, 0.0))
    return shares


def _lies_on_objects(check: Check) -> bool | None:
    """Whether what is followed lies on the object too, as a cast and a blur do; None where nobody knows.

    Colours: those of the objects go with the class. Sharpness: the object alone moves as much as its surroundings.
    """
    values = {m.name: m.value for m in check.measurements if m.value is not None}
    if check.kind == "colour" and "object_colour_auc" in values:
        return values["object_colour_auc"] >= ON_OBJECTS
    if check.kind == "sharpness" and {"follow_rate_object", "follow_rate_surroundings"} <= set(values):
        return values["follow_rate_object"] >= values["follow_rate_surroundings"]
    return None


def _rank(check: Check, shares: dict[str | None, float]) -> float:
    """Strength among global findings; the object keeps its own colours and edges when its background is swapped."""
    if check.kind != "background":
        return effect(check)
    known = [share for name, share in shares.items() if len({name, check.class_name} - {None}) <= 1]
    return effect(check) / max(known, default=BACKGROUND_SHARE)


def _side_effect(check: Check, leaders: Sequence[Check]) -> int | None:
    """The stronger finding of another class whose loss a global finding of one class only shows; None for a cue."""
    if check.kind not in GLOBAL_KINDS or check.class_name is None:
        return None
    others = [
        place
        for place, other in enumerate(leaders)
        if other.class_name not in (None, check.class_name) and effect(other) >= effect(check)
    ]
    stronger = [place for place in others if effect(leaders[place]) >= STRONGER * effect(check)]
    values = {m.name: m for m in check.measurements if m.value is not None}
    if not stronger:
        return None
    prefix = "followed_from:"
    taken = {f"{prefix}{leaders[place].class_name}" for place in others}
    rest = [m for name, m in values.items() if name.startswith(prefix) and name not in taken]
    remaining = sum((m.value or 0.0) * m.count for m in rest) / max(1, sum(m.count for m in rest))
    if not rest or remaining >= UNEVEN * effect(check):
        return None
    return max(stronger, key=lambda place: effect(leaders[place]))


def _explains(host: Sequence[Check], leader: Check, other: Check) -> bool:
    """Whether a global finding is no more than a cue that was found already; stronger global ones come first."""
    if not _one_class(leader, other):
        return False
    return leader.kind in GLOBAL_KINDS or _share_of(host, other) >= AS_STRONG


def _part_of(host: Sequence[Check], background: Check) -> bool:
    """Whether a place moves clearly less than the whole background does, of which it is a part."""
    leader = _leader(host)
    able = leader.kind in LOCATION_KINDS and leader.kind != "overlay" and background.kind == "background"
    return able and _one_class(leader, background) and _share_of(host, background) < AS_STRONG


def _one_class(first: Check, second: Check) -> bool:
    return len({first.class_name, second.class_name} - {None}) <= 1


def _share_of(host: Sequence[Check], other: Check) -> float:
    """What a cue at a place moves against what the global change moves, for the same class or the whole sample."""
    whole = [member for member in host if member.class_name is None]
    alike = [member for member in host if member.class_name == other.class_name] or whole
    if other.class_name is None:
        alike = whole or list(host)
    return max((effect(member) for member in alike), default=0.0) / max(effect(other), 1e-9)


def _explained(check: Check, group: Sequence[Check]) -> bool:
    """A suspicion at a place where a confirmed cue of the same class already explains it."""
    doubtful = check.verdict in (Verdict.SUSPECTED, Verdict.NOT_REPRODUCED, Verdict.INCONCLUSIVE)
    return doubtful and check.kind in LOCATION_KINDS and any(_same_cue(check, member) for member in group)
