"""Numbers and names in words: the same everywhere, never misleading, never a way in."""

from __future__ import annotations

import pytest

from auditor.records import Box, Check, Measurement, Verdict
from auditor.reports import _kinds as kinds
from auditor.reports import _names as names
from auditor.reports import _words as words
from auditor.reports._effects import Axis, main_measurement
from auditor.reports._tables import table


def share(name: str, value: float, low: float, high: float) -> Measurement:
    return Measurement(name=name, value=value, low=low, high=high, count=64)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.914, "1", "91 %"),
        (0.004, "1", "0.4 %"),
        (-0.042, "1", "−4 %"),
        (0.0, "1", "0 %"),
        (-0.0001, "1", "0 %"),
        (1.0, "1", "100 %"),
        (12.345, "ms", "12.3 ms"),
    ],
)
def test_a_number_carries_its_unit(value: float, unit: str, text: str) -> None:
    assert words.number(value, unit) == text


def test_a_measurement_carries_interval_and_count() -> None:
    assert words.measured(share("follow_rate", 0.91, 0.84, 0.95)) == "91 % (84 to 95 %, n = 64)"


@pytest.mark.parametrize("name", ["rank_correlation", "brier_score", "efficient_mprt", "insertion_auc"])
def test_a_ratio_is_no_percentage(name: str) -> None:
    assert words.measured(share(name, 0.91, 0.84, 0.95)) == "0.91 (0.84 to 0.95, n = 64)"


def test_calibration_is_a_share_although_its_name_holds_the_letters_of_ratio() -> None:
    assert words.value_of(share("expected_calibration_error", 0.05, 0.02, 0.07)) == "5 %"


def test_what_exceeds_one_is_no_percentage_whatever_its_name() -> None:
    assert words.value_of(share("anything", 1.68, 1.64, 1.73)) == "1.68"


def test_an_undefined_number_says_why() -> None:
    missing = Measurement(name="gap", value=None, count=0, reason="no groups")

    assert words.measured(missing) == "undefined: no groups"


@pytest.mark.parametrize(("value", "text"), [(0.0004, "< .001"), (0.012, ".012"), (1.0, "1.000"), (None, "–")])
def test_a_probability_is_short(value: float | None, text: str) -> None:
    assert words.probability(value) == text


@pytest.mark.parametrize("letter", ["\u202e", "\u200b", "\x00", "\x1b", "\ufeff", "\ue000"])
def test_letters_that_garble_or_spoof_become_visible(letter: str) -> None:
    assert words.plain(f"a{letter}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_line_breaks_and_tabs_become_spaces() -> None:
    assert words.plain(" a\n\tb ") == "a b"


def test_long_names_keep_beginning_and_end() -> None:
    shortened = words.short("start" + "x" * 200 + "end.png", 30)

    assert len(shortened) == 30
    assert shortened.startswith("start")
    assert shortened.endswith("end.png")


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("border", "ring-8", "Border ring 8 px wide"),
        ("border", "frame-2", "Frame burned into the picture"),
        ("border", "band-1-right-bottom", "Band along the right and bottom"),
        ("corner", "top-left", "Top-left corner"),
        ("overlay", "tag-1", "Overlay tag-1"),
        ("strange", "x", "Strange x"),
        ("group", "site:north", "Site: north"),
        ("group", "Site:north:2", "Site: north:2"),
    ],
)
def test_a_cue_has_a_name_for_people(kind: str, name: str, text: str) -> None:
    check = Check(id="x", kind=kind, region=Box(name=name), verdict=Verdict.NO_EVIDENCE, sentence="")

    assert kinds.place(check) == text


@pytest.mark.parametrize(("number", "word"), [(1, "first"), (3, "third"), (11, "11th"), (22, "22nd"), (113, "113th")])
def test_attempts_are_counted_in_words(number: int, word: str) -> None:
    assert words.ordinal(number) == word


def test_a_date_is_said_in_utc() -> None:
    assert words.date("2026-03-11T15:09:48+01:00") == "11 March 2026, 14:09 UTC"


def test_the_strongest_grade_speaks_for_a_finding() -> None:
    minor, severe = share("follow_rate", 0.15, 0.1, 0.2), share("removal_blur", 0.4, 0.3, 0.5)
    fields = {"id": "x", "kind": "corner", "sentence": "", "measurements": (minor, severe)}

    assert main_measurement(Check(verdict=Verdict.CONFIRMED, **fields)) == severe
    assert main_measurement(Check(verdict=Verdict.NO_EVIDENCE, **fields)) == minor
    follows = share("follow_rate", 0.8, 0.7, 0.9)
    assert (
        main_measurement(Check(verdict=Verdict.CONFIRMED, **{**fields, "measurements": (severe, follows)})) == follows
    )


def test_places_on_the_axis_never_leave_it() -> None:
    axis = Axis(-0.05, 0.95)

    assert [axis.percent(value) for value in (-1.0, -0.05, 0.45, 0.95, 2.0)] == [0, 0, 50, 100, 100]


def test_a_table_with_a_ragged_row_is_our_own_bug() -> None:
    with pytest.raises(ValueError, match="2 cells for 1 columns"):
        table("T", ("a",), [("x", "y")])


def test_robust_accuracy_names_its_attack_and_its_budget() -> None:
    assert names.label("robust_accuracy_fgsm_0.5") == "Robust accuracy, FGSM of 0.5 levels"
    assert names.label("robust_agreement_noise_4") == "Robust agreement, noise of 4 levels"
