"""How strong a confirmed effect is, and how heavily it weighs.

Source: docs/methods.md, verdicts. The steps are values from the literature and a pilot, checked on the tuning half of
the detection benchmark, which changed those that say so, and frozen before the other half was audited.
"""

from __future__ import annotations

from auditor.records import Grade, Severity

STEPS: dict[str, tuple[float, float, float]] = {
    "follow_rate": (0.10, 0.25, 0.60),
    "spurious_score": (0.15, 0.50, 0.85),
    "flip_rate": (0.10, 0.25, 0.60),
    "removal": (0.05, 0.10, 0.25),
    "background_gap": (0.15, 0.25, 0.40),
    "background_follow": (0.20, 0.40, 0.60),
    "watermark_gap": (0.10, 0.20, 0.35),
    "attractor": (float("inf"), float("inf"), 0.25),
    "group_gap": (0.10, 0.20, 0.30),
}
"""Evidence → smallest effect (minus its control) that is minor, material, severe."""

_SEVERITY = {Grade.MINOR: Severity.LOW, Grade.MATERIAL: Severity.MEDIUM, Grade.SEVERE: Severity.HIGH}


LEAST_TRANSFER = {"colour": 0.15, "sharpness": 0.15, "texture": 0.15}
"""First step of the follow rate of whole-picture transfers, which change more than the cue alone. [tuned on the tuning
half of the detection benchmark: negative networks reached .04 on half B, classes that carry the cue .20 and more]"""


def steps_of(evidence: str, kind: str | None = None) -> tuple[float, float, float] | tuple[()]:
    """Smallest effects that are minor, material, severe; () where the evidence is not graded.

    Args:
        evidence: Key of `STEPS`; "removal_blur" and its like count as "removal".
        kind: Of the check: whole-picture transfers have a first step of their own.
    """
    steps = STEPS.get("removal" if evidence.startswith("removal") else evidence)
    if steps is None:
        return ()
    if evidence == "follow_rate" and kind in LEAST_TRANSFER:
        return (LEAST_TRANSFER[kind], *steps[1:])
    return steps


def grade(evidence: str, effect: float, kind: str | None = None) -> Grade | None:
    """The grade of an effect, or None below the first step.

    Args:
        evidence, kind: As in `steps_of`.
    """
    steps = steps_of(evidence, kind)
    reached = [name for name, step in zip(Grade, steps, strict=False) if effect >= step]
    return reached[-1] if reached else None


def severity(of: Grade, *, harmful: bool) -> Severity:
    """Minor → low, material → medium, severe → high; one step up where labels show that it costs accuracy."""
    order = list(Severity)
    return order[order.index(_SEVERITY[of]) + (1 if harmful else 0)]
