"""Tiny networks of every build that the engine must cope with, for images of 16×12 pixels. All seeded."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from auditor.subjects import LoadedModel, PictureInfo, Preprocessing, Sample

HEIGHT, WIDTH = 16, 12
CLASSES = 5


class PlainCnn(nn.Module):
    """Two convolutions with batch norm, average pooling, one linear layer; grids of 16×12 and 8×6."""

    def __init__(self, *, inplace: bool = False, classes: int = CLASSES) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(inplace=inplace),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=inplace),
        )  # fmt: skip
        self.head = nn.Linear(8, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).mean((2, 3)))


class WritesAfterTheLayer(nn.Module):
    """Arithmetic in place on what a layer returned."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x.mul_(2)
        a = self.conv(x)
        a.relu_()
        b = self.second(a)
        b += a
        b.clamp_(min=0)
        return self.head(b.mean((2, 3)))


class WritesToACopy(WritesAfterTheLayer):
    """The same function without any writing in place: the oracle of `WritesAfterTheLayer`."""

    def forward(self, x: Tensor) -> Tensor:
        a = self.conv(x * 2)
        b = self.second(a.relu())
        return self.head((b + a.relu()).clamp(min=0).mean((2, 3)))


class ClassTokenViT(nn.Module):
    """Patches of 4×4 (a grid of 4×3), a class token and two registers; the head reads the class token alone."""

    def __init__(self, *, batch_first: bool = True, layers: int = 4) -> None:
        super().__init__()
        self.batch_first = batch_first
        self.embed = nn.Conv2d(3, 16, 4, 4)
        self.prefix = nn.Parameter(torch.randn(1, 3, 16))
        self.places = nn.Parameter(torch.randn(1, 15, 16) * 0.1)
        layer = nn.TransformerEncoderLayer(16, 4, 32, 0.1, batch_first=batch_first)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat((self.prefix.expand(len(x), -1, -1), tokens), 1) + self.places
        if self.batch_first:
            return self.head(self.encoder(tokens)[:, 0])
        return self.head(self.encoder(tokens.transpose(0, 1))[0])


class ChannelsLast(nn.Module):
    """Keeps its maps as (batch, rows, columns, units), as Swin does."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 10, 2, 2)
        self.norm = nn.LayerNorm(10)
        self.mix = nn.Linear(10, 10)
        self.head = nn.Linear(10, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.embed(x).permute(0, 2, 3, 1))
        return self.head(self.mix(x).relu().mean((1, 2)))


class RepeatedLayer(nn.Module):
    """Calls one convolution three times."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.shared = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        for _ in range(3):
            x = self.shared(x).tanh()
        return self.head(x.mean((2, 3)))


@dataclass
class Answer:
    """Scores among other things, as some libraries return them."""

    loss: float | None
    logits: Tensor
    last_hidden_state: Tensor


class Wrapped(nn.Module):
    """Layers and model return tuples, dicts or dataclasses around the tensors that count."""

    def __init__(self, kind: Literal["tuple", "dict", "dataclass"]) -> None:
        super().__init__()
        self.kind = kind
        self.inner = PlainCnn()
        self.body = Wrapping(self.inner.features, kind)

    def forward(self, x: Tensor) -> Any:
        returned = self.body(x)
        maps = returned[0] if self.kind == "tuple" else returned.get("maps") if isinstance(returned, dict) else None
        maps = returned.last_hidden_state if maps is None else maps
        logits = self.inner.head(maps.mean((2, 3)))
        if self.kind == "tuple":
            return logits, maps
        return OrderedDict(hidden=maps, logits=logits) if self.kind == "dict" else Answer(None, logits, maps)


class Wrapping(nn.Module):
    """A layer whose output is no bare tensor."""

    def __init__(self, body: nn.Module, kind: str) -> None:
        super().__init__()
        self.body = body
        self.kind = kind

    def forward(self, x: Tensor) -> Any:
        maps = self.body(x)
        if self.kind == "tuple":
            return maps, None
        return {"maps": maps} if self.kind == "dict" else Answer(None, torch.zeros(1), maps)


class Checkpointed(nn.Module):
    """Recomputes its middle during the backward."""

    def __init__(self, *, reentrant: bool) -> None:
        super().__init__()
        self.reentrant = reentrant
        self.inner = PlainCnn()

    def forward(self, x: Tensor) -> Tensor:
        features = self.inner.features
        x = checkpoint(features[:3], x, use_reentrant=self.reentrant)
        x = checkpoint(features[3:], x, use_reentrant=self.reentrant)
        return self.inner.head(x.mean((2, 3)))


class WithoutGraph(nn.Module):
    """Its forward is decorated, as inference code often is."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = PlainCnn()

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


class OnlyInference(WithoutGraph):
    """Its forward makes inference tensors, which no gradient can pass."""

    @torch.inference_mode()
    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


class RunsOutOfMemory(nn.Module):
    """Holds only so many images at a time."""

    def __init__(self, most: int, error: Exception) -> None:
        super().__init__()
        self.most = most
        self.error = error
        self.inner = PlainCnn()

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.most:
            raise self.error
        return self.inner(x)


def seeded(build: Any, *args: Any, **options: Any) -> Any:
    """The same weights each time, batch-norm statistics that are not the default's, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        module = build(*args, **options)
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean = torch.randn_like(part.running_mean) * 0.1
                part.running_var = torch.rand_like(part.running_var) + 0.5
                nn.init.uniform_(part.weight, 0.5, 1.5)
                nn.init.normal_(part.bias, std=0.1)
    return module.eval()


def inputs(count: int = 4, *, height: int = HEIGHT, width: int = WIDTH) -> Tensor:
    """Normalised inputs, the same each time."""
    return torch.randn((count, 3, height, width), generator=torch.Generator().manual_seed(3))


def loaded(
    module: nn.Module, output: Literal["softmax", "sigmoid", "logit", "embedding"] = "softmax", *, size: int = 0
) -> LoadedModel:
    """A model as a spec would load it."""
    height, width = (size, size) if size else (HEIGHT, WIDTH)
    preprocessing = Preprocessing(height, width, "squash", 1.0, (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    return LoadedModel(module, type(module).__name__, "python", (), output, preprocessing)


def images(count: int, *, height: int = HEIGHT, width: int = WIDTH) -> Tensor:
    """uint8 noise, the same each time."""
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)


def sample(pictures: Tensor) -> Sample:
    """A sample without files and labels."""
    count = len(pictures)
    return Sample(
        pictures=[PictureInfo(f"{i}.png", Path(f"{i}.png")) for i in range(count)],
        images=pictures,
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
