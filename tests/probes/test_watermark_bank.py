"""A model that reads a watermark is confirmed; one that merely loses what a mark hides is not accused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.evidence import ProbeEvidence
from auditor.experiment import Experiment
from auditor.findings.judging import Circumstances, judge
from auditor.findings.merging import merge
from auditor.interventions.marks import draw_mark
from auditor.probes.watermark_bank import WatermarkBank
from auditor.records import Check, Verdict
from tests.models import experiment_on, sample_of

HEIGHT, WIDTH = 32, 40
FAIR = Circumstances(True, "", 0)


class ReadsText(nn.Module):
    """Says "bright" when Latin text lies anywhere in the picture, else by the brightness of the picture's left half."""

    def __init__(self) -> None:
        super().__init__()
        mark = draw_mark("latin", "centre", HEIGHT, WIDTH)
        x1, y1, x2, y2 = mark.box
        shape = torch.from_numpy(mark.cover[y1:y2, x1:x2])
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
