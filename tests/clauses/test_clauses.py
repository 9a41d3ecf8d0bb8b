"""Clause maps: read strictly, and decided by what the audit holds and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.clauses import MapError, names, read_map, supported
from auditor.clauses.evidence import KNOWN
from auditor.records import (
    Audit,
    AuditVerdict,
    Box,
    Check,
    ClauseRow,
    ClauseState,
    Measurement,
    ModelRecord,
    SampleRecord,
    SignOff,
    Verdict,
)

OWN = """\
name: House rules
title: Rules of the house
version: 1
source: our handbook
date: 2026-01-01
reviewed: 2026-02-01
clauses:
  - {clause: R1, asks: Accuracy is known., sections: [6], evidence: [intervals]}
  - {clause: R2, asks: Corners do not decide., sections: [8], evidence: ["kind:corner"]}
  - {clause: R3, asks: It was signed., sections: [17], evidence: [signed]}
  - {clause: R4, asks: Users were trained., people: The training}
  - {clause: R5, asks: Accuracy and groups., evidence: [performance, groups]}
  - {clause: R6, asks: Accuracy is enough., evidence: [performance], people: What is enough}
  - {clause: R7, asks: A metric of ours., evidence: ["metric:our_score"]}
"""


def bare(**changes: object) -> Audit:
    """An audit that holds nothing but itself."""
    digest = "ab" * 32
    nothing = Audit(
        name="toy", title="Toy", report_id="AUD-1", verdict=AuditVerdict.PASS, exit_code=0,
        started="2026-01-01T00:00:00Z", finished="2026-01-01T00:01:00Z", spec_sha256=digest,
        model=ModelRecord(
            source="python", name="toy", architecture="Toy", parameters=4, sha256_before=digest, sha256_after=digest,
            layers=(),
        ),
        sample=SampleRecord(source="folder", path="p", available=9, size=9, readable=9, digest=digest, rule="all"),
    )  # fmt: skip
    return nothing.model_copy(update=changes)


def rows(audit: Audit, folder: Path, text: str = OWN) -> dict[str, ClauseRow]:
    (folder / "own.yaml").write_text(text)
    (coverage,) = supported(audit, [read_map("own.yaml", folder)]).clause_coverage
    return {row.clause: row for row in coverage.rows}


ACCURACY = Measurement(name="accuracy", value=0.9, low=0.8, high=0.95, count=99)
CORNER = Check(id="corner.top-left", kind="corner", verdict=Verdict.NO_EVIDENCE, sentence="No evidence.")


def test_a_metric_turns_its_row_and_without_it_the_row_turns_back(tmp_path: Path) -> None:
    assert rows(bare(), tmp_path)["R1"].state is ClauseState.NOT_COVERED
    assert rows(bare(metrics=(ACCURACY,)), tmp_path)["R1"].state is ClauseState.EVIDENCE


def test_a_metric_without_a_value_is_no_evidence(tmp_path: Path) -> None:
    undefined = Measurement(name="accuracy", value=None, count=0, reason="no labels")

    assert rows(bare(metrics=(undefined,)), tmp_path)["R1"].state is ClauseState.NOT_COVERED


def test_an_accuracy_without_its_interval_does_not_support_what_asks_for_one(tmp_path: Path) -> None:
    alone = ACCURACY.model_copy(update={"low": None, "high": None})

    assert rows(bare(metrics=(alone,)), tmp_path)["R1"].state is ClauseState.NOT_COVERED


@pytest.mark.parametrize("verdict", [Verdict.NOT_TESTED, Verdict.INSUFFICIENT])
def test_a_check_without_an_answer_supports_nothing(tmp_path: Path, verdict: Verdict) -> None:
    check = CORNER.model_copy(update={"verdict": verdict})

    audit = bare(checks=(check,))

    assert rows(audit, tmp_path)["R2"].state is ClauseState.NOT_COVERED
    assert supported(audit, [read_map("own.yaml", tmp_path)]).checks[0].clauses == ()


def test_a_check_is_given_the_clauses_that_it_is_evidence_for(tmp_path: Path) -> None:
    other = CORNER.model_copy(update={"id": "border.ring-8", "kind": "border"})

    assert rows(bare(checks=(CORNER, other)), tmp_path)["R2"].state is ClauseState.EVIDENCE
    corner, border = supported(bare(checks=(CORNER, other)), [read_map("own.yaml", tmp_path)]).checks
    assert corner.clauses == ("House rules R2",)
    assert border.clauses == ()


def test_clauses_are_decided_anew_and_never_kept(tmp_path: Path) -> None:
    stale = CORNER.model_copy(update={"clauses": ("AI Act Art. 15(4)",)})

    assert supported(bare(checks=(stale,)), []).checks[0].clauses == ()


def test_what_people_state_asks_for_people_until_they_do(tmp_path: Path) -> None:
    half = SignOff(role="Reviewer", name="A. Example")
    whole = half.model_copy(update={"decision": "accept", "date": "2026-01-02"})

    assert rows(bare(), tmp_path)["R3"].state is ClauseState.MANUAL
    assert rows(bare(sign_off=(half,)), tmp_path)["R3"].state is ClauseState.MANUAL
    assert rows(bare(sign_off=(whole,)), tmp_path)["R3"].state is ClauseState.EVIDENCE
    assert rows(bare(sign_off=(whole, half)), tmp_path)["R3"].state is ClauseState.MANUAL


def test_what_only_people_can_state_never_becomes_evidence(tmp_path: Path) -> None:
    row = rows(bare(metrics=(ACCURACY,), checks=(CORNER,)), tmp_path)["R4"]

    assert row.state is ClauseState.MANUAL
    assert row.people == "The training"


def test_half_of_the_evidence_is_partial_and_says_what_is_missing(tmp_path: Path) -> None:
    row = rows(bare(metrics=(ACCURACY,)), tmp_path)["R5"]

    assert row.state is ClauseState.PARTIAL
    assert row.held == ("accuracy",)
    assert row.missing == ("accuracy compared between groups",)


def test_evidence_to_which_people_must_add_is_partial(tmp_path: Path) -> None:
    assert rows(bare(metrics=(ACCURACY,)), tmp_path)["R6"].state is ClauseState.PARTIAL


def test_a_map_of_ones_own_may_ask_for_a_metric_of_ones_own(tmp_path: Path) -> None:
    own = Measurement(name="our_score", value=0.4, count=9)

    assert rows(bare(), tmp_path)["R7"].state is ClauseState.NOT_COVERED
    assert rows(bare(metrics=(own,)), tmp_path)["R7"].state is ClauseState.EVIDENCE


def test_only_marks_of_the_bank_are_evidence_of_inserted_marks(tmp_path: Path) -> None:
    text = OWN + "  - {clause: R8, asks: Marks., evidence: [watermark_bank]}\n"
    found = Check(id="overlay.a", kind="overlay", region=Box(name="overlay-1"), verdict=Verdict.CONFIRMED, sentence="x")
    inserted = found.model_copy(update={"region": Box(name="bank:latin")})

    assert rows(bare(checks=(found,)), tmp_path, text)["R8"].state is ClauseState.NOT_COVERED
    assert rows(bare(checks=(inserted,)), tmp_path, text)["R8"].state is ClauseState.EVIDENCE


@pytest.mark.parametrize("name", names())
def test_a_shipped_map_names_its_source_and_is_no_evidence_by_itself(name: str) -> None:
    found = read_map(name, Path("nowhere"))
    (coverage,) = supported(bare(), [found]).clause_coverage

    assert found.source
    assert found.reviewed >= found.date
    assert len({row.clause for row in coverage.rows}) == len(found.clauses)
    for clause, row in zip(found.clauses, coverage.rows, strict=True):
        held = {KNOWN[name].words for name in clause.evidence if KNOWN[name].there(bare())}
        assert set(row.held) == held
        assert row.state is not ClauseState.EVIDENCE or held
        assert "conform" not in row.asks.lower()


def test_the_shipped_maps_are_those_of_the_report() -> None:
    assert names() == ("claim-2024", "eu-ai-act", "gmlp", "nist-ai-rmf")


def test_every_evidence_can_be_missing_or_there() -> None:
    held = {name for name, evidence in KNOWN.items() if evidence.there(bare())}

    assert held == {"model_identity", "architecture", "spec", "sample", "data_quality"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (OWN.replace("[intervals]", "[interval]"), "did you mean 'intervals'"),
        (OWN.replace("clause: R2", "clause: R1"), "R1 stands there twice"),
        (OWN.replace(", people: The training", ""), "names evidence, or what people must state"),
        (OWN.replace("sections: [6]", "sections: [99]"), "clauses.0.sections"),
        (OWN.replace("source: our handbook\n", ""), "source: Field required"),
        ("- a list", "is a mapping"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_map_with_a_mistake_is_refused_in_words(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "own.yaml").write_text(text)

    with pytest.raises(MapError, match=why):
        read_map("own.yaml", tmp_path)


def test_an_unknown_profile_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="no profile is named 'nist-ai-rfm'; did you mean 'nist-ai-rmf'"):
        read_map("nist-ai-rfm", tmp_path)
    with pytest.raises(MapError, match="cannot be read as a clause map"):
        read_map("none.yaml", tmp_path)
