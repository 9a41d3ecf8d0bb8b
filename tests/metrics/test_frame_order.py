"""Frame order: models whose use of time is known."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.engine.predictor import Predictor
from auditor.media import Medium
from auditor.metrics import MetricContext
from auditor.metrics.frame_order import FrameOrder, order_of
from auditor.records import Measurement
from auditor.statistics.intervals import clopper_pearson
from auditor.subjects import LoadedModel, Preprocessing, Stack, VolumeSample
from tests.engine.networks import sample

COUNT, FRAMES = 12, 6
PREPROCESSING = Preprocessing(4, 5, "squash", 1.0, (0.0,), (1.0,), channels="grey", depth=FRAMES)


class MeanOverFrames(nn.Module):
    """Class 1 where the clip is bright, whenever."""

    def forward(self, x: Tensor) -> Tensor:
        level = 40 * (x.mean((1, 2, 3, 4)) - 0.5)
        return torch.stack((-level, level), 1)


class Brightens(nn.Module):
    """Class 1 where the second half is brighter than the first."""

    def forward(self, x: Tensor) -> Tensor:
        level = 40 * (x[:, :, FRAMES // 2 :].mean((1, 2, 3, 4)) - x[:, :, : FRAMES // 2].mean((1, 2, 3, 4)))
        return torch.stack((-level, level), 1)


def measured(module: nn.Module, images: Tensor, clusters: np.ndarray | None = None) -> dict[str, Measurement]:
    flat = sample(images)
    known: dict[str, Any] = {field.name: getattr(flat, field.name) for field in fields(flat)}
    clips = VolumeSample(**known, of=Medium.CLIP, stacks=[Stack("drawn")] * len(images))
    model = LoadedModel(module, "net", "python", (), "softmax", PREPROCESSING)
    predictor = Predictor(model, torch.device("cpu"), chunk=5)
    scores = predictor.scores(images)
    context = MetricContext(
        model=model, sample=clips, predictor=predictor, scores=scores, predicted=scores.argmax(1), maps=[],
        make_maps=lambda module, rows, images=None: [], seed=0, progress=lambda done, total, what: None,
        clusters=clusters,
    )  # fmt: skip
    return {item.name: item for item in FrameOrder().measure(context).measurements}


def clips() -> Tensor:
    """Each brightens or darkens steadily, in turn; all have the same mean but for a little that goes the same way."""
    ramp = torch.arange(FRAMES).float() * 30
    rows = [(ramp if index % 2 else ramp.flip(0)) + (60 if index % 2 else 45) for index in range(COUNT)]
    return torch.stack(rows).view(COUNT, 1, FRAMES, 1, 1).expand(-1, -1, -1, 4, 5).to(torch.uint8).contiguous()


def test_a_model_that_averages_over_time_keeps_all_when_the_order_changes() -> None:
    found = measured(MeanOverFrames(), clips())

    for name in ("kept_with_frames_shuffled", "kept_with_frames_reversed"):
        assert found[name].value == 1
        assert (found[name].low, found[name].high) == clopper_pearson(COUNT, COUNT)
        assert "falls by 0.00" in str(found[name].note).replace("-0.00", "0.00")


def test_a_model_that_reads_a_change_keeps_nothing_when_time_runs_backwards() -> None:
    found = measured(Brightens(), clips())

    assert found["kept_with_frames_reversed"].value == 0
    assert found["kept_with_frames_reversed"].high == clopper_pearson(0, COUNT)[1]
    assert found["kept_with_one_frame"].value == 0.5, "without a change it always says 0"


def test_clips_that_belong_together_are_resampled_together() -> None:
    found = measured(Brightens(), clips(), np.arange(COUNT) // 2)["kept_with_frames_shuffled"]

    assert "bootstrap over clusters" in str(found.note)


def test_one_frame_has_no_order() -> None:
    found = measured(MeanOverFrames(), clips()[:, :, :1])

    assert all(item.value is None and item.reason == "clips of one frame have no order" for item in found.values())


@pytest.mark.parametrize("frames", [2, 3, 16])
def test_a_random_order_is_another_one_and_always_the_same(frames: int) -> None:
    order = order_of(frames, [0, 21, 3])

    assert sorted(order.tolist()) == list(range(frames))
    assert order.tolist() != list(range(frames))
    assert order.tolist() == order_of(frames, [0, 21, 3]).tolist()
