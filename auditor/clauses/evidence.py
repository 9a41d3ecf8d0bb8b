"""What an audit can hold that supports a clause: each kind of evidence with the test of whether it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from auditor.records import Audit, Check, Measurement, Status, Verdict
from auditor.registry import unknown_name

UNJUDGED = (Verdict.NOT_TESTED, Verdict.INSUFFICIENT)
SHORTCUTS = ("border", "corner", "region", "overlay", "background", "colour", "sharpness", "texture", "cluster")
"""Kinds of check that look for cues beside the object."""
INSIDE = (
    "activation_maximization",
    "activation_statistics",
    "attention_heads",
    "attention_matrices",
    "embedding_map",
    "feature_maps",
    "kernels",
    "top_activating_images",
    "weight_distributions",
)
"""Visualizations of the network itself, where the others are maps over pictures."""
METRIC, KIND = "metric:", "kind:"
"""Beginnings of evidence that a map may name besides `KNOWN`: one metric, one kind of check."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One kind of evidence.

    Attributes:
        words: What is there, or is missing: "accuracy with its interval".
        there: Whether an audit holds it.
        stated: People state it in the spec; where it is missing, it is their turn.
        checks: Which checks it is made of; none where it is no check.
    """

    words: str
    there: Callable[[Audit], bool]
    stated: bool = False
    checks: Callable[[Check], bool] | None = None


def problem_of(name: str) -> str:
    """What is wrong with the name of an evidence; "" for nothing."""
    if name in KNOWN or any(name.startswith(start) and len(name) > len(start) for start in (METRIC, KIND)):
        return ""
    return f"{unknown_name('evidence', name, list(KNOWN))}, or {METRIC}<name>, {KIND}<name>"


def evidence_of(name: str) -> Evidence:
    """The evidence of that name.

    Raises:
        KeyError: It is not known; `problem_of` says so before.
    """
    if name.startswith(METRIC):
        wanted = name.removeprefix(METRIC)
        return Evidence(f"the metric {wanted}", lambda audit: _measured(audit.metrics, wanted))
    if name.startswith(KIND):
        return _of_checks(f"judged checks of kind {name.removeprefix(KIND)}", (name.removeprefix(KIND),))
    return KNOWN[name]


def judged(check: Check) -> bool:
    """Whether it came to an answer."""
    return check.verdict not in UNJUDGED


def in_bank(check: Check) -> bool:
    """Whether the check inserted a mark of the watermark bank."""
    return check.kind == "overlay" and check.region is not None and check.region.name.startswith("bank:")


def _measured(items: Iterable[Measurement], *beginnings: str) -> bool:
    return any(item.value is not None and item.name.startswith(beginnings) for item in items)


def _of_checks(words: str, kinds: Iterable[str]) -> Evidence:
    wanted = frozenset(kinds)

    def belongs(check: Check) -> bool:
        return check.kind in wanted and judged(check)

    return Evidence(words, lambda audit: any(belongs(check) for check in audit.checks), checks=belongs)


def _with_interval(audit: Audit) -> bool:
    return any(m.name == "accuracy" and m.low is not None and m.high is not None for m in audit.metrics)


def _group_gap(check: Check) -> bool:
    return check.kind == "group" and judged(check) and check.measurement("group_gap") is not None


def _corrupted(check: Check) -> bool:
    return check.kind == "corruption" and any(item.value is not None for item in check.measurements)


def _bank(check: Check) -> bool:
    return in_bank(check) and judged(check)


def _signed(audit: Audit) -> bool:
    return bool(audit.sign_off) and all(one.name and one.decision and one.date for one in audit.sign_off)


KNOWN: Mapping[str, Evidence] = {
    "purpose": Evidence("the model's purpose", lambda a: bool(a.purpose.strip()), stated=True),
    "owner": Evidence("the model's owner", lambda a: bool(a.owner.strip()), stated=True),
    "model_version": Evidence("the model's version", lambda a: bool(a.model.version), stated=True),
    "reviewers": Evidence("named reviewers", lambda a: any(one.name for one in a.sign_off), stated=True),
    "signed": Evidence("a decision and date of every reviewer", _signed, stated=True),
    "limits": Evidence("limits fixed in the policy", lambda a: bool(a.limits), stated=True),
    "next_audit": Evidence("the date of the next audit", lambda a: bool(a.next_audit), stated=True),
    "residual_risk": Evidence(
        "a decision on every finding",
        lambda a: any(judged(check) for check in a.checks) and all(c.status is not Status.OPEN for c in a.findings),
        stated=True,
    ),
    "model_identity": Evidence(
        "digests of the weights, the same before and after", lambda a: a.model.sha256_before == a.model.sha256_after
    ),
    "architecture": Evidence("architecture, parameters and layers", lambda a: a.model.parameters > 0),
    "preprocessing": Evidence("the preprocessing", lambda a: bool(a.model.preprocessing)),
    "environment": Evidence("software, hardware and seed", lambda a: bool(a.environment)),
    "spec": Evidence("the spec with its digest", lambda a: bool(a.spec_sha256)),
    "test_plan": Evidence("a test plan fixed before the run", lambda a: bool(a.test_plan)),
    "sample": Evidence(
        "the sample, its rule and digest", lambda a: a.sample.readable > 0 and bool(a.sample.rule and a.sample.digest)
    ),
    "data_quality": Evidence("unreadable, converted and doubled pictures", lambda a: a.sample.size > 0),
    "class_counts": Evidence("pictures per class", lambda a: bool(a.sample.per_class)),
    "group_counts": Evidence("pictures per group", lambda a: bool(a.sample.per_group)),
    "performance": Evidence("accuracy", lambda a: _measured(a.metrics, "accuracy")),
    "intervals": Evidence("accuracy with its 95 % interval", _with_interval),
    "calibration": Evidence("calibration", lambda a: _measured(a.metrics, "expected_calibration_error")),
    "per_class": Evidence("accuracy by class", lambda a: any(row.get("value") is not None for row in a.per_class)),
    "confusion": Evidence("the confusion matrix", lambda a: bool(a.confusion)),
    "wrong_pictures": Evidence(
        "every wrongly classified picture", lambda a: any(image.label is not None for image in a.images)
    ),
    "explanations": Evidence(
        "maps over pictures",
        lambda a: any(item.status == "ok" and item.name not in INSIDE for item in a.visualizations),
    ),
    "trust_checks": Evidence(
        "trust checks of the maps on this model",
        lambda a: any(item.trust in ("passed", "failed") for item in a.visualizations),
    ),
    "inside": Evidence(
        "views of the network itself",
        lambda a: any(item.status == "ok" and item.name in INSIDE for item in a.visualizations),
    ),
    "shortcuts": _of_checks("tests of shortcuts by intervention", SHORTCUTS),
    "groups": Evidence(
        "accuracy compared between groups", lambda a: any(_group_gap(c) for c in a.checks), checks=_group_gap
    ),
    "corruption": Evidence(
        "accuracy under corruptions", lambda a: any(_corrupted(c) for c in a.checks), checks=_corrupted
    ),
    "watermark_bank": Evidence("inserted watermarks", lambda a: any(_bank(c) for c in a.checks), checks=_bank),
    "adversarial": Evidence(
        "adversarial examples", lambda a: _measured(a.metrics, "robust_accuracy", "robust_agreement")
    ),
    "findings": Evidence(
        "a register of findings over judged checks", lambda a: any(judged(check) for check in a.checks)
    ),
    "recommendations": Evidence(
        "what to do about every finding",
        lambda a: any(judged(check) for check in a.checks) and all(check.recommendation for check in a.findings),
    ),
    "power": Evidence(
        "the smallest effect that would have been seen",
        lambda a: any(check.minimum_detectable_effect is not None for check in a.checks),
    ),
    "not_tested": Evidence(
        "what was not tested, with reasons",
        lambda a: bool(a.not_tested or a.failures or a.checks_left_out or a.test_plan),
    ),
}
"""Every evidence that a map may name."""
