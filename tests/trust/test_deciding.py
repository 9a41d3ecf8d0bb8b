from __future__ import annotations

import numpy as np
import pytest

from auditor.records import Measurement
from auditor.trust.deciding import DECIDABLE, LEAST, Gain, above_zero, mean_of, merged, verdict

PASSED, FAILED, UNDECIDED = "passed", "failed", "not enough data"


def between(low: float, high: float) -> Measurement:
    return Measurement(name="difference", value=(low + high) / 2, low=low, high=high, count=20)


def gain(values: float, noise: float, *, count: int = 24, **nulls: float) -> Gain:
    """Pictures that scatter a little around those means."""
    scatter = np.random.default_rng(0).normal(0, 0.01, (len(nulls) + 2, count))
    each = {name: mean + scatter[index] for index, (name, mean) in enumerate(nulls.items())}
    return Gain(values + scatter[-1], noise + scatter[-2], each, np.arange(count), seed=0, span=2.0)


def decided(found: Gain) -> str:
    return verdict(found.over_noise("a"), found.over_bar("b"), units=len(found.values))


def test_a_map_must_reach_four_fifths_of_what_the_best_null_gains_over_noise() -> None:
    assert decided(gain(0.50, 0.0, edges=0.2, centre=0.5)) == PASSED
    assert decided(gain(0.43, 0.0, edges=0.2, centre=0.5)) == PASSED
    assert decided(gain(0.37, 0.0, edges=0.2, centre=0.5)) == FAILED
    assert decided(gain(0.40, 0.0, edges=0.2, centre=0.5)) == UNDECIDED


def test_where_noise_is_the_best_null_a_map_must_be_better_than_noise() -> None:
    assert decided(gain(0.05, 0.0, edges=-0.2)) == PASSED
    assert decided(gain(-0.05, 0.0, edges=-0.2)) == FAILED


def test_no_better_than_noise_fails_on_many_pictures_and_is_open_on_few() -> None:
    assert decided(gain(0.0, 0.0, count=DECIDABLE, edges=-0.5)) == FAILED
    assert decided(gain(0.0, 0.0, count=DECIDABLE - 1, edges=-0.5)) == UNDECIDED


def test_the_difference_to_the_bar_is_that_of_the_closed_form() -> None:
    found = Gain(np.full(6, 0.9), np.full(6, 0.1), {"edges": np.full(6, 0.6)}, np.arange(6), seed=0, span=1.0)

    over_noise, over_bar = found.over_noise("a"), found.over_bar("b")

    assert over_noise.value == pytest.approx(0.8)
    assert over_bar.value == pytest.approx(0.9 - (0.1 + 0.8 * 0.5))
    assert "less 0.500" in over_bar.note
    assert "noise 0.100, edges 0.600" in over_bar.note


def test_noise_itself_gains_nothing_by_definition() -> None:
    noise = np.random.default_rng(0).random(5)

    itself = Gain(noise, noise, {}, np.arange(5), seed=0, span=1.0).over_noise("a")

    assert (itself.value, itself.low, itself.high, itself.note) == (0, 0, 0, "by definition")


@pytest.mark.parametrize(
    ("low", "high", "units", "expected"),
    [
        (0.1, 0.2, LEAST, PASSED),
        (-0.2, -0.1, LEAST, FAILED),
        (-0.1, 0.1, DECIDABLE - 1, UNDECIDED),
        (-0.1, 0.1, DECIDABLE, FAILED),
        (0.1, 0.2, LEAST - 1, UNDECIDED),
    ],
)
def test_a_difference_decides_when_its_interval_leaves_zero_out(
    low: float, high: float, units: int, expected: str
) -> None:
    assert above_zero(between(low, high), units) == expected


def test_an_undefined_difference_decides_nothing() -> None:
    nothing = Measurement(name="difference", value=None, count=0, reason="blank")

    assert above_zero(nothing, 40) == UNDECIDED
    assert verdict(nothing, between(0.1, 0.2), units=40) == UNDECIDED


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], None),
        ([PASSED], PASSED),
        ([UNDECIDED], UNDECIDED),
        ([PASSED, PASSED, UNDECIDED, PASSED, FAILED], FAILED),
        ([PASSED, PASSED, UNDECIDED, UNDECIDED], PASSED),
        ([PASSED, UNDECIDED, UNDECIDED], UNDECIDED),
    ],
)
def test_one_failure_fails_a_method_and_half_of_the_checks_pass_it(verdicts: list[str], expected: str | None) -> None:
    assert merged(verdicts) == expected
    assert merged(reversed(verdicts)) == expected


def test_clusters_and_not_pictures_are_resampled() -> None:
    values = np.repeat([0.0, 1.0, 0.4, 0.6], 10)

    alone = mean_of("m", values, np.arange(40), seed=0)
    together = mean_of("m", values, np.repeat(np.arange(4), 10), seed=0)

    assert alone.value == together.value == pytest.approx(0.5)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
