from __future__ import annotations

from functools import partial

import pytest
import torch
import torchvision
from torch import Tensor, nn

from auditor.engine.capture import capture
from auditor.targets import Targets
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


class Classifies(nn.Module):
    """A head of several parts on the mean of a layer."""

    def __init__(self, *head: nn.Module) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 8, 3)
        self.head = nn.Sequential(*head)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).mean((2, 3)))


DEEP = (nn.Dropout(0.5), nn.Linear(8, 6), nn.Hardswish(), nn.Dropout(0.5), nn.Linear(6, CLASSES))
TAIL = frozenset({Need.ACTIVATIONS, Need.TAIL})


@pytest.mark.parametrize(
    "head",
    [
        DEEP,
        (nn.Linear(8, CLASSES), nn.LogSoftmax(1)),
        (nn.Flatten(), nn.Linear(8, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, CLASSES, bias=False), nn.Dropout()),
        (nn.Linear(8, 1),),
    ],
    ids=["hidden layer", "activation at the end", "norm between", "one score"],
)
@pytest.mark.parametrize("against", [None, torch.tensor([1, 0])], ids=["class", "difference"])
def test_scores_without_each_unit_are_those_of_whole_forwards(
    head: tuple[nn.Module, ...], against: Tensor | None
) -> None:
    module = seeded(partial(Classifies, *head)).train()  # dropout is off in the pass all the same
    x = inputs(2)
    targets = Targets(torch.tensor([0, 1]), against)

    tail = capture(module, x, layers=["body"], needs=TAIL, targets=targets)["body"].tail

    assert tail is not None
    assert tail.without_units is not None
    module.eval()
    for image in range(2):
        found = tail.without_units(image, torch.arange(8))
        for unit in range(8):
            handle = module.body.register_forward_hook(
                lambda _, __, out, unit=unit: out.index_fill(1, torch.tensor(unit), 0)
            )
            with torch.no_grad():
                logits = module(x[image : image + 1]).double()
            handle.remove()
            assert found[unit].item() == pytest.approx(targets[image].of(logits).item(), rel=1e-4, abs=1e-5)


def test_a_head_written_out_in_code_is_not_taken_for_one() -> None:
    tail = capture(seeded(TwoLinearLayers), inputs(2), layers=["body"], needs=TAIL)["body"].tail

    assert tail is not None
    assert tail.without_units is None


def test_layers_before_an_activation_have_no_head_on_their_mean() -> None:
    tail = capture(seeded(PlainCnn), inputs(2), layers=["features.5"], needs=TAIL)["features.5"].tail

    assert tail is not None
    assert tail.without_units is None
