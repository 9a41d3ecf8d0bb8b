from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from auditor.errors import NotApplicableError
from auditor.visualizers.multi_scale_cam import MultiScaleCam
from tests.engine.networks import ClassTokenViT, PlainCnn, inputs, seeded
from tests.visualizers.oracles import shared_pass

TARGETS = torch.tensor([0, 3, 1, 2])


def test_with_pooling_and_one_linear_layer_it_fuses_the_cams_of_three_sizes_by_their_weights() -> None:
    module, x = seeded(PlainCnn), inputs()
    weights = module.head.weight.detach()[TARGETS]
    expected = torch.zeros(4, 8, 6)
    for share, size in ((0.6, (16, 12)), (0.3, (12, 9)), (0.1, (8, 6))):
        smaller = F.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=True)
        cam = torch.einsum("bk,bkij->bij", weights, module.features(smaller).detach()).clamp(min=0)
        expected += share * F.interpolate(cam[:, None], size=(8, 6), mode="bilinear", align_corners=False)[:, 0]

    maps = MultiScaleCam().maps(shared_pass(module, "features.6", x, TARGETS)["features.6"])

    torch.testing.assert_close(maps, expected / (8 * 6))


def test_it_costs_two_more_passes() -> None:
    module, runs = seeded(PlainCnn), []
    captured = shared_pass(module, "features.6", inputs(), TARGETS)["features.6"]
    module.head.register_forward_hook(lambda *_: runs.append(1))

    MultiScaleCam().maps(captured)

    assert len(runs) == 2
    assert MultiScaleCam().forwards(16, 12) == 4


def test_a_model_of_one_size_only_is_refused_in_words() -> None:
    captured = shared_pass(seeded(ClassTokenViT), "encoder.layers.1", inputs(), TARGETS)["encoder.layers.1"]

    with pytest.raises(NotApplicableError, match="does not take pictures of 12×9 pixels"):
        MultiScaleCam().maps(captured)
