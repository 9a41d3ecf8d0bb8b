"""Gradient maps of all layers are arithmetic on one pass."""

from __future__ import annotations

import torch
from torch import nn

from auditor.engine.maps import make_maps
from auditor.registry import load, names
from auditor.visualizers import MapVisualizer, Need
from tests.engine.networks import PlainCnn, images, loaded, sample, seeded

LAYERS = ["features.3", "features.6"]
FREE = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS, Need.HEAD})


def arithmetic() -> list[MapVisualizer]:
    """All that need nothing but activations and gradients of layers."""
    parts = [load("visualizers", name) for name in names("visualizers")]
    found = [part() for part in parts if issubclass(part, MapVisualizer)]
    return [one for one in found if one.needs and one.needs <= FREE]


def passes(visualizers: list[MapVisualizer]) -> dict[str, int]:
    module: nn.Module = seeded(PlainCnn)
    counted = {"forward": 0, "backward": 0}
    head = module.get_submodule("head")
    head.register_forward_hook(lambda *_: counted.update(forward=counted["forward"] + 1))
    head.register_full_backward_hook(lambda *_: counted.update(backward=counted["backward"] + 1))
    run = make_maps(loaded(module), module, sample(images(4)), visualizers, LAYERS, device=torch.device("cpu"), chunk=2)
    assert run.failures == []
    return counted


def test_adding_any_of_them_on_any_layer_costs_no_pass() -> None:
    methods = arithmetic()
    assert {
        "cam", "eigen_cam", "eigen_grad_cam", "grad_cam", "grad_cam_plus_plus", "hires_cam", "layer_cam",
        "layer_fusion", "xgrad_cam",
    } <= {one.part_name() for one in methods}  # fmt: skip

    chunks = 2
    assert passes(methods) == {"forward": chunks, "backward": chunks}
    assert all(one.forwards(224, 224) == 0 for one in methods)
