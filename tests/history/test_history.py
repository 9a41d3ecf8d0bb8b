"""Audits over time: found in a folder, counted as attempts, drawn as trends, and overviewed on one page."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from auditor.errors import RunFolderError
from auditor.figures.trends import TrendPanel, trend_chart
from auditor.history.drawing import alt_words, draw_history, drawable_trends
from auditor.history.reading import Found, Past, past_of, read, read_folder
from auditor.history.site import site
from auditor.history.trends import history_of
from auditor.records import Audit, History
from tests.conftest import Call
from tests.findings.audits import audit_of, run_folder
from tests.findings.findings import finding, number, silent


def row() -> list[Audit]:
    """Four audits: clean, another model that cheats, audited again, and once more with another spec: clean."""
    accuracy = [number("accuracy", value) for value in (0.8, 0.82, 0.81, 0.83)]
    return [
        audit_of([silent()], metrics=accuracy[:1], day="2026-01-01", model="a", version="1.0"),
        audit_of([finding()], metrics=accuracy[1:2], day="2026-02-01", model="b", version="2.0"),
        audit_of([finding(value=0.6)], metrics=accuracy[2:3], day="2026-02-02", model="b", version="2.0", data="e"),
        audit_of([silent()], metrics=accuracy[3:], day="2026-02-03", model="b", version="2.0", data="e", spec="t"),
    ]


def folder_of(root: Path, audits: list[Audit]) -> Path:
    for audit in audits:
        run_folder(root / audit.name / audit.started[:10], audit)
    return root


def pasts(audits: list[Audit]) -> list[Past]:
    return [past_of(audit, audit.started[:10]) for audit in audits]


def test_finished_audits_are_found_below_a_folder_and_half_done_ones_are_not(tmp_path: Path) -> None:
    root = folder_of(tmp_path, list(reversed(row())))
    (root / "half").mkdir()
    (root / "half" / "audit.json").write_text(row()[0].to_json())
    (root / "toy" / "2026-02-01" / "evidence" / "inner").mkdir(parents=True)
    run_folder(root / "toy" / "2026-02-01" / "evidence" / "inner", audit_of([], name="inner"))

    found = read_folder(root)

    assert [audit.address for audit in found.audits] == [f"toy/{audit.started[:10]}" for audit in row()]
    assert found.names == ["toy"]
    assert read_folder(root, depth=1).audits == ()


def test_what_cannot_be_read_is_told_and_costs_no_other_audit(tmp_path: Path) -> None:
    root = folder_of(tmp_path, row()[:1])
    (run_folder(root / "broken", row()[1]) / "audit.json").write_text('{"name": "toy"}')

    found = read_folder(root)

    assert len(found.audits) == 1
    assert "broken/audit.json: left out of the history" in found.warnings[0]
    with pytest.raises(RunFolderError, match="no such folder"):
        read(str(tmp_path / "none"))


def test_what_a_later_version_adds_is_no_reason_not_to_read_an_audit(tmp_path: Path) -> None:
    root = folder_of(tmp_path, row()[:1])
    path = root / "toy" / "2026-01-01" / "audit.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "of_tomorrow": [1], "schema": "auditor/audit@2"}))

    assert len(read_folder(root).audits) == 1


def test_attempts_count_the_same_spec_and_model_and_changes_are_named() -> None:
    history = history_of(pasts(row()), "audits")

    assert [item.attempt for item in history.audits] == [1, 1, 2, 1]
    assert [item.changed for item in history.audits] == [(), ("model",), ("data",), ("spec",)]
    assert history.same_model == 3


def test_a_spec_that_asks_the_same_is_another_attempt_however_it_is_written() -> None:
    audits = row()[:2]
    audits.append(audits[1].model_copy(update={"started": "2026-02-02T10:00:00Z", "spec_sha256": "t" * 64}))
    same = [audit.model_copy(update={"question_sha256": "q"}) for audit in audits]
    other = [*same[:2], same[2].model_copy(update={"question_sha256": "r"})]
    older = [audits[0], audits[1], same[2]]  # the first two are of a version that knew the spec's digest alone

    assert [(item.attempt, item.changed) for item in history_of(pasts(same), "").audits][2] == (2, ())
    assert [(item.attempt, item.changed) for item in history_of(pasts(other), "").audits][2] == (1, ("spec",))
    assert [(item.attempt, item.changed) for item in history_of(pasts(older), "").audits][2] == (1, ("spec",))


def test_a_pass_that_the_same_weights_reached_after_failing_is_told() -> None:
    notes = history_of(pasts(row()), "audits").notes

    assert notes == (
        "The same weights failed 2 times before they passed, last on 2026-02-02 (AUD-20260202-bes); the spec changed "
        "since.",
    )
    assert history_of(pasts(row()[:1]), "audits").notes == ()


def test_every_check_that_was_ever_a_finding_has_a_trend_with_intervals() -> None:
    trends = {trend.id: trend for trend in history_of(pasts(row()), "audits").trends}

    assert set(trends) == {"metrics.accuracy", "corner.top-left.class-cat"}
    points = trends["corner.top-left.class-cat"].points
    assert [point.value for point in points] == [0.0, 0.5, 0.6, 0.0]
    assert [point.verdict for point in points] == ["no_evidence", "confirmed", "confirmed", "no_evidence"]
    assert (points[1].low, points[1].high) == (0.4, 0.6)


def test_an_audit_that_did_not_measure_it_leaves_a_gap() -> None:
    audits = [*row()[:2], audit_of([], day="2026-02-02", model="b")]

    points = history_of(pasts(audits), "audits").trends[-1].points

    assert [point.value for point in points] == [0.0, 0.5, None]


def test_the_chart_draws_a_panel_a_trend_and_the_words_name_them() -> None:
    history = history_of(pasts(row()), "audits")

    drawn = draw_history(history)

    assert drawn is not None
    assert ElementTree.fromstring(drawn.svg).tag.endswith("svg")
    assert {trend.words in words.text for trend in drawable_trends(history) for words in drawn.words} == {True, False}
    assert drawn == draw_history(history)
    assert "from 0.80 to 0.83" in alt_words(history)
    assert draw_history(history_of(pasts(row()[:1]), "audits")) is None


def test_a_chart_of_trends_refuses_panels_of_another_length() -> None:
    with pytest.raises(ValueError, match="one value an audit"):
        trend_chart(["1", "2"], [(), ()], [TrendPanel("x", [0.1], [None], [None], [False])])


def test_one_audit_alone_with_a_gap_and_a_constant_still_draws() -> None:
    panel = TrendPanel("x", [None, 0.5, 0.5], [None, None, 0.5], [None, None, 0.5], [False, True, False])

    drawn = trend_chart(["1", "2", "3"], [(), ("model",), ()], [panel])

    assert drawn.svg.startswith(b"<svg")
    assert [words.text for words in drawn.words] == ["x, %", "model"]
    assert [entry.mark for entry in drawn.legend] == ["triangle", "ring", "upright"]


def test_the_command_prints_attempts_changes_and_trends(call: Call, tmp_path: Path) -> None:
    root = folder_of(tmp_path, row())

    code, out, _ = call("history", root)

    assert code == 0
    assert re.search(r"AUD-20260202-bes\s+2.0\s+fail\s+1 high\s+2\s+data", out)
    assert "The same weights failed 2 times" in out
    followed = "0.00 [-0.10, 0.10] n 64 → 0.50 [0.40, 0.60] n 64 ▲ → 0.60 [0.50, 0.70] n 64 ▲ → 0.00 [-0.10, 0.10] n 64"
    assert followed in out
    tree = json.loads(call("history", root, "--json")[1])
    assert History.model_validate(tree["toy"]).same_model == 3
    assert call("history", root, "--chart", tmp_path / "trends.svg")[0] == 0
    alone = (tmp_path / "trends.svg").read_text(encoding="utf-8")
    assert alone.startswith("<svg")
    words = " ".join(
        "".join(text.itertext()) for text in ElementTree.fromstring(alone).iter() if text.tag.endswith("}text")
    )
    assert "follow rate" in words, "no page sets the words of a file of its own"
    assert "a confirmed finding" in words


def test_a_folder_without_audits_and_a_name_that_is_not_there_say_so(call: Call, tmp_path: Path) -> None:
    root = folder_of(tmp_path / "audits", row())
    (tmp_path / "empty").mkdir()

    assert "holds no finished audit" in call("history", tmp_path / "empty")[2]
    code, _, err = call("history", root, "--name", "signs")
    assert code == 2
    assert "of signs; there are toy" in err


def test_without_mlflow_the_extra_is_named(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)

    code, _, err = call("history", "mlflow:audits")

    assert code == 2
    assert "pip install 'auditor[mlflow]'" in err


HOSTILE = "</script><img src=x onerror=alert(1)>"


def test_the_page_loads_nothing_and_shows_names_as_text(tmp_path: Path) -> None:
    audits = [audit.model_copy(update={"title": HOSTILE}) for audit in row()]

    page = site(Found("audits", tuple(pasts(audits))), None, tmp_path)

    assert "<img" not in page
    assert not re.findall(r"""(?:src|href)=["']?https?:""", page)
    assert page.count("<script>") == 1
    assert "default-src 'none'" in html.unescape(page)
    assert "script-src 'sha256-" in html.unescape(page)


def test_the_page_links_to_reports_that_are_there(call: Call, tmp_path: Path) -> None:
    root = folder_of(tmp_path / "all audits", row())
    (root / "toy" / "2026-02-01" / "report.html").write_text("report")

    call("site", root)
    call("site", root, "-o", tmp_path / "pages" / "all.html")

    assert (root / "index.html").read_text().count('href="./toy/2026-02-01/report.html"') == 1
    assert 'href="./../all%20audits/toy/2026-02-01/report.html"' in (tmp_path / "pages" / "all.html").read_text()


def test_an_empty_folder_gives_a_page_that_says_so(call: Call, tmp_path: Path) -> None:
    assert call("site", tmp_path)[0] == 0
    assert "No finished audit lies here yet" in (tmp_path / "index.html").read_text()
