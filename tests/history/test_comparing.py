"""Two audits beside each other: differences with the doubt of both numbers, and every change by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from auditor.history.comparing import Turn, compare
from auditor.history.differences import difference, fisher, mcnemar
from auditor.records import Audit, Check, ImageRecord, Measurement, Severity, Verdict
from tests.conftest import Call
from tests.findings.audits import audit_of, run_folder
from tests.findings.findings import finding, number, silent


def share(right: int, count: int, name: str = "accuracy") -> Measurement:
    low, high = proportion_confint(right, count, method="wilson")
    return Measurement(name=name, value=right / count, low=low, high=high, count=count)


def turns(first: list[Check], second: list[Check]) -> dict[str, Turn]:
    found = compare(audit_of(first), audit_of(second), (Path("a"), Path("b")))
    return {item.id: item.turn for item in found.findings}


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (3, 9), (9, 3), (5, 5), (0, 7)])
def test_the_paired_test_is_the_exact_binomial_one(lost: int, gained: int) -> None:
    changed = lost + gained
    expected = stats.binomtest(lost, changed).pvalue if changed else 1.0

    assert mcnemar(lost, gained) == pytest.approx(expected)


@pytest.mark.parametrize("counts", [(50, 64, 40, 64), (64, 64, 60, 64), (3, 8, 5, 9), (0, 5, 0, 5)])
def test_the_unpaired_test_is_fishers(counts: tuple[int, int, int, int]) -> None:
    a, n, b, m = counts

    assert fisher(a, n, b, m) == pytest.approx(stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue)


def test_the_interval_of_a_difference_of_shares_is_newcombes() -> None:
    apart = difference(share(50, 64), share(40, 70))
    low, high = confint_proportions_2indep(40, 70, 50, 64, method="newcomb")

    assert apart is not None
    assert (apart.low, apart.high) == pytest.approx((low, high), abs=1e-6)


def test_intervals_that_do_not_touch_are_told_apart_from_those_that_do() -> None:
    far, near = difference(number("x", 0.2), number("x", 0.6)), difference(number("x", 0.2), number("x", 0.3))

    assert far is not None
    assert near is not None
    assert (far.apart, far.certain) == (True, True)
    assert (near.apart, near.certain) == (False, False)


def test_findings_appear_go_turn_and_stay() -> None:
    first = [
        finding(value=0.3),
        finding("border", "frame"),
        finding("texture", None),
        finding("colour", None),
        silent("region", "x"),
    ]
    untested = finding("colour", None).model_copy(update={"verdict": Verdict.NOT_TESTED, "severity": None})
    second = [finding(value=0.8), silent("border", "frame"), finding("texture", None, value=0.55), untested]
    second.append(finding("region", "x"))

    assert turns(first, second) == {
        "corner.top-left.class-cat": Turn.WORSE,
        "border.frame.class-cat": Turn.WENT,
        "texture.class-cat": Turn.UNCHANGED,
        "region.x.class-cat": Turn.APPEARED,
        "colour.class-cat": Turn.NOT_TESTED,
    }
    assert turns(second[:1], first[:1]) == {"corner.top-left.class-cat": Turn.BETTER}


def test_the_same_cue_under_another_kind_is_one_line() -> None:
    before = finding("corner", "top-left")
    now = finding("overlay", "overlay-1-top-left", also=("corner.top-left.class-cat",))

    assert turns([before], [now]) == {"overlay.overlay-1-top-left.class-cat": Turn.UNCHANGED}


def of_images(right: int, digest: str = "d") -> Audit:
    images = [
        ImageRecord(image=f"{i}.png", label="a", predicted="a" if i < right else "b", score=0.9) for i in range(40)
    ]
    return audit_of([], metrics=[share(right, 40)], images=images, data=digest)


def test_accuracy_on_the_same_pictures_is_tested_in_pairs_and_on_others_as_two_shares() -> None:
    paired = compare(of_images(36), of_images(30), (Path("a"), Path("b"))).metrics[0]
    unpaired = compare(of_images(36), of_images(30, "e"), (Path("a"), Path("b"))).metrics[0]

    assert paired.difference is not None
    assert unpaired.difference is not None
    assert paired.difference.p == pytest.approx(mcnemar(6, 0))
    assert paired.turn is Turn.WORSE
    assert unpaired.difference.p == pytest.approx(fisher(36, 40, 30, 40))
    assert unpaired.turn is Turn.UNCHANGED


@pytest.mark.parametrize(
    ("name", "turn"),
    [("macro_accuracy", Turn.WORSE), ("brier_score", Turn.BETTER), ("mean_confidence", Turn.UNCHANGED)],
)
def test_a_metric_is_judged_by_what_is_better_of_it(name: str, turn: Turn) -> None:
    first, second = audit_of([], metrics=[number(name, 0.7)]), audit_of([], metrics=[number(name, 0.3)])

    assert compare(first, second, (Path("a"), Path("b"))).metrics[0].turn is turn


def test_what_else_changed_is_named_down_to_the_specs_key(tmp_path: Path) -> None:
    a = run_folder(tmp_path / "a", audit_of([], version="1"), "name: toy\npolicy: {fail_on: high}\n")
    b = run_folder(
        tmp_path / "b",
        audit_of([], model="b", version="2", data="e", spec="t"),
        "name: toy\npolicy: {fail_on: never}\n",
    )

    found = compare(audit_of([], version="1"), audit_of([], model="b", version="2", data="e", spec="t"), (a, b))

    named = {(item.what, item.where): (item.before, item.after) for item in found.changes}
    assert named["model", "version"] == ("1", "2")
    assert named["spec", "policy.fail_on"] == ("high", "never")
    assert ("data", "sample (digest)") in named
    assert ("model", "weights and flags (SHA-256)") in named


def test_the_command_leaves_with_1_when_something_got_worse(call: Call, tmp_path: Path) -> None:
    clean = run_folder(tmp_path / "a", audit_of([silent()]))
    caught = run_folder(tmp_path / "b", audit_of([finding(severity=Severity.MEDIUM)]))

    code, out, _ = call("compare", clean, caught)

    assert code == 1
    assert "appeared   corner.top-left.class-cat (medium)  follow_rate  0.000 [-0.100, 0.100] → 0.500" in out
    assert call("compare", caught, clean)[0] == 0
    assert call("compare", clean, clean)[0] == 0
    assert call("compare", clean, caught, "--fail-on", "high")[0] == 0
    assert call("compare", clean, caught, "--exit-zero")[0] == 0
    assert call("compare", clean, tmp_path / "none")[0] == 2


def test_json_holds_the_numbers_and_the_turn(call: Call, tmp_path: Path) -> None:
    clean, caught = run_folder(tmp_path / "a", audit_of([silent()])), run_folder(tmp_path / "b", audit_of([finding()]))

    _, out, _ = call("compare", clean, caught, "--json")

    tree = json.loads(out)
    assert tree["worse"] is True
    assert tree["findings"][0]["turn"] == "appeared"
    assert tree["findings"][0]["difference"]["certain"] is True
    assert tree["first"]["verdict"] == "pass"


def test_long_texts_are_shown_where_they_differ() -> None:
    begin, audit = "drawn in equal shares of the class, of the hospital and of the year ", audit_of([silent()])
    first, second = (
        audit.model_copy(update={"sample": audit.sample.model_copy(update={"rule": f"{begin}with seed {seed}"})})
        for seed in (0, 1)
    )

    change = next(one for one in compare(first, second, (Path("a"), Path("b"))).changes if one.where == "rule")

    assert (change.before, change.after) == ("…the year with seed 0", "…the year with seed 1")
