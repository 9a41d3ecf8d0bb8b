"""Evidence that is no swap: insertion, tests of their own, what is encoded, what can never confirm."""

from __future__ import annotations

import pytest

from auditor import evidence
from auditor.evidence import CheckEvidence, PairedEffects
from auditor.findings.judging import Circumstances, judge
from auditor.records import Box, Check, Grade, Measurement, Verdict

FAIR = Circumstances(True, "", 0)


def paired(name: str, rate: float, control: float = 0.0, count: int = 64, half: str = "B") -> PairedEffects:
    effect = tuple(float(i < round(rate * count)) for i in range(count))
    other = tuple(float(i < round(control * count)) for i in range(count))[::-1]
    return PairedEffects(
        name=name, half=half, recipients=tuple(range(count)), clusters=tuple(range(count)), effect=effect, control=other
    )


def inserted(rate: float, **fields: object) -> CheckEvidence:
    return CheckEvidence(
        kind="overlay",
        region=Box(name="moving-1"),
        screen=(paired("spurious_score", rate, half="A"),),
        stood_out=rate >= 0.05,
        confirm=(paired("spurious_score", rate),),
        **fields,
    )


def gap(value: float, p: float, **fields: object) -> CheckEvidence:
    effect = evidence.TestedEffect(
        name="group_gap",
        measurement=Measurement(name="group_gap", value=value, low=value - 0.05, high=value + 0.05, count=80),
        p=p,
    )
    return CheckEvidence(kind="group", region=Box(name="site:b"), tested=(effect,), stood_out=True, **fields)


def one(item: CheckEvidence) -> Check:
    return judge([item], FAIR)[0]


@pytest.mark.parametrize(
    ("rate", "verdict", "grade"),
    [
        (0.9, Verdict.CONFIRMED, Grade.SEVERE),
        (0.6, Verdict.CONFIRMED, Grade.MATERIAL),
        (0.2, Verdict.CONFIRMED, Grade.MINOR),
        (0.12, Verdict.NO_EVIDENCE, None),
    ],
)
def test_a_spurious_score_has_steps_of_its_own(rate: float, verdict: Verdict, grade: Grade | None) -> None:
    check = one(inserted(rate))

    assert check.verdict is verdict
    assert check.grade is grade


def test_an_effect_brings_its_own_p() -> None:
    assert one(gap(0.25, 0.001)).verdict is Verdict.CONFIRMED
    assert one(gap(0.25, 0.001)).grade is Grade.MATERIAL
    assert one(gap(0.25, 0.4)).verdict is not Verdict.CONFIRMED


def test_several_effects_with_a_p_of_their_own_are_corrected_together() -> None:
    first, second = judge([gap(0.25, 0.04), gap(0.25, 0.04).model_copy(update={"region": Box(name="sex:m")})], FAIR)

    assert first.p == pytest.approx(0.08)
    assert Verdict.CONFIRMED not in {first.verdict, second.verdict}


def test_what_can_only_be_read_from_the_features_is_encoded() -> None:
    readable = evidence.TestedEffect(
        name="decodability",
        measurement=Measurement(name="decodability", value=0.9, low=0.8, high=0.95, count=64),
        p=0.001,
    )
    item = CheckEvidence(kind="group", region=Box(name="site"), encoded=readable)

    assert one(item).verdict is Verdict.ENCODED


def test_evidence_without_a_matched_control_is_at_most_suspected() -> None:
    check = one(inserted(0.95, at_most_suspected="its transform has no control"))

    assert check.verdict is Verdict.SUSPECTED
    assert check.grade is None
    assert "has no control" in check.sentence


def test_what_is_only_described_keeps_its_numbers_and_its_sentence() -> None:
    number = Measurement(name="accuracy_fog", value=0.4, low=0.3, high=0.5, count=64)
    item = CheckEvidence(kind="corruption", described="Accuracy falls to 40 % in fog.", further=(number,))

    check = one(item)

    assert check.verdict is Verdict.NO_EVIDENCE
    assert check.sentence == "Accuracy falls to 40 % in fog."
    assert check.measurement("accuracy_fog") == number


def test_what_was_tested_on_a_model_at_chance_is_insufficient_though_described() -> None:
    chance = Circumstances(False, "accuracy 35/128 is not above chance", 0)
    tested = inserted(0.06, described="Tested apart, class by class.")
    number = Measurement(name="accuracy_fog", value=0.4, low=0.3, high=0.5, count=64)
    untested = CheckEvidence(kind="corruption", described="Accuracy falls to 40 % in fog.", further=(number,))

    first, second = judge([tested, untested], chance)

    assert first.verdict is Verdict.INSUFFICIENT
    assert "not above chance" in first.sentence
    assert second.verdict is Verdict.NO_EVIDENCE
    assert one(tested).verdict is Verdict.NO_EVIDENCE
