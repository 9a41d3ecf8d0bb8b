from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from auditor.engine.integrity import digest
from auditor.trust.reinitialising import estimate_statistics, reinitialised, stages
from tests.engine.networks import ClassTokenViT, PlainCnn
from tests.metrics.contexts import noise
from tests.models import loaded


class Scaled(nn.Module):
    """Parameters of its own, and no rule to draw them again."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.arange(8.0))
        self.part = nn.utils.parametrizations.weight_norm(nn.Linear(8, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.part(x * self.scale)


class WantsArguments(nn.Linear):
    """Draws its weights again only when told how."""

    told: Sequence[float] = ()

    def reset_parameters(self, *spread: float) -> None:
        if not self.told and not hasattr(self, "made"):
            self.made = True
            return super().reset_parameters()
        raise TypeError("how?")


def learnt(build: object) -> nn.Module:
    torch.manual_seed(0)
    module = build()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter))
    return module


@pytest.mark.parametrize("build", [PlainCnn, ClassTokenViT, Scaled, lambda: WantsArguments(5, 3)])
def test_every_parameter_that_learns_is_drawn_again_and_the_same_seed_draws_the_same(build: object) -> None:
    module = learnt(build)
    before = digest(module)

    first, again, other = (reinitialised(module, seed) for seed in (1, 1, 2))

    assert digest(module) == before
    own = dict(module.named_parameters())
    for name, parameter in first.named_parameters():
        assert not parameter.equal(own[name]), name
        assert parameter.data_ptr() != own[name].data_ptr()
        assert parameter.equal(again.get_parameter(name))
        assert parameter.requires_grad == own[name].requires_grad
    assert any(not p.equal(other.get_parameter(name)) for name, p in first.named_parameters())
    assert not any(part.training for part in first.modules())


def test_drawing_leaves_the_random_state_as_it_was() -> None:
    module, state = learnt(PlainCnn), torch.get_rng_state()

    reinitialised(module, 3)

    assert torch.equal(torch.get_rng_state(), state)


def test_stages_go_from_the_output_down_and_hold_every_module_with_parameters_once() -> None:
    module = learnt(PlainCnn)
    owners = [name for name, part in module.named_modules() if list(part.parameters(recurse=False))]

    for count in (1, 2, 3, len(owners), 99):
        found = stages(module, count)
        assert [name for group in found for name in group] == owners[::-1]
        assert len(found) == min(count, len(owners))
        assert all(found)


def test_a_stage_draws_its_own_modules_and_the_same_ones_as_the_whole() -> None:
    module = learnt(PlainCnn)
    top = set(stages(module, 2)[0])

    part, whole = reinitialised(module, 1, top), reinitialised(module, 1)

    for name, parameter in part.named_parameters():
        owner = name.rpartition(".")[0]
        expected = whole if owner in top else module
        assert parameter.equal(expected.get_parameter(name)), name


def test_a_network_without_parameters_has_no_stages() -> None:
    assert stages(nn.Sequential(nn.ReLU()), 4) == []


class Normed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, momentum=0.3)
        self.other = nn.BatchNorm2d(3)
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        assert not self.drop.training
        return (self.norm(x) + self.other(x)).mean((2, 3))


def test_batch_norm_statistics_are_those_of_the_sample() -> None:
    module, images = Normed().eval(), noise(17)

    copy = reinitialised(module, 0)
    estimate_statistics(copy, loaded(module), images)

    # the seventeenth picture would be a batch of its own, which has no spread after pooling
    pixels = images[:16].float() / 255
    assert torch.allclose(copy.norm.running_mean, pixels.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(copy.norm.running_var, pixels.transpose(0, 1).flatten(1).var(dim=1), atol=1e-5)
    assert (copy.norm.momentum, copy.norm.training) == (0.3, False)
    assert module.norm.num_batches_tracked == 0


def test_only_the_statistics_of_forgotten_modules_are_estimated_again() -> None:
    module = Normed().eval()

    copy = reinitialised(module, 0, {"norm"})
    estimate_statistics(copy, loaded(module), noise(8), {"norm"})

    assert not torch.equal(copy.norm.running_mean, module.norm.running_mean)
    assert torch.equal(copy.other.running_mean, module.other.running_mean)
