"""Cover to test plan, and the register: what is asked, what names say, and where lines may end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from auditor.languages import Language
from auditor.records import Audit, AuditVerdict, Box, LimitResult, Measurement, PlannedCheck, Status, Verdict
from auditor.reports import RenderOptions
from auditor.reports._evidence import not_tested_table
from auditor.reports._findings import title_of
from auditor.reports._limits import limit_table
from auditor.reports._missing import NOT_ASKED
from auditor.reports._pages import render_page, whole
from auditor.reports._subject import metric_table, plan_table, run_facts, settings_facts
from auditor.reports._summary import summarise
from auditor.reports._tables import Fact, numeric, table
from auditor.reports.html import Html
from tests.reports.conftest import Run
from tests.reports.page_reading import read_page

HELD = "\N{NO-BREAK SPACE}"


def html(run: Run, **changes: Any) -> str:
    (file,) = Html().write(run.audit.model_copy(update=changes), run.folder, RenderOptions())
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "held"),
    [
        ("91 % (84 to 95 %, n = 64)", "91_% (84_to_95_%, n_=_64)"),
        ("0.04（−0.02～0.09，n = 11）", "0.04（−0.02\N{WORD JOINER}～\N{WORD JOINER}0.09，n_=_11）"),
        ("2026 年 3 月 11 日", "2026_年 3_月 11_日"),
        ("gap ≥ .10 minor; q ≤ .05", "gap ≥_.10 minor; q_≤_.05"),
        ("a ring 8 px wide, 2 MiB, 3 s", "a ring 8_px wide, 2_MiB, 3_s"),
        ("5 pictures and 3 sites of 4", "5 pictures and 3 sites of 4"),
        ("spec: |\n  at least 5 % of all", "spec: |\n  at least 5 % of all"),
    ],
)
def test_no_line_ends_between_a_number_and_its_unit_or_sign(tmp_path: Any, words: str, held: str) -> None:
    (tmp_path / "base").write_text("default")
    (tmp_path / "line.html.j2").write_text("{{ words }}|{% trans words=words %}{{ words }}{% endtrans %}")
    own = RenderOptions(templates=tmp_path)

    page = render_page("line.html.j2", {"words": words}, own, lambda *_: "", media="print", brand=None)

    assert page == f"{held}|{held}".replace("_", HELD)


def test_on_screen_intervals_may_go_on_on_the_next_line(tmp_path: Path) -> None:
    (tmp_path / "base").write_text("default")
    (tmp_path / "line.html.j2").write_text("{{ words }}")
    own = RenderOptions(templates=tmp_path)

    page = render_page("line.html.j2", {"words": "0.2 to 0.4"}, own, lambda *_: "", media="screen", brand=None)

    assert page == "0.2 to 0.4"


def test_facts_in_words_keep_names_of_layers_whole_on_paper(tmp_path: Path) -> None:
    (tmp_path / "base").write_text("default")
    lines = '{% import "macros.html.j2" as m with context %}{{ m.facts(rows) }}'
    (tmp_path / "line.html.j2").write_text(lines)
    rows = [Fact("Note", "took layers.4.conv1"), Fact("Digest", "layers.4.conv1", "mono")]

    page = render_page(
        "line.html.j2",
        {"rows": rows, "media": "print"},
        RenderOptions(templates=tmp_path),
        lambda *_: "",
        media="print",
        brand=None,
    )

    assert page.count('<span class="nowrap">layers.4.conv1</span>') == 1, "digests break anywhere"


def test_what_nobody_asked_for_stands_behind_what_could_not_be_tested(believable: Run) -> None:
    rows = [
        PlannedCheck(
            kind=kind, what="something", control="c", limit="l", severity="high", minimum_count=8, rationale=why
        )
        for kind, why in (("cluster", NOT_ASKED), ("background", "no masks"), ("custom", NOT_ASKED))
    ]
    audit = believable.audit.model_copy(update={"checks": (), "not_tested": tuple(rows), "failures": ()})

    reasons = [row[2].text for row in not_tested_table(audit).rows[:3]]

    assert reasons == ["No masks", "Not asked for in the spec", "Not asked for in the spec"]


def test_names_of_layers_stay_whole_and_nothing_else_becomes_markup() -> None:
    assert whole("took layers.4.conv1; 91 % < 2.5 s") == (
        f'took <span class="nowrap">layers.4.conv1</span>; 91{HELD}% &lt; 2.5{HELD}s'
    )
    assert whole("a<b>.4 and /data/net.v2/file.3") == "a&lt;b&gt;.4 and /data/net.v2/file.3"


def test_templates_put_their_sentences_together_as_the_language_does(tmp_path: Any) -> None:
    # no catalogue has these words, so that they are taken as they are
    said = "{% trans n=n, who=who %}共{{ n }}张，100%属于{{ who }}。{% endtrans %}"
    (tmp_path / "line.html.j2").write_text(f"{said}{{{{ gap }}}}{said}", encoding="utf-8")
    own, values = RenderOptions(templates=tmp_path), {"n": 3, "who": "<b>"}

    def page() -> str:
        return render_page("line.html.j2", values, own, lambda *_: "", media="print", brand=None)

    with Language.of("zh").spoken():
        chinese = page()

    assert chinese == "共 3 张，100%属于&lt;b&gt;。" * 2
    assert page() == " ".join(["共3张，100%属于&lt;b&gt;。"] * 2)


def test_a_word_with_a_hyphen_stays_whole_in_the_title(believable: Run) -> None:
    source = html(believable, title="Signs <2>, pre-deployment audit")

    assert '<h1>Signs &lt;2&gt;, <span class="nowrap">pre-deployment</span> audit</h1>' in source


def test_the_plan_has_a_zero_before_each_point(believable: Run) -> None:
    row = PlannedCheck(
        kind="corner", what="opacities .3 and 1.5", control="c", limit="rate ≥ .10, ≥ .25; layer.4", severity="high",
        minimum_count=8, rationale="r",
    )  # fmt: skip
    (shown,) = plan_table(believable.audit.model_copy(update={"test_plan": (row,)})).rows

    assert shown[1].text == "Opacities 0.3 and 1.5"
    assert shown[3].text == "Rate ≥ 0.10, ≥ 0.25; layer.4"


def test_what_is_incomplete_asks_for_a_larger_sample(believable: Run) -> None:
    reasons = ("corner: too little data to judge (why)", "border: too little data to judge (why)")
    changes = {"verdict": AuditVerdict.INCOMPLETE, "reasons": reasons, "failures": ()}
    page_one = summarise(believable.audit.model_copy(update=changes), "")

    larger = "Have the audit made again with a larger sample: 2 required kinds of check had too few pictures."
    assert larger in page_one.asks
    assert page_one.headline == "Neither passed nor failed: 2 required parts could not be judged."
    assert page_one.reasons == ("Corner: too little data to judge", "Border: too little data to judge")
    assert larger not in summarise(believable.audit, "").asks


def test_the_one_reason_of_an_incomplete_audit_is_its_headline(believable: Run) -> None:
    changes = {"verdict": AuditVerdict.INCOMPLETE, "reasons": ("corner: too little data to judge (why)",)}
    page_one = summarise(believable.audit.model_copy(update=changes), "")

    assert page_one.headline == "Neither passed nor failed. Corner: too little data to judge."
    assert page_one.reasons == ()


def test_page_one_says_how_many_checks_came_to_a_verdict(believable: Run) -> None:
    verdicts = (Verdict.CONFIRMED, Verdict.NO_EVIDENCE, Verdict.INSUFFICIENT, Verdict.NOT_TESTED, Verdict.NOT_TESTED)
    checks = tuple(believable.audit.checks[0].model_copy(update={"verdict": verdict}) for verdict in verdicts)
    judged = summarise(believable.audit.model_copy(update={"checks": checks}), "")
    nothing = summarise(believable.audit.model_copy(update={"checks": ()}), "")

    assert judged.sure.startswith("2 of 5 checks came to a verdict (too few pictures: 1; not tested: 2).")
    assert judged.sure.endswith(judged.power)
    assert nothing.sure == ""


@pytest.mark.parametrize(
    ("bound", "unit", "said"),
    [
        (0.1, "1", "at most 10 %"),
        (0.943, "1", "at most 94.3 %"),
        (-0.05, "1", "at most −5 %"),
        (0.5, "s", "at most 0.5"),
    ],
)
def test_a_limit_is_said_in_the_unit_of_what_was_measured(audit: Audit, bound: float, unit: str, said: str) -> None:
    measured = Measurement(name="accuracy", value=0.2, low=0.1, high=0.3, count=9, unit=unit)
    limit = LimitResult(name="metrics.accuracy", maximum=bound, measurement=measured, breached=False, severity="high")
    shown = limit_table(audit.model_copy(update={"limits": (limit,)}))

    assert shown.rows[0][1].text == said


def test_many_classes_stand_side_by_side_on_paper(believable: Run, tmp_path: Any) -> None:
    rows = [(name, str(amount)) for amount, name in enumerate("abcde", 1)]
    options = RenderOptions(templates=tmp_path)
    (tmp_path / "one.html.j2").write_text(
        '{% import "macros.html.j2" as m with context %}{{ m.table_beside(t, 3) }}', encoding="utf-8"
    )
    context = {"t": table("Images", ("Class", numeric("Images")), rows)}
    page = render_page("one.html.j2", {**context, "media": "print"}, options, lambda *_: "", media="print", brand=None)

    assert page.count("<tr>") == 3
    assert page.count('scope="col"') == 6
    assert 'colspan="2"' in page.split("<tr>")[-1]


def test_attempts_that_were_counted_but_are_not_at_hand_are_not_denied(believable: Run) -> None:
    first = read_page(html(believable, attempt=1)).text
    third = read_page(html(believable, attempt=3)).text

    assert "No earlier audit is known" in first
    assert "No earlier audit is known" not in third
    assert "2 earlier attempts were counted, but their results are not at hand" in third


def test_a_group_is_named_as_one(believable: Run) -> None:
    check = believable.audit.checks[0]
    group = check.model_copy(
        update={
            "kind": "group",
            "class_name": None,
            "region": Box(name="batch:east"),
            "status": Status.OPEN,
        }
    )

    assert title_of(group) == "Group batch: east"


def test_a_planned_check_that_had_nothing_to_work_on_is_listed_once(believable: Run) -> None:
    sentence = "Not tested for the background: no masks."
    check = believable.audit.checks[0].model_copy(
        update={"kind": "background", "verdict": Verdict.NOT_TESTED, "measurements": (), "sentence": sentence}
    )
    row = PlannedCheck(
        kind="background", what="objects pasted", control="c", limit="l", severity="high", minimum_count=8,
        rationale=sentence,
    )  # fmt: skip
    changes = {"checks": (check,), "not_tested": (row,), "failures": (), "checks_left_out": {}}

    rows = not_tested_table(believable.audit.model_copy(update=changes)).rows

    assert [tuple(cell.text for cell in row) for row in rows] == [("Background", "Objects pasted", sentence)]


def test_notes_begin_with_a_capital_unless_with_a_name(believable: Run) -> None:
    words = read_page(html(believable, notes=("overlay: a strip", "layers.5: no gradient", "/a/b.pth: cast"))).text

    assert "Overlay: a strip layers.5: no gradient /a/b.pth: cast" in words


def test_settings_have_names_and_their_passes_are_told_apart(audit: Audit) -> None:
    recorded = {"torch": "2.1", "forwards": 8804, "forwards_by_probe": {"border": 1500, "region": 0}, "seed": 20261122}
    facts = {fact.label: fact.value for fact in settings_facts(recorded)}

    assert facts == {
        "PyTorch": "2.1",
        "Forward passes": "8,804",
        "Of these, by probe": f"border{HELD}1,500",
        "Seed": "20261122",
    }
    times = {fact.label: fact.value for fact in run_facts(audit.model_copy(update={"seconds": {"probes": 35.04}}))}
    assert times["Probes"] == "35.0 s"


def test_key_numbers_begin_with_accuracy(audit: Audit) -> None:
    assert "ccuracy" in metric_table(audit).rows[0][0].text


@pytest.fixture
def audit(believable: Run) -> Audit:
    return believable.audit


def test_a_template_is_compiled_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    compile_ = ImmutableSandboxedEnvironment.compile
    monkeypatch.setattr(
        ImmutableSandboxedEnvironment,
        "compile",
        lambda *of, **how: (compiled.append(of[2]), compile_(*of, **how))[1],
    )
    own = RenderOptions(templates=tmp_path)

    def printed(source: str) -> str:
        (tmp_path / "line.html.j2").write_text(source)
        return render_page("line.html.j2", {"words": "w"}, own, lambda *_: "", media="print", brand=None)

    assert [printed(source) for source in ("1 {{ words }}", "1 {{ words }}", "2 {{ words }}")] == ["1 w", "1 w", "2 w"]
    assert compiled == ["line.html.j2"] * 2
