"""Sections 9 to 17: each there, or saying why not; page one holds what a manager reads and nothing else."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import RenderError
from auditor.records import Audit, AuditVerdict, Measurement, Status, Verdict
from auditor.reports import RenderOptions
from auditor.reports.html import Html
from auditor.sample.sections import full
from tests.reports.conftest import Run
from tests.reports.page_reading import Page, read_page

SECTIONS = [str(number) for number in range(18)] + ["A"]


@pytest.fixture(scope="module")
def whole(believable: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The made-up run with all sections filled."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(believable.folder, folder)
    return Run(folder, full(believable.audit, folder))


@pytest.fixture(scope="module")
def filled(whole: Run) -> str:
    return html(whole)


@pytest.fixture(scope="module")
def bare(believable: Run) -> str:
    """Of an audit that planned nothing and found nothing."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("checks", "metrics", "per_class", "visualizations", "images", "test_plan", "not_tested", "limits", "reasons"),
        (),
    )
    nothing |= {"figures": {}, "summary_figures": (), "verdict": AuditVerdict.PASS, "reviewers": (), "attempt": 1}
    return html(Run(believable.folder, believable.audit.model_copy(update=nothing)))


def html(run: Run, options: RenderOptions | None = None) -> str:
    (file,) = Html().write(run.audit, run.folder, options or RenderOptions())
    return file.read_text(encoding="utf-8")


def section(source: str, number: str) -> str:
    """The words of one section."""
    start = source.index(f'id="section-{number}"')
    after = source.find('<h2 id="section-', start)
    return read_page(source[start : after if after > 0 else len(source)]).text


@pytest.mark.parametrize("number", SECTIONS)
def test_every_section_is_there_and_says_something(filled: str, bare: str, number: str) -> None:
    for source in (filled, bare):
        assert len(section(source, number).split()) > 8


def test_the_contents_name_every_section(filled: str) -> None:
    links = {attributes["href"] for attributes in read_page(filled).all("a")}

    assert {f"#section-{number}" for number in SECTIONS[1:]} <= links


def test_page_one_holds_verdict_numbers_pair_change_and_what_is_asked_and_nothing_else(filled: str) -> None:
    start = filled.index('<section class="summary')
    page = read_page(filled[start : filled.index("</section>", start)])

    assert [tag for tag, _ in page.elements if tag in ("h3", "h4", "table", "ul")] == ["h3", "h3"]
    assert len(page.all("img")) == 1
    assert "FAIL For class pneumonia, the model relies on the top-left corner." in page.text
    assert "What is asked of you" in page.text
    assert "What changed" in page.text
    assert "third audit of this model with this spec" in page.text


def test_a_group_with_too_few_pictures_is_shown_as_such(filled: str) -> None:
    words = section(filled, "9")

    assert re.search(r"East 7 □ not enough data 20 are needed", words)
    assert re.search(r"North compared with the rest 40 84 % 70 to 92 %", words)
    assert "accuracy lower by 6 % (−2 to 14 %, n = 40); no evidence" in words
    assert "0.40 (0.20 to 0.60, n = 100)" in words
    assert "Accuracy by group of site" in words


def test_groups_that_nobody_named_say_so(bare: str, believable: Run) -> None:
    assert "No groups were compared: not asked for in the spec." in section(bare, "9")
    assert "No groups were compared: the data set has no site column." in section(html(believable), "9")


def test_a_group_probe_that_broke_is_shown_as_broken(whole: Run) -> None:
    failure = whole.audit.failures[0].model_copy(update={"part": "probes.group", "reason": "out of memory"})
    checks = tuple(check for check in whole.audit.checks if check.kind != "group")
    audit = whole.audit.model_copy(update={"failures": (failure,), "checks": checks})

    assert "group broke: out of memory" in section(html(Run(whole.folder, audit)), "9")


