"""Hand-made cases and audits with known answers: what counts as found, as named, as a false alarm."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from auditor.records import Check
from benchmarks.detection.__main__ import main
from benchmarks.detection.auditing import Record, Shelf, audit_all, audit_one, case_sha256, sources_sha256
from benchmarks.detection.case_folders import Case, read_cases
from benchmarks.detection.listing import listed
from benchmarks.detection.rows import Row
from benchmarks.detection.run_folders import Audited
from benchmarks.detection.scoring import CueResult, Result, abstained_negative, score, untrained_refused
from tests.benchmarks.detection_records import BOTTOM_RIGHT, TOP_LEFT, check, cue, write_audit, write_case

CORNER = (0, 0, 8, 8)
WHOLE = (0, 0, 32, 32)


def scored(cache: Path, name: str, checks: Sequence[Check], role: str, *cues: dict[str, Any], **changes: Any) -> Result:
    """A case with its audit."""
    case = Case.read(write_case(cache, name, role, cues, **changes))
    return Result(case, Audited.read(write_audit(cache / "audits" / name, checks)))


def rows_of(results: Sequence[Result], *, smoke: bool = False) -> dict[str, Row]:
    return {row.name: row for row in score(results, smoke=smoke)}


def value(rows: dict[str, Row], name: str) -> tuple[float | None, int]:
    return rows[name].value, rows[name].count


# scores


def test_a_cue_found_by_another_kind_is_detected_and_not_named(tmp_path: Path) -> None:
    ring = check("border", box=WHOLE, hole=(4, 4, 28, 28))
    rows = rows_of([scored(tmp_path, "a", [ring], "strong", cue())])

    assert value(rows, "recall, strong visible local cue") == (1.0, 1)
    assert value(rows, "kind named rightly, of detected cues") == (0.0, 1)
    assert value(rows, "precision of confirmed checks") == (1.0, 1)


def test_the_strongest_match_names_the_kind(tmp_path: Path) -> None:
    found = [check("border", box=WHOLE, hole=(4, 4, 28, 28), effect=0.7), check("corner", box=CORNER, effect=0.8)]

    result = scored(tmp_path, "a", found, "strong", cue())

    assert CueResult(result, result.case.cues[0]).kind_named


def test_region_hit_looks_at_the_strongest_finding_about_the_class(tmp_path: Path) -> None:
    both = [check("corner", box=BOTTOM_RIGHT), check("corner", box=CORNER, effect=0.5)]
    off = scored(tmp_path, "off", both, "strong", cue())
    other = scored(tmp_path, "other", [check("corner", box=BOTTOM_RIGHT, class_name="bar")], "strong", cue())

    assert CueResult(off, off.case.cues[0]).region_hit is False
    assert CueResult(other, other.case.cues[0]).region_hit is None


def test_recall_keeps_strong_and_partial_and_families_apart(tmp_path: Path) -> None:
    hit = [check("corner", box=CORNER)]
    rows = rows_of([
        scored(tmp_path, "a", hit, "strong", cue()),
        scored(tmp_path, "b", [], "strong", cue()),
        scored(tmp_path, "c", hit, "partial", cue(score=0.5)),
        scored(tmp_path, "d", [check("colour")], "strong", cue("colour_cast", None, kinds=["colour"])),
        scored(tmp_path, "e", [], "between", cue(score=0.2)),
    ])  # fmt: skip

    assert value(rows, "recall, strong visible local cue") == (0.5, 2)
    assert value(rows, "recall, partial reliance") == (1.0, 1)
    assert value(rows, "recall, strong colour cast or sharpness") == (1.0, 1)
    assert value(rows, "recall, strong, corner_tag") == (0.5, 2)


def test_both_of_two_asks_for_each_cue(tmp_path: Path) -> None:
    cues = cue(), cue("colour_cast", None, kinds=["colour"])
    weak = cue(), cue("colour_cast", None, kinds=["colour"], score=0.2)
    rows = rows_of([
        scored(tmp_path, "both", [check("corner", box=CORNER), check("colour")], "strong", *cues, family="pair"),
        scored(tmp_path, "one", [check("corner", box=CORNER)], "strong", *cues, family="pair"),
        scored(tmp_path, "weak", [check("corner", box=CORNER)], "strong", *weak, family="pair"),
    ])  # fmt: skip

    assert value(rows, "both of two cues found") == (0.5, 2)
    assert value(rows, "recall, strong, one of two cues") == (0.8, 5)
    assert value(rows, "recall, strong visible local cue") == (None, 0)


def test_precision_counts_every_finding_of_positives_and_negatives(tmp_path: Path) -> None:
    rows = rows_of([
        scored(tmp_path, "a", [check("corner", box=CORNER), check("sharpness")], "strong", cue()),
        scored(tmp_path, "b", [check("corner", box=CORNER)], "negative", cue(score=0.02), family="independent"),
        scored(tmp_path, "c", [check("colour", "declared_legitimate")], "negative", expects="declared"),
        scored(tmp_path, "d", [check("corner", box=CORNER)], "true_feature", cue(score=0.9)),
        scored(tmp_path, "e", [check("sharpness")], "between", cue(score=0.2)),
    ])  # fmt: skip

    assert value(rows, "precision of confirmed checks") == (pytest.approx(1 / 3), 3)
    assert value(rows, "true feature found where it lies") == (1.0, 1)
    assert value(rows, "declared cue recognised as legitimate") == (1.0, 1)


def test_a_false_alarm_is_a_negative_model_with_any_finding(tmp_path: Path) -> None:
    rows = rows_of([
        scored(tmp_path, "clean", [check("corner", "suspected", CORNER)], "negative"),
        scored(tmp_path, "accused", [check("corner", box=CORNER), check("colour")], "negative"),
        scored(tmp_path, "hard", [], "negative", cue(score=0.0), family="independent"),
    ])  # fmt: skip

    assert value(rows, "false alarms, per negative model") == (pytest.approx(1 / 3), 3)
    assert value(rows, "false alarms, all clean models") == (0.5, 2)
    assert value(rows, "false alarms, independent") == (0.0, 1)


def test_an_audit_that_broke_is_a_miss_and_no_false_alarm(tmp_path: Path) -> None:
    positive = Case.read(write_case(tmp_path, "a", "strong", [cue()]))
    negative = Case.read(write_case(tmp_path, "b", "negative"))
    rows = rows_of([Result(positive, None, "exit code 70"), Result(negative, None, "exit code 70")])

    assert value(rows, "recall, strong visible local cue") == (0.0, 1)
    assert value(rows, "false alarms, per negative model") == (None, 0)
    assert value(rows, "audits that broke") == (1.0, 2)
    assert rows["audits that broke"].met is False


def test_a_missed_cue_without_an_answer_at_its_place_is_an_abstention(tmp_path: Path) -> None:
    def abstained(name: str, *checks: Check) -> bool:
        result = scored(tmp_path, name, checks, "strong", cue())
        return CueResult(result, result.case.cues[0]).abstained

    assert abstained("kind", check("overlay", "insufficient"))
    assert abstained("place", check("region", "inconclusive", CORNER))
    assert not abstained("class", check("corner", "insufficient", CORNER, class_name="disc"))
    assert not abstained("elsewhere", check("region", "insufficient", BOTTOM_RIGHT))
    assert not abstained("found", check("overlay", "insufficient"), check("corner", box=CORNER))


def test_a_negative_abstains_when_a_kind_has_no_answer_at_all(tmp_path: Path) -> None:
    def abstained(name: str, *checks: Check) -> bool:
        return abstained_negative(scored(tmp_path, name, checks, "negative"))

    assert abstained("all", check("corner", "insufficient", CORNER), check("border", "no_evidence"))
    assert not abstained("some", check("corner", "insufficient", CORNER), check("corner", "no_evidence", BOTTOM_RIGHT))
    assert not abstained("untested", check("background", "not_tested"))
    assert not abstained("accused", check("corner", "insufficient", CORNER), check("colour"))


def test_an_untrained_model_is_refused_when_every_measured_check_is_insufficient(tmp_path: Path) -> None:
    refused = [check("corner", "insufficient", CORNER), check("background", "not_tested")]

    assert untrained_refused(scored(tmp_path, "a", refused, "untrained"))
    assert not untrained_refused(scored(tmp_path, "b", [*refused, check("border", "no_evidence")], "untrained"))
    assert not untrained_refused(scored(tmp_path, "c", [check("background", "not_tested")], "untrained"))


def test_a_miss_is_listed_with_its_score_and_the_nearest_check(tmp_path: Path) -> None:
    near = [check("corner", "no_evidence", CORNER), check("overlay", "suspected", CORNER, effect=0.3)]
    found = listed([scored(tmp_path, "a", near, "strong", cue(score=0.91))])

    (entry,) = found["misses"]
    assert entry["id"] == "a"
    assert "S=0.91" in entry["planted"][0]
    assert entry["said"][0].startswith("overlay: suspected; follow_rate 0.30")
    assert found["false alarms"] == []


# the command


def finished(cache: Path, name: str, checks: Sequence[Check]) -> None:
    """An audit on the shelf."""
    shelf = Shelf(cache / "audits" / "current")
    case = next(case for case in read_cases(cache) if case.id == name)
    write_audit(shelf.run_folder(case), checks)
    shelf.keep(case, Record(sources_sha256(), case_sha256(case), None, 4.0))


def test_the_smoke_suite_exits_by_its_targets_and_the_full_one_does_not(tmp_path: Path) -> None:
    write_case(tmp_path, "tag", "strong", [cue()])
    finished(tmp_path, "tag", [check("corner", box=CORNER)])
    arguments = ["--no-audit", "--cache", str(tmp_path), "--json", str(tmp_path / "out.json")]

    assert main(["--suite", "smoke", *arguments]) == 0
    write_case(tmp_path, "clean", "negative")
    finished(tmp_path, "clean", [check("corner", box=TOP_LEFT)])
    assert main(["--suite", "smoke", *arguments]) == 1
    assert main(["--suite", "full", *arguments]) == 0
    rows = json.loads((tmp_path / "out.json").read_text())["halves"]["tuning"]["rows"]
    assert {"name", "value", "low", "high", "count", "target", "met"} <= set(rows[0])
    assert next(row["name"] for row in rows if row["met"] is False) == "false alarms, per negative model"


def test_cases_that_were_never_audited_are_no_misses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_case(tmp_path, "tag", "strong", [cue()])
    write_case(tmp_path, "waiting", "strong", [cue()])
    finished(tmp_path, "tag", [check("corner", box=CORNER)])

    assert main(["--no-audit", "--cache", str(tmp_path), "--json", str(tmp_path / "out.json")]) == 0
    assert "1 of 2 cases are not audited" in capsys.readouterr().err
    assert json.loads((tmp_path / "out.json").read_text())["not_audited"] == ["waiting"]


def test_without_cases_there_is_nothing_to_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--no-audit", "--cache", str(tmp_path)]) == 2
    assert "no cases" in capsys.readouterr().err


def test_an_audit_by_the_same_sources_of_the_same_case_is_not_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_case(tmp_path, "tag", "strong", [cue()])
    finished(tmp_path, "tag", [])
    audit_all(read_cases(tmp_path), Shelf(tmp_path / "audits" / "current"))

    assert "0 audits to run, 1 are up to date" in capsys.readouterr().err


def test_an_audit_of_what_a_case_was_before_is_not_scored(tmp_path: Path) -> None:
    folder = write_case(tmp_path, "tag", "strong", [cue()])
    before = case_sha256(Case.read(folder))
    finished(tmp_path, "tag", [])
    shelf = Shelf(tmp_path / "audits" / "current")
    assert len(shelf.results(read_cases(tmp_path))) == 1

    (folder / "images").mkdir()
    (folder / "images" / "000.png").write_bytes(b"picture")

    assert case_sha256(Case.read(folder)) != before
    assert shelf.results(read_cases(tmp_path)) == []


def test_an_audit_that_cannot_run_is_recorded_with_its_exit_code(tmp_path: Path) -> None:
    case = Case.read(write_case(tmp_path, "tag", "strong", [cue()]))
    shelf = Shelf(tmp_path / "audits" / "current")
    shelf.folder.mkdir(parents=True)

    record = audit_one(case, shelf)

    assert record.error is not None
    assert record.error.startswith("exit code 2\n")
    assert "spec.yaml: no such file" in record.error
    (broken,) = shelf.results([case])
    assert broken.audited is None
