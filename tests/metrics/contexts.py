"""What a metric is given: tiny models, pictures and maps made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from auditor.engine.predictor import Predictor
from auditor.metrics import MapSet, MetricContext
from auditor.subjects import Sample
from tests.models import ReadsTheCorner, loaded, sample_of

SIZE = (16, 12)


class Weighs(nn.Module):
    """A linear model: class 1 as far as the weighted sum of the pixels, taken from grey, is above zero."""

    def __init__(self, weights: Tensor, gain: float = 1.0) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)
        self.gain = gain

    def forward(self, x: Tensor) -> Tensor:
        evidence = self.gain * ((x.mean(dim=1) - 0.5) * self.weights).sum((1, 2))
        return torch.stack([-evidence, evidence], dim=1)


def noise(count: int, seed: int = 0) -> Tensor:
    """Pictures of independent pixels: a blur leaves grey."""
    drawn = np.random.default_rng(seed).integers(0, 256, (count, 1, *SIZE))
    return torch.from_numpy(np.repeat(drawn, 3, axis=1).astype(np.uint8))


def context_of(
    module: nn.Module,
    images: Tensor,
    *,
    labels: np.ndarray | None = None,
    objects: np.ndarray | None = None,
    maps: list[MapSet] | None = None,
    make_maps: Callable[..., list[MapSet]] | None = None,
    seed: int = 0,
) -> MetricContext:
    """As an audit of that module on those pictures would give it."""
    unknown = np.full(len(images), -1)
    sample = sample_of(images.numpy(), unknown if labels is None else labels, objects)
    predictor = Predictor(loaded(module), torch.device("cpu"), chunk=16)
    scores = predictor.scores(images)
    return MetricContext(
        model=predictor.model,
        sample=sample,
        predictor=predictor,
        scores=scores,
        predicted=scores.argmax(axis=1),
        maps=maps or [],
        make_maps=make_maps or (lambda module, rows, images=None: []),
        seed=seed,
        progress=lambda done, total, what: None,
    )


def scored(scores: np.ndarray, labels: np.ndarray, clusters: np.ndarray | None = None) -> MetricContext:
    """A model that gave these scores, for metrics that look at nothing else."""
    images = np.zeros((len(scores), 3, *SIZE), np.uint8)
    sample: Sample = sample_of(images, labels)
    classes = tuple(f"class {index}" for index in range(scores.shape[1]))
    model = replace(loaded(ReadsTheCorner()), classes=classes)
    return MetricContext(
        model=model,
        sample=sample,
        predictor=Predictor(model, torch.device("cpu")),
        scores=scores.astype(np.float32),
        predicted=scores.argmax(axis=1),
        maps=[],
        make_maps=lambda module, rows, images=None: [],
        seed=0,
        progress=lambda done, total, what: None,
        clusters=clusters,
    )


def guesses(count: int, classes: int, seed: int = 0, *, skill: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores and labels of a model with some skill."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    logits = rng.normal(size=(count, classes)) + skill * np.eye(classes)[labels]
    scores = np.exp(logits)
    return scores / scores.sum(axis=1, keepdims=True), labels


def map_set(maps: np.ndarray, name: str = "by_hand", usable: np.ndarray | None = None) -> MapSet:
    """Maps of no layer, all usable unless said otherwise."""
    return MapSet(name, None, maps.astype(np.float32), np.ones(len(maps), bool) if usable is None else usable)
