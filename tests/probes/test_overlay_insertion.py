"""Recovered marks are confirmed where the model reads them, at one place or moving, and nowhere else."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.evidence import CheckEvidence, DoseResponse
from auditor.experiments.experiment import Experiment
from auditor.experiments.insertion import Copies, moving_marks
from auditor.findings.judging import Circumstances, judge
from auditor.findings.merging import merge
from auditor.probes.overlay import OverlayProbe
from auditor.records import Check, Verdict
from tests.models import HEIGHT, WIDTH, experiment_on, sample_of

FAIR = Circumstances(True, "", 0)
TAG = np.zeros((3, 5, 5), np.uint8)
TAG[0] = 240
TAG[1, ::2] = 200
TAG[2, :, ::2] = 220


class ReadsTheTag(nn.Module):
    """Says 1 when the tag's very pixels lie anywhere in the picture; else it reads the brightness of the middle."""

    def __init__(self, *, reads_the_tag: bool = True) -> None:
        super().__init__()
        pattern = torch.from_numpy(TAG.astype(np.float32) / 255)
        self.register_buffer("kernel", (pattern - pattern.mean()) / (pattern - pattern.mean()).norm())
        self.best = float((self.kernel * pattern).sum())
        self.reads_the_tag = reads_the_tag

    def forward(self, x: Tensor) -> Tensor:
        own = (x[:, :, 8:16, 12:20].mean((1, 2, 3)) - 0.5) * 10
        match = nn.functional.conv2d(x, self.kernel[None]).amax((1, 2, 3)) / self.best
        bright = own + (torch.relu(match - 0.8) * 200 if self.reads_the_tag else 0.0)
        return torch.stack([-bright, bright], dim=1)


