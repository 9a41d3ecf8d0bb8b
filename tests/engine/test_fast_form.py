from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from auditor.engine.fast_form import fast_form, verified
from auditor.engine.integrity import digest
from tests.engine.networks import Checkpointed, ClassTokenViT, PlainCnn, inputs, seeded

CPU = torch.device("cpu")


def softmax(module: nn.Module, x: Tensor) -> Tensor:
    return module(x).softmax(1)


class CannotBeTraced(PlainCnn):
    """Looks at the number of images, which symbolic tracing refuses."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + (0.0 if len(x) else 1.0)


class SharesAConvolution(nn.Module):
    """One convolution, normalised in two ways: folding either would be wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.first, self.second = nn.BatchNorm2d(4), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.first(self.conv(x)).mean((2, 3)) + self.second(self.conv(x)).amax((2, 3))


class ReadsBothSides(nn.Module):
    """Uses what the convolution gives before and after normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return (self.norm(x).relu() - x).mean((2, 3))


class Hooked(PlainCnn):
    """A hook of the user's doubles the first convolution's output."""

    def __init__(self) -> None:
        super().__init__()
        self.features[0].register_forward_hook(lambda part, args, output: output * 2)


class Normed(PlainCnn):
    """A weight that is computed anew at every call."""

    def __init__(self) -> None:
        super().__init__()
        weight_norm(self.features[0])


@pytest.mark.parametrize(
    ("build", "folded"),
    [
        (PlainCnn, 2),
        (CannotBeTraced, 2),
        (SharesAConvolution, 0),
        (ReadsBothSides, 0),
        (Hooked, 1),
        (Normed, 1),
        (ClassTokenViT, 0),
    ],
)
def test_the_fast_form_is_exact_and_folds_only_what_may_be_folded(build: type[nn.Module], folded: int) -> None:
    model, x = seeded(build), inputs()
    before, expected = digest(model), model(x)

    form = fast_form(model)

    assert form.folded == folded
    torch.testing.assert_close(form.module(x.contiguous(memory_format=torch.channels_last)), expected)
    assert digest(model) == before


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "densenet121"])
def test_the_fast_form_of_real_architectures_gives_the_same_probabilities(name: str) -> None:
    model, x = seeded(getattr(torchvision.models, name), weights=None), inputs(2, height=64, width=64)
    norms = sum(isinstance(part, nn.BatchNorm2d) for part in model.modules())

    form, notes = verified(model, x, CPU, softmax)

    assert notes == ()
    assert form is not None
    assert form.folded == norms if name != "densenet121" else form.folded > 50  # norms before convolutions stay
    with torch.no_grad():
        torch.testing.assert_close(softmax(form.module, x), softmax(model, x), atol=1e-5, rtol=0)


class DependsOnItsLayout(PlainCnn):
    """Gives another answer in its copy: what must never be used."""

    def __deepcopy__(self, memo: dict[int, object]) -> nn.Module:
        other = seeded(PlainCnn)
        nn.init.normal_(other.head.weight)
        return other


class CannotBeCopied(PlainCnn):
    def __deepcopy__(self, memo: dict[int, object]) -> nn.Module:
        raise TypeError("cannot pickle a lock")


@pytest.mark.parametrize(
    ("build", "words"),
    [(DependsOnItsLayout, "its probabilities differ by up to"), (CannotBeCopied, "TypeError: cannot pickle a lock")],
)
def test_a_form_that_differs_or_cannot_be_made_is_not_used_and_the_note_says_so(
    build: type[nn.Module], words: str
) -> None:
    form, notes = verified(seeded(build), inputs(), CPU, softmax)

    assert form is None
    assert words in notes[0]


def test_a_model_whose_code_wants_contiguous_memory_falls_back_in_words() -> None:
    class Views(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return self[1](self[0](x).view(len(x), -1))

    form, notes = verified(seeded(Views, nn.Conv2d(3, 4, 4, 4), nn.Linear(48, 5)), inputs(), CPU, softmax)

    assert form is None
    assert "view size is not compatible" in notes[0]


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
def test_checkpointed_models_have_a_fast_form() -> None:
    form, _ = verified(seeded(Checkpointed, reentrant=False), inputs(), CPU, softmax)

    assert form is not None
    assert form.folded == 2
