"""A model that reads one place is confirmed there; one that reads the object is not accused."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.experiments.experiment import Experiment
from auditor.findings.judging import Circumstances, judge
from auditor.findings.merging import merge
from auditor.probes.border import Border
from auditor.probes.corner import Corner
from auditor.probes.region import RegionProbe
from auditor.records import Check, Grade, Verdict
from tests.models import (
    HEIGHT,
    WIDTH,
    Guesses,
    ReadsTheCentre,
    ReadsTheCorner,
    ReadsTheFrame,
    experiment_on,
    pictures,
    sample_of,
)

FAIR = Circumstances(True, "", 0)


def verdicts(experiment: Experiment, *probes: Border | Corner | RegionProbe, of: Circumstances = FAIR) -> list[Check]:
    measured = [check for probe in probes for check in probe.run(experiment).checks]
    return merge(judge(measured, of))


def confirmed(checks: list[Check]) -> list[Check]:
    return [check for check in checks if check.verdict is Verdict.CONFIRMED]


@pytest.fixture
def corner_experiment() -> Experiment:
    return experiment_on(ReadsTheCorner(), sample_of(*pictures()))


def test_corner_probe_confirms_a_model_that_reads_the_corner(corner_experiment: Experiment) -> None:
    found = confirmed(verdicts(corner_experiment, Corner(removal=False)))

    assert [check.region.name for check in found if check.region] == ["top-left"]
    assert found[0].grade is Grade.SEVERE
    assert found[0].q is not None
    assert found[0].q <= 0.05
    follow = found[0].measurement("follow_rate")
    assert follow is not None
    assert follow.value == pytest.approx(1.0)
    assert follow.count == 64


def test_probes_stay_silent_on_a_model_that_reads_the_centre() -> None:
    experiment = experiment_on(ReadsTheCentre(), sample_of(*pictures()))

    checks = verdicts(experiment, Border(removal=False), Corner(removal=False), RegionProbe(donors_screen=1))

    assert confirmed(checks) == []
    whole = [check for check in checks if check.class_name is None and check.kind in ("border", "corner")]
    judged = [check for check in whole if check.verdict is not Verdict.NOT_TESTED]
    assert {check.verdict for check in judged} == {Verdict.NO_EVIDENCE}
    assert all(check.minimum_detectable_effect is not None for check in judged)
    assert {check.region.name for check in whole if check.region and check not in judged} == {"ring-4", "ring-5"}


def test_a_frame_is_named_border_and_not_corner() -> None:
    experiment = experiment_on(ReadsTheFrame(), sample_of(*pictures(cue="frame")))

    found = confirmed(verdicts(experiment, Border(removal=False), Corner(removal=False)))

    assert [check.kind for check in found] == ["border"]


def test_one_cue_is_one_finding_and_names_the_others(corner_experiment: Experiment) -> None:
    found = confirmed(verdicts(corner_experiment, Border(removal=False), Corner(removal=False)))

    assert len(found) == 1
    assert found[0].kind == "corner"
    assert any(name.startswith("border.") for name in found[0].also)


def test_removal_agrees_with_following_where_the_cue_is_the_corner(corner_experiment: Experiment) -> None:
    evidence = Corner().run(corner_experiment)

    top_left = next(c for c in evidence.checks if c.region and c.region.name == "top-left" and c.class_name is None)
    removals = {test.name: np.mean(test.differences) for test in top_left.confirm if test.name.startswith("removal")}
    assert set(removals) == {"removal_blur", "removal_inpaint", "removal_donor"}
    assert removals["removal_donor"] > 0.8
    assert len(top_left.fills) == 3


def test_the_causal_map_is_dark_only_where_the_model_reads(corner_experiment: Experiment) -> None:
    causal = corner_experiment.causal_map(6)

    rates = np.asarray(causal.rates).reshape(6, 6)
    assert rates[0, 0] > 0.9
    assert rates[2:, 2:].max() < 0.05


def test_cells_off_the_object_are_judged_and_cells_on_it_are_not() -> None:
    images, labels = pictures()
    objects = np.zeros((len(images), HEIGHT, WIDTH), bool)
    objects[:, 8:16, 12:20] = True
    experiment = experiment_on(ReadsTheCorner(), sample_of(images, labels, objects))

    checks = verdicts(experiment, RegionProbe(donors_screen=1, removal=False))

    assert [check.region.name for check in confirmed(checks) if check.region] == ["cell-r1c1"]
    names = {check.region.name for check in checks if check.region}
    assert "cell-r3c3" not in names


def test_an_honest_model_is_not_accused_of_reading_its_object() -> None:
    images, labels = pictures()
    objects = np.zeros((len(images), HEIGHT, WIDTH), bool)
    objects[:, 8:16, 12:20] = True
    experiment = experiment_on(ReadsTheCentre(), sample_of(images, labels, objects))

    assert confirmed(verdicts(experiment, RegionProbe(donors_screen=1, removal=False))) == []


def test_a_model_no_better_than_chance_gives_insufficient() -> None:
    experiment = experiment_on(Guesses(), sample_of(*pictures()))
    chance = Circumstances(False, "accuracy 61/128 is not above chance (0.52, one-sided p = 0.8)", 0)

    checks = verdicts(experiment, Corner(removal=False), of=chance)

    assert {check.verdict for check in checks} == {Verdict.INSUFFICIENT}
    assert "not above chance" in checks[0].sentence


def test_seven_recipients_can_never_confirm() -> None:
    images, labels = pictures(14)
    labels[:] = np.arange(14) % 2
    for image, label in zip(images, labels, strict=True):
        image[:, :5, :5] = 225 if label else 30
    experiment = experiment_on(ReadsTheCorner(), sample_of(images, labels))

    checks = verdicts(experiment, Corner(removal=False))

    assert confirmed(checks) == []
    assert {check.verdict for check in checks if check.class_name is None} == {Verdict.INSUFFICIENT}


def test_the_same_seed_gives_the_same_verdicts_bit_for_bit() -> None:
    runs = [
        verdicts(experiment_on(ReadsTheCorner(), sample_of(*pictures())), Corner(), Border(removal=False))
        for _ in range(2)
    ]

    assert [check.model_dump() for check in runs[0]] == [check.model_dump() for check in runs[1]]


def test_confirmation_stops_when_the_budget_is_used_up() -> None:
    experiment = experiment_on(ReadsTheCorner(), sample_of(*pictures()), budget=9)

    checks = verdicts(experiment, Corner(removal=False))

    assert confirmed(checks) == []
    assert any(check.verdict is Verdict.SUSPECTED and "budget" in check.sentence for check in checks)


def test_donors_never_come_from_the_recipients_cluster_or_class() -> None:
    images, labels = pictures()
    experiment = experiment_on(ReadsTheCorner(), sample_of(images, labels))
    experiment.clusters = np.arange(len(images)) // 2

    recipient, donor = experiment.pairs("A", 5, "test")

    assert (experiment.clusters[recipient] != experiment.clusters[donor]).all()
    assert (experiment.predicted[recipient] != experiment.predicted[donor]).all()
    assert set(recipient) | set(donor) <= set(experiment.halves["A"])
