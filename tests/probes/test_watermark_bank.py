"""A model that reads a watermark is confirmed; one that merely loses what a mark hides is not accused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.evidence import ProbeEvidence
from auditor.experiments.experiment import Experiment
from auditor.findings.judging import Circumstances, judge
from auditor.findings.merging import merge
from auditor.interventions.marks import draw_mark
from auditor.probes.watermark_bank import WatermarkBank
from auditor.records import Box, Check, Verdict
from tests.models import experiment_on, sample_of

HEIGHT, WIDTH = 32, 40
FAIR = Circumstances(True, "", 0)


class ReadsText(nn.Module):
    """Says "bright" when Latin text lies anywhere in the picture, else by the brightness of the picture's left half."""

    def __init__(self) -> None:
        super().__init__()
        mark = draw_mark("latin", "centre", HEIGHT, WIDTH)
        shape = torch.from_numpy(mark.cover)
        self.register_buffer("shape", ((shape - shape.mean()) / ((shape - shape.mean()) * shape).sum())[None, None])

    def forward(self, x: Tensor) -> Tensor:
        grey = x.mean(1, keepdim=True)
        text = nn.functional.conv2d(grey, self.shape).amax((1, 2, 3)) - 0.2
        bright = (x[..., : WIDTH // 2].mean((1, 2, 3)) - 0.5).sign() * 0.1 + torch.relu(text) * 10
        return torch.stack([-bright, bright], dim=1) * 20


class ReadsTheLeftHalf(nn.Module):
    """Says "bright" when the left half is bright on average: any bright mark pushes it, whatever its shape."""

    def forward(self, x: Tensor) -> Tensor:
        bright = x[..., : WIDTH // 2].mean((1, 2, 3)) - 0.5
        return torch.stack([-bright, bright], dim=1) * 40


def scenes(count: int = 128, contrast: float = 20) -> tuple[np.ndarray, np.ndarray]:
    """Smooth noise, its left half darker or brighter by the label."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(count) % 2)
    images = rng.normal(127, 12, (count, 3, HEIGHT, WIDTH))
    images[..., : WIDTH // 2] += np.where(labels, contrast, -contrast)[:, None, None, None]
    return images.round().clip(0, 255).astype(np.uint8), labels


def run(module: nn.Module, contrast: float = 20, **options: object) -> tuple[Experiment, ProbeEvidence]:
    experiment = experiment_on(module, sample_of(*scenes(contrast=contrast)))
    return experiment, WatermarkBank(**options).run(experiment)  # type: ignore[arg-type]


def confirmed(evidence: ProbeEvidence) -> list[Check]:
    return [check for check in merge(judge(evidence.checks, FAIR)) if check.verdict is Verdict.CONFIRMED]


def test_a_model_that_reads_text_is_confirmed_and_the_class_is_named() -> None:
    _, evidence = run(ReadsText(), marks=("latin", "logo", "ruler"))

    found = {check.id: check for check in confirmed(evidence)}

    assert set(found) == {"overlay.bank:latin", "overlay.bank:latin.class-bright"}
    gap = found["overlay.bank:latin"].measurement("watermark_gap")
    assert gap is not None
    assert gap.value == pytest.approx(1 / 3, abs=0.08)  # the dark half of the pictures, at two of three opacities
    assert "watermark (latin)" in found["overlay.bank:latin"].sentence


@pytest.mark.parametrize("contrast", [2, 20])
def test_a_model_that_any_bright_mark_pushes_is_not_accused(contrast: float) -> None:
    _, evidence = run(ReadsTheLeftHalf(), contrast=contrast)

    assert confirmed(evidence) == []


def test_marks_that_do_nothing_are_screened_and_not_confirmed() -> None:
    experiment, evidence = run(ReadsText(), marks=("ruler", "logo"))

    assert all(not check.confirm and not check.stood_out for check in evidence.checks)
    assert {check.id for check in evidence.checks} == {"overlay.bank:ruler", "overlay.bank:logo"}
    assert {check.verdict for check in judge(evidence.checks, FAIR)} == {Verdict.NO_EVIDENCE}
    assert experiment.predictor.forwards == 128 + evidence.forwards


@pytest.mark.parametrize("budget", ["standard", "full"])
def test_no_more_forwards_are_spent_than_planned(budget: str) -> None:
    probe = WatermarkBank(**WatermarkBank.budgets[budget])
    experiment = experiment_on(ReadsText(), sample_of(*scenes()))

    evidence = probe.run(experiment)

    assert any(check.confirm for check in evidence.checks)
    assert evidence.forwards <= probe.forwards() * len(experiment.sample)
    assert evidence.forwards == experiment.predictor.forwards - 128
    assert probe.forwards() <= {"standard": 12, "full": 40}[budget]


def test_the_same_seed_gives_the_same_evidence() -> None:
    runs = [run(ReadsText(), marks=("latin", "logo"))[1] for _ in range(2)]

    assert runs[0] == runs[1]


def test_without_labels_a_changed_prediction_is_what_is_lost() -> None:
    images, labels = scenes()
    experiment = experiment_on(ReadsText(), sample_of(images, np.full_like(labels, -1)))

    evidence = WatermarkBank(marks=("latin",)).run(experiment)

    assert {check.id for check in confirmed(evidence)} >= {"overlay.bank:latin"}


def test_the_dose_response_rises_with_opacity_above_its_control() -> None:
    _, evidence = run(ReadsText(), marks=("latin",), placements=9)

    dose = next(check for check in evidence.checks if check.class_name is None).doses[0]

    assert dose.strengths == (0.3, 0.5, 1.0)
    assert dose.rates[0] < 0.1
    assert dose.rates[2] > 0.4
    assert dose.rates[2] > dose.controls[2] + 0.3
    assert all(low <= rate <= high for low, rate, high in zip(dose.lows, dose.rates, dose.highs, strict=True))


def test_examples_show_the_picture_that_the_model_saw() -> None:
    kept: dict[str, np.ndarray] = {}
    experiment = experiment_on(ReadsText(), sample_of(*scenes()))

    def keep(name: str, picture: np.ndarray) -> str:
        kept[name] = picture
        return name

    experiment.keep_picture = keep

    evidence = WatermarkBank(marks=("latin",)).run(experiment)

    examples = [example for check in evidence.checks for example in check.examples]
    assert examples
    for example in examples:
        scores = experiment.predictor.scores(torch.from_numpy(kept[example.picture][None]))
        assert experiment.classes[int(scores[0].argmax())] == example.after != example.before
        assert example.change.startswith("Latin text 'PHOTO' of opacity")
        assert example.donor == -1


def test_pictures_too_small_for_text_are_said_to_be_untested() -> None:
    images = np.full((16, 3, 12, 16), 100, dtype=np.uint8)
    experiment = experiment_on(ReadsTheLeftHalf(), sample_of(images, np.arange(16) % 2))

    evidence = WatermarkBank().run(experiment)

    assert evidence.forwards == 0
    assert {check.verdict for check in judge(evidence.checks, FAIR)} == {Verdict.NOT_TESTED}
    assert all("16×12 pixels" in str(check.not_tested) for check in evidence.checks)


def test_a_bank_that_outruns_the_budget_is_suspected_and_not_confirmed() -> None:
    experiment = experiment_on(ReadsText(), sample_of(*scenes()), budget=2)

    evidence = WatermarkBank(marks=("latin",)).run(experiment)

    assert {check.verdict for check in judge(evidence.checks, FAIR)} == {Verdict.SUSPECTED}


def test_a_mark_of_the_bank_is_never_merged_with_a_place() -> None:
    _, evidence = run(ReadsText(), marks=("latin",))
    checks = judge(evidence.checks, FAIR)
    corner = checks[0].model_copy(
        update={"id": "corner.top-left", "kind": "corner", "region": Box(name="top-left", box=(0, 0, 8, 8))}
    )

    merged = merge([*checks, corner])

    assert [check.id for check in merged] == [check.id for check in (*checks, corner)]
