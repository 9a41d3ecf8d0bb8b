"""Every model that breaks others, against float64: activations and gradients of a twin without any of its oddities.

docs/models.md lists them for users; a test holds that list to these names.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.engine.capture import capture
from auditor.engine.integrity import digest
from auditor.engine.maps import make_maps
from auditor.errors import ModelError
from auditor.visualizers import Need
from auditor.visualizers.grad_cam import GradCam
from auditor.visualizers.occlusion import Occlusion
from auditor.visualizers.saliency import Saliency
from tests.engine.networks import (
    ChannelsLast,
    Checkpointed,
    ClassTokenViT,
    PlainCnn,
    RepeatedLayer,
    WithoutGraph,
    Wrapped,
    Wrapping,
    images,
    inputs,
    loaded,
    sample,
    seeded,
)

WANTED = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS, Need.INPUT_GRADIENTS})
CUT = 6
"""The layer explained is the last batch norm: what follows it may write to it."""
TARGETS = torch.tensor([0, 4, 2, 1])
CPU = torch.device("cpu")


class CastsItself(nn.Module):
    """Switches autocast on in its own forward."""

    def __init__(self, inner: PlainCnn) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.inner(x)


class WritesInPlace(nn.Module):
    """Arithmetic in place on its input and on what the layer returned; by powers of two, so that nothing is rounded."""

    def __init__(self, inner: PlainCnn) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        x.mul_(2).div_(2)
        middle = self.inner.features[:CUT](x)
        middle.mul_(0.5)
        return self.inner.head(2 * self.inner.features[CUT:](middle).mean((2, 3)))


class LayerWraps(nn.Module):
    """The layer's output is no bare tensor."""

    def __init__(self, inner: PlainCnn, kind: str) -> None:
        super().__init__()
        self.body, self.rest, self.head = Wrapping(inner.features[:CUT], kind), inner.features[CUT:], inner.head

    def forward(self, x: Tensor) -> Tensor:
        found = self.body(x)
        if isinstance(found, tuple):
            maps = found[0]
        else:
            maps = found["maps"] if isinstance(found, dict) else found.last_hidden_state
        return self.head(self.rest(maps).mean((2, 3)))


def compiled(twin: PlainCnn) -> nn.Module:
    """Compiled before any hook is there."""
    module = torch.compile(twin, backend="eager")
    module(inputs())
    assert isinstance(module, nn.Module)
    return module


def compiled_inside(twin: PlainCnn) -> nn.Module:
    twin.features = torch.compile(twin.features, backend="eager")  # type: ignore[assignment]
    twin(inputs())
    return twin


def plain(twin: PlainCnn) -> nn.Module:
    return twin


def in_place(twin: PlainCnn) -> nn.Module:
    module = PlainCnn(inplace=True).eval()
    module.load_state_dict(twin.state_dict())
    return module


def frozen(twin: PlainCnn) -> nn.Module:
    return twin.requires_grad_(False)


def frozen_backbone(twin: PlainCnn) -> nn.Module:
    twin.features.requires_grad_(False)
    return twin


def training(twin: PlainCnn) -> nn.Module:
    return twin.train()


def around(build: Callable[[], nn.Module]) -> Callable[[PlainCnn], nn.Module]:
    """A network that holds the twin as `inner`."""

    def built(twin: PlainCnn) -> nn.Module:
        module = build().eval()
        assert isinstance(module.inner, PlainCnn)
        module.inner.load_state_dict(twin.state_dict())
        return module

    return built


def under_inference_mode(x: Tensor) -> Tensor:
    with torch.inference_mode():
        return x.clone()


@dataclass(frozen=True)
class Awkward:
    """A way to be awkward, and how the same function is had without it."""

    build: Callable[[PlainCnn], nn.Module] = plain
    layer: str = f"features.{CUT - 1}"
    settings: Callable[[], AbstractContextManager[object]] = nullcontext
    given: Callable[[Tensor], Tensor] = torch.clone
    exact: bool = True


