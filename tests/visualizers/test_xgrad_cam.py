from __future__ import annotations

import warnings

import pytest
import torch
import torchvision
from torch import nn

from auditor.targets import as_targets
from auditor.visualizers import Captured
from auditor.visualizers.xgrad_cam import XGradCam
from tests.engine.networks import PlainCnn, inputs, seeded
from tests.visualizers.oracles import correlation, grad_cam_library, shared_pass

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pytorch_grad_cam import XGradCAM

TARGETS = torch.tensor([0, 3, 1])


@pytest.mark.parametrize(
    ("module", "layer", "side"),
    [
        (seeded(PlainCnn), "features.6", 16),
        (seeded(PlainCnn), "features.3", 16),
        (seeded(torchvision.models.resnet18, weights=None), "layer2", 96),
    ],
)
def test_it_is_that_of_pytorch_grad_cam(module: nn.Module, layer: str, side: int) -> None:
    x = inputs(3, height=side, width=side - side // 4)
    expected = grad_cam_library(XGradCAM, module, layer, x, TARGETS)

    maps = XGradCam().maps(shared_pass(module, layer, x, TARGETS)[layer])

    assert correlation(maps, expected) >= 0.9999
    torch.testing.assert_close(maps, torch.from_numpy(expected), rtol=1e-3, atol=float(expected.max()) * 1e-4)


def test_a_unit_that_cancels_out_or_never_answers_gets_no_weight() -> None:
    units = torch.tensor([[[[1.0, -1.0]], [[0.0, 0.0]], [[1.0, 3.0]]]])
    gradients = torch.tensor([[[[9.0, 1.0]], [[9.0, 1.0]], [[2.0, 6.0]]]])
    captured = Captured(
        torch.zeros(1, 3, 8, 6), torch.zeros(1, 5), as_targets(torch.zeros(1)), "layer", units, gradients
    )

    maps = XGradCam().maps(captured)

    torch.testing.assert_close(maps, torch.tensor([[[5.0, 15.0]]]))
