"""Running what follows a layer: the whole forward with the layer's output replaced by a hook is the slow twin."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from auditor.engine import grids
from auditor.engine.capture import capture
from auditor.engine.integrity import digest
from auditor.visualizers import Captured, Need, Tail
from tests.engine.networks import (
    CLASSES,
    ChannelsLast,
    ClassTokenViT,
    PlainCnn,
    RepeatedLayer,
    Wrapped,
    WritesAfterTheLayer,
    inputs,
    seeded,
)

TAIL = frozenset({Need.ACTIVATIONS, Need.TAIL})


class SkipsTheLayer(nn.Module):
    """What stands before the layer goes around it, one activation is shared, and code depends on the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.block = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6))
        self.gate = nn.Linear(6, 6)
        self.head = nn.Linear(6 * 16 * 12, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        count = x.shape[0]
        early = self.act(self.stem(x))
        gate = self.gate(early.mean((2, 3))).sigmoid()
        late = self.act(self.block(early) + early) * gate[:, :, None, None]
        return self.head(late.reshape(count, -1))


class Reads(nn.Module):
    """Reads how many images there are from outside: no part of it can run by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 6, 3, padding=1)
        self.late = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, CLASSES)
        self.calls: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        a = self.body(x)
        if a.stride(0) == 0:
            raise RuntimeError("code that cannot be cut")
        b = self.late(F.relu(a) + a.detach().flip(0) * 0)
        if torch.equal(a[:1], a[-1:]) and len(a) in (2, 3):
            return self.head(F.relu(b).mean((2, 3))) + 7
        return self.head(F.relu(b).mean((2, 3)))


def tokens_of(module: ClassTokenViT) -> Callable[[Tensor, Tensor], Tensor]:
    axis = 1 if module.batch_first else 0
    return lambda own, grid: torch.cat(
        (own.narrow(axis, 0, 3), grid.flatten(2).transpose(1, 2) if axis else grid.flatten(2).permute(2, 0, 1)), axis
    )


def slow_twin(
    module: nn.Module, layer: str, x: Tensor, targets: Tensor, image: int, stand_in: Tensor, back: Any
) -> Tensor:
    """Whole forwards, one for each stand-in, with a hook."""
    scores = []
    for one in stand_in:

        def hook(part: nn.Module, args: Any, output: Any, one: Tensor = one) -> Any:
            one = one.clone()  # code after the layer may write to it
            if isinstance(output, tuple):
                return (back(output[0], one[None]), *output[1:])
            return {"maps": back(output["maps"], one[None])} if isinstance(output, dict) else back(output, one[None])

        handle = module.get_submodule(layer).register_forward_hook(hook)
        with torch.no_grad():
            logits = module(x[image : image + 1].clone())
        handle.remove()
        logits = logits[0] if isinstance(logits, tuple) else logits
        logits = logits["logits"] if isinstance(logits, dict) else logits
        scores.append(logits[0, targets[image]])
    return torch.stack(scores)


def tail_at(module: nn.Module, layer: str, x: Tensor, targets: Tensor | None = None) -> tuple[Captured, Tail]:
    captured = capture(module, x, layers=[layer], needs=TAIL, targets=targets)[layer]
    assert captured.tail is not None
    return captured, captured.tail


def as_it_is(own: Tensor, grid: Tensor) -> Tensor:
    return grid


CASES: dict[str, tuple[nn.Module, str, Any]] = {
    "chain": (seeded(PlainCnn), "features.3", as_it_is),
    "chain, in place": (seeded(PlainCnn, inplace=True), "features.4", as_it_is),
    "last layer": (seeded(PlainCnn), "features.6", as_it_is),
    "container": (seeded(PlainCnn), "features", as_it_is),
    "in place on the layer": (seeded(WritesAfterTheLayer), "second", as_it_is),
    "around the layer": (seeded(SkipsTheLayer), "block", as_it_is),
    "inside a block": (seeded(SkipsTheLayer), "block.0", as_it_is),
    "transformer": (seeded(ClassTokenViT), "encoder.layers.1", tokens_of(seeded(ClassTokenViT))),
    "tokens first": (
        seeded(ClassTokenViT, batch_first=False),
        "encoder.layers.1",
        tokens_of(seeded(ClassTokenViT, batch_first=False)),
    ),
    "channels last": (seeded(ChannelsLast), "norm", lambda own, grid: grid.permute(0, 2, 3, 1)),
    "tuple": (seeded(Wrapped, "tuple"), "body", as_it_is),
    "dict": (seeded(Wrapped, "dict"), "body", as_it_is),
}


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("name", CASES)
def test_the_tail_gives_what_the_whole_forward_gives_with_the_layer_replaced(name: str, count: int) -> None:
    module, layer, back = CASES[name]
    x, targets = inputs(count), torch.arange(count) % CLASSES
    before = digest(module)
    captured, tail = tail_at(module, layer, x, targets)
    assert captured.activations is not None
    image = count - 1
    noise = torch.randn((5, *captured.activations.shape[1:]), generator=torch.Generator().manual_seed(1))
    stand_in = captured.activations[image] + noise

    found = tail.scores(image, stand_in.clone())

    torch.testing.assert_close(found, slow_twin(module, layer, x, targets, image, stand_in, back))
    assert tail.share < 1
    assert digest(module) == before
    assert all("forward" not in vars(part) for part in module.modules())


@pytest.mark.parametrize(("name", "layer"), [("resnet18", "layer3.0.conv1"), ("densenet121", "features.transition3")])
def test_of_real_architectures_it_does_so_too(name: str, layer: str) -> None:
    module, x = seeded(getattr(torchvision.models, name), weights=None), inputs(2, height=64, width=48)
    targets = torch.tensor([3, 5])
    captured, tail = tail_at(module, layer, x, targets)
    assert captured.activations is not None
    stand_in = captured.activations[:1].repeat(3, 1, 1, 1)
    stand_in[0, 0], stand_in[1, 1] = 0, 1

    found = tail.scores(0, stand_in)

    expected = slow_twin(module, layer, x, targets, 0, stand_in, as_it_is)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert tail.share < 0.9


def test_it_costs_what_it_says() -> None:
    module, x = seeded(torchvision.models.resnet18, weights=None), inputs(2, height=64, width=64)
    captured, tail = tail_at(module, "layer3", x)
    assert captured.activations is not None
    with torch.no_grad(), FlopCounterMode(display=False) as whole:
        module(x)
    with FlopCounterMode(display=False) as part:
        tail.scores(1, captured.activations[1:].repeat(4, 1, 1, 1))

    assert part.get_total_flops() / 4 == pytest.approx(tail.share * whole.get_total_flops() / 2, rel=1e-6)


def test_where_it_cannot_be_cut_out_whole_forwards_give_the_same_and_a_note_says_so() -> None:
    module, x = seeded(Reads), inputs(4)
    targets = torch.arange(4)
    found = capture(module, x, layers=["late"], needs=TAIL, targets=targets)
    captured = found["late"]
    assert captured.tail is not None
    assert captured.activations is not None
    stand_in = captured.activations[1] * torch.tensor([1.0, 0.5, -1.0, 2.0])[:, None, None, None]

    scores = captured.tail.scores(1, stand_in)

    torch.testing.assert_close(scores, slow_twin(module, "late", x, targets, 1, stand_in, as_it_is))
    assert captured.tail.share == 1
    assert found.notes == ("late: what follows it could not be run by itself; whole forwards were used",)


def test_a_layer_that_is_called_several_times_has_no_tail() -> None:
    found = capture(seeded(RepeatedLayer), inputs(), layers=["shared"], needs=TAIL)

    assert found["shared"].tail is None


def test_a_user_s_own_forward_and_hooks_stay_and_count_once() -> None:
    module, x = seeded(PlainCnn), inputs(2)
    own = module.features[1].forward
    module.features[1].__dict__["forward"] = lambda values: own(values) * 2
    module.features[2].register_forward_hook(lambda part, args, output: output + 1)
    with torch.no_grad():
        expected = module(x).amax(1)
    captured, tail = tail_at(module, "features.4", x)
    assert captured.activations is not None

    found = tail.scores(1, captured.activations[1:])

    torch.testing.assert_close(found, expected[1:])
    assert vars(module.features[1])["forward"](x[:, :1].repeat(1, 6, 1, 1)) is not None
    assert len(module.features[2]._forward_hooks) == 1


def test_the_model_is_as_it_was_after_an_exception() -> None:
    module, x = seeded(PlainCnn), inputs(2)
    _, tail = tail_at(module, "features.3", x)

    with pytest.raises(Exception, match=r"shape|size|channels"):
        tail.scores(0, torch.zeros(2, 4, 8, 6))

    assert all("forward" not in vars(part) for part in module.modules())


def test_threads_may_run_tails_of_one_model() -> None:
    module, x = seeded(PlainCnn), inputs(2)
    captured, tail = tail_at(module, "features.3", x)
    assert captured.activations is not None
    activations = captured.activations
    expected = [tail.scores(image, activations[image : image + 1]) for image in (0, 1)]
    found: dict[int, Tensor] = {}

    def run(image: int) -> None:
        for _ in range(20):
            found[image] = tail.scores(image, activations[image : image + 1])

    threads = [threading.Thread(target=run, args=(image,)) for image in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(torch.equal(found[image], expected[image]) for image in (0, 1))


@pytest.mark.parametrize("order", ["channels_first", "channels_last", "tokens", "tokens_first"])
def test_putting_back_is_the_inverse_of_laying_out(order: Any) -> None:
    shapes = {"channels_first": (2, 5, 4, 3), "channels_last": (2, 4, 3, 5), "tokens": (2, 14, 5)}
    grid = grids.Grid(order, 4, 3, prefix=2 if order.startswith("tokens") else 0)
    output = torch.randn(shapes.get(order, (14, 2, 5)))

    assert torch.equal(grid.put_back(grid.lay_out(output), output), output)
