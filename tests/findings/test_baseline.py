"""The baseline: known findings do not fail the gate until they get worse; the file knows findings, never lines."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from auditor.errors import SpecError
from auditor.findings.baseline import pruned, updated, written_from
from auditor.findings.fingerprints import fingerprint, fingerprinted
from auditor.findings.policy import Measured, Ruling, rule
from auditor.findings.waivers import ModelNames
from auditor.records import Audit, AuditVerdict, BaselineState, Check, Measurement, Severity, Status, Verdict
from auditor.spec.audit_spec import LimitSpec, PolicySpec
from auditor.spec.baseline_file import BaselineFile, read_baseline
from auditor.spec.standing import Standing
from tests.findings.audits import audit_of
from tests.findings.findings import finding, number, silent


def ruled(
    checks: list[Check],
    baseline: BaselineFile,
    *,
    metrics: list[Measurement] | None = None,
    limits: dict[str, LimitSpec] | None = None,
    name: str = "toy",
) -> Ruling:
    measured = Measured(name, ModelNames(None, ()), checks, metrics or [], [], ["corner"], date(2026, 3, 10))
    return rule(PolicySpec(limits=limits or {}), Standing(baseline=baseline, baseline_file="b.json"), measured, {})


def baseline_of(*checks: Check, metrics: tuple[Measurement, ...] = ()) -> BaselineFile:
    return written_from(audit_of(list(checks), metrics=metrics))


def test_a_known_finding_is_shown_and_does_not_fail() -> None:
    ruling = ruled([finding(value=0.52)], baseline_of(finding(value=0.5)))

    (check,) = ruling.checks
    assert (check.status, check.baseline_state) == (Status.BASELINE, BaselineState.UNCHANGED)
    assert check.baseline is not None
    assert check.baseline.value == 0.5
    assert ruling.gate.verdict is AuditVerdict.PASS_WITH_WAIVERS
    assert ruling.gate.exit_code == 0


@pytest.mark.parametrize(
    ("value", "state", "code"),
    [(0.56, BaselineState.WORSE, 1), (0.54, BaselineState.UNCHANGED, 0), (0.44, BaselineState.BETTER, 0)],
)
def test_worse_by_more_than_the_tolerance_fires_again(value: float, state: BaselineState, code: int) -> None:
    ruling = ruled([finding(value=value)], baseline_of(finding(value=0.5)))

    assert ruling.checks[0].baseline_state is state
    assert ruling.gate.exit_code == code


def test_a_severity_that_rose_fires_again() -> None:
    ruling = ruled([finding(severity=Severity.CRITICAL)], baseline_of(finding(severity=Severity.HIGH)))

    assert ruling.checks[0].baseline_state is BaselineState.WORSE
    assert ruling.gate.exit_code == 1


@pytest.mark.parametrize("other", [finding(class_name="dog"), finding(region="top-right"), finding("region")])
def test_another_class_place_or_kind_is_a_new_finding(other: Check) -> None:
    ruling = ruled([other], baseline_of(finding()))

    assert ruling.checks[0].baseline_state is BaselineState.NEW
    assert ruling.gate.exit_code == 1
    assert ruling.baseline is not None
    assert ruling.baseline.counts["absent"] == 1


def test_the_baseline_of_another_audit_covers_nothing_and_says_so() -> None:
    ruling = ruled([finding()], baseline_of(finding()), name="other")

    assert ruling.gate.exit_code == 1
    assert "is of another audit, 'toy'" in ruling.warnings[0]


def test_the_same_cue_under_its_other_name_is_known() -> None:
    before = finding("corner", "top-left", value=0.5, also=("overlay.overlay-1-top-left.class-cat",))
    now = finding("overlay", "overlay-2-top-left", value=0.5, also=("corner.top-left.class-cat",))

    assert ruled([now], baseline_of(before)).gate.exit_code == 0
    assert ruled([before], baseline_of(now)).gate.exit_code == 0


def test_what_is_gone_is_told_apart_from_what_was_not_tested() -> None:
    known = baseline_of(finding(), finding("border", "frame"))

    ruling = ruled([silent(), silent("border", "frame").model_copy(update={"verdict": Verdict.NOT_TESTED})], known)

    assert ruling.baseline is not None
    assert {item.kind: item.tested for item in ruling.baseline.absent} == {"corner": True, "border": False}


def test_waived_findings_do_not_enter_the_baseline() -> None:
    waived = finding().model_copy(update={"status": Status.WAIVED})

    assert baseline_of(waived).findings == ()


def test_updating_keeps_dates_and_what_was_not_tested_and_drops_what_is_gone() -> None:
    old = written_from(audit_of([finding(), finding("border", "frame"), finding("colour", None)], day="2026-01-05"))

    new = updated(
        old, audit_of([finding(value=0.7), silent("border", "frame"), finding("texture", None)], day="2026-03-05")
    )

    assert {item.kind: item.since for item in new.findings} == {
        "corner": "2026-01-05",
        "colour": "2026-01-05",
        "texture": "2026-03-05",
    }
    assert next(item for item in new.findings if item.kind == "corner").values["follow_rate"].value == 0.7


def test_pruning_only_takes_away() -> None:
    old = baseline_of(finding(), finding("border", "frame"))

    new = pruned(old, audit_of([finding(value=0.9), silent("border", "frame"), finding("texture", None)]))

    assert [item.kind for item in new.findings] == ["corner"]
    assert new.findings[0].values["follow_rate"].value == 0.5


def test_the_file_is_sorted_a_line_a_finding_and_reads_back_as_it_was(tmp_path: Path) -> None:
    baseline = baseline_of(finding(class_name="dog"), finding(), metrics=(number("accuracy", 0.9),))
    path = tmp_path / "baseline.json"
    path.write_text(baseline.to_json())

    read, digest = read_baseline(path)
    text = path.read_text()

    assert read.to_json() == text
    assert len(digest) == 64
    ids = [item["id"] for item in json.loads(text)["findings"]]
    assert ids == sorted(ids)
    assert sum('"severity"' in line for line in text.splitlines()) == 2
    assert "spec_line" not in text
    assert "sentence" not in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a baseline"),
        ("[]", "schema None"),
        ('{"schema": "auditor/baseline@2"}', "expected 'auditor/baseline@1'"),
        ('{"schema": "auditor/baseline@1"}', "name: Field required"),
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)

    with pytest.raises(SpecError, match=message):
        read_baseline(path)


def test_fingerprints_cover_the_whole_key_and_tell_two_of_one_key_apart() -> None:
    keys = [("a", "corner", "x", "cat"), ("b", "corner", "x", "cat"), ("a", "border", "x", "cat"),
            ("a", "corner", "y", "cat"), ("a", "corner", "x", "dog"), ("a", "corner", "x", None)]  # fmt: skip
    twins = fingerprinted("a", [finding("overlay", "overlay-1-top-left"), finding("overlay", "overlay-2-top-left")])

    assert len({fingerprint(*key) for key in keys}) == len(keys)
    assert twins[0].fingerprint != twins[1].fingerprint
    assert twins[0].fingerprint == fingerprinted("a", [finding("overlay", "overlay-7-top-left")])[0].fingerprint


@pytest.mark.parametrize(("accuracy", "code"), [(0.84, 0), (0.78, 1)])
def test_a_relative_limit_is_held_against_the_baselines_value(accuracy: float, code: int) -> None:
    limits = {"metrics.accuracy": LimitSpec(max_decrease=0.05, rationale="no worse than the last release")}
    known = baseline_of(metrics=(number("accuracy", 0.9),))

    ruling = ruled([], known, metrics=[number("accuracy", accuracy, spread=0.03)], limits=limits)

    assert ruling.gate.exit_code == code
    assert ruling.limits[0].minimum == pytest.approx(0.85)
    assert ruling.limits[0].rationale == "no worse than the last release"
    if code:
        assert "the baseline has 0.9" in ruling.gate.reasons[0]


def test_a_relative_limit_on_a_check_finds_its_number_by_fingerprint() -> None:
    limits = {"corner.follow_rate": LimitSpec(max_increase=0.05)}
    known = baseline_of(silent(class_name="cat"), silent(class_name="dog"))
    now = [
        silent(class_name="cat"),
        silent(class_name="dog").model_copy(update={"measurements": (number("follow_rate", 0.3),)}),
    ]

    ruling = ruled(now, known, limits=limits)

    assert ruling.limits[0].breached_by == ("corner.top-left.class-dog",)


def test_a_known_finding_does_not_excuse_a_limit_that_is_stricter_than_the_tolerance() -> None:
    known = baseline_of(finding(value=0.3))
    now = [finding(value=0.34).model_copy(update={"measurements": (number("follow_rate", 0.34, spread=0.01),)})]

    strict = ruled(now, known, limits={"corner.follow_rate": LimitSpec(max_increase=0.02)})
    absolute = ruled(now, known, limits={"corner.follow_rate": LimitSpec(max=0.1)})

    assert (strict.gate.exit_code, absolute.gate.exit_code) == (1, 0)


def test_of_an_absolute_and_a_relative_bound_the_stricter_holds() -> None:
    known = baseline_of(metrics=(number("accuracy", 0.9),))
    strict = {"metrics.accuracy": LimitSpec(min=0.88, max_decrease=0.05)}

    assert ruled([], known, metrics=[number("accuracy", 0.9)], limits=strict).limits[0].minimum == 0.88


def test_a_relative_limit_without_a_number_to_start_from_is_loud() -> None:
    limits = {"metrics.accuracy": LimitSpec(max_decrease=0.05)}
    measured = Measured("toy", ModelNames(None, ()), [], [number("accuracy", 0.9)], [], [], date(2026, 3, 10))

    without = rule(PolicySpec(limits=limits), Standing(), measured, {})
    unknown = ruled([], baseline_of(), metrics=[number("accuracy", 0.9)], limits=limits)

    assert "none was given" in without.warnings[0]
    assert "has no number under this name" in unknown.warnings[0]


def test_a_limit_can_name_one_check_alone() -> None:
    limits = {"corner.top-left.class-cat.follow_rate": LimitSpec(max=0.1), "corner.*.class-dog.*": LimitSpec(max=0.1)}

    ruling = ruled([finding(), finding(class_name="dog"), finding(class_name="owl")], baseline_of(), limits=limits)

    assert [item.breached_by for item in ruling.limits] == [
        ("corner.top-left.class-cat",),
        ("corner.top-left.class-dog",),
    ]


def test_an_audit_from_before_there_were_fingerprints_makes_the_same_baseline() -> None:
    audit = audit_of([finding()])
    bare = Audit.from_json(json.dumps({**json.loads(audit.to_json()), "checks": [_bare(audit.checks[0])]}))

    assert written_from(bare).findings == written_from(audit).findings


def _bare(check: Check) -> dict[str, object]:
    tree: dict[str, object] = json.loads(check.model_dump_json(by_alias=True))
    return {key: value for key, value in tree.items() if key != "fingerprint"}
