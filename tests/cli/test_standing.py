"""auditor baseline, waivers, and how a spec names their files."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from auditor.cli import console
from auditor.spec.baseline_file import read_baseline
from auditor.spec.standing import Standing
from auditor.spec.waiver_file import PlacedWaiver, Waiver
from tests.cli.test_cli import NET
from tests.conftest import Call
from tests.findings.audits import audit_of, run_folder
from tests.findings.findings import finding, silent
from tests.models import SPEC

TODAY = datetime.now(UTC).date()


def waivers(folder: Path, expires: date) -> Path:
    path = folder / "waivers.yaml"
    path.write_text(
        "version: 1\nwaivers:\n  - {id: W-1, check: corner.*, statement: x, owner: me, approver: you, ticket: QA-1, "
        f"created: {expires - timedelta(days=30)}, expires: {expires}}}\n"
    )
    return path


def test_a_baseline_is_written_updated_and_pruned(call: Call, tmp_path: Path) -> None:
    first = run_folder(tmp_path / "1", audit_of([finding(), finding("border", "frame")]))
    second = run_folder(tmp_path / "2", audit_of([finding(), silent("border", "frame"), finding("texture", None)]))
    file = tmp_path / "baseline.json"

    code, out, err = call("baseline", "write", first, "-o", file)
    assert (code, out.strip()) == (0, str(file))
    assert "+ border.frame.class-cat (high)" in err
    assert call("baseline", "write", first, "-o", file)[0] == 2

    _, _, err = call("baseline", "prune", second, file)
    assert err.splitlines()[0] == "- border.frame.class-cat (high)"
    assert [item.kind for item in read_baseline(file)[0].findings] == ["corner"]

    call("baseline", "update", second, file)
    assert sorted(item.kind for item in read_baseline(file)[0].findings) == ["corner", "texture"]


def test_the_baseline_of_another_audit_is_not_changed(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    call("baseline", "write", run_folder(tmp_path / "1", audit_of([finding()])), "-o", file)
    before = file.read_text()

    code, _, err = call("baseline", "update", run_folder(tmp_path / "2", audit_of([finding()], name="other")), file)

    assert code == 2
    assert "is the baseline of 'toy'" in err
    assert file.read_text() == before


def test_waivers_are_listed_with_the_days_left_and_expired_ones_leave_with_1(call: Call, tmp_path: Path) -> None:
    fine = call("waivers", "list", waivers(tmp_path, TODAY + timedelta(days=5)), "--json")
    gone = call("waivers", "list", waivers(tmp_path, TODAY - timedelta(days=1)), "--json")

    assert fine[0] == 0
    assert json.loads(fine[1])[0]["days_left"] == 5
    assert gone[0] == 1
    assert json.loads(gone[1])[0]["state"] == "expired"


def test_the_waivers_of_a_spec_and_of_a_run_are_listed_too(call: Call, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    waivers(tmp_path, TODAY + timedelta(days=5))
    spec.write_text(SPEC + "policy: {waivers: waivers.yaml}\n")
    placed = Waiver(id="W-9", check="border.*", statement="x", owner="x", approver="x", ticket="x",
                    created=date(2026, 2, 1), expires=date(2026, 5, 1))  # fmt: skip
    audit = audit_of([finding()], standing=Standing(waivers=(PlacedWaiver(placed, "waivers.yaml", 3),)))

    code, out, _ = call("waivers", "list", spec)
    stale, shown, _ = call("waivers", "list", run_folder(tmp_path / "run", audit))

    assert code == 0
    assert "W-1" in out
    assert stale == 1
    assert "stale" in shown


def test_mistakes_in_the_files_that_a_policy_names_are_told_by_check(call: Call, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "pictures" / "dark").mkdir(parents=True)
    path = waivers(tmp_path, TODAY + timedelta(days=5))
    path.write_text(path.read_text().replace("owner: me, ", ""))
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC + "policy:\n  waivers: waivers.yaml\n  baseline: none.json\n")

    code, _, err = call("check", spec)

    assert code == 2
    assert f"{spec}:13: policy.baseline:" in err
    assert "auditor baseline write RUN_DIR" in err
    assert f"{path}:3: waivers.0.owner: is missing" in err


def test_a_longer_horizon_is_the_specs_to_allow(call: Call, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "pictures" / "dark").mkdir(parents=True)
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC + "policy: {waivers: waivers.yaml}\n")
    waivers(tmp_path, TODAY + timedelta(days=5))

    assert call("check", spec)[0] == 0
    assert call("check", spec, "--set", "policy.waiver_days=20")[0] == 2
    assert call("check", spec, "--set", "policy.waiver_days=400")[0] == 2


def test_plan_prints_what_findings_will_be_held_against(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.out, "width", 300)  # made at import, so COLUMNS would come too late
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "pictures" / "dark").mkdir(parents=True)
    waivers(tmp_path, TODAY + timedelta(days=5))
    baseline = tmp_path / "known" / "baseline.json"
    baseline.parent.mkdir()
    call("baseline", "write", run_folder(tmp_path / "1", audit_of([finding()], version="1.4")), "-o", baseline)
    spec = tmp_path / "spec.yaml"
    limits = "{border.follow_rate: {max: 0.1, rationale: risk file}, metrics.accuracy: {min: 0.9, max_decrease: 0.05}}"
    spec.write_text(SPEC + f"policy:\n  fail_on: medium\n  waivers: waivers.yaml\n  limits: {limits}\n")

    code, without, _ = call("plan", spec)
    _, with_baseline, _ = call("plan", spec, "--baseline", baseline)

    assert code == 0
    for words in ("Fails on: medium", "risk file", "at most 0.1", "at least 0.9, at most 0.05 below the baseline"):
        assert words in without
    assert "5 days left" in without
    assert "W-1" in without
    assert "limits that are relative to it hold nothing" in " ".join(without.split())
    assert "Baseline · known/baseline.json: 1 known findings of AUD-" in with_baseline
    assert "model 1.4" in with_baseline


def test_plan_says_that_nothing_is_set_and_which_waiver_has_expired(call: Call, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "pictures" / "dark").mkdir(parents=True)
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)

    _, bare, _ = call("plan", spec)
    waivers(tmp_path, TODAY - timedelta(days=1))
    _, expired, _ = call("plan", spec, "--set", "policy.waivers=waivers.yaml")

    assert "Not set: limits, waivers, baseline" in bare
    assert "EXPIRED, will not be applied" in expired
