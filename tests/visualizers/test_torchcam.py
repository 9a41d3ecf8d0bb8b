"""Class activation maps against torchcam, before it scales them to 0..1.

Its GradCAMpp divides a copy, and its EigenCAM has no sign: neither is an oracle.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from auditor.visualizers import MapVisualizer
from auditor.visualizers.cam import Cam
from auditor.visualizers.grad_cam import GradCam
from auditor.visualizers.layer_cam import LayerCam
from auditor.visualizers.xgrad_cam import XGradCam
from tests.engine.networks import PlainCnn, inputs, seeded
from tests.engine.test_volumes import PlainCnn3d, volumes
from tests.visualizers.oracles import shared_pass

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torchcam import methods


def theirs(method: Any, module: nn.Module, layer: str, x: torch.Tensor, targets: list[int], **options: Any) -> Any:
    """Raw maps, float (batch, rows, columns)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with method(module, layer, **options) as extract:
            (maps,) = extract(targets, module(x), normalized=False)
    return maps.detach().clamp(min=0)


@pytest.mark.parametrize(
    ("ours", "method"),
    [(GradCam(), methods.GradCAM), (XGradCam(), methods.XGradCAM), (LayerCam(), methods.LayerCAM)],
)
@pytest.mark.parametrize(("network", "layer"), [("cnn", "features.3"), ("cnn", "features.6"), ("resnet18", "layer3")])
def test_it_is_that_of_torchcam(ours: MapVisualizer, method: Any, network: str, layer: str) -> None:
    module = seeded(PlainCnn) if network == "cnn" else seeded(torchvision.models.resnet18, weights=None)
    x = inputs(3) if network == "cnn" else inputs(3, height=96, width=64)
    targets = [0, 3, 1]
    expected = theirs(method, module, layer, x, targets)

    maps = ours.maps(shared_pass(module, layer, x, torch.tensor(targets))[layer])

    scale = float(expected.max())
    assert scale > 0
    np.testing.assert_allclose(maps, expected, rtol=1e-3, atol=scale * 1e-4)


def test_cam_is_that_of_torchcam() -> None:
    module, x, targets = seeded(PlainCnn), inputs(3), [0, 3, 1]
    expected = theirs(methods.CAM, module, "features.6", x, targets, fc_layer="head")

    maps = Cam().maps(shared_pass(module, "features.6", x, torch.tensor(targets))["features.6"])

    np.testing.assert_allclose(maps, expected, rtol=1e-4, atol=1e-6)


def test_over_a_volume_it_is_that_of_torchcam() -> None:
    module, x, targets = seeded(PlainCnn3d), volumes(), [0, 3]
    expected = theirs(methods.GradCAM, module, "features.3", x, targets, input_shape=tuple(x.shape[1:]))

    maps = GradCam().maps(shared_pass(module, "features.3", x, torch.tensor(targets))["features.3"])

    np.testing.assert_allclose(maps, expected, rtol=1e-3, atol=float(expected.max()) * 1e-4)
