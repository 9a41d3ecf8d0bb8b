"""The networks and pictures that are timed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch import Tensor, nn

from auditor.engine.predictor import Predictor
from auditor.subjects import LoadedModel, PictureInfo, Preprocessing, Sample

__all__ = ["MODELS", "Bench", "make_bench", "single_thread"]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MODELS = {
    "resnet18": ("layer1", "layer2", "layer3", "layer4"),
    "resnet50": ("layer1", "layer2", "layer3", "layer4"),
    "mobilenet_v3_small": ("features.1", "features.3", "features.8", "features.12"),
}
"""Network of torchvision → four target layers, the last block last."""


@dataclass(frozen=True)
class Bench:
    """One network with pictures, as an audit would hold them.

    Attributes:
        name: Of the network.
        layers: Four target layers, the last block last.
        inputs: The pictures, normalised, on the device: what plain forwards get.
    """

    name: str
    layers: tuple[str, ...]
    model: LoadedModel
    sample: Sample
    inputs: Tensor
    device: torch.device
    predictor: Predictor
    peers_module: nn.Module
    """A copy for other libraries: ours is lent out as in an audit, and must not be changed."""

    @property
    def module(self) -> nn.Module:
        """In eval mode, on the device."""
        return self.model.module

    def forward(self, count: int, chunk: int = 8) -> Callable[[], None]:
        """The unit: a plain forward of the first pictures, in chunks."""

        def run() -> None:
            with torch.inference_mode():
                for start in range(0, count, chunk):
                    self.module(self.inputs[start : min(start + chunk, count)])

        return run

    def classes(self, count: int) -> list[int]:
        """The predicted class of the first pictures."""
        with torch.inference_mode():
            return [int(found) for found in self.module(self.inputs[:count]).argmax(dim=1)]


def make_bench(name: str, device: torch.device, *, count: int = 32, side: int = 224, statistics: bool = True) -> Bench:
    """A network of torchvision with the weights that it starts from, and blurred noise for pictures.

    Args:
        name: Of `MODELS`.
        device: Where it runs.
        count, side: Pictures, and their side in pixels.
        statistics: Whether batch normalisations take their statistics from the pictures, so that activations are of
            ordinary size. Costs a forward.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = torchvision.models.get_model(name, weights=None)
        coarse = torch.rand((count, 3, side // 8, side // 8))
        pictures = torch.nn.functional.interpolate(coarse, size=side, mode="bicubic") + 0.1 * torch.randn(1, 1, side, 1)
    images = (pictures * 255).round().clamp(0, 255).to(torch.uint8)
    preprocessing = Preprocessing(side, side, "squash", 1.0, MEAN, STD)
    inputs = preprocessing.to_input(images)
    if statistics:
        _take_statistics(module, inputs[:8])
    module = module.eval().to(device)
    model = LoadedModel(module, name, "torchvision", (), "softmax", preprocessing)
    predictor, twin = Predictor(model, device), copy.deepcopy(module)
    return Bench(name, MODELS[name], model, _sample(images), inputs.to(device), device, predictor, twin)


@contextmanager
def single_thread() -> Iterator[None]:
    """One thread inside: the process's CPU time is then what a core needs, whatever else the machine does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _take_statistics(module: nn.Module, inputs: Tensor) -> None:
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    module.eval()
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    with torch.no_grad():
        module(inputs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def _sample(images: Tensor) -> Sample:
    count = len(images)
    return Sample(
        pictures=[PictureInfo(f"{index}.png", Path(f"{index}.png")) for index in range(count)],
        images=images,
        labels=np.full(count, -1, dtype=np.int64),
        objects=None,
        has_object=np.zeros(count, dtype=bool),
        object_source="none",
        unreadable=(),
        converted=(),
        duplicates=(),
        available=count,
        digest="",
        rule="all",
    )
