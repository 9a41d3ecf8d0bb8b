"""A model that reads colours, sharpness or texture is confirmed; one that reads a shape is not accused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from auditor.evidence import CheckEvidence, ProbeEvidence
from auditor.experiments.matching import draw_pairs
from auditor.findings.judging import Circumstances, judge
from auditor.probes import TransferProbe
from auditor.probes.colour import Colour
from auditor.probes.sharpness import Sharpness
from auditor.probes.texture import Texture
from auditor.records import Check, Grade, Verdict
from tests.models import HEIGHT, WIDTH
from tests.probes.global_cues import (
    CLASSES,
    COUNT,
    Cue,
    EachOwn,
    Reads,
    ReadsTheBlocks,
    ReadsTheBlur,
    ReadsTheCast,
    ReadsTheFrame,
    ReadsTheGhost,
    ReadsTheGrain,
    blur,
    cast,
    coloured_grain,
    drawn,
    experiment_of,
    framed_across,
    ghost,
    jpeg,
)

PROBES: tuple[type[TransferProbe], ...] = (Colour, Sharpness, Texture)


def checks(found: ProbeEvidence) -> list[Check]:
    return judge(found.checks, Circumstances(True, "", 0))


def of_class(found: ProbeEvidence, name: str | None) -> CheckEvidence:
    return next(check for check in found.checks if check.class_name == name)


FLAWS: list[tuple[type[TransferProbe], type[Reads], Cue]] = [
    (Colour, ReadsTheCast, cast),
    (Sharpness, ReadsTheBlur, blur),
    (Sharpness, ReadsTheBlocks, jpeg),
    (Texture, ReadsTheGrain, coloured_grain),
]


@pytest.mark.parametrize(("probe", "model", "cue"), FLAWS)
def test_a_model_that_reads_the_cue_of_one_class_is_confirmed_for_it(
    probe: type[TransferProbe], model: type[Reads], cue: Cue
) -> None:
    experiment = experiment_of(model(), *drawn(cue))
    assert (experiment.predicted == experiment.sample.labels).mean() > 0.95

    found = checks(probe(details=False).run(experiment))

    confirmed = {check.class_name: check.grade for check in found if check.verdict is Verdict.CONFIRMED}
    assert confirmed["both"] is Grade.SEVERE
    assert set(confirmed) <= {None, "both"}


@pytest.mark.parametrize("probe", PROBES)
def test_a_model_that_reads_a_shape_is_not_accused_though_colours_go_with_its_classes(
    probe: type[TransferProbe],
) -> None:
    experiment = experiment_of(Reads(), *drawn(None))

    found = checks(probe(details=False).run(experiment))

    assert {check.verdict for check in found if check.class_name is None} == {Verdict.NO_EVIDENCE}
    assert not [check for check in found if check.verdict in (Verdict.CONFIRMED, Verdict.SUSPECTED)]


@pytest.mark.parametrize(("reads", "cue"), [(ReadsTheCast, cast), (ReadsTheBlur, blur), (ReadsTheBlocks, jpeg)])
def test_one_cue_is_not_taken_for_another(reads: type[Reads], cue: Cue) -> None:
    experiment = experiment_of(reads(), *drawn(cue))
    others = [probe for probe in PROBES if (probe, reads, cue) not in FLAWS]

    found = [check for probe in others for check in checks(probe(details=False).run(experiment))]

    assert len(others) == 2
    assert not [check.id for check in found if check.verdict is Verdict.CONFIRMED]


def test_a_frame_that_fades_is_not_taken_for_the_colours_of_the_class_that_is_left() -> None:
    experiment = experiment_of(ReadsTheFrame(), *drawn(framed_across))
    assert (experiment.predicted == experiment.sample.labels).mean() > 0.95

    found = Colour(details=False, donors_screen=4).run(experiment)

    across = of_class(found, "across")
    assert np.mean(across.screen[0].effect) > 0.2
    assert np.mean(across.screen[0].differences) < 0.05
    assert not [check.id for check in checks(found) if check.verdict is Verdict.CONFIRMED]


def test_details_tell_which_part_is_followed_and_how_it_grows() -> None:
    blocks = Sharpness().run(experiment_of(ReadsTheBlocks(), *drawn(jpeg)))
    casts = Colour().run(experiment_of(ReadsTheCast(), *drawn(cast)))

    parts = {m.name: m.value or 0.0 for m in of_class(blocks, "both").further}
    assert parts["follow_rate_compression"] > 0.9
    assert parts["follow_rate_blur"] < 0.2
    assert [m.name for m in of_class(blocks, None).further] == [
        "accuracy_blurred",
        "accuracy_recompressed",
        "share_compressed",
        "share_enlarged",
    ]
    doses = of_class(casts, "both").doses[0]
    assert doses.strengths == (0.25, 0.5, 0.75, 1.0)
    assert list(doses.rates) == sorted(doses.rates)
    assert doses.rates[-1] == pytest.approx(1.0)
    assert max(doses.controls) < 0.1
    assert {m.name for m in of_class(casts, "both").further} == {
        "follow_rate_chroma",
        "followed_from:across",
        "followed_from:down",
        "least_followed",
    }


def test_a_loss_along_a_direction_is_told_and_nothing_else_is_followed() -> None:
    experiment = experiment_of(ReadsTheGhost(), *drawn(ghost))
    evidence = Sharpness().run(experiment)
    found = of_class(evidence, "both")

    assert [c.id for c in checks(evidence) if c.verdict is Verdict.CONFIRMED] == ["sharpness.class-both"]
    told = {m.name: m for m in found.further}
    assert found.confirm[0].controls == ("the same loss turned by 90 degrees",)
    assert np.mean(found.confirm[0].differences) > 0.25
    assert found.confirm[0].donors == 1
    kept = told["amplitude_kept_along"]
    assert kept.value is not None
    assert kept.low is not None
    assert kept.high is not None
    assert 0 < kept.low < kept.value < kept.high < 0.5
    assert kept.count == (experiment.predicted == CLASSES.index("both")).sum()
    assert "in class both" in (kept.note or "")
    assert not any(name.startswith("follow_rate_") for name in told)


def test_what_all_directions_lose_alike_is_no_direction() -> None:
    sharpness = Sharpness(details=False)
    blurred = sharpness.run(experiment_of(ReadsTheBlur(), *drawn(blur)))
    apart = Sharpness(details=False, directions=False).run(experiment_of(ReadsTheGhost(), *drawn(ghost)))

    assert not any(m.name == "amplitude_kept_along" for check in blurred.checks for m in check.further)
    assert not [check.id for check in checks(apart) if check.verdict is Verdict.CONFIRMED]


def test_in_grey_a_model_that_reads_the_cast_loses_its_class() -> None:
    found = Colour().run(experiment_of(ReadsTheCast(), *drawn(cast)))

    treated = {m.name: m for m in of_class(found, None).further}

    assert treated["accuracy_in_grey"].value == pytest.approx(2 / 3, abs=0.05)
    assert "untouched 1.00" in (treated["accuracy_in_grey"].note or "")


def test_patches_take_away_the_shape() -> None:
    found = Texture().run(experiment_of(Reads(), *drawn(None)))

    shuffled = next(dose for dose in of_class(found, None).doses if "patches" in dose.what)

    assert shuffled.strengths == (0.0, 2.0, 4.0, 8.0)
    assert shuffled.rates[0] > 0.95
    assert shuffled.rates[-1] < 0.8


def test_without_labels_agreement_is_counted() -> None:
    pictures, labels = drawn(cast)

    found = Colour().run(experiment_of(ReadsTheCast(), pictures, np.full_like(labels, -1)))

    assert {m.name for m in of_class(found, None).further} == {"agreement_in_grey", "agreement_under_gains"}


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("preset", ["quick", "standard", "full"])
def test_a_probe_keeps_to_the_forwards_that_it_announces(probe: type[TransferProbe], preset: str) -> None:
    if preset not in probe.budgets:
        assert (probe, preset) == (Texture, "quick")
        return
    model, cue = next((model, cue) for kind, model, cue in FLAWS if kind is probe)
    options = probe(**probe.budgets[preset])
    experiment = experiment_of(model(), *drawn(cue))

    found = options.run(experiment)

    assert found.forwards == experiment.predictor.forwards
    assert found.forwards <= options.forwards() * COUNT
    assert options.forwards() <= {"quick": 4, "standard": 16, "full": 40}[preset]


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, second = (Colour().run(experiment_of(ReadsTheCast(), *drawn(cast))) for _ in range(2))

    assert first == second


def test_examples_show_the_very_picture_that_the_model_saw() -> None:
    experiment = experiment_of(ReadsTheCast(), *drawn(cast))
    kept: dict[str, np.ndarray] = {}
    experiment.keep_picture = lambda name, picture: kept.setdefault(name, picture) is None or f"{name}.png"

    shown = of_class(Colour(details=False).run(experiment), "both").examples

    assert len(shown) == 4
    for example in shown:
        assert example.change == f"its colours come from {example.donor:03d}.png"
        seen = torch.from_numpy(kept[example.picture.removesuffix(".png")][None])
        assert CLASSES[int(experiment.predictor.scores(seen).argmax())] == example.after == "both"


def test_without_budget_nothing_is_confirmed_and_it_is_said() -> None:
    experiment = experiment_of(ReadsTheCast(), *drawn(cast), budget=1.6)

    evidence = Colour().run(experiment)

    assert all(check.confirm == () for check in evidence.checks)
    assert Verdict.SUSPECTED in {check.verdict for check in checks(evidence)}
    assert any("the budget holds no more" in note for note in evidence.notes)


def test_pictures_alone_in_their_class_take_a_third_class_as_their_control() -> None:
    levels = np.repeat(np.arange(12), 2).astype(np.uint8) * 21 + 10
    pictures = np.broadcast_to(levels[:, None, None, None], (24, 3, HEIGHT, WIDTH)).copy()
    experiment = replace(experiment_of(EachOwn(), pictures, np.repeat(np.arange(12), 2)), classes=tuple("abcdefghijkl"))
    notes: list[str] = []

    pairs = draw_pairs(experiment, "colour", "A", 2, levels[:, None].astype(float), notes)

    predicted = experiment.predicted
    assert len(pairs) == 24
    own = predicted[pairs.own[np.unique(pairs.base)]]
    assert (own != predicted[pairs.donor[np.unique(pairs.base)]]).all()
    assert (own != predicted[np.unique(pairs.recipient)]).all()
    assert notes == [
        "colour: 12 pictures of half A are alone in their class; their control is a picture of a third one"
    ]


def test_the_control_is_of_the_own_class_another_cluster_and_nearest_to_the_donor() -> None:
    experiment = experiment_of(ReadsTheCast(), *drawn(cast), clusters=np.arange(COUNT) // 2)
    positions = np.random.default_rng(1).normal(size=(COUNT, 3))

    pairs = draw_pairs(experiment, "colour", "A", 3, positions, [])

    members, predicted = experiment.halves["A"], experiment.predicted
    for base in np.unique(pairs.base):
        i, j, k = pairs.recipient[base], pairs.donor[base], pairs.own[base]
        others = [m for m in members if predicted[m] == predicted[i] and m // 2 != i // 2]
        best = min(others, key=lambda m: np.linalg.norm(positions[j] - positions[m]))
        assert k == best


def test_nobody_to_follow_is_insufficient() -> None:
    pictures, labels = drawn(None)

    found = Colour().run(experiment_of(Reads(), pictures[labels == 0], labels[labels == 0]))

    assert [check.verdict for check in checks(found)] == [Verdict.INSUFFICIENT]