INNER = f"inner.features.{CUT - 1}"
AWKWARD = {
    "in-place ReLU": Awkward(in_place),
    "in-place arithmetic": Awkward(WritesInPlace, INNER),
    "layer returns a tuple": Awkward(lambda twin: LayerWraps(twin, "tuple"), "body"),
    "layer returns a dict": Awkward(lambda twin: LayerWraps(twin, "dict"), "body"),
    "layer returns a dataclass": Awkward(lambda twin: LayerWraps(twin, "dataclass"), "body"),
    "torch.compile around": Awkward(compiled),
    "torch.compile inside": Awkward(compiled_inside, f"features._orig_mod.{CUT - 1}"),
    "frozen": Awkward(frozen),
    "frozen backbone": Awkward(frozen_backbone),
    "returns a tuple": Awkward(around(lambda: Wrapped("tuple")), INNER),
    "returns a dict": Awkward(around(lambda: Wrapped("dict")), INNER),
    "returns a dataclass": Awkward(around(lambda: Wrapped("dataclass")), INNER),
    "checkpointed, re-entrant": Awkward(around(lambda: Checkpointed(reentrant=True)), INNER),
    "checkpointed": Awkward(around(lambda: Checkpointed(reentrant=False)), INNER),
    "forward under no_grad": Awkward(around(WithoutGraph), INNER),
    "DataParallel": Awkward(nn.DataParallel),
    "caller under no_grad": Awkward(settings=torch.no_grad),
    "caller under inference_mode": Awkward(settings=torch.inference_mode),
    "inputs under inference_mode": Awkward(given=under_inference_mode),
    "train mode": Awkward(training),
    "channels last": Awkward(
        lambda twin: twin.to(memory_format=torch.channels_last),
        given=lambda x: x.contiguous(memory_format=torch.channels_last),
    ),
    "autocast around": Awkward(settings=lambda: torch.autocast("cpu", dtype=torch.bfloat16)),
    "autocast inside": Awkward(CastsItself, INNER, exact=False),
    "bf16 weights": Awkward(lambda twin: twin.bfloat16(), exact=False),
    "fp16 weights": Awkward(lambda twin: twin.half(), exact=False),
}


