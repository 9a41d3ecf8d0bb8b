"""What a check says to people: one sentence for every verdict, and what to do about every confirmed kind.

The wording is "relies on", never "wrong": legitimacy is the owner's call.
"""

from __future__ import annotations

from auditor.evidence import CheckEvidence
from auditor.records import Audit, AuditVerdict, Box, Grade, Measurement, Verdict

_PLACES = {
    "border": "the border of the picture",
    "corner": "the corner",
    "region": "the region",
    "overlay": "a mark burned into the picture",
    "background": "the background around the object",
}

_RECOMMENDATIONS = {
    "border": (
        "Crop or mask borders before training and inference, or vary them (random border crops, random padding, "
        "random erasing along the rim); check whether frames go with one source. Then repeat the audit of borders."
    ),
    "corner": (
        "Look at the corner in the training data for tags, stamps or marks that go with a class or source; mask or "
        "inpaint them, or paste them at random on all classes. Then audit again with the corner probe."
    ),
    "region": (
        "Look at this place in the training data for what differs between classes; mask it, or vary it at random over "
        "all classes (random erasing). Then audit again with the region probe."
    ),
    "overlay": (
        "Remove the overlay from the training data (inpainting or masking the tag), or add it at random to pictures of "
        "all classes; keep sources balanced over classes. Then audit again with the overlay and corner probes."
    ),
    "background": (
        "Train with swapped or blurred backgrounds, balance scenes over classes, or crop to the object before "
        "classification. Then audit again with the background probe."
    ),
}


def recommendation(kind: str) -> str:
    """What to do about a confirmed kind, and which test to repeat."""
    return _RECOMMENDATIONS.get(
        kind, "Find where the cue comes from in the training data, balance it, and audit again."
    )


def place(kind: str, region: Box | None) -> str:
    """The cue in words: 'the top-left corner', 'a border ring 5 px wide'."""
    if region is None:
        return _PLACES.get(kind, kind)
    if kind == "border" and region.name.startswith("frame-") and region.hole is not None:
        return f"a frame burned into the picture, {region.hole[0]} px wide"
    if kind == "border":
        return f"a border ring {region.name.removeprefix('ring-')} px wide"
    if kind == "corner":
        return f"the {region.name} corner"
    if kind == "overlay":
        where = " ".join(region.name.split("-")[2:])
        return f"a mark burned into the {where} of the picture" if where else "a mark burned into the picture"
    return f"the region {region.name}"


def sentence(
    item: CheckEvidence,
    verdict: Verdict,
    main: Measurement | None,
    grade: Grade | None,
    mde: float | None,
    why: str,
) -> str:
    """One sentence that can be read aloud."""
    where = place(item.kind, item.region)
    subject = "The model" if item.class_name is None else f"For class {item.class_name}, the model"
    power = _power(mde)
    if verdict is Verdict.CONFIRMED and main is not None and grade is not None:
        return f"{subject} relies on {where}: {_effect_words(main, item.class_name)}."
    if verdict is Verdict.NOT_TESTED:
        return f"Not tested for {where}: {why}."
    if verdict is Verdict.INSUFFICIENT:
        return f"Not enough to tell whether {subject[0].lower() + subject[1:]} relies on {where}: {why}."
    if verdict is Verdict.PRESENT_NOT_USED:
        return f"{where[0].upper() + where[1:]} is present in the data, and the model does not use it{power}."
    if item.absent is not None:
        return item.absent
    if verdict is Verdict.NO_EVIDENCE:
        extra = f" ({why})" if why else ""
        return f"No evidence that {subject[0].lower() + subject[1:]} relies on {where}{extra}{power}."
    words = {
        Verdict.SUSPECTED: "is suspected to rely on",
        Verdict.NOT_REPRODUCED: "seemed to rely on",
        Verdict.INCONCLUSIVE: "may rely on",
        Verdict.ENCODED: "encodes, but was not shown to use,",
    }[verdict]
    return f"{subject} {words} {where}: {why}."


def _power(mde: float | None) -> str:
    return f"; an effect of {mde:.0%} would have been seen with 80 % power" if mde is not None else ""


def _effect_words(main: Measurement, class_name: str | None) -> str:
    interval = f"95 % interval {_points(main.low)} to {_points(main.high)}, {main.count} images"
    if main.name == "follow_rate":
        target = f"class {class_name}" if class_name is not None else "another picture's class"
        moved = f"{_points(main.value)} more predictions turn to {target}"
        return f"when it is swapped in, {moved} than with a matched control ({interval})"
    if main.name == "background_gap":
        return f"accuracy falls by {_points(main.value)} on backgrounds of other classes ({interval})"
    if main.name == "background_follow":
        return f"{_points(main.value)} of predictions follow the background, over control ({interval})"
    return f"removing it flips {_points(main.value)} more predictions than removing a matched control ({interval})"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


_HEADLINES = {
    AuditVerdict.PASS: "PASS",
    AuditVerdict.PASS_WITH_WAIVERS: "PASS WITH WAIVERS",
    AuditVerdict.FAIL: "FAIL",
    AuditVerdict.INCOMPLETE: "INCOMPLETE",
}


def headline(audit: Audit) -> str:
    """The verdict in one line, for the terminal."""
    count = len(audit.findings)
    found = "nothing confirmed" if count == 0 else f"{count} finding{'s' if count != 1 else ''} confirmed"
    return f"{_HEADLINES[audit.verdict]} · {audit.title} · {found} · {len(audit.checks)} checks"
