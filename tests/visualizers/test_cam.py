from __future__ import annotations

import pytest
import torch
import torchvision

from auditor.errors import NotApplicableError
from auditor.visualizers.cam import Cam
from auditor.visualizers.grad_cam import GradCam
from tests.engine.networks import CLASSES, ClassTokenViT, PlainCnn, inputs, seeded
from tests.visualizers.oracles import shared_pass


def test_it_is_the_classifying_layers_weights_over_the_features() -> None:
    module, x, targets = seeded(PlainCnn), inputs(), torch.arange(4) % CLASSES
    features, weights = module.features(x).detach(), module.head.weight.detach()
    expected = torch.zeros(4, 8, 6)
    for image, target in enumerate(targets.tolist()):
        for unit in range(8):
            expected[image] += weights[target, unit] * features[image, unit]

    maps = Cam().maps(shared_pass(module, "features.6", x, targets)["features.6"])

    torch.testing.assert_close(maps, expected.clamp(min=0))


def test_grad_cam_is_the_same_divided_by_the_number_of_cells() -> None:
    module = seeded(torchvision.models.resnet18, weights=None)
    captured = shared_pass(module, "layer4", inputs(2, height=96, width=64), torch.tensor([3, 7]))["layer4"]

    torch.testing.assert_close(Cam().maps(captured) / (3 * 2), GradCam().maps(captured))


def test_of_a_single_score_class_0_has_the_opposite_sign() -> None:
    module, x = seeded(PlainCnn, classes=1), inputs(2)
    signed = torch.einsum("k,bkij->bij", module.head.weight.detach()[0], module.features(x).detach())

    maps = Cam().maps(shared_pass(module, "features.6", x, torch.tensor([1, 0]))["features.6"])

    torch.testing.assert_close(maps, torch.stack((signed[0], -signed[1])).clamp(min=0))


@pytest.mark.parametrize(
    ("module", "layer"),
    [(seeded(PlainCnn), "features.3"), (seeded(ClassTokenViT), "encoder.layers.2")],
    ids=["earlier layer", "transformer"],
)
def test_any_other_head_is_refused_in_words_with_what_to_take_instead(module: torch.nn.Module, layer: str) -> None:
    captured = shared_pass(module, layer, inputs(), torch.arange(4))[layer]

    with pytest.raises(NotApplicableError, match=f"what follows '{layer}' is not of that form, so take grad_cam"):
        Cam().maps(captured)
