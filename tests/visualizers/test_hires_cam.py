from __future__ import annotations

import warnings

import pytest
import torch
import torchvision
from torch import Tensor, nn

from auditor.visualizers.hires_cam import HiResCam
from tests.engine.networks import CLASSES, PlainCnn, inputs, seeded
from tests.visualizers.oracles import correlation, grad_cam_library, shared_pass

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pytorch_grad_cam import HiResCAM

TARGETS = torch.tensor([0, 3, 1])


class ReadsEveryPlace(nn.Module):
    """One linear layer over the whole grid, and nothing that speaks against a class."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(4 * 16 * 12, CLASSES)
        self.head.weight.data.abs_()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).flatten(1))


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
    expected = grad_cam_library(HiResCAM, module, layer, x, TARGETS)

    maps = HiResCam().maps(shared_pass(module, layer, x, TARGETS)[layer])

    assert correlation(maps, expected) >= 0.9999
    torch.testing.assert_close(maps, torch.from_numpy(expected), rtol=1e-3, atol=float(expected.max()) * 1e-4)


def test_where_one_linear_layer_reads_the_grid_it_adds_up_to_the_score_without_its_bias() -> None:
    module, x = seeded(ReadsEveryPlace), inputs(3)

    captured = shared_pass(module, "body", x, TARGETS)["body"]

    score = (captured.logits - module.head.bias.detach()).gather(1, TARGETS[:, None])[:, 0]
    torch.testing.assert_close(HiResCam().maps(captured).sum((1, 2)), score)