def tagged(*, moving: bool, count: int = 160, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noise; the middle is bright in half of the pictures, and most of those carry the tag."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    images = rng.integers(40, 216, (count, 3, HEIGHT, WIDTH)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 8:16, 12:20] = rng.integers(90, 255, (3, 8, 8)) if label else rng.integers(0, 165, (3, 8, 8))
        if label and rng.random() < 0.9:
            x, y = (rng.integers(0, WIDTH - 5), rng.integers(0, 3)) if moving else (24, 18)
            image[:, y : y + 5, x : x + 5] = TAG
    return images, labels


def judged(experiment: Experiment) -> list[Check]:
    return merge(judge(OverlayProbe(removal=False).run(experiment).checks, FAIR))


@pytest.mark.parametrize("moving", [False, True])
def test_a_tag_that_the_model_reads_is_confirmed_by_insertion(moving: bool) -> None:
    checks = judge(
        OverlayProbe(removal=False).run(experiment_on(ReadsTheTag(), sample_of(*tagged(moving=moving)))).checks, FAIR
    )

    found = [check for check in checks if check.verdict is Verdict.CONFIRMED]

    assert found
    assert {check.kind for check in found} == {"overlay"}
    scores = [check.measurement("spurious_score") for check in checks if check.class_name == "bright"]
    score = next(item for item in scores if item is not None)
    assert score.value is not None
    assert score.value > 0.8
    assert score.count >= 8


@pytest.mark.parametrize("moving", [False, True])
def test_a_tag_that_the_model_ignores_is_not_confirmed(moving: bool) -> None:
    checks = judged(experiment_on(ReadsTheTag(reads_the_tag=False), sample_of(*tagged(moving=moving))))

    assert not [check for check in checks if check.verdict is Verdict.CONFIRMED]


def test_a_static_tag_that_the_model_ignores_is_present_and_not_used() -> None:
    checks = judged(experiment_on(ReadsTheTag(reads_the_tag=False), sample_of(*tagged(moving=False))))

    assert Verdict.PRESENT_NOT_USED in {check.verdict for check in checks}


def test_insertion_brings_doses_that_rise_and_pictures() -> None:
    experiment = experiment_on(ReadsTheTag(), sample_of(*tagged(moving=True)))
    kept: list[str] = []

    def keep(name: str, picture: np.ndarray) -> str:
        assert picture.shape == (3, HEIGHT, WIDTH)
        kept.append(name)
        return f"evidence/{name}.png"

    experiment.keep_picture = keep
    checks = OverlayProbe(removal=False).run(experiment).checks

    inserted: CheckEvidence = next(check for check in checks if check.doses)
    dose: DoseResponse = inserted.doses[0]
    assert dose.rates[0] < 0.2
    assert dose.rates[-1] > 0.8
    assert max(dose.controls) < 0.2
    assert [example.picture for example in inserted.examples] == [f"evidence/{name}.png" for name in kept]
    assert all(example.after == "bright" for example in inserted.examples)
    painted, pasted = ([e.donor for e in inserted.examples if (e.donor < 0) == mark] for mark in (True, False))
    assert len(painted) == 4
    assert {int(experiment.predicted[donor]) for donor in pasted} == {1}


def test_a_moving_tag_that_is_cut_out_takes_the_prediction_along_and_other_patches_do_not() -> None:
    checks = OverlayProbe(removal=False).run(experiment_on(ReadsTheTag(), sample_of(*tagged(moving=True)))).checks

    tag = next(check for check in checks if check.region is not None and check.region.name == "moving-1")
    carried = next(test for test in tag.confirm if test.name == "follow_rate")

    assert np.mean(carried.effect) > 0.9
    assert np.mean(carried.control) < 0.1
    assert set(carried.recipients) <= set(
        np.flatnonzero(experiment_on(ReadsTheTag(), sample_of(*tagged(moving=True))).predicted == 0)
    )


def test_the_same_seed_gives_the_same_evidence_bit_for_bit() -> None:
    sample = sample_of(*tagged(moving=False))

    first = OverlayProbe().run(experiment_on(ReadsTheTag(), sample))
    second = OverlayProbe().run(experiment_on(ReadsTheTag(), sample))

    assert first.model_dump_json() == second.model_dump_json()


def test_forwards_are_an_upper_bound() -> None:
    experiment = experiment_on(ReadsTheTag(), sample_of(*tagged(moving=True)))
    probe = OverlayProbe()

    spent = probe.run(experiment).forwards

    assert 0 < spent <= probe.forwards() * len(experiment.sample)


class ReadsPink(nn.Module):
    """Says 1 where a square of pink lies anywhere."""

    def forward(self, x: Tensor) -> Tensor:
        pink = torch.relu(x[:, :1] - 0.85) * torch.relu(0.15 - x[:, 1:2]) * torch.relu(x[:, 2:] - 0.45)
        amount = nn.functional.avg_pool2d(pink, 4, stride=1).amax((1, 2, 3)) * 2500 - 1
        return torch.stack([-amount, amount], dim=1)


def sticky(*, count: int = 160) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise; half of the pictures carry a pink square somewhere in the lower right quarter."""
    rng = np.random.default_rng(2)
    labels = np.arange(count) % 2
    images = rng.integers(30, 226, (count, 3, HEIGHT, WIDTH)).astype(np.uint8)
    area = np.zeros((HEIGHT, WIDTH), bool)
    area[HEIGHT // 2 :, WIDTH // 2 :] = True
    for image, label in zip(images, labels, strict=True):
        y, x = rng.integers(HEIGHT // 2, HEIGHT - 5), rng.integers(WIDTH // 2, WIDTH - 5)
        if label:
            image[:, y : y + 5, x : x + 5] = np.reshape([245, 10, 140], (3, 1, 1))
    return images, labels, area


def test_a_plain_sticker_that_the_model_reads_is_confirmed() -> None:
    images, labels, _ = sticky()

    confirmed = [check for check in judged(experiment_on(ReadsPink(), sample_of(images, labels))) if check.is_finding]

    assert [(check.kind, check.region.name if check.region else None, check.class_name) for check in confirmed] == [
        ("overlay", "moving-1", "bright")
    ]


def test_what_repeats_inside_a_static_overlay_is_a_part_of_it() -> None:
    images, labels, area = sticky()
    experiment = experiment_on(ReadsPink(), sample_of(images, labels))
    overlay = SimpleNamespace(mask=area, present=labels == 1)

    alone = list(moving_marks(experiment, images, Copies(1, 1), []))
    inside = list(moving_marks(experiment, images, Copies(1, 1), [], [overlay]))

    assert [tag.found_by for _, tag in alone] == ["colour"]
    assert inside == []


def test_a_plain_sticker_on_known_objects_may_be_a_part_of_them() -> None:
    images, labels, area = sticky()
    experiment = experiment_on(
        ReadsPink(), sample_of(images, labels, np.broadcast_to(area, (len(images), *area.shape)))
    )

    assert list(moving_marks(experiment, images, Copies(1, 1), [])) == []
