from __future__ import annotations

import warnings

import pytest
import torch
import torchvision
from torch import nn

from auditor.engine.capture import capture
from auditor.visualizers import Need
from auditor.visualizers.saliency import Saliency
from tests.engine.networks import ClassTokenViT, PlainCnn, inputs, seeded
from tests.visualizers.oracles import correlation, shared_pass

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from captum.attr import Saliency as CaptumSaliency


@pytest.mark.parametrize(
    ("module", "layer"),
    [
        (seeded(PlainCnn), "features.3"),
        (seeded(ClassTokenViT), "encoder.layers.1"),
    ],
    ids=["cnn", "transformer"],
)
def test_saliency_is_that_of_captum(module: nn.Module, layer: str) -> None:
    x, targets = inputs(), torch.tensor([0, 3, 1, 2])
    expected = CaptumSaliency(module).attribute(x.clone().requires_grad_(), targets, abs=True).amax(1)

    maps = Saliency().maps(shared_pass(module, layer, x, targets)[layer])

    assert correlation(maps, expected) >= 0.9999
    torch.testing.assert_close(maps, expected)


@pytest.mark.parametrize(("name", "layer"), [("resnet18", "layer4"), ("mobilenet_v2", "features.18")])
def test_saliency_of_real_architectures_is_that_of_captum(name: str, layer: str) -> None:
    module = seeded(getattr(torchvision.models, name), weights=None)
    x, targets = inputs(2, height=96, width=64), torch.tensor([7, 900])
    expected = CaptumSaliency(module).attribute(x.clone().requires_grad_(), targets, abs=True).amax(1)

    maps = Saliency().maps(shared_pass(module, layer, x, targets)[layer])

    assert correlation(maps, expected) >= 0.9999


def test_saliency_of_a_linear_model_is_its_largest_absolute_weight_at_each_pixel() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 12, 5)).eval()
    targets = torch.tensor([2, 0])

    captured = capture(module, inputs(2), layers=[], needs=frozenset({Need.INPUT_GRADIENTS}), targets=targets)[None]
    maps = Saliency().maps(captured)

    expected = module[1].weight.detach()[targets].view(2, 3, 16, 12).abs().amax(1)
    torch.testing.assert_close(maps, expected)