def in_float64(twin: PlainCnn, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Activations, their gradients and those of the inputs, image by image, without hooks."""
    exact = copy.deepcopy(twin).double().eval()
    found = []
    for image, target in zip(x.double(), TARGETS, strict=True):
        leaf = image[None].requires_grad_()
        middle = exact.features[:CUT](leaf)
        score = exact.head(exact.features[CUT:](middle).mean((2, 3)))[0, target]
        found.append((middle.detach(), *torch.autograd.grad(score, [middle, leaf])))
    activations, of_layer, of_input = zip(*found, strict=True)
    return torch.cat(activations), torch.cat(of_layer), torch.cat(of_input)


def alike(found: Tensor, expected: Tensor) -> float:
    return float(torch.corrcoef(torch.stack((found.double().flatten(), expected.flatten())))[0, 1])


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize("name", AWKWARD)
def test_it_is_explained_as_float64_says_and_left_as_it_was(name: str) -> None:
    case, twin, x = AWKWARD[name], seeded(PlainCnn), inputs()
    expected = in_float64(twin, x)
    module = case.build(copy.deepcopy(twin))
    before = digest(module)

    with case.settings():
        found = capture(module, case.given(x), layers=[case.layer], needs=WANTED, targets=TARGETS)[case.layer]

    for ours, exact in zip((found.activations, found.gradients, found.input_gradients), expected, strict=True):
        assert ours is not None
        assert ours.dtype == torch.float32
        if case.exact:
            torch.testing.assert_close(ours.double(), exact, atol=1e-5, rtol=1e-3)
        else:
            # rounding moves some units across the ReLU's edge: they agree as a whole, not one by one
            assert alike(ours, exact) > 0.97
    assert digest(module) == before


@pytest.fixture
def one_process(tmp_path: Path) -> Iterator[None]:
    """A process group of this process alone."""
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without distributed")
@pytest.mark.usefixtures("one_process")
def test_a_distributed_model_is_looked_through() -> None:
    twin, x = seeded(PlainCnn), inputs()
    expected = in_float64(twin, x)
    module = nn.parallel.DistributedDataParallel(twin)

    for name in ("features.5", "module.features.5"):
        found = capture(module, x, layers=[name], needs=WANTED, targets=TARGETS)[name]
        torch.testing.assert_close(found.gradients.double(), expected[1], atol=1e-5, rtol=1e-3)


def test_a_layer_called_several_times_is_the_sum_that_float64_gives() -> None:
    module, x = seeded(RepeatedLayer), inputs()
    exact = copy.deepcopy(module).double()
    calls, value = [], exact.first(x.double()).relu()
    for _ in range(3):
        calls.append(exact.shared(value))
        value = calls[-1].tanh()
    score = exact.head(value.mean((2, 3)))[torch.arange(4), TARGETS].sum()
    gradients = sum(torch.autograd.grad(score, calls))

    found = capture(module, x, layers=["shared"], needs=WANTED, targets=TARGETS)

    torch.testing.assert_close(found["shared"].gradients.double(), gradients, atol=1e-6, rtol=1e-3)
    assert "3 times" in found.notes[0]


def test_maps_that_are_channels_last_are_what_float64_gives() -> None:
    module, x = seeded(ChannelsLast), inputs()
    exact = copy.deepcopy(module).double()
    middle = exact.norm(exact.embed(x.double()).permute(0, 2, 3, 1))
    score = exact.head(exact.mix(middle).relu().mean((1, 2)))[torch.arange(4), TARGETS].sum()
    (gradient,) = torch.autograd.grad(score, middle)

    found = capture(module, x, layers=["norm"], needs=WANTED, targets=TARGETS)["norm"]

    torch.testing.assert_close(found.activations.double(), middle.detach().permute(0, 3, 1, 2), atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(found.gradients.double(), gradient.permute(0, 3, 1, 2), atol=1e-6, rtol=1e-3)


def test_tokens_without_class_and_register_tokens_are_what_float64_gives() -> None:
    module, x = seeded(ClassTokenViT), inputs()
    exact = copy.deepcopy(module).double()
    tokens = exact.embed(x.double()).flatten(2).transpose(1, 2)
    tokens = torch.cat((exact.prefix.expand(4, -1, -1), tokens), 1) + exact.places
    middle = exact.encoder.layers[0](tokens)
    value = middle
    for layer in exact.encoder.layers[1:]:
        value = layer(value)
    (gradient,) = torch.autograd.grad(exact.head(value[:, 0])[torch.arange(4), TARGETS].sum(), middle)

    name = "encoder.layers.0"
    found = capture(module, x, layers=[name], needs=WANTED, targets=TARGETS)[name]

    patches = gradient[:, 3:].transpose(1, 2).reshape(4, 16, 4, 3)
    torch.testing.assert_close(found.gradients.double(), patches, atol=1e-6, rtol=1e-3)


def test_where_float64_says_that_no_gradient_reaches_the_patches_the_layer_is_refused_in_words() -> None:
    module, x = seeded(ClassTokenViT), inputs()
    exact = copy.deepcopy(module).double()
    tokens = exact.embed(x.double()).flatten(2).transpose(1, 2)
    last = exact.encoder(torch.cat((exact.prefix.expand(4, -1, -1), tokens), 1) + exact.places)
    (gradient,) = torch.autograd.grad(exact.head(last[:, 0])[torch.arange(4), TARGETS].sum(), last)

    found = capture(module, x, layers=["encoder.layers.3"], needs=WANTED, targets=TARGETS)

    assert not gradient[:, 3:].any()
    assert gradient[:, 0].any()
    assert not found["encoder.layers.3"].gradients.any()
    assert found.blank == ("encoder.layers.3",)


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")
def test_torchscript_works_with_black_box_methods_and_says_why_others_do_not() -> None:
    module = seeded(PlainCnn)
    scripted = torch.jit.trace(module, inputs())
    pictures, method = sample(images(3)), Occlusion(window=0.5, stride=0.25)
    targets = np.array([0, 4, 2])
    expected = make_maps(loaded(module), module, pictures, [method], [], device=CPU, targets=targets).maps[0]

    methods = [method, Saliency(), GradCam()]
    made = make_maps(loaded(scripted), scripted, pictures, methods, [], device=CPU, targets=targets)
    refused = make_maps(loaded(scripted), scripted, pictures, [GradCam()], ["features.5"], device=CPU)

    found = {item.method: item.maps for item in made.maps}
    np.testing.assert_allclose(found["occlusion"], expected.maps, atol=1e-6)
    assert found["saliency"].any()
    assert made.notes == ("grad_cam needs a layer and there is none: left out",)
    assert "TorchScript model hides its layers" in refused.failures[0][2]


def test_weights_made_under_inference_mode_work_with_black_box_methods() -> None:
    with torch.inference_mode():
        module = seeded(PlainCnn)
    with pytest.raises(ModelError, match="load them outside it"):
        capture(module, inputs(), layers=["features.5"], needs=WANTED)

    made = make_maps(loaded(module), module, sample(images(2)), [Occlusion(), Saliency()], [], device=CPU)

    assert [item.method for item in made.maps] == ["occlusion"]
    assert [name for name, _, _ in made.failures] == ["saliency"]
