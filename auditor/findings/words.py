"""What a check says to people: one sentence for every verdict, and what to do about every confirmed kind.

The wording is "relies on", never "wrong": legitimacy is the owner's call.
"""

from __future__ import annotations

from auditor import registry
from auditor.evidence import CheckEvidence
from auditor.probes import Probe
from auditor.records import Audit, AuditVerdict, Box, Grade, Measurement, Verdict
from auditor.shares import percent


def recommendation(kind: str) -> str:
    """What to do about a confirmed kind, and which test to repeat: as its probe says."""
    return _probe(kind).recommendation


def place(kind: str, region: Box | None) -> str:
    """The cue in words, as its probe says: 'the top-left corner', 'a border ring 5 px wide'."""
    return _probe(kind).where(region)


def _probe(kind: str) -> type[Probe]:
    probe = registry.load("probes", kind)
    if not issubclass(probe, Probe):
        raise TypeError(f"the part probes.{kind} is no Probe")
    return probe


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
    if item.described is not None and verdict is Verdict.NO_EVIDENCE:
        return item.described
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
    return {
        Verdict.SUSPECTED: f"{subject} is suspected to rely on {where}: {why}.",
        Verdict.NOT_REPRODUCED: f"{subject} seemed to rely on {where}: {why}.",
        Verdict.INCONCLUSIVE: f"{subject} may rely on {where}: {why}.",
        Verdict.ENCODED: f"{subject} encodes, but was not shown to use, {where}: {why}.",
    }[verdict]


def _power(mde: float | None) -> str:
    return f"; an effect of {percent(mde)} would have been seen with 80 % power" if mde is not None else ""


def _effect_words(main: Measurement, class_name: str | None) -> str:
    interval = f"95 % interval {_points(main.low)} to {_points(main.high)}, {main.count} images"
    if main.name == "follow_rate":
        target = f"class {class_name}" if class_name is not None else "another picture's class"
        moved = f"{_points(main.value)} more predictions turn to {target}"
        return f"when it comes from another picture, {moved} than with a matched control ({interval})"
    moved = _EFFECTS["removal" if main.name.startswith("removal") else main.name]
    return f"{moved.format(points=_points(main.value))} ({interval})"


_EFFECTS = {
    "spurious_score": "inserting it turns {points} more predictions to that class than matched controls do",
    "flip_rate": "it changes {points} more predictions than its control does",
    "removal": "removing it flips {points} more predictions than removing a matched control",
    "background_gap": "accuracy falls by {points} on backgrounds of other classes",
    "background_follow": "{points} of predictions follow the background, over control",
    "watermark_gap": "it costs {points} more right answers than a scrambled mark of the same energy",
    "attractor": "it raises that class's probability by {points} more than a scrambled mark does",
    "group_gap": "accuracy in the worst group lies {points} below the rest",
}
"""Evidence → what happened. `follow_rate` has words of its own, as it names the class."""


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
