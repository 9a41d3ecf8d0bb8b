"""A model that leans on what one site shows is confirmed there; one that is right everywhere is not accused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor import evidence as measured
from auditor.evidence import CheckEvidence
from auditor.experiments.experiment import Experiment
from auditor.findings.judging import Circumstances, judge
from auditor.probes.group import Group
from auditor.records import Box, Check, Grade, Measurement, Verdict
from tests.models import HEIGHT, WIDTH, ReadsTheCentre, ReadsTheCorner, experiment_on, pictures, sample_of

FAIR = Circumstances(True, "", 0)


class KnowsTheSite(nn.Module):
    """Reads the centre, and carries the brightness of the bottom right corner along without using it."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(2, 2)
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor([[-20.0, 0.0], [20.0, 0.0]]))
            self.head.bias.copy_(torch.tensor([10.0, -10.0]))

    def forward(self, x: Tensor) -> Tensor:
        centre, corner = x[:, :, 8:16, 12:20].mean((1, 2, 3)), x[:, :, -4:, -4:].mean((1, 2, 3))
        return torch.as_tensor(self.head(torch.stack([centre, corner], dim=1)))


def grouped(
    module: nn.Module, images: np.ndarray, labels: np.ndarray, *, objects: np.ndarray | None = None, **columns: object
) -> Experiment:
    sample = sample_of(images, labels, objects)
    rows = [{name: str(cells[i]) for name, cells in columns.items()} for i in range(len(labels))]  # type: ignore[index]
    described = [replace(picture, groups=row) for picture, row in zip(sample.pictures, rows, strict=True)]
    return experiment_on(module, replace(sample, pictures=described))


def judged(experiment: Experiment, probe: Group | None = None) -> list[Check]:
    return judge((probe or Group()).run(experiment).checks, FAIR)


def sites(count: int = 128, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).choice(["north", "south", "west"], count)


def test_a_model_that_reads_a_tag_fails_the_site_without_tags() -> None:
    images, labels = pictures()
    site = sites()
    images[site == "north", :, :5, :5] = 30

    check = judged(grouped(ReadsTheCorner(), images, labels, site=site))[0]

    assert check.id == "group.site:north"
    assert check.verdict is Verdict.CONFIRMED
    assert check.grade is Grade.SEVERE
    assert "what sets site 'north' apart: accuracy in the worst group lies" in check.sentence
    gap = check.measurement("group_gap")
    assert gap is not None
    assert gap.value == pytest.approx(labels[site == "north"].mean(), abs=0.05)
    accuracy = check.measurement("accuracy_south")
    assert accuracy is not None
    assert (accuracy.value, accuracy.count) == (1.0, (site == "south").sum())
    assert check.recommendation


def test_a_model_that_is_right_everywhere_is_not_accused() -> None:
    images, labels = pictures()

    checks = judged(grouped(ReadsTheCentre(), images, labels, site=sites()))

    assert {check.verdict for check in checks} <= {Verdict.NO_EVIDENCE, Verdict.INSUFFICIENT}
    assert checks[0].minimum_detectable_effect is not None
    assert 0.05 < checks[0].minimum_detectable_effect < 0.25


def test_a_site_with_more_of_the_hard_class_is_not_accused() -> None:
    images, labels = pictures(256)
    rng = np.random.default_rng(0)
    hard = np.flatnonzero((labels == 1) & (rng.random(256) < 0.4))
    images[hard, :, 8:16, 12:20] = 30
    site = np.where(rng.random(256) < np.where(labels == 1, 0.8, 0.2), "north", "south")

    evidence = Group().run(grouped(ReadsTheCentre(), images, labels, site=site)).checks

    accuracies = {m.name: m.value for m in evidence[0].further}
    assert accuracies["accuracy_south"] - accuracies["accuracy_north"] > 0.15  # type: ignore[operator]
    assert all(check.verdict is not Verdict.CONFIRMED for check in judge(evidence, FAIR))
    assert evidence[0].tested[0].p > 0.05


def test_gaps_that_cancel_out_over_classes_are_found_within_them() -> None:
    images, labels = pictures(256)
    agrees = np.random.default_rng(0).random(256) < 0.75
    ward = np.where(agrees, labels, 1 - labels)
    for image, at in zip(images, ward, strict=True):
        image[:, :5, :5] = 225 if at else 30

    checks = judged(grouped(ReadsTheCorner(), images, labels, ward=np.array(["A", "B"])[ward]))

    assert checks[0].class_name is None
    assert checks[0].verdict is not Verdict.CONFIRMED
    within = {check.class_name: check for check in checks[1:]}
    assert within["bright"].verdict is Verdict.CONFIRMED
    assert within["bright"].region is not None
    assert within["bright"].region.name == "ward:A"
    assert within["dark"].region is not None
    assert within["dark"].region.name == "ward:B"


