"""Answers with a graph back to the input: what they are, what they cost the model (nothing), and how silence ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from auditor.engine.capture import capture
from auditor.engine.integrity import digest
from auditor.engine.responses import responding
from auditor.errors import ModelError
from auditor.visualizers import Need
from tests.engine.networks import (
    ChannelsLast,
    ClassTokenViT,
    PlainCnn,
    RepeatedLayer,
    WithoutGraph,
    WritesAfterTheLayer,
    inputs,
    seeded,
)

CPU = torch.device("cpu")
CASES: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "cnn": (PlainCnn, "features.6"),
    "in place": (WritesAfterTheLayer, "conv"),
    "tokens": (ClassTokenViT, "encoder.layers.1"),
    "tokens first": (lambda: ClassTokenViT(batch_first=False), "encoder.layers.1"),
    "channels last": (ChannelsLast, "mix"),
    "repeated": (RepeatedLayer, "shared"),
    "without graph": (WithoutGraph, "inner.features.6"),
}


@pytest.mark.parametrize("style", CASES)
@pytest.mark.parametrize("waking", [False, True])
def test_answers_are_those_of_the_shared_pass_and_gradients_reach_the_input(style: str, *, waking: bool) -> None:
    build, layer = CASES[style]
    module, x = seeded(build).train(), inputs(3)
    before = digest(module)
    expected = capture(module, x, layers=[layer], needs=frozenset({Need.ACTIVATIONS}))[layer]

    with responding(module, [layer], CPU, gradients=True) as respond:
        given = x.clone().requires_grad_()
        found = respond(given, waking=waking)
        (slope,) = torch.autograd.grad(found.activations[layer].sum() + found.logits.sum(), given)

    assert expected.activations is not None
    torch.testing.assert_close(found.activations[layer].detach(), expected.activations)
    torch.testing.assert_close(found.logits.detach(), expected.logits)
    assert bool(slope.flatten(1).ne(0).any(dim=1).all())
    assert digest(module) == before


def test_hooks_come_off_after_an_error_and_no_graph_is_kept_without_gradients() -> None:
    module = seeded(PlainCnn)
    before = digest(module)

    with responding(module, ["features.6"], CPU, gradients=False) as respond:
        assert not respond(inputs(1)).logits.requires_grad
    with (
        pytest.raises(ModelError, match="fails on inputs"),
        responding(module, ["features.6"], CPU, gradients=True) as r,
    ):
        r(inputs(1)[:, :2])

    assert digest(module) == before


def test_a_layer_that_is_no_grid_or_is_not_there_is_refused_in_words() -> None:
    module = seeded(PlainCnn)
    with (
        pytest.raises(ModelError, match="no grid over the image"),
        responding(module, ["head"], CPU, gradients=False) as respond,
    ):
        respond(inputs(1))
    with pytest.raises(ModelError, match="no layer 'tail'"), responding(module, ["tail"], CPU, gradients=False):
        pass


class Silent(nn.Module):
    """A ReLU that lets the first image through and nothing of the second."""

    def __init__(self, *, inplace: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 1, bias=False)
        nn.init.ones_(self.conv.weight)
        self.relu = nn.ReLU(inplace=inplace)

    def forward(self, x: Tensor) -> Any:
        return self.relu(self.conv(x)).sum((2, 3)).repeat(1, 2)


@pytest.mark.parametrize("inplace", [False, True])
def test_only_where_nothing_passes_is_let_back_what_asks_for_more(*, inplace: bool) -> None:
    x = torch.stack((torch.linspace(-1, 2, 3 * 4).view(3, 2, 2), -torch.ones(3, 2, 2)))
    slopes = {}
    for waking in (False, True):
        for sign in (1, -1):
            given = x.clone().requires_grad_()
            with responding(Silent(inplace=inplace), (), CPU, gradients=True) as respond:
                (slopes[waking, sign],) = torch.autograd.grad(sign * respond(given, waking=waking).logits.sum(), given)

    assert torch.equal(slopes[True, 1][0], slopes[False, 1][0])
    assert not slopes[False, 1][1].any()
    assert torch.equal(slopes[True, 1][1], torch.full((3, 2, 2), 2.0))
    assert not slopes[True, -1][1].any()
