from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn

from auditor.engine.capture import capture
from auditor.visualizers import Need
from tests.engine.networks import CLASSES, ClassTokenViT, PlainCnn, inputs, seeded

HEAD = frozenset({Need.ACTIVATIONS, Need.HEAD})


class TwoLinearLayers(nn.Module):
    """Pools and then classifies with a hidden layer: not of the form, though its last layer has the fitting size."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 8, 3)
        self.hidden = nn.Linear(8, 8)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.hidden(self.body(x).mean((2, 3))).relu())


class PoolsLast(nn.Module):
    """Classifies each place by a 1×1 convolution and pools the scores."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 8, 3)
        self.head = nn.Conv2d(8, CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x)).mean((2, 3))


def head_of(module: nn.Module, layer: str, side: int = 16) -> Tensor | None:
    return capture(module, inputs(2, height=side, width=side), layers=[layer], needs=HEAD)[layer].head


def test_pooling_and_one_linear_layer_is_recognised() -> None:
    module = seeded(PlainCnn)

    found = head_of(module, "features.6")

    assert found is not None
    assert torch.equal(found, module.head.weight)


def test_a_convolution_of_one_pixel_before_the_pooling_is_the_same() -> None:
    module = seeded(PoolsLast)

    found = head_of(module, "body")

    assert found is not None
    assert torch.equal(found, module.head.weight[:, :, 0, 0])


@pytest.mark.parametrize(("name", "layer"), [("resnet18", "layer4"), ("mobilenet_v2", "features")])
def test_real_architectures_are_recognised(name: str, layer: str) -> None:
    module = seeded(getattr(torchvision.models, name), weights=None)

    assert head_of(module, layer, 64) is not None


@pytest.mark.parametrize(
    ("module", "layer"),
    [
        (seeded(TwoLinearLayers), "body"),
        (seeded(PlainCnn), "features.5"),
        (seeded(PlainCnn), "features.3"),
    ],
    ids=["hidden layer", "another layer of the same size", "earlier layer"],
)
def test_any_other_head_is_not(module: nn.Module, layer: str) -> None:
    assert head_of(module, layer) is None


def test_a_transformer_that_reads_its_class_token_is_not() -> None:
    found = capture(seeded(ClassTokenViT), inputs(), layers=["encoder.layers.2"], needs=HEAD)

    assert found["encoder.layers.2"].head is None
