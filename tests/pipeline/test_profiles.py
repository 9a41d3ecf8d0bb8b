"""Profiles of layers in the report: one chart, a sentence for each odd layer, several charts for a deep network."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from auditor.engine.maps import MapRun
from auditor.pipeline.drawing import _network, draw_all
from auditor.pipeline.explained import Explained
from auditor.pipeline.gallery import Gallery
from auditor.pipeline.making import AllMaps
from auditor.pipeline.map_sheets import LAYERS, draw_profile
from auditor.plan import PlannedPart
from auditor.visualizers import LayerNumbers, Profile
from auditor.visualizers.activation_statistics import ActivationStatistics
from auditor.visualizers.weight_distributions import WeightDistributions
from tests.engine.networks import PlainCnn, seeded


class Folder:
    """Where figures go."""

    def __init__(self) -> None:
        self.path = Path()
        self.written: dict[str, bytes] = {}

    def write(self, path: str, content: bytes) -> None:
        self.written[path] = content


def gallery() -> Gallery:
    return Gallery(cast(Any, Folder()))


def drawn(module: nn.Module) -> tuple[Any, Explained]:
    subject = SimpleNamespace(model=SimpleNamespace(module=module), layers=SimpleNamespace(names=()))
    explained = Explained()
    item = PlannedPart("weight_distributions", WeightDistributions(), True, "full", None)
    explained.visualizations += _network(item, cast(Any, subject), gallery(), explained)
    (record,) = explained.visualizations
    return record, explained


def test_a_layer_that_is_broken_is_named_in_the_report() -> None:
    model = seeded(PlainCnn)
    with torch.no_grad():
        model.head.weight[0, 0] = math.nan

    record, explained = drawn(model)

    assert record.status == "ok"
    assert record.figures == ("figures/weight-distributions-" + record.figures[0].rsplit("-", 1)[1],)
    assert record.remarks == ("head: 1 of 40 weights are not finite.",)
    assert explained.failures == []


def test_a_model_without_weights_is_skipped_in_words() -> None:
    record, explained = drawn(nn.Flatten())

    assert (record.status, explained.failures) == ("skipped", [])
    assert "no convolution and no linear layer" in (record.reason or "")


def test_a_profile_of_the_sample_is_drawn_with_the_number_of_its_images() -> None:
    row = LayerNumbers(
        "layer4", np.ones(4, np.int64), 0.0, 1.0, {"dead": 2.0}, ["2 of 8 units never rise above 0: 1, 5"]
    )
    item = PlannedPart("activation_statistics", ActivationStatistics(), True, "full", None)
    plan = SimpleNamespace(visualizers=(item,))
    subject = SimpleNamespace(sample=range(7))
    made = AllMaps(MapRun(profiles={"activation_statistics": Profile([row], "What 1 layer puts out.")}))
    explained = Explained()

    draw_all(cast(Any, plan), cast(Any, subject), made, [], gallery(), explained)

    (record,) = explained.visualizations
    assert (record.status, record.images, len(record.figures)) == ("ok", 7, 1)
    assert record.remarks == ("layer4: 2 of 8 units never rise above 0: 1, 5.",)


def test_a_deep_network_takes_several_charts() -> None:
    rows = [LayerNumbers(f"layer{i}", np.ones(4, np.int64), -1.0, 1.0, {"mean": 0.0}) for i in range(LAYERS + 2)]
    pictures = gallery()

    paths = draw_profile("weights", Profile(rows, "Weights."), "Read it.", pictures)

    assert len(set(paths)) == 2
    half = LAYERS // 2 + 1
    assert f"Layers 1 to {half}." in pictures.pictures[paths[0]].caption
    assert f"Layers {half + 1} to {LAYERS + 2}." in pictures.pictures[paths[1]].caption, "of equal length"
