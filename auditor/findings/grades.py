"""How strong a confirmed effect is, and how heavily it weighs.

Source: docs/methods.md, verdicts. The steps are starting values from the literature and a pilot; they are tuned on the
tuning half of the detection benchmark and frozen.
"""

from __future__ import annotations

from auditor.records import Grade, Severity

STEPS: dict[str, tuple[float, float, float]] = {
    "follow_rate": (0.10, 0.25, 0.60),
    "spurious_score": (0.15, 0.50, 0.85),
    "flip_rate": (0.10, 0.25, 0.60),
    "removal": (0.05, 0.10, 0.25),
    "background_gap": (0.15, 0.25, 0.40),
    "background_follow": (float("inf"), float("inf"), 0.60),
    "watermark_gap": (0.10, 0.20, 0.35),
    "attractor": (float("inf"), float("inf"), 0.25),
    "group_gap": (0.10, 0.20, 0.30),
}
"""Evidence → smallest effect (minus its control) that is minor, material, severe."""

_SEVERITY = {Grade.MINOR: Severity.LOW, Grade.MATERIAL: Severity.MEDIUM, Grade.SEVERE: Severity.HIGH}


def grade(evidence: str, effect: float) -> Grade | None:
    """The grade of an effect, or None below the first step.

    Args:
        evidence: Key of `STEPS`; "removal_blur" and its like count as "removal".
    """
    steps = STEPS["removal" if evidence.startswith("removal") else evidence]
    reached = [name for name, step in zip(Grade, steps, strict=True) if effect >= step]
    return reached[-1] if reached else None


def severity(of: Grade, *, harmful: bool) -> Severity:
    """Minor → low, material → medium, severe → high; one step up where labels show that it costs accuracy."""
    order = list(Severity)
    return order[order.index(_SEVERITY[of]) + (1 if harmful else 0)]
