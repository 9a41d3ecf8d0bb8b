from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from auditor.engine.maps import make_maps
from auditor.targets import as_targets
from auditor.visualizers import Captured, MapVisualizer
from auditor.visualizers.grad_cam import GradCam
from auditor.visualizers.layer_cam import LayerCam
from auditor.visualizers.layer_fusion import LayerFusion
from tests.engine.networks import PlainCnn, images, inputs, loaded, sample, seeded
from tests.visualizers.oracles import shared_pass


def captured_with(*maps: Tensor) -> Captured:
    """Layers of one unit whose LayerCAM is the map."""
    x, logits, targets = torch.zeros(len(maps[0]), 3, 8, 6), torch.zeros(1, 5), as_targets(torch.zeros(1))
    layers = {
        str(index): Captured(x, logits, targets, str(index), one[:, None], torch.ones_like(one)[:, None])
        for index, one in enumerate(maps)
    }
    return Captured(x, logits, targets, layers=layers)


def test_every_layer_has_the_same_say_and_the_size_is_the_mean() -> None:
    first = torch.tensor([[[1.0, 3.0]]])  # mean 2
    second = torch.tensor([[[300.0, 100.0]]])  # mean 200

    maps = LayerFusion().maps(captured_with(first, second))

    torch.testing.assert_close(maps, torch.tensor([[[1.0, 1.0]]]) * 101)


def test_a_blank_layer_has_no_say_image_by_image() -> None:
    first = torch.tensor([[[1.0, 3.0]], [[0.0, 0.0]]])
    second = torch.tensor([[[0.0, 0.0]], [[0.0, 0.0]]])

    maps = LayerFusion().maps(captured_with(first, second))

    torch.testing.assert_close(maps, first)


@pytest.mark.parametrize(("cam", "method"), [("grad_cam", GradCam()), ("layer_cam", LayerCam())])
def test_of_a_single_layer_it_is_that_layers_map(cam: Literal["grad_cam", "layer_cam"], method: MapVisualizer) -> None:
    found = shared_pass(seeded(PlainCnn), "features.3", inputs(), torch.tensor([0, 3, 1, 2]))

    torch.testing.assert_close(LayerFusion(cam=cam).maps(found[None]), method.maps(found["features.3"]))


def make(module: nn.Module, layers: list[str]) -> tuple[list[str], tuple[str, ...], int]:
    runs: list[int] = []
    handle = module.get_submodule("head").register_forward_hook(lambda *_: runs.append(1))
    run = make_maps(
        loaded(module), module, sample(images(3)), [LayerFusion()], layers, device=torch.device("cpu"), chunk=3
    )
    handle.remove()
    assert run.failures == run.skipped == []
    return [item.name for item in run.maps], run.notes, len(runs)


def test_over_a_sample_it_is_one_map_from_all_layers_in_one_pass() -> None:
    assert make(seeded(PlainCnn), ["features.3", "features.6"]) == (["layer_fusion"], (), 1)


def test_without_layers_it_is_left_out_with_a_note() -> None:
    assert make(seeded(PlainCnn), []) == ([], ("layer_fusion needs a layer and there is none: left out",), 0)