def test_robustness_shows_every_strain_with_result_or_reason(filled: str, bare: str) -> None:
    words, nothing = section(filled, "10"), section(bare, "10")

    for row in (
        "2 corruptions; least under haze: 57 % (48 to 65 %)",
        "JPEG compression: 86 % (79 to 91 %, n = 128)",
        "Inserted watermarks ○ yes 1 mark: 1 no evidence.",
        "PGD of 2 levels: 9 % (2 to 25 %, n = 32)",
        "Untouched pictures 88 % 82 to 93 % 128",
        "FGSM of 2 levels 41 % 24 to 59 % 32",
    ):
        assert row in words
    assert "Crops – no" in words
    assert nothing.count("Not asked for in the spec") >= 5


def test_groups_corruptions_and_inserted_marks_are_not_repeated_in_the_attention_audit(filled: str) -> None:
    words = section(filled, "8")

    assert "Inserted watermark" not in words
    assert "site: North" not in words
    assert "Latin text" in section(filled, "10")


def test_views_of_the_network_stand_in_their_own_section(filled: str, bare: str) -> None:
    explained, inside = section(filled, "7"), section(filled, "11")

    assert "Kernels" not in explained
    assert "Kernels the filters themselves ○ yes conv1" in inside
    assert "Attention matrices, Attention heads – no Not asked for in the spec; preset full holds all views." in inside
    assert "No view of the network was made in this audit." in section(bare, "11")


def test_what_a_view_could_not_show_is_told(whole: Run) -> None:
    shown = tuple(
        item.model_copy(update={"name": "attention_matrices"}) if item.name == "attention_rollout" else item
        for item in whole.audit.visualizations
    )
    audit = whole.audit.model_copy(update={"visualizations": shown})

    words = section(html(Run(whole.folder, audit)), "11")

    assert "Attention matrices which patches look at which □ skipped the model has no attention" in words


def test_what_is_set_aside_and_what_remains(filled: str) -> None:
    words = section(filled, "13")

    assert "F3 Overlay tag-1" in words
    assert "Set aside 1 finding: their effect on predictions remains" in words
    assert "Open findings F1 Top-left corner, class pneumonia, F2 Border ring 8 px wide: no decision" in words