def test_a_site_that_is_known_but_not_used_is_encoded_never_confirmed() -> None:
    images, labels = pictures()
    site = sites()
    images[site == "west", :, -4:, -4:] = 250

    check = judged(grouped(KnowsTheSite(), images, labels, site=site))[0]

    assert check.verdict is Verdict.ENCODED
    read = check.measurement("decodability")
    assert read is not None
    assert read.value is not None
    assert read.value > 0.5


def test_where_the_model_looks_is_reported_by_group_and_never_decides() -> None:
    images, labels = pictures()
    site = np.where(np.arange(128) % 2, "north", "south")
    images[site == "north", :, :2] = 255
    objects = np.zeros((128, HEIGHT, WIDTH), bool)
    objects[:, 8:16, 12:20] = True

    class ReadsTheSky(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            score = (x[:, :, 8:16, 12:20].mean((1, 2, 3)) - 0.5) * 20
            sky = x[:, :, :2].mean((1, 2, 3))
            return torch.stack([-score, score], dim=1) * (1 + sky)[:, None]

    with_masks = judged(grouped(ReadsTheSky(), images, labels, objects=objects, site=site))[0]
    without = judged(grouped(ReadsTheSky(), images, labels, site=site))[0]

    assert with_masks.verdict is not Verdict.CONFIRMED
    for check, name in ((with_masks, "attention_off_object"), (without, "attention_rim")):
        delta = check.measurement(name)
        assert delta is not None
        assert delta.value is not None
        assert abs(delta.value) > 0.33


def test_without_metadata_it_is_not_tested_and_costs_nothing() -> None:
    experiment = experiment_on(ReadsTheCentre(), sample_of(*pictures()))
    before = experiment.predictor.forwards

    evidence = Group().run(experiment)

    assert [check.id for check in evidence.checks] == ["group"]
    assert "names no groups" in str(evidence.checks[0].not_tested)
    assert experiment.predictor.forwards == before


def test_small_groups_are_said_and_count_as_the_rest() -> None:
    images, labels = pictures()
    site = np.where(np.arange(128) < 12, "island", np.where(np.arange(128) % 2, "north", "south"))

    evidence = Group().run(grouped(ReadsTheCentre(), images, labels, site=site))

    assert any("'island' (12)" in note for note in evidence.notes)
    assert not any(check.region is not None and "island" in check.region.name for check in evidence.checks)


def test_a_sample_whose_sites_are_its_classes_is_not_tested() -> None:
    images, labels = pictures()

    checks = judged(grouped(ReadsTheCentre(), images, labels, site=labels))

    assert [check.verdict for check in checks] == [Verdict.NOT_TESTED]
    assert "of the same true classes" in checks[0].sentence


def test_a_gap_that_only_one_of_many_tests_shows_is_suspected() -> None:
    gap = Measurement(name="group_gap", value=0.2, low=0.02, high=0.4, count=40)
    item = CheckEvidence(
        kind="group",
        region=Box(name="site:north"),
        stood_out=True,
        tested=(measured.TestedEffect(name="group_gap", measurement=gap, p=0.03, detectable=0.2),),
    )
    others = [item.model_copy(update={"region": Box(name=f"sex:{i}"), "stood_out": False}) for i in range(3)]

    checks = judge([item, *others], FAIR)

    assert checks[0].verdict is Verdict.SUSPECTED
    assert "after correction" in checks[0].sentence
    assert checks[1].verdict is Verdict.NO_EVIDENCE
    assert "an effect of 20 % would have been seen" in checks[1].sentence


def test_forwards_stay_within_the_bound_and_seeds_repeat() -> None:
    images, labels = pictures()

    def run(probe: Group) -> tuple[float, tuple[CheckEvidence, ...]]:
        experiment = grouped(KnowsTheSite(), images, labels, site=sites())
        before = experiment.predictor.forwards
        checks = probe.run(experiment).checks
        return (experiment.predictor.forwards - before) / len(labels), checks

    for probe in (Group(), Group(attention=False)):
        spent, checks = run(probe)
        assert 0 < spent <= probe.forwards()
        assert run(probe)[1] == checks
