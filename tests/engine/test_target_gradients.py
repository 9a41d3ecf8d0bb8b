from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auditor.engine.capture import capture
from auditor.engine.integrity import digest
from auditor.engine.predictor import Predictor
from auditor.engine.target_gradients import TargetGradients
from auditor.errors import ModelError
from auditor.visualizers import PASS, Need, RelevanceRule
from tests.engine.networks import (
    Checkpointed,
    ClassTokenViT,
    OnlyInference,
    PlainCnn,
    RunsOutOfMemory,
    WithoutGraph,
    Wrapped,
    WritesAfterTheLayer,
    WritesToACopy,
    inputs,
    loaded,
    seeded,
)

CPU = torch.device("cpu")
TARGETS = torch.tensor([0, 3, 1, 2])


class FunctionalRelus(nn.Module):
    """ReLUs as a function, a method, in place and as a clamp."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.third = nn.Conv2d(6, 6, 3, padding=1)
        self.fourth = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        x = self.second(x).relu()
        x = self.third(x)
        x.relu_()
        x = self.fourth(x).clamp(min=0)
        return self.head(x.mean((2, 3)))


class ModuleRelus(FunctionalRelus):
    """The same function with a module for every ReLU, as peers want it."""

    def __init__(self) -> None:
        super().__init__()
        self.relus = nn.ModuleList(nn.ReLU() for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        layers = (self.first, self.second, self.third, self.fourth)
        for layer, relu in zip(layers, self.relus, strict=True):
            x = relu(layer(x))
        return self.head(x.mean((2, 3)))


class NoRelu(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.head = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.gelu(self.conv(x)).mean((2, 3)))


def gradients_of(module: nn.Module, **options: Any) -> TargetGradients:
    return TargetGradients(Predictor(loaded(module), CPU, **{"chunk": 3, **options}))


def by_hand(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and gradients in float64, one image at a time."""
    twin = copy.deepcopy(module).double().eval()
    scores, gradients = [], []
    for image, target in zip(x, TARGETS, strict=True):
        leaf = image[None].double().requires_grad_()
        score = twin(leaf)[0, target]
        scores.append(score.detach())
        gradients.append(torch.autograd.grad(score, leaf)[0][0])
    return torch.stack(scores), torch.stack(gradients)


