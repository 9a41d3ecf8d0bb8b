"""What build servers read: each format against its official schema, the servers' limits, and hostile names."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import lxml.html
import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from lxml import etree
from markdown_it import MarkdownIt

from auditor import registry
from auditor.records import (
    AbsentFinding,
    Audit,
    AuditVerdict,
    BaselineRecord,
    BaselineState,
    Severity,
    Status,
    WaiverRecord,
    WaiverState,
)
from auditor.reports import RenderOptions, Report
from auditor.reports._results import results_of
from auditor.reports.attestation import statement
from auditor.reports.gitlab import issues
from auditor.reports.markdown import MOST_BYTES, summary_of
from tests.reports.conftest import Run
from tests.reports.hostile_audits import audits

Validate = Callable[[Any], None]
MACHINE = ("sarif", "junit", "gitlab", "markdown", "attestation", "csv", "parquet")
hostile_settings = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def write(name: str, audit: Audit, run: Path) -> list[Path]:
    part = registry.load("reports", name)()
    assert isinstance(part, Report)
    return part.write(audit, run, RenderOptions())


@pytest.fixture(scope="module")
def valid_sarif(schemas: Path) -> Validate:
    schema = json.loads((schemas / "sarif-schema-2.1.0.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)

    def validate(log: dict[str, Any]) -> None:
        validator.validate(log)

    return validate


@pytest.fixture(scope="module")
def valid_gitlab(schemas: Path) -> Validate:
    return jsonschema.Draft202012Validator(json.loads((schemas / "gitlab-code-quality.json").read_text())).validate


@pytest.fixture(scope="module")
def junit_schema(schemas: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(schemas / "junit-10.xsd"))


def sarif(audit: Audit, run: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    archive, upload = (json.loads(path.read_text(encoding="utf-8")) for path in write("sarif", audit, run))
    return archive, upload


def results(log: dict[str, Any]) -> list[dict[str, Any]]:
    (run,) = log["runs"]
    found: list[dict[str, Any]] = run["results"]
    return found


def test_both_sarif_files_keep_to_the_official_schema(believable: Run, hostile: Run, valid_sarif: Validate) -> None:
    for made in (believable, hostile):
        for log in sarif(made.audit, made.folder):
            valid_sarif(log)


def test_every_sarif_result_stands_at_its_line_of_the_spec(believable: Run) -> None:
    archive, _ = sarif(believable.audit, believable.folder)

    places = [result["locations"][0]["physicalLocation"] for result in results(archive)]

    assert {place["artifactLocation"]["uri"] for place in places} == {"specs/chest.yaml"}
    assert places[0]["region"]["startLine"] == believable.audit.checks[0].spec_line
    assert all(place["region"]["startLine"] >= 1 for place in places)


def test_the_archive_is_full_and_the_upload_has_no_passes(believable: Run) -> None:
    audit = believable.audit

    archive, upload = sarif(audit, believable.folder)

    assert len(results(archive)) == len(audit.checks) + len(audit.limits)
    assert {result["kind"] for result in results(upload)} == {"fail"}
    breached = sum(limit.breached for limit in audit.limits)
    assert len(results(upload)) == len(audit.findings) + breached


def test_what_is_no_failure_has_no_level(believable: Run) -> None:
    archive, _ = sarif(believable.audit, believable.folder)

    assert {r["level"] for r in results(archive) if r["kind"] != "fail"} == {"none"}
    assert {r["level"] for r in results(archive) if r["kind"] == "fail"} <= {"error", "warning", "note"}


def test_regions_are_rectangles_on_the_figures_that_draw_them(believable: Run) -> None:
    archive, _ = sarif(believable.audit, believable.folder)
    corner = believable.audit.checks[0]

    attached = results(archive)[0]["attachments"]

    assert [one["artifactLocation"]["uri"] for one in attached] == list(corner.figures)
    picture = believable.audit.figures[corner.figures[0]]
    first, *_ = attached[0]["rectangles"]
    assert (first["left"], first["top"]) == (0, 0)
    assert first["right"] / picture.height == pytest.approx(32 / 96)
    for rectangle in attached[0]["rectangles"]:
        assert 0 <= rectangle["left"] < rectangle["right"] <= picture.width
    artifacts = archive["runs"][0]["artifacts"]
    for one in attached:
        assert artifacts[one["artifactLocation"]["index"]]["location"]["uri"] == one["artifactLocation"]["uri"]


def test_no_pictures_are_attached_where_they_are_left_out(believable: Run) -> None:
    part = registry.load("reports", "sarif")()
    assert isinstance(part, Report)

    archive, _ = part.write(believable.audit, believable.folder, RenderOptions(images=False))

    assert "attachments" not in archive.read_text()


def test_waived_findings_are_suppressed_and_known_ones_unchanged(believable: Run) -> None:
    known = believable.audit.checks[1].model_copy(update={"status": Status.BASELINE})
    audit = believable.audit.model_copy(
        update={"checks": (believable.audit.checks[0], known, *believable.audit.checks[2:])}
    )

    found = {result["properties"]["id"]: result for result in results(sarif(audit, believable.folder)[1])}

    assert found["overlay.tag-1"]["suppressions"][0]["kind"] == "external"
    assert found["border.ring-8"]["baselineState"] == "unchanged"
    assert "suppressions" not in found["border.ring-8"]


def test_waivers_and_the_baseline_are_told_in_full(believable: Run, valid_sarif: Validate) -> None:
    waiver = WaiverRecord(
        id="W-7", check="overlay", statement="Tags are blurred from May on.", owner="imaging", approver="Dr. A",
        ticket="MED-12", created="2026-03-01", expires="2026-05-01", state=WaiverState.APPLIED, days_left=51, words="",
        file="waivers.yaml", covers=("overlay.tag-1",),
    )  # fmt: skip
    gone = AbsentFinding(
        fingerprint="ab" * 16, id="texture", kind="texture", severity=Severity.HIGH, since="2026-01-01", tested=True,
        words="Gone.",
    )  # fmt: skip
    states = {
        "corner": {"baseline_state": BaselineState.NEW, "fingerprint": "cd" * 16},
        "border": {"baseline_state": BaselineState.WORSE},
        "overlay": {"waiver": "W-7"},
    }
    checks = tuple(
        check.model_copy(update=states.get(check.kind, {}) if check.is_finding else {})
        for check in believable.audit.checks
    )
    baseline = BaselineRecord(
        file="baseline.json", sha256="0" * 64, name="x", written="2026-01-01", report_id="A", model_sha256="0" * 64,
        spec_sha256="0" * 64, sample_digest="0" * 64, tolerance=0.05,
        absent=(gone, gone.model_copy(update={"tested": False})),
    )  # fmt: skip
    audit = believable.audit.model_copy(update={"checks": checks, "waivers": (waiver,), "baseline": baseline})

    archive, upload = sarif(audit, believable.folder)

    valid_sarif(archive)
    found = {result["properties"]["id"]: result for result in results(upload)}
    corner = found[checks[0].id]
    assert (corner["baselineState"], found["border.ring-8"]["baselineState"]) == ("new", "updated")
    assert "cd" * 16 in corner["partialFingerprints"].values()
    assert found["overlay.tag-1"]["suppressions"][0]["justification"].startswith("Tags are blurred from May on. (owner")
    assert [r["baselineState"] for r in results(archive) if r["message"]["text"] == "Gone."] == ["absent"]
    assert "texture" not in found


def test_every_rule_has_help_and_no_security_severity(believable: Run) -> None:
    archive, upload = sarif(believable.audit, believable.folder)

    for log in (archive, upload):
        rules = log["runs"][0]["tool"]["driver"]["rules"]
        assert all(len(rule["help"]["text"]) > 40 and rule["help"]["markdown"] for rule in rules)
        assert all(len(rule["properties"]["tags"]) <= 10 for rule in rules)
        assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in results(log))
        assert "security-severity" not in json.dumps(log)


def test_clauses_are_a_taxonomy(believable: Run) -> None:
    archive, _ = sarif(believable.audit, believable.folder)

    (taxonomy,) = archive["runs"][0]["taxonomies"]

    assert [taxon["id"] for taxon in taxonomy["taxa"]] == list(believable.audit.checks[0].clauses)
    assert [taxon["id"] for taxon in results(archive)[0]["taxa"]] == list(believable.audit.checks[0].clauses)


def test_fingerprints_tell_findings_apart_and_know_neither_values_nor_lines(believable: Run) -> None:
    moved = believable.audit.checks[0].model_copy(update={"spec_line": 99, "measurements": (), "sentence": "other"})
    later = believable.audit.model_copy(
        update={"checks": (moved, *believable.audit.checks[1:]), "finished": "2027-01-01T00:00:00Z"}
    )

    before = [result.fingerprint for result in results_of(believable.audit)]
    after = [result.fingerprint for result in results_of(later)]

    assert before == after
    assert len(set(before)) == len(before)
    other = believable.audit.model_copy(update={"name": "other"})
    assert set(before).isdisjoint(result.fingerprint for result in results_of(other))


def test_the_upload_is_cut_at_what_github_shows_the_worst_first(believable: Run) -> None:
    low = believable.audit.checks[0].model_copy(update={"severity": Severity.LOW})
    worst = low.model_copy(update={"id": "worst", "severity": Severity.CRITICAL})
    many = tuple(low.model_copy(update={"id": f"low-{index}"}) for index in range(5000))
    audit = believable.audit.model_copy(update={"checks": (*many, worst), "limits": ()})

    _, upload = sarif(audit, believable.folder)

    assert len(results(upload)) == 5000
    assert results(upload)[0]["properties"]["id"] == "worst"


def junit(audit: Audit, run: Path) -> etree._Element:
    (file,) = write("junit", audit, run)
    return etree.parse(file).getroot()


def test_junit_keeps_to_the_official_schema(believable: Run, hostile: Run, junit_schema: etree.XMLSchema) -> None:
    for made in (believable, hostile):
        junit_schema.assertValid(junit(made.audit, made.folder))


def test_junit_counts_what_it_holds_and_names_are_unique(believable: Run) -> None:
    twice = (*believable.audit.checks, believable.audit.checks[0])
    root = junit(believable.audit.model_copy(update={"checks": twice}), believable.folder)

    for suite in root:
        cases = suite.findall("testcase")
        names = [case.get("name") for case in cases]
        assert len(set(names)) == len(names) == int(suite.get("tests"))
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("skipped")) == len(suite.findall("testcase/skipped"))
    assert {suite.get("name") for suite in root} >= {"audit", "corner", "border", "limits", "parts"}


def test_junit_fails_where_the_gate_fails(believable: Run) -> None:
    root = junit(believable.audit, believable.folder)

    failed = {case.get("name") for case in root.iter("testcase") if case.find("failure") is not None}
    skipped = {case.get("name"): case.find("skipped").get("message") for case in root.iter("testcase")
               if case.find("skipped") is not None}  # fmt: skip

    assert failed == {believable.audit.checks[0].id, "limits.metrics.worst_class_accuracy"}
    assert skipped["overlay.tag-1"].startswith("waived: ")
    assert skipped["border.ring-8"].startswith("below the level that fails: ")
    assert skipped["sharpness"].startswith("undecided: ")


def test_a_required_part_that_broke_is_an_error_and_an_optional_one_is_skipped(believable: Run) -> None:
    broken = believable.audit.failures[0].model_copy(update={"part": "probes.border", "required": True})
    audit = believable.audit.model_copy(
        update={
            "failures": (*believable.audit.failures, broken),
            "verdict": AuditVerdict.INCOMPLETE,
            "reasons": ("probes.border did not finish",),
        }
    )

    root = junit(audit, believable.folder)

    errors = {case.get("name") for case in root.iter("testcase") if case.find("error") is not None}
    assert errors == {"parts.probes.border", "complete"}


def test_junit_suites_carry_the_digests(believable: Run) -> None:
    root = junit(believable.audit, believable.folder)

    for suite in root:
        properties = {one.get("name"): one.get("value") for one in suite.find("properties")}
        assert properties["model.sha256"] == believable.audit.model.sha256_before
        assert properties["spec.sha256"] == believable.audit.spec_sha256


def test_the_gitlab_report_is_what_gitlab_documents(believable: Run, hostile: Run, valid_gitlab: Validate) -> None:
    for made in (believable, hostile):
        (file,) = write("gitlab", made.audit, made.folder)
        valid_gitlab(json.loads(file.read_text(encoding="utf-8")))


def test_gitlab_entries_have_what_gitlab_asks_for(believable: Run) -> None:
    entries = issues(believable.audit)

    for entry in entries:
        assert entry["location"]["path"] == "specs/chest.yaml"
        assert entry["location"]["lines"]["begin"] >= 1
        assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert entry["description"]
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    names = [entry["check_name"] for entry in entries]
    assert believable.audit.checks[0].id in names
    assert "overlay.tag-1" not in names  # waived
    assert "sharpness" not in names  # undecided


def test_the_summary_is_short_and_says_verdict_findings_and_digests(believable: Run) -> None:
    page = summary_of(believable.audit)

    assert page.startswith("<!-- auditor:chest-radiographs -->\n## ✗ FAIL: ")
    assert believable.audit.spec_sha256 in page
    assert "| ◆ | critical |" in page
    assert len(page.encode()) < MOST_BYTES


def test_a_summary_of_thousands_of_findings_is_cut_and_says_so(believable: Run) -> None:
    long = "ß" * 3000
    checks = tuple(
        believable.audit.checks[0].model_copy(update={"id": f"{index}", "sentence": long}) for index in range(2000)
    )
    audit = believable.audit.model_copy(update={"checks": checks, "reasons": (long,) * 2000, "title": long})

    page = summary_of(audit)

    assert len(page.encode()) < MOST_BYTES
    assert "more in audit.json" in page


def test_the_summary_is_appended_to_the_jobs_own(
    believable: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = tmp_path / "summary"
    job.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))

    write("markdown", believable.audit, believable.folder)

    assert job.read_text().startswith("before\n<!-- auditor:chest-radiographs -->\n")


def test_the_statement_keeps_to_in_totos_own_schema(believable: Run, hostile: Run) -> None:
    for made in (believable, hostile):
        (file,) = write("attestation", made.audit, made.folder)
        content = json.loads(file.read_text(encoding="utf-8"))

        parsed = json_format.ParseDict(content, statement_pb2.Statement())
        Statement.copy_from_pb(parsed).validate()
        predicate = dict(content["predicate"])
        assert {predicate.pop(name) for name in ("reportId", "finishedOn")}  # our own, which readers pass over
        json_format.ParseDict(predicate, test_result_pb2.TestResult())


def test_the_statement_names_model_and_spec_by_their_digests(believable: Run) -> None:
    import hashlib

    made = statement(believable.audit, believable.folder)

    assert made["_type"] == "https://in-toto.io/Statement/v1"
    assert made["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    (subject,) = made["subject"]
    assert subject["digest"]["sha256"] == believable.audit.model.file_sha256
    spec, sample = made["predicate"]["configuration"]
    assert spec["digest"]["sha256"] == hashlib.sha256((believable.folder / "spec.yaml").read_bytes()).hexdigest()
    assert sample["digest"]["auditorSample"] == believable.audit.sample.digest
    assert made["predicate"]["result"] == "FAILED"
    assert believable.audit.checks[0].id in made["predicate"]["failedTests"]
    assert "overlay.tag-1" in made["predicate"]["warnedTests"]
    assert "corner.top-right" in made["predicate"]["passedTests"]


@pytest.mark.parametrize(
    ("verdict", "result"), [("pass", "PASSED"), ("pass_with_waivers", "WARNED"), ("incomplete", "FAILED")]
)
def test_an_incomplete_audit_is_no_passed_test(believable: Run, verdict: str, result: str) -> None:
    audit = believable.audit.model_copy(update={"verdict": AuditVerdict(verdict)})

    assert statement(audit, believable.folder)["predicate"]["result"] == result


def test_csv_and_parquet_hold_every_measurement(believable: Run) -> None:
    import pandas as pd

    audit = believable.audit
    (text,) = write("csv", audit, believable.folder)
    (typed,) = write("parquet", audit, believable.folder)

    read, frame = pd.read_csv(text), pd.read_parquet(typed)

    of_checks = sum(len(check.measurements) for check in audit.checks)
    assert (frame["section"] == "check").sum() == of_checks
    assert set(frame["section"]) == {"check", "limit", "metric", "class", "visualization"}
    assert list(read.columns) == list(frame.columns)
    assert len(read) == len(frame)
    first = frame.iloc[0]
    assert (first["value"], first["low"], first["high"], first["count"]) == (0.91, 0.84, 0.95, 64)
    undefined = frame[frame["id"] == "group_gap"].iloc[0]
    assert pd.isna(undefined["value"])
    assert undefined["reason"] == "the data set has no groups"


def test_a_spreadsheet_runs_nothing(believable: Run) -> None:
    check = believable.audit.checks[0].model_copy(update={"class_name": '=HYPERLINK("http://evil")'})
    (file,) = write("csv", believable.audit.model_copy(update={"checks": (check,)}), believable.folder)

    with file.open(encoding="utf-8", newline="") as lines:
        first = next(csv.DictReader(lines))

    assert first["class"] == '\'=HYPERLINK("http://evil")'


@pytest.mark.parametrize("name", MACHINE)
def test_the_same_audit_gives_the_same_bytes(believable: Run, name: str) -> None:
    first = [path.read_bytes() for path in write(name, believable.audit, believable.folder)]

    assert [path.read_bytes() for path in write(name, believable.audit, believable.folder)] == first


@hostile_settings
@given(audit=audits())
def test_hostile_names_break_neither_sarif_nor_junit(
    audit: Audit, tmp_path: Path, valid_sarif: Validate, junit_schema: etree.XMLSchema
) -> None:
    for log in sarif(audit, tmp_path):
        valid_sarif(log)
    root = junit(audit, tmp_path)
    junit_schema.assertValid(root)
    for suite in root:
        names = [case.get("name") for case in suite.findall("testcase")]
        assert len(set(names)) == len(names)


@hostile_settings
@given(audit=audits())
def test_hostile_names_break_neither_tables_nor_lists(audit: Audit, tmp_path: Path, valid_gitlab: Validate) -> None:
    (tmp_path / "spec.yaml").write_text("version: 1\n")

    page = summary_of(audit)
    entries = issues(audit)
    made = statement(audit, tmp_path)
    (text,) = write("csv", audit, tmp_path)

    assert len(page.encode()) < MOST_BYTES
    shown = lxml.html.fromstring(MarkdownIt("commonmark", {"html": True}).enable("table").render(page))
    assert not {"script", "a", "img"} & {element.tag for element in shown.iter()}
    etree.strip_elements(shown, "code", with_tail=False)  # nothing is live in code
    assert "@everyone" not in shown.text_content()
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    valid_gitlab(entries)
    Statement.copy_from_pb(json_format.ParseDict(made, statement_pb2.Statement())).validate()
    tests = [name for key in ("passedTests", "warnedTests", "failedTests") for name in made["predicate"][key]]
    assert len(set(tests)) == len(tests)
    with text.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    assert len({len(row) for row in rows}) == 1
    assert not [cell for row in rows[1:] for cell in row if cell.startswith(("=", "@", "+"))]
