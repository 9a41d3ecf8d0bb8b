"""A cue is one finding, also where changing it changes the whole picture."""

from __future__ import annotations

from auditor.findings.merging import merge
from auditor.records import Box, Check, Grade, Measurement, Severity, Verdict

RING = Box(name="ring-3", box=(0, 0, 32, 24), hole=(3, 3, 29, 21))
TAG = Box(name="overlay-1", box=(1, 1, 8, 6))


def finding(kind: str, rate: float, class_name: str | None = None, region: Box | None = None) -> Check:
    name = "background_follow" if kind == "background" else "follow_rate"
    middle = [] if region is None else [region.name]
    return Check(
        id=".".join([kind, *middle, *([f"class-{class_name}"] if class_name else [])]),
        kind=kind,
        region=region,
        class_name=class_name,
        verdict=Verdict.CONFIRMED,
        grade=Grade.SEVERE,
        severity=Severity.HIGH,
        measurements=(Measurement(name=name, value=rate, low=rate, high=rate, count=64),),
        sentence="relies",
    )


def names(*checks: Check) -> list[str]:
    return [check.id for check in merge(checks)]


def test_the_whole_sample_joins_the_one_class_that_carries_the_cue() -> None:
    found = merge([finding("colour", 0.3), finding("colour", 0.95, "cat")])

    assert [check.id for check in found] == ["colour.class-cat"]
    assert found[0].also == ("colour",)


def test_several_classes_with_a_cast_each_are_one_finding_of_the_whole_sample() -> None:
    assert names(finding("colour", 0.9), finding("colour", 0.95, "cat"), finding("colour", 0.9, "dog")) == ["colour"]


def test_a_tinted_background_is_named_background_and_not_colour() -> None:
    assert names(finding("background", 0.95, "cat"), finding("colour", 0.8, "cat")) == ["background.class-cat"]


def test_a_cast_is_named_colour_although_backgrounds_carry_it() -> None:
    assert names(finding("background", 0.6, "cat"), finding("colour", 0.95, "cat")) == ["colour.class-cat"]


def test_two_global_cues_of_two_classes_stay_two_findings() -> None:
    assert names(finding("colour", 0.9, "cat"), finding("sharpness", 0.9, "dog")) == [
        "colour.class-cat",
        "sharpness.class-dog",
    ]


def test_the_background_of_a_tag_is_the_tag() -> None:
    assert names(finding("overlay", 0.9, "cat", TAG), finding("background", 1.0, "cat")) == [
        "overlay.overlay-1.class-cat"
    ]


def test_a_ring_that_moves_much_less_than_the_background_is_a_part_of_it() -> None:
    found = merge([finding("border", 0.4, "cat", RING), finding("background", 0.9, "cat")])

    assert [check.id for check in found] == ["background.class-cat"]
    assert found[0].also == ("border.ring-3.class-cat",)


def test_a_tag_of_one_class_does_not_explain_a_cast_of_another() -> None:
    assert len(names(finding("overlay", 0.95, "cat", TAG), finding("colour", 0.9, "dog"))) == 2


def with_further(check: Check, values: dict[str, float]) -> Check:
    further = tuple(
        Measurement(name=name, value=value, low=value, high=value, count=16) for name, value in values.items()
    )
    return check.model_copy(update={"measurements": (*check.measurements, *further)})


def test_colours_that_lie_on_the_objects_too_are_a_cast_and_others_a_background() -> None:
    background, colour = finding("background", 0.8, "cat"), finding("colour", 0.95, "cat")

    assert names(background, with_further(colour, {"object_colour_auc": 0.9})) == ["colour.class-cat"]
    weak = finding("background", 0.5, "cat")
    assert names(weak, colour) == ["colour.class-cat"]
    assert names(weak, with_further(colour, {"object_colour_auc": 0.5})) == ["background.class-cat"]


def test_what_the_remaining_classes_hardly_follow_is_the_loss_of_a_stronger_cue() -> None:
    tag, cast = finding("overlay", 0.95, "cat", TAG), finding("colour", 0.3, "dog")
    lost = with_further(cast, {"followed_from:cat": 0.6, "followed_from:cow": 0.02})
    own = with_further(cast, {"followed_from:cat": 0.02, "followed_from:cow": 0.4})

    folded = merge([tag, lost])

    assert [check.id for check in folded] == ["overlay.overlay-1.class-cat"]
    assert folded[0].also == ("colour.class-dog",)
    assert names(lost) == ["colour.class-dog"]
    assert len(names(tag, own)) == 2


def test_what_the_losses_of_two_other_cues_do_is_none_of_its_own() -> None:
    strong, weaker = finding("background", 0.8, "cat"), finding("background", 0.55, "cow")
    lost = with_further(
        finding("background", 0.5, "dog"),
        {"followed_from:cat": 0.9, "followed_from:cow": 0.6, "followed_from:pig": 0.03},
    )
    own = with_further(lost, {"followed_from:cat": 0.5, "followed_from:cow": 0.5, "followed_from:pig": 0.4})

    assert names(strong, weaker, lost) == ["background.class-cat", "background.class-cow"]
    assert "background.class-dog" in names(strong, weaker, own)
