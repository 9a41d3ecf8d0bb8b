"""A study run as an audit runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from auditor.engine.maps import make_maps
from auditor.engine.predictor import Predictor
from auditor.engine.studying import lend
from auditor.studies import Audited, Study
from auditor.subjects import LoadedModel, Sample
from auditor.visualizers import StudyVisualizer
from tests.engine.networks import sample


def prepared(
    model: LoadedModel, pictures: Tensor, layers: Sequence[str], *, labels: np.ndarray | None = None, **options: Any
) -> tuple[Audited, Predictor, Sample]:
    """What a study is lent, and the predictor that counts what it costs."""
    given = sample(pictures)
    if labels is not None:
        given = replace(given, labels=labels)
    predictor = Predictor(model, torch.device("cpu"), chunk=8)
    return lend(predictor, given, layers, **options), predictor, given


def studied(
    visualizer: StudyVisualizer, model: LoadedModel, pictures: Tensor, layers: Sequence[str], **options: Any
) -> list[Study]:
    """What the study brings home; the shared pass comes before, in chunks of 4."""
    audited, predictor, given = prepared(model, pictures, layers, **options)
    module: nn.Module = model.module
    run = make_maps(
        model, module, given, [visualizer], list(layers), device=torch.device("cpu"), chunk=4, predictor=predictor
    )
    assert run.failures == []
    return list(visualizer.study(audited, run.observed.get(visualizer.part_name(), ())))