@pytest.mark.parametrize("build", [PlainCnn, ClassTokenViT, WritesToACopy])
@pytest.mark.parametrize("fast", [True, False])
def test_logits_and_gradients_are_those_of_float64(build: type[nn.Module], fast: bool) -> None:
    module, x = seeded(build), inputs()
    expected = by_hand(module, x)

    scores, gradients = gradients_of(module, fast=fast).at(x, TARGETS)

    torch.testing.assert_close(scores.double(), expected[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(gradients.double(), expected[1], atol=1e-6, rtol=1e-3)


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize(
    ("awkward", "twin"),
    [
        (seeded(WritesAfterTheLayer), seeded(WritesToACopy)),
        (seeded(WithoutGraph), None),
        (seeded(Checkpointed, reentrant=True), None),
        (seeded(Checkpointed, reentrant=False), None),
        (seeded(PlainCnn, inplace=True), None),
    ],
    ids=["writes in place", "no_grad", "re-entrant", "checkpointed", "in-place relu"],
)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_awkward_models_under_awkward_settings_give_their_plain_twins_gradients(
    awkward: nn.Module, twin: nn.Module | None, mode: Any
) -> None:
    x = inputs()
    expected = by_hand(twin or getattr(awkward, "inner", awkward), x)[1]

    with mode():
        _, gradients = gradients_of(awkward).at(x, TARGETS)

    torch.testing.assert_close(gradients.double(), expected, atol=1e-6, rtol=1e-3)


def test_a_model_without_gradients_is_refused_in_words() -> None:
    with pytest.raises(ModelError, match="no gradient"):
        gradients_of(seeded(OnlyInference), fast=False).at(inputs(), TARGETS)


def test_each_gradient_counts_as_two_forwards_and_the_model_stays_as_it_was() -> None:
    module = seeded(PlainCnn).train()
    before, asked = digest(module), gradients_of(module)

    asked.at(inputs(), TARGETS)

    assert asked.predictor.forwards == 4 * PASS
    assert digest(module) == before


def test_running_out_of_memory_halves_the_chunk_and_gives_the_same_gradients() -> None:
    module = RunsOutOfMemory(2, torch.OutOfMemoryError("out of memory"))
    module.load_state_dict({f"inner.{name}": value for name, value in seeded(PlainCnn).state_dict().items()})
    asked = gradients_of(module.eval(), chunk=16, fast=False)
    asked.predictor.prepared(inputs(1))

    _, gradients = asked.at(inputs(), TARGETS)

    torch.testing.assert_close(gradients.double(), by_hand(seeded(PlainCnn), inputs())[1], atol=1e-6, rtol=1e-3)
    assert any("halved" in note for note in asked.notes)


def test_no_inputs_give_no_gradients() -> None:
    scores, gradients = gradients_of(seeded(PlainCnn)).at(inputs()[:0], TARGETS[:0])

    assert scores.shape == (0,)
    assert gradients.shape == (0, 3, 16, 12)


def guided_by_hand(module: ModuleRelus, x: Tensor) -> Tensor:
    """The rule written out: a convolution's transpose, and at each ReLU the two masks."""
    module = copy.deepcopy(module).double()
    layers = [module.first, module.second, module.third, module.fourth]
    values, masks = x.double(), []
    for layer in layers:
        before = layer(values)
        masks.append((before > 0).double())
        values = before.relu()
    back = (module.head.weight[TARGETS] / (16 * 12))[:, :, None, None].expand_as(values)
    for layer, mask in zip(reversed(layers), reversed(masks), strict=True):
        back = F.conv_transpose2d(back.clamp(min=0) * mask, layer.weight, padding=1)
    return back.detach()


@pytest.mark.parametrize("build", [FunctionalRelus, ModuleRelus])
@pytest.mark.parametrize("fast", [True, False])
def test_guided_gradients_are_the_rule_written_out_whatever_form_the_relus_have(build: Any, fast: bool) -> None:
    twin = seeded(ModuleRelus)
    module = seeded(build)
    module.load_state_dict(twin.state_dict())

    found = gradients_of(module, fast=fast).guided(inputs(), TARGETS)

    torch.testing.assert_close(found.double(), guided_by_hand(twin, inputs()), atol=1e-7, rtol=1e-3)


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize(
    "module",
    [seeded(PlainCnn), seeded(PlainCnn, inplace=True), seeded(Wrapped, "dict"), seeded(Checkpointed, reentrant=True)],
    ids=["plain", "in place", "dict", "checkpointed"],
)
def test_guided_gradients_of_awkward_models_are_the_plain_ones(module: nn.Module) -> None:
    plain = seeded(PlainCnn)
    inner = getattr(module, "inner", module)
    plain.load_state_dict(inner.state_dict())
    before = digest(module)

    found = gradients_of(module).guided(inputs(), TARGETS)

    expected = gradients_of(plain, fast=False).guided(inputs(), TARGETS)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-3)
    assert digest(module) == before


@pytest.mark.filterwarnings("ignore:.*is deprecated. Please switch to `torch.compile`")
def test_models_without_a_relu_or_with_hidden_ones_are_refused_in_words() -> None:
    scripted = torch.jit.trace(seeded(PlainCnn), inputs())

    with pytest.raises(ModelError, match="no ReLU"):
        gradients_of(seeded(NoRelu)).guided(inputs(), TARGETS)
    with pytest.raises(ModelError, match="TorchScript"):
        gradients_of(scripted).guided(inputs(), TARGETS)
    with pytest.raises(ModelError, match="TorchScript"):
        gradients_of(scripted).relevance(inputs(), TARGETS, RelevanceRule())


def test_a_pass_carries_its_gradients_to_every_layer_and_asks_for_its_own_inputs_once() -> None:
    module, x = seeded(PlainCnn), inputs()
    asked = gradients_of(module)
    layers = ["features.3", "features.6"]
    found = capture(module, x, layers=layers, needs=frozenset({Need.ACTIVATIONS}), targets=TARGETS)

    more = asked.added_to(found)

    assert set(more) == {None, *layers}
    one, other = (more[layer].guided_gradients for layer in layers)
    assert one is not None
    assert other is not None
    assert one() is other()
    assert asked.predictor.forwards == 4 * PASS
