from __future__ import annotations

import warnings

import pytest
import torch
import torchvision
from torch import Tensor, nn

from auditor.targets import as_targets
from auditor.visualizers import Captured
from auditor.visualizers.grad_cam_plus_plus import GradCamPlusPlus
from tests.engine.networks import PlainCnn, inputs, seeded
from tests.visualizers.oracles import correlation, grad_cam_library, shared_pass

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pytorch_grad_cam import GradCAMPlusPlus

TARGETS = torch.tensor([0, 3, 1])


def louder(module: nn.Module, last: nn.Linear) -> nn.Module:
    """The library adds 1e-6 to squares of gradients; on scores this large that does not count."""
    last.weight.data *= 1000
    return module


def cnn() -> nn.Module:
    module = seeded(PlainCnn)
    return louder(module, module.head)


def resnet() -> nn.Module:
    module = seeded(torchvision.models.resnet18, weights=None)
    return louder(module, module.fc)


@pytest.mark.parametrize(
    ("module", "layer", "side"),
    [(cnn(), "features.6", 16), (cnn(), "features.3", 16), (resnet(), "layer4", 96), (resnet(), "layer2", 96)],
)
def test_it_is_that_of_pytorch_grad_cam(module: nn.Module, layer: str, side: int) -> None:
    x = inputs(3, height=side, width=side - side // 4)
    expected = grad_cam_library(GradCAMPlusPlus, module, layer, x, TARGETS)

    maps = GradCamPlusPlus().maps(shared_pass(module, layer, x, TARGETS)[layer])

    assert correlation(maps, expected) >= 0.9999
    torch.testing.assert_close(maps, torch.from_numpy(expected), rtol=1e-3, atol=float(expected.max()) * 1e-4)


def slow_twin(units: Tensor, gradients: Tensor) -> Tensor:
    """Position by position, as the source writes it."""
    total = torch.zeros(units.shape[1:], dtype=units.dtype)
    for unit, gradient in zip(units, gradients, strict=True):
        weight = 0.0
        for g in gradient.ravel().tolist():
            below = 2 * g**2 + float(unit.sum()) * g**3
            weight += (g**2 / below if below else 0.0) * max(g, 0.0)
        total += weight * unit
    return total.clamp(min=0)


def test_it_is_the_sources_formula_whatever_the_size_of_the_gradients() -> None:
    generator = torch.Generator().manual_seed(0)
    units = torch.rand((2, 3, 4, 3), generator=generator, dtype=torch.float64)
    for size in (1e-6, 1.0, 1e6):
        gradients = torch.randn((2, 3, 4, 3), generator=generator, dtype=torch.float64) * size
        gradients[0, 0, 0, 0] = 0
        captured = Captured(
            torch.zeros(2, 3, 8, 6), torch.zeros(2, 5), as_targets(torch.zeros(2)), "layer", units, gradients
        )

        maps = GradCamPlusPlus().maps(captured)

        torch.testing.assert_close(maps, torch.stack([slow_twin(*pair) for pair in zip(units, gradients, strict=True)]))


def test_units_that_are_negative_as_a_whole_divide_by_nothing() -> None:
    units = torch.tensor([[[[-4.0, 2.0]]]])
    gradients = torch.ones_like(units)  # 2 g² + S g³ = 0
    captured = Captured(
        torch.zeros(1, 3, 8, 6), torch.zeros(1, 5), as_targets(torch.zeros(1)), "layer", units, gradients
    )

    maps = GradCamPlusPlus().maps(captured)

    assert torch.equal(maps, torch.tensor([[[0.0, 2.0]]]))
