"""Tiny models that read one property of the whole picture, and drawn pictures where it gives a class away."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auditor.engine.predictor import Predictor
from auditor.experiments.experiment import Experiment, split_halves
from auditor.interventions.sharpness_transfer import recompressed
from tests.models import HEIGHT, WIDTH, loaded, sample_of

COUNT = 96
CLASSES = ("across", "down", "both")
Cue = Callable[[np.ndarray], np.ndarray]


class Reads(nn.Module):
    """Three logits: for a bar across and a bar down, read coarsely, and for a cue, whatever the bar says."""

    def forward(self, x: Tensor) -> Tensor:
        coarse = F.avg_pool2d(x.mean(1, keepdim=True), 4)
        across = coarse.mean(3).var((1, 2))
        down = coarse.mean(2).var((1, 2))
        shape = torch.log((across + 1e-6) / (down + 1e-6))
        return torch.stack([shape, -shape, self.cue(x)], dim=1) * 4

    def cue(self, x: Tensor) -> Tensor:
        """Above 20 where the third class is certain, below −20 where it is excluded."""
        return torch.full((len(x),), -20.0)


class ReadsTheCast(Reads):
    """Says "both" when the picture is more red than blue by a twentieth of the range."""

    def cue(self, x: Tensor) -> Tensor:
        cast = x[:, 0].mean((1, 2)) - x[:, 2].mean((1, 2))
        return ((cast - 0.05) * 1000).clamp(-20, 20)


class ReadsTheBlur(Reads):
    """Says "both" when neighbours hardly differ."""

    def cue(self, x: Tensor) -> Tensor:
        grey = x.mean(1)
        curved = (
            4 * grey[:, 1:-1, 1:-1] - grey[:, :-2, 1:-1] - grey[:, 2:, 1:-1] - grey[:, 1:-1, :-2] - grey[:, 1:-1, 2:]
        )
        return ((0.06 - curved.abs().mean((1, 2))) * 1000).clamp(-20, 20)


class ReadsTheBlocks(Reads):
    """Says "both" when steps across the 8-pixel grid of JPEG are larger than elsewhere, by their medians."""

    def cue(self, x: Tensor) -> Tensor:
        grey = x.mean(1)
        down, across = grey.diff(dim=1).abs(), grey.diff(dim=2).abs()
        rows, columns = torch.arange(down.shape[1]) % 8 == 7, torch.arange(across.shape[2]) % 8 == 7
        at_grid = torch.cat([down[:, rows].flatten(1), across[:, :, columns].flatten(1)], dim=1)
        elsewhere = torch.cat([down[:, ~rows].flatten(1), across[:, :, ~columns].flatten(1)], dim=1)
        ratio = (at_grid.median(1).values + 0.002) / (elsewhere.median(1).values + 0.002)
        return ((ratio - 2) * 1000).clamp(-20, 20)


class ReadsTheGhost(Reads):
    """Says "both" when pixels three down and three right are more alike than three down and three left, by medians."""

    def cue(self, x: Tensor) -> Tensor:
        fine = x.mean(1) - F.avg_pool2d(x.mean(1), 3, 1, 1, count_include_pad=False)
        down = (fine[:, 3:, 3:] - fine[:, :-3, :-3]).abs().flatten(1).median(1).values
        up = (fine[:, 3:, :-3] - fine[:, :-3, 3:]).abs().flatten(1).median(1).values
        return ((0.86 - down / up) * 1000).clamp(-20, 20)


class ReadsTheGrain(Reads):
    """Says "both" when the fine grain is coloured."""

    def cue(self, x: Tensor) -> Tensor:
        fine = x - F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        coloured = (fine[:, 0] - fine[:, 1]).std((1, 2)) / fine.mean(1).std((1, 2))
        return ((coloured - 1.0) * 1000).clamp(-20, 20)


class ReadsTheFrame(Reads):
    """Says "both" when the rim stands out by 56 grey levels; colours as of other pictures make it fade."""

    def cue(self, x: Tensor) -> Tensor:
        grey = x.mean(1)
        inner = grey[:, 2:-2, 2:-2]
        rim = (grey.sum((1, 2)) - inner.sum((1, 2))) / (HEIGHT * WIDTH - (HEIGHT - 4) * (WIDTH - 4))
        return ((rim - inner.flatten(1).median(1).values - 56 / 255) * 1000).clamp(-20, 20)


class EachOwn(nn.Module):
    """A class of its own for every brightness."""

    classes: ClassVar[int] = 12

    def forward(self, x: Tensor) -> Tensor:
        level = (x.mean((1, 2, 3)) * self.classes).floor().clamp(0, self.classes - 1)
        return -(level[:, None] - torch.arange(self.classes)).abs() * 5


def cast(picture: np.ndarray) -> np.ndarray:
    return picture + np.array([14, 0, -14], np.float32)[:, None, None]


def blur(picture: np.ndarray) -> np.ndarray:
    return np.stack([cv2.GaussianBlur(plane, (0, 0), 1.2) for plane in picture])


def ghost(picture: np.ndarray) -> np.ndarray:
    moved = np.pad(picture, ((0, 0), (3, 0), (3, 0)), mode="reflect")[:, :HEIGHT, :WIDTH]
    return (picture + moved) / 2


def jpeg(picture: np.ndarray) -> np.ndarray:
    return recompressed(picture.clip(0, 255).astype(np.uint8)[None], np.array([20]))[0].astype(np.float32)


def coloured_grain(picture: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(int(picture.sum()) % 9973).normal(0, 16, picture.shape[1:])
    return picture + np.stack([noise, -noise, np.zeros_like(noise)])


def framed_across(picture: np.ndarray) -> np.ndarray:
    changed = np.random.default_rng(int(picture.sum()) % 9973).normal(110, 7, picture.shape)
    changed[:, 8:14] += 60
    inner = changed[:, 2:-2, 2:-2].copy()
    changed[:] = 170
    changed[:, 2:-2, 2:-2] = inner
    return changed


def drawn(cue: Cue | None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Bars across or down on grain; a third of the pictures are labelled "both" and carry the cue.

    Without a cue the pictures are of two classes, and their colours lean towards the class, as sky and sea do.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(COUNT) % (2 if cue is None else 3)
    pictures = np.empty((COUNT, 3, HEIGHT, WIDTH), np.uint8)
    for place, label in enumerate(labels):
        picture = rng.normal(110, 7, (1, HEIGHT, WIDTH)).repeat(3, axis=0) + rng.normal(0, 2, (3, 1, 1))
        start = rng.integers(4, 14)
        if label == 0 or (label == 2 and rng.random() < 0.5):
            picture[:, start : start + 6] += 60
        else:
            picture[:, :, start : start + 6] += 60
        if cue is None:
            picture[2] += 20 * label * rng.random()
        picture = cue(picture.astype(np.float32)) if label == 2 and cue is not None else picture
        pictures[place] = picture.clip(0, 255).round().astype(np.uint8)
    return pictures, labels


def experiment_of(
    module: nn.Module, pictures: np.ndarray, labels: np.ndarray, budget: float = 60, clusters: np.ndarray | None = None
) -> Experiment:
    sample = sample_of(pictures, labels)
    predictor = Predictor(loaded(module, CLASSES), torch.device("cpu"), chunk=64)
    scores = predictor.scores(sample.images)
    predictor.forwards = 0
    clusters = np.arange(len(sample)) if clusters is None else clusters
    halves = split_halves(clusters, scores.argmax(axis=1), 0)
    return Experiment(sample, predictor, scores, CLASSES, clusters, halves, 0, budget * len(sample))
