"""Verdicts from raw evidence: each line of the table of verdicts, and one cue as one finding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from auditor.evidence import CheckEvidence, FillSanity, PairedEffects, Presence
from auditor.findings.grades import grade, severity
from auditor.findings.judging import Circumstances, judge
from auditor.findings.merging import merge
from auditor.records import Box, Check, Grade, Measurement, Severity, Verdict

FAIR = Circumstances(True, "", 0)
CORNER = Box(name="top-left", box=(0, 0, 8, 6))


def effects(
    rate: float, control: float = 0.0, count: int = 64, half: str = "B", name: str = "follow_rate"
) -> PairedEffects:
    """`rate` of `count` recipients follow, spread evenly."""

    def spread(share: float) -> tuple[float, ...]:
        return tuple(float(i < round(share * count)) for i in range(count))

    return PairedEffects(
        name=name,
        half=half,
        recipients=tuple(range(count)),
        clusters=tuple(range(count)),
        effect=spread(rate),
        control=spread(control)[::-1],
        donors=5,
        controls=("elsewhere",),
    )


def corner(rate: float | None, screened: float | None = None, **fields: object) -> CheckEvidence:
    screened = rate if screened is None else screened
    return CheckEvidence(
        kind="corner",
        region=CORNER,
        screen=(effects(screened or 0.0, half="A"),),
        stood_out=(screened or 0.0) >= 0.05,
        confirm=() if rate is None else (effects(rate),),
        **fields,
    )


def one(item: CheckEvidence, of: Circumstances = FAIR) -> Check:
    return judge([item], of)[0]


@pytest.mark.parametrize(
    ("rate", "expected", "weight"),
    [(0.15, Grade.MINOR, Severity.LOW), (0.4, Grade.MATERIAL, Severity.MEDIUM), (1.0, Grade.SEVERE, Severity.HIGH)],
)
def test_a_confirmed_follow_rate_has_its_grade_and_severity(rate: float, expected: Grade, weight: Severity) -> None:
    check = one(corner(rate))

    assert check.verdict is Verdict.CONFIRMED
    assert check.grade is expected
    assert check.severity is weight
    assert check.q is not None
    assert check.q <= 0.05
    assert "relies on the top-left corner" in check.sentence
    assert check.recommendation


def test_nothing_on_half_a_is_no_evidence_with_its_power() -> None:
    check = one(corner(None, 0.0))

    assert check.verdict is Verdict.NO_EVIDENCE
    assert check.minimum_detectable_effect == pytest.approx(0.15, abs=0.01)
    assert "15 % would have been seen" in check.sentence.replace("15%", "15 %")


def test_a_suspicion_that_vanishes_is_not_reproduced() -> None:
    assert one(corner(0.0, 0.2)).verdict is Verdict.NOT_REPRODUCED


def test_an_effect_below_minor_is_no_finding() -> None:
    item = corner(None, 0.2).model_copy(update={"confirm": (effects(0.08, count=200),)})

    check = one(item)

    assert check.verdict is Verdict.NO_EVIDENCE
    assert "below the level" in check.sentence


def test_few_recipients_are_insufficient() -> None:
    item = CheckEvidence(kind="corner", region=CORNER, screen=(effects(1.0, count=7, half="A"),), stood_out=True)

    assert one(item).verdict is Verdict.INSUFFICIENT


def test_a_null_with_no_power_is_insufficient() -> None:
    item = CheckEvidence(kind="corner", region=CORNER, screen=(effects(0.0, count=12, half="A"),))

    check = one(item)

    assert check.verdict is Verdict.INSUFFICIENT


def test_a_model_at_chance_is_insufficient_whatever_it_follows() -> None:
    assert one(corner(1.0), Circumstances(False, "at chance", 0)).verdict is Verdict.INSUFFICIENT


def test_an_artefact_without_effect_is_present_and_not_used() -> None:
    presence = Presence(
        prevalence=Measurement(name="prevalence", value=0.3, low=0.2, high=0.4, count=96), p=0.001, draws=999
    )
    item = corner(None, 0.0).model_copy(update={"kind": "overlay", "presence": presence})

    assert one(item).verdict is Verdict.PRESENT_NOT_USED


def test_regions_inside_the_picture_are_never_judged() -> None:
    check = one(corner(1.0, judged=False))

    assert check.verdict is Verdict.NOT_TESTED
    assert "causal map" in check.sentence


def removals(rate: float, *, sane: bool = True, agree: bool = True) -> dict[str, object]:
    others = rate if agree else 0.0
    names = {"removal_blur": rate, "removal_inpaint": others, "removal_donor": -0.0 if agree else 0.0}
    tests = [effects(max(0.0, value), name=name) for name, value in names.items()]
    if not agree:
        tests[1] = effects(0.0, control=0.2, name="removal_inpaint")
    fills = tuple(
        FillSanity(fill=name.removeprefix("removal_"), beyond=0.1 if sane else 0.6, control_flips_low=0.0, passed=sane)
        for name in names
    )
    return {"confirm": (effects(0.0), *tests), "fills": fills}


def test_removal_alone_confirms_only_off_the_object() -> None:
    item = corner(None, 0.2).model_copy(update=removals(0.4))

    assert one(item).verdict is not Verdict.CONFIRMED
    assert one(item.model_copy(update={"off_object": True})).verdict is Verdict.CONFIRMED


@pytest.mark.parametrize("broken", [{"sane": False}, {"agree": False}])
def test_fills_that_fail_or_disagree_are_inconclusive(broken: dict[str, bool]) -> None:
    item = corner(None, 0.2).model_copy(update={**removals(0.4, **broken), "off_object": True})

    assert one(item).verdict is Verdict.INCONCLUSIVE


def test_a_cue_that_costs_accuracy_is_harmful_and_weighs_one_step_more() -> None:
    gain = effects(0.6, name="accuracy_gain")

    check = one(corner(0.4, accuracy_gain=gain))

    assert check.harmful is True
    assert check.severity is Severity.HIGH


def test_the_family_is_corrected_so_a_lone_weak_effect_among_many_is_only_suspected() -> None:
    weak = corner(None, 0.2).model_copy(update={"confirm": (effects(0.14, 0.03, count=40),)})
    noise = [
        CheckEvidence(
            kind="border",
            region=Box(name=f"ring-{i}", box=(0, 0, 32, 24), hole=(i, i, 32 - i, 24 - i)),
            screen=(effects(0.0, half="A"),),
            confirm=(effects(0.0),),
        )
        for i in range(1, 6)
    ]
    screened = [item.model_copy(update={"confirm": ()}) for item in noise]

    alone, among = one(weak), judge([weak, *noise], FAIR)[0]
    assert judge([weak, *screened], FAIR)[0].q == alone.q

    assert alone.p == among.p
    assert (among.q or 0) > (alone.q or 0)


def test_grades_follow_the_table() -> None:
    assert grade("follow_rate", 0.09) is None
    assert grade("removal_blur", 0.05) is Grade.MINOR
    assert grade("background_follow", 0.19) is None
    assert grade("background_gap", 0.41) is Grade.SEVERE
    assert severity(Grade.SEVERE, harmful=True) is Severity.CRITICAL


def confirmed(
    kind: str,
    name: str,
    box: Sequence[int],
    rate: float,
    class_name: str | None = None,
    hole: Sequence[int] | None = None,
) -> Check:
    return Check(
        id=".".join([kind, name, *([f"class-{class_name}"] if class_name else [])]),
        kind=kind,
        region=Box(name=name, box=tuple(box), hole=tuple(hole) if hole else None),
        class_name=class_name,
        verdict=Verdict.CONFIRMED,
        grade=Grade.SEVERE,
        severity=Severity.HIGH,
        measurements=(Measurement(name="follow_rate", value=rate, low=rate, high=rate, count=64),),
        sentence="relies",
    )


RING = {"box": (0, 0, 100, 80), "hole": (8, 8, 92, 72)}


def test_a_tag_is_an_overlay_and_the_corner_and_ring_are_named_beside_it() -> None:
    found = merge(
        [
            confirmed("corner", "top-left", (0, 0, 25, 20), 1.0),
            confirmed("border", "ring-8", rate=0.9, **RING),
            confirmed("overlay", "overlay-1", (2, 2, 18, 9), 0.95, "effusion"),
        ]
    )

    assert [check.kind for check in found] == ["overlay"]
    assert set(found[0].also) == {"corner.top-left", "border.ring-8"}


def test_a_weak_specific_kind_does_not_name_a_strong_cue() -> None:
    found = merge(
        [confirmed("corner", "top-left", (0, 0, 25, 20), 0.3), confirmed("border", "ring-8", rate=1.0, **RING)]
    )

    assert [check.kind for check in found] == ["border"]


def test_three_corners_at_once_are_a_frame() -> None:
    corners = [
        confirmed("corner", name, box, 0.95)
        for name, box in [
            ("top-left", (0, 0, 25, 20)),
            ("top-right", (75, 0, 100, 20)),
            ("bottom-left", (0, 60, 25, 80)),
        ]
    ]

    found = merge([*corners, confirmed("border", "ring-8", rate=1.0, **RING)])

    assert [check.kind for check in found] == ["border"]


def test_two_cues_at_two_places_stay_two_findings() -> None:
    found = merge(
        [
            confirmed("corner", "top-left", (0, 0, 25, 20), 1.0),
            confirmed("corner", "bottom-right", (75, 60, 100, 80), 1.0),
        ]
    )

    assert len(found) == 2


def test_cues_of_two_classes_stay_two_findings() -> None:
    found = merge(
        [
            confirmed("corner", "top-left", (0, 0, 25, 20), 1.0, "cat"),
            confirmed("corner", "top-left", (0, 0, 25, 20), 1.0, "dog"),
        ]
    )

    assert len(found) == 2


def test_judging_is_pure() -> None:
    items = [corner(0.4), corner(None, 0.0)]

    assert [c.model_dump() for c in judge(items, FAIR)] == [c.model_dump() for c in judge(items, FAIR)]


def test_every_interval_contains_its_estimate_and_no_number_is_nan() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        check = one(corner(float(rng.random()), 0.3))
        for m in check.measurements:
            assert m.value is not None
            assert m.low is not None
            assert m.high is not None
            assert m.low <= m.value <= m.high


def test_the_whole_sample_joins_classes_only_where_it_is_as_strong() -> None:
    cat = confirmed("corner", "top-left", (0, 0, 25, 20), 1.0, "cat")
    dog = confirmed("corner", "top-left", (0, 0, 25, 20), 0.9, "dog")

    weak = merge([cat, dog, confirmed("corner", "top-left", (0, 0, 25, 20), 0.3)])
    strong = merge([cat, dog, confirmed("corner", "top-left", (0, 0, 25, 20), 0.95)])

    assert [(check.class_name, check.also) for check in weak] == [("cat", ("corner.top-left",)), ("dog", ())]
    assert [check.class_name for check in strong] == [None]


def test_a_mark_must_cost_more_than_marks_ordinarily_do() -> None:
    def p_of(name: str, rate: float) -> float:
        return one(corner(None, 0.3).model_copy(update={"confirm": (effects(rate, name=name, count=200),)})).p or 0.0

    assert p_of("watermark_gap", 0.06) > 0.1
    assert p_of("watermark_gap", 0.3) <= 0.01
    assert p_of("follow_rate", 0.06) < 0.01  # a region's effect is compared with nothing at all
