"""Grad-CAM and LayerCAM against closed forms, pytorch-grad-cam and captum."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from auditor.visualizers.grad_cam import GradCam
from auditor.visualizers.layer_cam import LayerCam
from tests.engine.networks import CLASSES, ClassTokenViT, PlainCnn, inputs, seeded
from tests.visualizers.oracles import correlation, grad_cam_library, shared_pass

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from captum.attr import LayerGradCam
    from pytorch_grad_cam import GradCAM, LayerCAM


def as_patches(tokens: Tensor) -> Tensor:
    return tokens[:, 3:].reshape(len(tokens), 4, 3, -1).permute(0, 3, 1, 2)


CASES: dict[str, tuple[Callable[[], nn.Module], str, int, Callable[[Tensor], Tensor] | None]] = {
    "cnn, late": (lambda: seeded(PlainCnn), "features.6", 0, None),
    "cnn, early": (lambda: seeded(PlainCnn), "features.3", 0, None),
    "resnet18": (lambda: seeded(torchvision.models.resnet18, weights=None), "layer4", 96, None),
    "resnet18, half-way": (lambda: seeded(torchvision.models.resnet18, weights=None), "layer2", 96, None),
    "mobilenet_v2": (lambda: seeded(torchvision.models.mobilenet_v2, weights=None), "features.18", 96, None),
    "transformer": (lambda: seeded(ClassTokenViT), "encoder.layers.2", 0, as_patches),
}


@pytest.fixture(params=CASES, scope="module")
def case(request: pytest.FixtureRequest) -> Any:
    build, layer, side, reshape = CASES[request.param]
    x = inputs(3, height=side, width=side - 32) if side else inputs(3)
    return build(), layer, x, torch.tensor([0, 3, 1]), reshape


def test_grad_cam_is_that_of_pytorch_grad_cam(case: Any) -> None:
    module, layer, x, targets, reshape = case
    expected = grad_cam_library(GradCAM, module, layer, x, targets, reshape)

    maps = GradCam().maps(shared_pass(module, layer, x, targets)[layer])

    assert maps.shape == expected.shape
    assert correlation(maps, expected) >= 0.9999
    torch.testing.assert_close(maps, torch.from_numpy(expected), rtol=1e-3, atol=float(expected.max()) * 1e-4)


def test_layer_cam_is_that_of_pytorch_grad_cam(case: Any) -> None:
    module, layer, x, targets, reshape = case
    expected = grad_cam_library(LayerCAM, module, layer, x, targets, reshape)

    maps = LayerCam().maps(shared_pass(module, layer, x, targets)[layer])

    assert correlation(maps, expected) >= 0.9999
    torch.testing.assert_close(maps, torch.from_numpy(expected), rtol=1e-3, atol=float(expected.max()) * 1e-4)


@pytest.mark.parametrize("case", [name for name in CASES if name != "transformer"], indirect=True)
def test_grad_cam_is_that_of_captum_which_lays_no_tokens_out(case: Any) -> None:
    module, layer, x, targets, _ = case
    found = LayerGradCam(module, module.get_submodule(layer)).attribute(x, targets, relu_attributions=True)

    maps = GradCam().maps(shared_pass(module, layer, x, targets)[layer])

    assert correlation(maps, found[:, 0]) >= 0.9999


def test_with_pooling_and_one_linear_layer_grad_cam_is_cam_divided_by_the_number_of_cells() -> None:
    module, x = seeded(PlainCnn), inputs()
    features = module.features(x).detach()
    targets = torch.arange(4) % CLASSES
    cam = torch.einsum("bk,bkij->bij", module.head.weight.detach()[targets], features)

    maps = GradCam().maps(shared_pass(module, "features.6", x, targets)["features.6"])

    torch.testing.assert_close(maps, cam.clamp(min=0) / (8 * 6))


def test_with_pooling_and_one_linear_layer_layer_cam_weighs_each_unit_by_its_positive_weight() -> None:
    module, x = seeded(PlainCnn), inputs()
    features = module.features(x).detach()
    targets = torch.arange(4) % CLASSES
    expected = torch.einsum("bk,bkij->bij", module.head.weight.detach()[targets].clamp(min=0), features) / (8 * 6)

    maps = LayerCam().maps(shared_pass(module, "features.6", x, targets)["features.6"])

    torch.testing.assert_close(maps, expected)
