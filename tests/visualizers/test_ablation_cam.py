from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from auditor.engine.capture import capture
from auditor.errors import NotApplicableError
from auditor.visualizers import Captured, Need
from auditor.visualizers.ablation_cam import AblationCam
from tests.engine.networks import ClassTokenViT, PlainCnn, RepeatedLayer, inputs, seeded
from tests.visualizers.oracles import correlation

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pytorch_grad_cam import AblationCAM

NEEDS = frozenset({Need.ACTIVATIONS, Need.TAIL})
TARGETS = torch.tensor([0, 3, 1])


def captured_on(module: nn.Module, layer: str, x: Tensor) -> Captured:
    return capture(module, x, layers=[layer], needs=NEEDS, targets=TARGETS[: len(x)])[layer]


def slow_twin(module: nn.Module, layer: str, x: Tensor, units: Tensor, most: int) -> Tensor:
    """A whole forward for each unit that is silenced, by a hook."""

    def silenced(unit: int | None, picture: Tensor, target: int) -> float:
        def hook(part: nn.Module, args: Any, output: Tensor) -> Tensor:
            output = output.clone()
            if unit is not None and output.ndim == 3:
                output[:, 3:, unit] = 0
            elif unit is not None:
                output[:, unit] = 0
            return output

        handle = module.get_submodule(layer).register_forward_hook(hook)
        with torch.no_grad():
            score = float(module(picture[None])[0, target])
        handle.remove()
        return score

    maps = []
    for picture, own, target in zip(x, units, TARGETS.tolist(), strict=False):
        total = torch.zeros(own.shape[1:])
        for unit in own.abs().mean((1, 2)).topk(min(most, len(own))).indices.tolist():
            total += (silenced(None, picture, target) - silenced(unit, picture, target)) * own[unit]
        maps.append(total.clamp(min=0))
    return torch.stack(maps)


@pytest.mark.parametrize(
    ("module", "layer"),
    [
        (seeded(PlainCnn), "features.6"),
        (seeded(PlainCnn, inplace=True), "features.5"),
        (seeded(PlainCnn), "features.0"),
        (seeded(ClassTokenViT), "encoder.layers.2"),
    ],
    ids=["last", "before an in-place ReLU", "first", "transformer"],
)
def test_with_all_units_it_is_what_whole_forwards_give(module: nn.Module, layer: str) -> None:
    x = inputs(3)
    captured = captured_on(module, layer, x)
    assert captured.activations is not None

    maps = AblationCam(most_forwards=1000).maps(captured)

    expected = slow_twin(module, layer, x, captured.activations, 1000)
    torch.testing.assert_close(maps, expected, rtol=1e-3, atol=1e-5)


def test_it_is_that_of_pytorch_grad_cam_times_the_score() -> None:
    # the library divides by the score, and is compared where that is positive
    module, layer, x = seeded(PlainCnn), "features.3", inputs(3)
    module.head.bias.data += 5
    captured = captured_on(module, layer, x)
    with AblationCAM(model=module, target_layers=[module.get_submodule(layer)]) as cam:
        targets = [ClassifierOutputTarget(int(target)) for target in TARGETS]
        weights = cam.get_cam_weights(x, module.get_submodule(layer), targets, captured.activations.numpy(), None)
    scores = captured.logits.gather(1, TARGETS[:, None])
    signed = torch.einsum("bk,bkij->bij", torch.as_tensor(np.asarray(weights)) * scores, captured.activations)

    maps = AblationCam(most_forwards=1000).maps(captured)

    assert correlation(maps, signed.clamp(min=0)) >= 0.9999
    torch.testing.assert_close(maps, signed.clamp(min=0).float(), rtol=1e-2, atol=1e-4)


def test_within_its_budget_the_strongest_units_count_and_the_others_are_left_alone() -> None:
    module, layer, x = seeded(PlainCnn), "features.0", inputs(3)
    captured = captured_on(module, layer, x)
    assert captured.activations is not None
    assert captured.tail is not None
    affordable = int(2 / captured.tail.share)
    assert 1 < affordable < captured.activations.shape[1]

    maps = AblationCam(most_forwards=2).maps(captured)

    expected = slow_twin(module, layer, x, captured.activations, affordable)
    torch.testing.assert_close(maps, expected, rtol=1e-3, atol=1e-5)


def test_all_units_of_a_last_block_cost_less_than_two_forwards() -> None:
    module, x = seeded(torchvision.models.resnet18, weights=None), inputs(2, height=96, width=96)
    with torch.no_grad(), FlopCounterMode(display=False) as one:
        module(x)
    with FlopCounterMode(display=False) as shared:
        capture(module, x, layers=["layer4"], needs=NEEDS - {Need.TAIL}, targets=TARGETS[:2])
    with FlopCounterMode(display=False) as ablation:
        captured = captured_on(module, "layer4", x)
        maps = AblationCam().maps(captured)

    assert captured.tail is not None
    assert 512 * captured.tail.share < AblationCam().most_forwards, "all units are within the budget"
    assert bool((maps > 0).any())
    assert ablation.get_total_flops() - shared.get_total_flops() < 2 * one.get_total_flops()


def test_a_layer_that_is_called_several_times_is_refused_in_words() -> None:
    with pytest.raises(NotApplicableError, match="'shared' is called several times"):
        AblationCam().maps(captured_on(seeded(RepeatedLayer), "shared", inputs(3)))