def test_waivers_and_history_are_shown_as_audit_json_has_them(whole: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As keys of audit.json, whichever records hold them."""
    kept = {
        "waivers": [
            {"id": "W-1", "check": "overlay", "statement": "Tag of the old scanner.", "owner": "imaging",
             "approver": "B. Chief", "ticket": "Q-9", "expires": "2026-12-01", "state": "applied",
             "covers": ["overlay.tag-1"]},
            {"id": "W-2", "check": "corner", "statement": "Until spring.", "owner": "imaging", "approver": "B. Chief",
             "ticket": "", "expires": "2026-03-01", "state": "expired",
             "words": "W-2 expired 10 days ago and was not applied."},
        ],
        "baseline": {"file": "b.json", "report_id": "AUD-1", "written": "2026-01-02T00:00:00Z", "tolerance": 0.05,
                     "model_sha256": "00", "counts": {"new": 1, "worse": 0, "unchanged": 2, "better": 0, "absent": 1},
                     "absent": [{"id": "border.ring-9", "tested": True, "words": "Looked for, not found.",
                                 "measurement": {"value": 0.3}}]},
        "history": {"audits": [{"report_id": "AUD-0", "started": "2025-12-01", "verdict": "fail",
                                "findings": {"high": 2}, "changed": ["model"]}], "notes": ["Third attempt."]},
    }  # fmt: skip
    monkeypatch.setattr("auditor.reports._standing._kept", lambda audit: kept)

    source = html(whole)
    waived, changed = section(source, "13"), section(source, "14")

    assert "W-2 expired 10 days ago and was not applied." in section(source, "1")
    assert waived.index("W-2 corner") < waived.index("W-1 overlay.tag-1")
    assert "Since the baseline of 2 January 2026: 1 new, 2 unchanged, 1 gone (section 14)." in section(source, "1")
    assert "border.ring-9 Looked for, not found. ○ gone 30 % –" in changed
    assert "AUD-0 1 December 2025 fail 2 high model" in changed
    assert "Same weights no: a difference may come from it" in changed
    assert "Third attempt." in changed


def test_no_waiver_no_baseline_and_no_history_speak(bare: str) -> None:
    assert "No waivers were given" in section(bare, "13")
    words = section(bare, "14")
    assert "First audit of this model with this spec" in words
    assert "none was given (policy.baseline)" in words
    assert "No earlier audit is known" in words


def test_the_next_audit_is_named_or_asked_for_loudly(filled: str, bare: str, whole: Run) -> None:
    late = whole.audit.model_copy(update={"next_audit": "2026-03-11"})

    assert "due by 11 September 2026" in section(filled, "15")
    assert "no date was set (report.next_audit in the spec)" in section(bare, "15")
    assert "this date had passed when the audit ended" in section(html(Run(whole.folder, late)), "15")


def test_what_to_look_at_again_follows_from_what_was_found(filled: str, bare: str) -> None:
    words = section(filled, "15")

    assert "F1 Top-left corner, class pneumonia critical, open After the mend" in words
    assert "F3 Overlay tag-1 low, waived Before its waiver expires" in words
    assert "Sharpness and compression (1) suspected, not settled" in words
    assert "suspected, not settled" not in section(bare, "15")


def test_clauses_show_their_state_and_what_is_missing(filled: str, bare: str) -> None:
    words = section(filled, "16")

    assert "Informed by Regulation (EU) 2024/1689" in words
    assert "Art. 15(5) The system is resilient" in words
    assert re.search(r"Art\. 12 .{0,90}□ manual input needed For people: Logging in use", words)
    assert "No profile was chosen in the spec" in section(bare, "16")
    assert not re.search(r"\bconforms to\b|\bcompliant\b", words)


def test_a_missing_metric_turns_the_row_of_its_clause(whole: Run) -> None:
    from auditor.clauses import read_map, supported

    without = tuple(item for item in whole.audit.metrics if not item.name.startswith("robust"))
    audit = whole.audit.model_copy(update={"metrics": without})
    audit = supported(audit, [read_map("eu-ai-act", Path())])

    def state(of: Audit) -> tuple[str, ...]:
        return next(row.held for row in of.clause_coverage[0].rows if row.clause == "Art. 15(5)")

    assert "adversarial examples" in state(whole.audit)
    assert "adversarial examples" not in state(audit)


def test_a_finding_names_the_clauses_that_it_is_evidence_for(whole: Run, filled: str) -> None:
    check = next(check for check in whole.audit.checks if check.id.startswith("corner.top-left"))

    assert "EU AI Act Art. 15(4)" in check.clauses
    group = next(check for check in whole.audit.checks if check.kind == "group")
    assert "EU AI Act Art. 10(2)(f)" in group.clauses
    assert re.search(r"Supports evidence for: EU AI Act Art\. 9\(2\), .*Art\. 15\(4\); GMLP", section(filled, "12"))


def test_a_decision_is_printed_and_the_rest_is_left_to_fill_in(filled: str, bare: str) -> None:
    words = section(filled, "17")

    assert "Clinical safety officer A. Example □ accept □ accept with conditions ■ reject Mend the tag first." in words
    assert "12 March 2026" in words
    assert "Independent reviewer □ accept □ accept with conditions □ reject" in words
    assert "Owner of the model □ accept" in section(bare, "17")


def test_brand_is_shown_and_its_colour_is_readable(filled: str, whole: Run) -> None:
    page = read_page(filled)

    assert page.all("img")[0]["alt"] == "Logo of Example Hospital Trust"
    assert "--accent:#7a1f5c" in filled
    assert "Confidential" in page.text
    assert "Form Q-17" in page.text
    pale = whole.audit.model_copy(update={"report_options": {"accent": "#ffee00"}})
    assert "--accent:#ffee00" not in html(Run(whole.folder, pale))


def test_a_logo_that_was_changed_into_an_attack_is_not_shown(whole: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole.folder, folder)
    (folder / "figures/logo.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
    )

    with pytest.raises(RenderError, match="logo cannot be shown"):
        html(Run(folder, whole.audit))


def test_every_kind_of_picture_has_its_reading_beside_it(whole: Run) -> None:
    source = html(whole)

    for number in ("6", "7", "8", "9", "10", "11"):
        start = source.index(f'id="section-{number}"')
        part = source[start : source.index('<h2 id="section-', start)]
        if "<img" in part:
            assert "How to read this." in part, number


def test_hostile_words_of_the_spec_stay_words(whole: Run) -> None:
    attack = '"><script>alert(1)</script>{{7*7}}'
    audit = whole.audit.model_copy(
        update={
            "report_options": {"classification": attack, "footer": attack},
            "sign_off": (whole.audit.sign_off[0].model_copy(update={"comment": attack, "role": attack}),),
            "sample": whole.audit.sample.model_copy(update={"per_group": {attack: {attack: 40}}}),
        }
    )

    page: Page = read_page(html(Run(whole.folder, audit)))

    assert len(page.all("script")) == len(read_page(html(whole)).all("script"))
    assert "alert(1)</script>{{7*7}}" in page.text


def test_a_pass_with_waivers_says_what_was_set_aside(whole: Run) -> None:
    checks = tuple(
        check.model_copy(update={"status": Status.WAIVED}) if check.is_finding else check
        for check in whole.audit.checks
    )
    audit = whole.audit.model_copy(
        update={"checks": checks, "verdict": AuditVerdict.PASS_WITH_WAIVERS, "reasons": (), "limits": ()}
    )

    source = html(Run(whole.folder, audit))

    assert "3 findings are waived or known" in section(source, "1")
    assert "Open findings none" in section(source, "13")


def test_a_limit_that_is_waived_is_said_to_be_and_asks_for_nothing(whole: Run) -> None:
    checks = tuple(check for check in whole.audit.checks if not check.is_finding)
    limits = tuple(
        limit.model_copy(update={"status": Status.WAIVED, "waiver": "W-1"}) if limit.breached else limit
        for limit in whole.audit.limits
    )
    waived = {"checks": checks, "verdict": AuditVerdict.PASS_WITH_WAIVERS, "reasons": (), "limits": limits}

    source = html(Run(whole.folder, whole.audit.model_copy(update=waived)))

    assert "Nothing open fails the audit; 1 breached limit is waived or known." in section(source, "1")
    assert "Decide on 1 breached limit" not in section(source, "1")
    assert "Set aside 1 breached limit: metrics.worst_class_accuracy (section 6)" in section(source, "13")


def test_a_limit_that_nobody_decided_on_remains(filled: str) -> None:
    assert "Breached limits metrics.worst_class_accuracy: no decision is recorded" in section(filled, "13")


def test_what_a_corruption_leaves_of_the_accuracy_is_no_largest_effect(whole: Run) -> None:
    quiet = next(check for check in whole.audit.checks if check.verdict is Verdict.NO_EVIDENCE)
    left = Measurement(name="accuracy_noise", value=0.9, low=0.8, high=0.95, count=100)
    corrupted = quiet.model_copy(
        update={"id": "corruption", "kind": "corruption", "region": None, "class_name": None, "measurements": (left,)}
    )
    audit = whole.audit.model_copy(update={"checks": (quiet, corrupted), "reasons": ()})

    words = section(html(Run(whole.folder, audit)), "1")

    assert "Largest effect, judged “no evidence”" in words
    assert "evidence”: corruption" not in words.lower()


def test_what_is_tested_begins_with_a_capital(filled: str) -> None:
    rows = filled[filled.index('<table class="plan') :].partition("</table>")[0]

    cells = [words.strip() for words in re.findall(r"<td[^>]*>([^<]+)", rows)]

    assert cells
    assert not [words for words in cells[1::6] + cells[2::6] if words[:1].islower()]
