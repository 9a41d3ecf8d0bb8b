"""Differences of classes, and scores of one's own on networks whose output is no row of class scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auditor.engine.capture import capture
from auditor.engine.maps import MapRun, make_maps
from auditor.engine.predictor import Predictor
from auditor.engine.target_gradients import TargetGradients
from auditor.errors import ModelError
from auditor.registry import load, names
from auditor.targets import OwnScore, Targets
from auditor.visualizers import MapVisualizer, Need
from auditor.visualizers.cam import Cam
from auditor.visualizers.grad_cam import GradCam
from auditor.visualizers.occlusion import Occlusion
from auditor.visualizers.saliency import Saliency
from tests.engine.networks import HEIGHT, WIDTH, PlainCnn, images, inputs, loaded, sample, seeded

CPU = torch.device("cpu")
CHEAP: dict[str, dict[str, Any]] = {
    "rise": {"masks": 10},
    "lime": {"samples": 20},
    "kernel_shap": {"samples": 20},
    "occlusion": {"stride": 0.25},
}
MAPS = [name for name in names("visualizers") if issubclass(load("visualizers", name), MapVisualizer)]


class Segments(nn.Module):
    """As torchvision's networks of segmentation: a dict, `out` of shape (n, classes, height, width)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Conv2d(6, 4, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        small = self.classifier(self.body(x))
        return {"out": F.interpolate(small, size=x.shape[-2:], mode="nearest"), "aux": small}


class Detects(nn.Module):
    """As torchvision's networks of detection: for each image a dict of boxes, labels and scores."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4))
        self.score = nn.Conv2d(6, 1, 1)

    def forward(self, x: Tensor) -> list[dict[str, Tensor]]:
        found = self.score(self.body(x)).flatten(1)
        return [{"boxes": torch.zeros(len(one), 4), "scores": one.sigmoid()} for one in found]


def share_of_class_1(output: dict[str, Tensor]) -> Tensor:
    return output["out"][:, 1].mean((1, 2))


def best_detection(output: list[dict[str, Tensor]]) -> Tensor:
    return torch.stack([one["scores"].max() for one in output])


def own(function: Callable[[Any], Tensor], count: int) -> Targets:
    return Targets(torch.zeros(count).long(), own=OwnScore("own", function), words="own")


def run(module: nn.Module, parts: list[MapVisualizer], targets: Targets) -> MapRun:
    return make_maps(
        loaded(module), module, sample(images(len(targets))), parts, ["body.2"], device=CPU, targets=targets
    )


def test_grad_cam_of_a_segmentation_score_is_its_closed_form() -> None:
    """The score is linear in what the pooling returns: each unit's gradient is its weight over the cells."""
    module, x = seeded(Segments).eval(), inputs(2)
    needs = GradCam.needs

    found = capture(module, x, layers=["body.3"], needs=needs, targets=own(share_of_class_1, 2))["body.3"]
    maps = GradCam().maps(found)

    units = module.body(x).detach()
    weights = module.classifier.weight[1].detach() / (units.shape[2] * units.shape[3])
    torch.testing.assert_close(maps, (weights * units).sum(1).clamp(min=0))
    torch.testing.assert_close(found.target_logits(), share_of_class_1(module(x)).detach())


def test_occlusion_of_a_segmentation_score_is_its_fall() -> None:
    module, x = seeded(Segments).eval(), inputs(2)
    fill = torch.zeros(3, 1, 1)
    predictor = Predictor(loaded(module), CPU, chunk=4, own=OwnScore("own", share_of_class_1))
    targets = own(share_of_class_1, 2)

    found = capture(
        module, x, layers=[], needs=frozenset({Need.SCORES}), targets=targets, target_scores=predictor.input_scores,
        fill=fill,
    )  # fmt: skip
    maps = Occlusion(window=0.5, stride=0.5).maps(found[None])

    hidden = x.clone()
    hidden[:, :, : HEIGHT // 2, : WIDTH // 2] = 0
    fall = (share_of_class_1(module(x)) - share_of_class_1(module(hidden))).detach().clamp(min=0)
    torch.testing.assert_close(maps[:, 0, 0], fall)


@pytest.mark.parametrize(("build", "function"), [(Segments, share_of_class_1), (Detects, best_detection)])
def test_every_map_is_made_for_a_score_of_ones_own_or_skipped_in_words(
    build: type[nn.Module], function: Callable[[Any], Tensor]
) -> None:
    parts = [load("visualizers", name)(**CHEAP.get(name, {})) for name in MAPS]

    made = run(seeded(build), parts, own(function, 2))  # type: ignore[arg-type]

    assert made.failures == []
    assert {"grad_cam", "saliency", "occlusion", "integrated_gradients", "rise"} <= {one.method for one in made.maps}
    skipped = {name: reason for name, _, reason in made.skipped}
    assert skipped["cam"] == "CAM needs the weights of a class, and the score own has none; take grad_cam"


def test_a_callable_that_fails_fails_its_maps_in_words() -> None:
    with pytest.raises(ModelError, match="target own fails: KeyError: 'out_'"):
        run(seeded(Segments), [Saliency()], own(lambda output: output["out_"], 2))


def test_the_maps_of_a_difference_are_those_of_the_difference_of_scores() -> None:
    module, x = seeded(PlainCnn).eval(), inputs(3)
    classes, against = torch.tensor([0, 1, 2]), torch.tensor([3, 3, 4])
    difference = Targets(classes, against, words="a minus b")
    needs = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS, Need.INPUT_GRADIENTS, Need.HEAD})

    def gradients(targets: Targets | Tensor) -> tuple[Tensor, Tensor]:
        found = capture(module, x, layers=["features.6"], needs=needs, targets=targets)["features.6"]
        assert found.gradients is not None
        assert found.input_gradients is not None
        return found.gradients, found.input_gradients

    of_layer, of_input = gradients(difference)
    for found, one, other in zip((of_layer, of_input), gradients(classes), gradients(against), strict=True):
        torch.testing.assert_close(found, one - other)
    logits, at = TargetGradients(Predictor(loaded(module), CPU)).at(x, difference)
    torch.testing.assert_close(at, of_input, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(logits, difference.of(module(x)).detach(), atol=1e-5, rtol=1e-4)

    captured = capture(module, x, layers=["features.6"], needs=needs, targets=difference)["features.6"]
    weights = module.head.weight[classes] - module.head.weight[against]
    assert captured.activations is not None
    expected = (weights.detach()[:, :, None, None] * captured.activations).sum(1).clamp(min=0)
    torch.testing.assert_close(Cam().maps(captured), expected)


def test_the_score_of_a_difference_is_that_of_the_probabilities() -> None:
    module, x = seeded(PlainCnn).eval(), inputs(3)
    difference = Targets(torch.tensor([0, 1, 2]), torch.tensor([3, 3, 4]))

    scores = Predictor(loaded(module), CPU).input_scores(x, difference)

    torch.testing.assert_close(scores, difference.of(module(x).softmax(1)).detach(), atol=1e-5, rtol=1e-4)


def test_a_predictor_with_a_score_of_ones_own_gives_it_as_one_column() -> None:
    module = seeded(Segments)

    scores = Predictor(loaded(module), CPU, own=OwnScore("own", share_of_class_1)).scores(images(3))

    expected = share_of_class_1(module(loaded(module).preprocessing.to_input(images(3))))
    np.testing.assert_allclose(scores[:, 0], expected.detach().numpy(), rtol=1e-4, atol=1e-5)
