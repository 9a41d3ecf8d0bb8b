"""Waivers: who accepts what, up to which size, and until when; nothing lapses in silence."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from auditor.errors import SpecError
from auditor.findings.fingerprints import fingerprinted
from auditor.findings.policy import Measured, Ruling, rule
from auditor.findings.waivers import ModelNames
from auditor.records import AuditVerdict, Check, Severity, Status, WaiverState
from auditor.spec.audit_spec import LimitSpec, PolicySpec
from auditor.spec.standing import Standing
from auditor.spec.waiver_file import Match, PlacedWaiver, Waiver, matches, read_waivers
from tests.findings.findings import finding, number, silent

TODAY = date(2026, 3, 10)
MODEL = ModelNames("2.3", ("9d261bfa0a20" + "0" * 52,))

FILE = """\
version: 1
waivers:
  - id: W-1
    check: corner.top-left.*
    match: {class: cat}
    max_value: 0.6
    statement: The stamp is cropped away in the field.
    owner: perception team
    approver: Dr. A. Example
    ticket: QA-118
    created: 2026-03-01
    expires: 2026-04-01
"""


def waiver(**changes: object) -> PlacedWaiver:
    fields: dict[str, object] = {
        "id": "W-1",
        "check": "corner.top-left.class-cat",
        "statement": "Known.",
        "owner": "perception team",
        "approver": "Dr. A. Example",
        "ticket": "QA-118",
        "created": date(2026, 3, 1),
        "expires": date(2026, 4, 1),
    }
    return PlacedWaiver(Waiver.model_validate({**fields, **changes}), "waivers.yaml", 3)


def ruled(
    checks: list[Check], *waivers: PlacedWaiver, today: date = TODAY, limits: dict[str, LimitSpec] | None = None
) -> Ruling:
    measured = Measured("toy", MODEL, checks, [number("accuracy", 0.7)], [], ["corner"], today)
    return rule(PolicySpec(limits=limits or {}), Standing(waivers), measured, {})


def read(tmp_path: Path, text: str, days: int = 180) -> tuple[list[PlacedWaiver], list[str]]:
    path = tmp_path / "waivers.yaml"
    path.write_text(text)
    found, problems = read_waivers(path, shown="waivers.yaml", days=days, today=TODAY)
    return found, [str(problem) for problem in problems]


def test_a_waived_finding_no_longer_fails_and_names_its_waiver() -> None:
    ruling = ruled([finding()], waiver())

    assert ruling.gate.verdict is AuditVerdict.PASS_WITH_WAIVERS
    assert ruling.gate.exit_code == 0
    assert (ruling.checks[0].status, ruling.checks[0].waiver) == (Status.WAIVED, "W-1")
    assert (ruling.waivers[0].state, ruling.waivers[0].covers) == (WaiverState.APPLIED, (ruling.checks[0].id,))
    assert ruling.warnings == ()


def test_it_holds_through_its_last_day_and_is_loud_the_day_after() -> None:
    last = ruled([finding()], waiver(), today=date(2026, 4, 1))
    after = ruled([finding()], waiver(), today=date(2026, 4, 2))

    assert last.gate.exit_code == 0
    assert "expires today" in last.warnings[0]
    assert after.gate.exit_code == 1
    assert after.checks[0].status is Status.OPEN
    assert after.waivers[0].state is WaiverState.EXPIRED
    assert after.waivers[0].days_left == -1
    assert "waivers.yaml:3: Waiver W-1" in after.warnings[0]
    assert any("expired on 2026-04-01" in reason for reason in after.gate.reasons)


def test_one_that_matches_nothing_is_stale_also_when_the_check_found_nothing() -> None:
    ruling = ruled([silent()], waiver())

    assert ruling.waivers[0].state is WaiverState.STALE
    assert "matches no finding" in ruling.warnings[0]
    assert ruling.gate.verdict is AuditVerdict.PASS


def test_an_effect_beyond_max_value_is_not_waived() -> None:
    ruling = ruled([finding(value=0.5)], waiver(max_value=0.4))

    assert ruling.gate.exit_code == 1
    assert ruling.waivers[0].state is WaiverState.EXCEEDED
    assert "0.5" in ruling.warnings[0]
    assert any("max_value of 0.4" in reason for reason in ruling.gate.reasons)


@pytest.mark.parametrize(
    ("match", "applies"),
    [
        ({"class": "cat"}, True),
        ({"class": "dog"}, False),
        ({"region": "top-*"}, True),
        ({"region": "bottom-*"}, False),
        ({"model": "2.3"}, True),
        ({"model": "9d261bfa"}, True),
        ({"model": "9d"}, False),
        ({"model": "2.4"}, False),
        ({"fingerprint": fingerprinted("toy", [finding()])[0].fingerprint}, True),
        ({"fingerprint": fingerprinted("other", [finding()])[0].fingerprint}, False),
    ],
)
def test_all_that_match_names_must_hold(match: dict[str, str], applies: bool) -> None:
    ruling = ruled([finding()], waiver(check="corner.*", match=Match.model_validate(match)))

    assert (ruling.gate.exit_code == 0) is applies


def test_numbers_of_found_marks_do_not_matter_to_a_waiver() -> None:
    ruling = ruled([finding("overlay", "overlay-2-top-left")], waiver(check="overlay.overlay-top-left.class-cat"))

    assert ruling.gate.exit_code == 0


def test_a_limit_of_a_metric_is_waived_by_its_name_down_to_min_value() -> None:
    limits = {"metrics.accuracy": LimitSpec(min=0.9, severity="critical")}

    plain = ruled([], limits=limits)
    waived = ruled([], waiver(check="limits.metrics.accuracy", min_value=0.65), limits=limits)
    beyond = ruled([], waiver(check="limits.metrics.accuracy", min_value=0.75), limits=limits)

    assert (plain.gate.exit_code, waived.gate.exit_code, beyond.gate.exit_code) == (1, 0, 1)
    assert waived.gate.verdict is AuditVerdict.PASS_WITH_WAIVERS
    assert waived.limits[0].waiver == "W-1"
    assert beyond.waivers[0].state is WaiverState.EXCEEDED


def test_a_limit_that_only_waived_findings_breach_is_waived_with_them() -> None:
    limits = {"corner.follow_rate": LimitSpec(max=0.1)}
    other = finding(class_name="dog")

    both = ruled([finding(), other], waiver(), limits=limits)
    alone = ruled([finding()], waiver(), limits=limits)

    assert both.limits[0].status is Status.OPEN
    assert both.gate.exit_code == 1
    assert (alone.limits[0].status, alone.gate.exit_code) == (Status.WAIVED, 0)


def test_a_file_is_read_with_the_line_of_each_waiver(tmp_path: Path) -> None:
    found, problems = read(tmp_path, FILE)

    assert problems == []
    assert found[0].line == 3
    assert found[0].waiver.match.class_name == "cat"
    assert found[0].waiver.expires == date(2026, 4, 1)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "owner: perception team",
            "ownr: perception team",
            "waivers.yaml:8: waivers.0.ownr: unknown key; did you mean",
        ),
        ("    ticket: QA-118\n", "", "waivers.yaml:3: waivers.0.ticket: is missing"),
        ("2026-04-01", "soon", "waivers.yaml:12: waivers.0.expires:"),
        ("2026-04-01", "2027-04-01", "more than policy.waiver_days, 180 days, away; at most 2026-08-28"),
        ("2026-04-01", "2026-02-01", "does not lie after created"),
        (
            "created: 2026-03-01",
            "created: 2026-03-20",
            "waivers.yaml:11: waivers.0.created: 2026-03-20 lies in the fut",
        ),
        ("check: corner.top-left.*", "check: '*'", "waivers.yaml:4: waivers.0.check: would waive everything"),
        ("max_value: 0.6", "min_value: 0.6", "belongs to limits from below"),
        ("version: 1", "version: 2", "waivers.yaml:1: version: expected 1, got 2"),
        ("2026-04-01\n", "2026-04-01\n" + FILE.partition("waivers:\n")[2], "'W-1' is given to two waivers"),
        ("version: 1", "version: 1\nowner: me", "waivers.yaml:2: owner: unknown key; known: version, waivers"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    _, problems = read(tmp_path, FILE.replace(before, after, 1))

    assert any(message in problem for problem in problems), problems


def test_a_file_that_is_not_there_or_no_mapping_says_so(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no such file; policy"):
        read_waivers(tmp_path / "none.yaml", shown="none.yaml", days=180, today=TODAY)
    with pytest.raises(SpecError, match="a waivers file is a mapping"):
        read(tmp_path, "- W-1\n")


def test_a_pattern_knows_no_other_sign_than_the_star() -> None:
    assert matches("corner.*.class-[a]", "corner.top.class-[a]")
    assert not matches("corner.*.class-[a]", "corner.top.class-a")
    assert not matches("corner", "corner.top")


def test_low_findings_are_waived_as_well() -> None:
    ruling = ruled([finding(severity=Severity.LOW)], waiver())

    assert ruling.gate.verdict is AuditVerdict.PASS_WITH_WAIVERS
