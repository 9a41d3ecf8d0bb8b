from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from auditor.engine.integrity import digest, evaluating, parts_of, tensors_of, untouched
from auditor.errors import ModelError
from tests.engine.networks import PlainCnn, inputs, seeded


def _weight(model: nn.Module) -> None:
    with torch.no_grad():
        model.head.weight[0, 0] += 1e-6


def _buffer(model: nn.Module) -> None:
    model.features[1].running_mean[0] += 1e-6


def _hook(model: nn.Module) -> None:
    model.features[0].register_forward_hook(lambda *_: None)


def _gradient(model: nn.Module) -> None:
    model.head.weight.grad = torch.zeros_like(model.head.weight)


CHANGES: dict[str, Callable[[nn.Module], object]] = {
    "weight": _weight,
    "buffer": _buffer,
    "hook": _hook,
    "gradient": _gradient,
    "training flag": lambda model: model.features[1].train(),
    "requires_grad": lambda model: model.head.bias.requires_grad_(False),
    "dtype": lambda model: model.half(),
    "a buffer outside the state dict": lambda model: model.register_buffer("n", torch.ones(1), persistent=False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_digest_changes_with_every_single_thing_that_an_audit_could_change(change: str) -> None:
    model = seeded(PlainCnn)
    before = digest(model)

    CHANGES[change](model)

    assert digest(model) != before


def test_digest_is_the_same_for_equal_models_and_after_a_forward() -> None:
    model, twin = seeded(PlainCnn), seeded(PlainCnn)
    model(inputs())

    assert digest(model) == digest(twin)
    assert len(digest(model)) == 64


def test_digest_reads_bfloat16_scalars_and_tied_weights() -> None:
    model = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.BatchNorm2d(2)}).to(torch.bfloat16)
    model["c"] = model["a"]

    assert digest(model) == digest(model)


def test_digest_refuses_a_model_without_values() -> None:
    with torch.device("meta"):
        model = PlainCnn()

    with pytest.raises(ModelError, match="meta device"):
        digest(model)


def test_untouched_undoes_flags_gradients_and_batch_statistics_also_after_an_exception() -> None:
    model = seeded(PlainCnn).train()
    model.features[4].eval()
    model.head.weight.requires_grad_(False)
    model.head.bias.grad = torch.ones_like(model.head.bias)
    model.features[0].register_forward_hook(lambda *_: None)
    before = digest(model)

    def use_and_break() -> None:
        with untouched(model):
            assert not any(part.training for part in model.modules())
            model.train()
            model(inputs()).sum().backward()
            model.head.weight.requires_grad_(True)
            model.features[1].running_mean = torch.zeros(6)
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        use_and_break()

    assert digest(model) == before
    assert torch.equal(model.head.bias.grad, torch.ones_like(model.head.bias))
    assert model.features[1].training
    assert not model.features[4].training


def test_untouched_refuses_to_pass_over_changed_weights() -> None:
    model = seeded(PlainCnn)

    with pytest.raises(ModelError, match="was changed while it was examined"), untouched(model):
        _weight(model)


def test_untouched_refuses_to_pass_over_a_hook_left_behind() -> None:
    model = seeded(PlainCnn)

    with pytest.raises(ModelError, match="hooks"), untouched(model):
        _hook(model)


def test_within_another_such_context_everything_is_restored_and_the_outer_one_compares() -> None:
    module = seeded(PlainCnn).train()
    before = digest(module)

    with untouched(module):
        with untouched(module):
            module.features[1].running_mean.add_(1)
        assert torch.equal(module.features[1].running_mean, seeded(PlainCnn).features[1].running_mean)
    assert digest(module) == before

    with pytest.raises(ModelError, match="was changed"), untouched(module), untouched(module), torch.no_grad():
        module.head.weight.add_(1)


def test_parts_are_those_of_torch_in_its_order_and_each_once() -> None:
    module = seeded(PlainCnn)
    module.shared = module.features

    assert parts_of(module) == list(module.modules())
    assert {id(one) for one in tensors_of(module)} == {id(one) for one in (*module.parameters(), *module.buffers())}


def test_evaluating_gives_each_part_its_own_flag_back() -> None:
    model = seeded(PlainCnn).train()
    model.features[1].eval()
    flags = [part.training for part in model.modules()]
    model.head.bias.requires_grad_(False)

    with evaluating(model, freeze=True):
        assert not any(part.training for part in model.modules())
        assert not any(parameter.requires_grad for parameter in model.parameters())

    assert [part.training for part in model.modules()] == flags
    assert [name for name, parameter in model.named_parameters() if not parameter.requires_grad] == ["head.bias"]
