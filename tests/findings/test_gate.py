"""From checks and limits to verdict and exit code."""

from __future__ import annotations

from auditor.findings.gate import declare_legitimate, gate, stored
from auditor.findings.limits import apply_limits
from auditor.records import AuditVerdict, Check, Grade, LimitResult, Measurement, PartFailure, Severity, Status, Verdict
from auditor.spec.audit_spec import LegitimateSpec, LimitSpec

KINDS = ["border", "corner"]


def check(verdict: Verdict = Verdict.NO_EVIDENCE, severity: Severity | None = None, **fields: object) -> Check:
    defaults: dict[str, object] = {
        "id": "corner.top-left",
        "kind": "corner",
        "sentence": "A sentence.",
        "verdict": verdict,
        "severity": severity,
        "grade": Grade.SEVERE if verdict is Verdict.CONFIRMED else None,
    }
    return Check(**{**defaults, **fields})


def outcome(
    checks: list[Check],
    fail_on: str = "high",
    limits: list[LimitResult] | None = None,
    failures: list[PartFailure] | None = None,
):  # type: ignore[no-untyped-def]
    return gate(checks, limits or [], failures or [], KINDS, fail_on)


def test_nothing_found_passes() -> None:
    assert outcome([check()]).exit_code == 0


def test_a_finding_at_the_level_fails_and_below_it_passes() -> None:
    found = check(Verdict.CONFIRMED, Severity.MEDIUM)

    assert outcome([found], "medium").verdict is AuditVerdict.FAIL
    assert outcome([found], "medium").exit_code == 1
    assert outcome([found], "high").verdict is AuditVerdict.PASS
    assert outcome([found], "never").verdict is AuditVerdict.PASS


def test_a_waived_finding_passes_with_waivers() -> None:
    found = check(Verdict.CONFIRMED, Severity.HIGH, status=Status.WAIVED)

    assert outcome([found]).verdict is AuditVerdict.PASS_WITH_WAIVERS


def test_a_broken_required_part_is_incomplete_and_an_optional_one_is_not() -> None:
    broken = PartFailure(part="probes.border", reason="it broke")

    assert outcome([check()], failures=[broken]).exit_code == 3
    assert outcome([check()], failures=[broken.model_copy(update={"required": False})]).exit_code == 0


def test_a_failing_finding_beats_incomplete() -> None:
    broken = PartFailure(part="probes.border", reason="it broke")

    assert outcome([check(Verdict.CONFIRMED, Severity.HIGH)], failures=[broken]).exit_code == 1


def test_too_little_data_is_incomplete_only_when_all_sample_level_checks_lack_it() -> None:
    short, fine = check(Verdict.INSUFFICIENT), check()

    assert outcome([short]).verdict is AuditVerdict.INCOMPLETE
    assert outcome([short, fine]).verdict is AuditVerdict.PASS
    assert outcome([check(Verdict.INSUFFICIENT, class_name="cat"), fine]).verdict is AuditVerdict.PASS


def test_not_tested_is_not_incomplete() -> None:
    assert outcome([check(Verdict.NOT_TESTED)]).verdict is AuditVerdict.PASS


def accuracy(low: float, value: float, high: float) -> Measurement:
    return Measurement(name="accuracy", value=value, low=low, high=high, count=100)


def test_a_limit_is_breached_only_when_the_whole_interval_lies_beyond() -> None:
    limits = {"metrics.accuracy": LimitSpec(min=0.9, severity="critical")}

    inside, _ = apply_limits(limits, [], [accuracy(0.8, 0.85, 0.91)], {})
    beyond, _ = apply_limits(limits, [], [accuracy(0.7, 0.75, 0.8)], {"metrics.accuracy": 12})

    assert not inside[0].breached
    assert beyond[0].breached
    assert beyond[0].spec_line == 12
    assert outcome([], limits=beyond).exit_code == 1


def test_a_limits_own_severity_wins_on_the_check_that_breaches_it() -> None:
    follow = Measurement(name="follow_rate", value=0.2, low=0.15, high=0.3, count=64)
    found = check(Verdict.CONFIRMED, Severity.LOW, measurements=(follow,))

    results, raised = apply_limits({"corner.follow_rate": LimitSpec(max=0.1, severity="critical")}, [found], [], {})

    assert results[0].breached
    assert raised[0].severity is Severity.CRITICAL


def test_a_limit_on_nothing_says_so() -> None:
    results, _ = apply_limits({"metrics.accuracy": LimitSpec(min=0.5)}, [], [], {})

    assert not results[0].breached
    assert results[0].reason is not None


def test_a_declared_cue_is_no_finding_and_keeps_its_reason() -> None:
    found = check(Verdict.CONFIRMED, Severity.HIGH, class_name="stop")
    declared = LegitimateSpec(kind="corner", classes=["stop"], reason="the sign is there")

    (kept,) = declare_legitimate([found], [declared])
    (other,) = declare_legitimate([found.model_copy(update={"class_name": "yield"})], [declared])

    assert kept.verdict is Verdict.DECLARED_LEGITIMATE
    assert "the sign is there" in kept.sentence
    assert other.verdict is Verdict.CONFIRMED


def test_small_class_level_checks_without_a_finding_are_only_counted() -> None:
    few = Measurement(name="follow_rate", value=0.0, low=0.0, high=0.3, count=5)
    many = few.model_copy(update={"count": 9})
    checks = [check(), check(class_name="a", measurements=(few,)), check(class_name="b", measurements=(many,))]

    kept, left_out = stored(checks)

    assert [item.class_name for item in kept] == [None, "b"]
    assert left_out == {"corner": 1}
