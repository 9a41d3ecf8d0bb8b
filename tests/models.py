"""Real tiny models with a known flaw, and pictures to go with them. Never mocks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from auditor.engine.predictor import Predictor
from auditor.experiments.experiment import Experiment, split_halves
from auditor.subjects import LoadedModel, PictureInfo, Preprocessing, Sample

HEIGHT, WIDTH = 24, 32
SPEC = """\
version: 1
name: toy
model:
  source: python
  factory: net.py:make
  classes: [dark, bright]
  input: {size: [24, 32], resize: squash, mean: [0, 0, 0], std: [1, 1, 1]}
dataset:
  source: folder
  path: pictures
"""
"""Of an audit of `net.py:make` on `save_pictures`; what is asked comes after it."""


class ReadsTheCorner(nn.Module):
    """Says 1 when the top-left 5×5 pixels are bright, whatever else is in the image."""

    def forward(self, x: Tensor) -> Tensor:
        brightness = x[:, :, :5, :5].mean((1, 2, 3))
        return torch.stack([0.5 - brightness, brightness - 0.5], dim=1) * 20


class ReadsTheCentre(nn.Module):
    """Says 1 when the central patch is bright, whatever else is in the image."""

    def forward(self, x: Tensor) -> Tensor:
        brightness = x[:, :, 8:16, 12:20].mean((1, 2, 3))
        return torch.stack([0.5 - brightness, brightness - 0.5], dim=1) * 20


class ReadsTheFrame(nn.Module):
    """Says 1 when the outermost two pixels are bright on the whole."""

    def forward(self, x: Tensor) -> Tensor:
        inner = x[:, :, 2:-2, 2:-2].sum((1, 2, 3))
        count = x.shape[1] * (x.shape[2] * x.shape[3] - (x.shape[2] - 4) * (x.shape[3] - 4))
        brightness = (x.sum((1, 2, 3)) - inner) / count
        return torch.stack([0.5 - brightness, brightness - 0.5], dim=1) * 20


class Guesses(nn.Module):
    """Decides by the sum of all pixels, which has nothing to do with the label."""

    def forward(self, x: Tensor) -> Tensor:
        parity = (x.sum((1, 2, 3)) * 1000).round() % 2
        return torch.stack([parity, 1 - parity], dim=1) * 10


def pictures(count: int = 128, seed: int = 0, *, cue: str = "both") -> tuple[np.ndarray, np.ndarray]:
    """Noise with a bright or dark patch in the corner, the centre and the frame; its brightness is the label."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    images = (rng.integers(0, 256, (count, 3, HEIGHT, WIDTH)) // 2 + 64).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        value = 225 if label else 30
        if cue == "frame":
            kept = image[:, 2:-2, 2:-2].copy()
            image[:] = value
            image[:, 2:-2, 2:-2] = kept
        else:
            image[:, :5, :5] = value
        image[:, 8:16, 12:20] = value
    return images, labels


def save_pictures(folder: Path, count: int = 64) -> None:
    """The same pictures as files, a folder a class: dark and bright."""
    images, labels = pictures(count)
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        file = folder / ("dark", "bright")[label] / f"{index:03d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), image.transpose(1, 2, 0)[:, :, ::-1])


def sample_of(images: np.ndarray, labels: np.ndarray, objects: np.ndarray | None = None) -> Sample:
    """A sample without files."""
    count = len(images)
    return Sample(
        pictures=[PictureInfo(f"{i:03d}.png", Path(f"{i:03d}.png"), int(labels[i])) for i in range(count)],
        images=torch.from_numpy(images),
        labels=np.asarray(labels),
        objects=objects,
        has_object=np.zeros(count, bool) if objects is None else objects.any(axis=(1, 2)),
        object_source="none" if objects is None else "mask",
        unreadable=[],
        converted=[],
        duplicates=[],
        available=count,
        digest="0" * 64,
        rule="all",
    )


def loaded(module: nn.Module, classes: tuple[str, ...] = ("dark", "bright")) -> LoadedModel:
    """The model as a spec would load it, for images in 0..1."""
    preprocessing = Preprocessing(HEIGHT, WIDTH, "squash", 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    return LoadedModel(module.eval(), type(module).__name__, "python", classes, "softmax", preprocessing)


def experiment_on(module: nn.Module, sample: Sample, *, seed: int = 0, budget: float = 120) -> Experiment:
    """Everything that a probe needs."""
    predictor = Predictor(loaded(module), torch.device("cpu"), chunk=64)
    scores = predictor.scores(sample.images)
    clusters = np.arange(len(sample))
    halves = split_halves(clusters, scores.argmax(axis=1), seed)
    return Experiment(sample, predictor, scores, ("dark", "bright"), clusters, halves, seed, budget * len(sample))
