"""Input × gradient, SmoothGrad, integrated gradients, guided backpropagation, guided Grad-CAM and LRP."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace
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
from auditor.visualizers import Captured, Need, Visualizer
from auditor.visualizers.guided_backprop import GuidedBackprop
from auditor.visualizers.guided_grad_cam import GuidedGradCam
from auditor.visualizers.input_x_gradient import InputXGradient
from auditor.visualizers.integrated_gradients import IntegratedGradients
from auditor.visualizers.lrp import Lrp
from auditor.visualizers.smooth_grad import SmoothGrad
from tests.engine.networks import ClassTokenViT, PlainCnn, WritesToACopy, images, inputs, loaded, sample, seeded
from tests.visualizers.oracles import correlation

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from captum.attr import GuidedBackprop as CaptumGuidedBackprop
    from captum.attr import GuidedGradCam as CaptumGuidedGradCam
    from captum.attr import InputXGradient as CaptumInputXGradient
    from captum.attr import IntegratedGradients as CaptumIntegratedGradients
    from captum.attr import Saliency as CaptumSaliency

CPU = torch.device("cpu")
TARGETS = torch.tensor([0, 3, 1, 2])
FILL = torch.tensor([0.3, -0.2, 0.1]).view(3, 1, 1)
FAMILY: list[Visualizer] = [
    InputXGradient(), SmoothGrad(samples=3), IntegratedGradients(steps=4), GuidedBackprop(), GuidedGradCam(), Lrp(),
]  # fmt: skip


class Relus(nn.Module):
    """A network of modules only, none used twice, as captum's hooks want it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.relu, self.pool = nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        self.second, self.last = nn.Conv2d(6, 8, 3, padding=1), nn.ReLU()
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.last(self.second(self.pool(self.relu(self.first(x))))).mean((2, 3)))


class Linear(nn.Module):
    """y = W x + b."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3 * 16 * 12, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x.flatten(1))

    def weights(self) -> Tensor:
        """Of the targets, shape (4, 3, 16, 12)."""
        return self.head.weight.detach()[TARGETS].view(4, 3, 16, 12)


def captured_on(
    module: nn.Module, x: Tensor, layer: str | None = None, told: dict[str, Tensor] | None = None
) -> Captured:
    asked = TargetGradients(Predictor(loaded(module), CPU, chunk=6))
    layers = [] if layer is None else [layer]
    found = capture(module, x, layers=layers, needs=frozenset(Need), targets=TARGETS, fill=FILL)
    captured = asked.added_to(found)[layer]
    return replace(captured, tell=None if told is None else told.__setitem__)


@pytest.mark.parametrize("build", [PlainCnn, ClassTokenViT])
def test_input_x_gradient_is_the_positive_part_of_captums(build: type[nn.Module]) -> None:
    module, x = seeded(build), inputs()
    expected = CaptumInputXGradient(module).attribute(x.clone().requires_grad_(), TARGETS).sum(1)

    maps = InputXGradient().maps(captured_on(module, x))

    torch.testing.assert_close(maps, expected.detach().clamp(min=0), atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("build", [WritesToACopy, ClassTokenViT])
@pytest.mark.parametrize("steps", [1, 2, 33])
def test_integrated_gradients_are_the_positive_part_of_captums_trapezoids(build: type[nn.Module], steps: int) -> None:
    module, x = seeded(build), inputs()
    expected = CaptumIntegratedGradients(module).attribute(
        x, baselines=FILL.expand(3, 16, 12)[None], target=TARGETS, n_steps=steps + 1, method="riemann_trapezoid"
    )  # fmt: skip

    maps = IntegratedGradients(steps=steps).maps(captured_on(module, x))

    # no max-pooling here: on a plain baseline all its values tie, and rounding picks the winner
    expected = expected * (steps + 1) / steps  # captum's trapezoid weights sum to (n − 1) / n
    torch.testing.assert_close(maps, expected.detach().sum(1).clamp(min=0).float(), atol=1e-6, rtol=1e-3)


def test_integrated_gradients_of_a_linear_model_are_weight_times_distance_and_complete() -> None:
    module, x, told = seeded(Linear), inputs(), dict[str, Tensor]()

    maps = IntegratedGradients(steps=1).maps(captured_on(module, x, told=told))

    expected = (module.weights() * (x - FILL)).sum(1).clamp(min=0)
    torch.testing.assert_close(maps, expected, atol=1e-6, rtol=1e-4)
    (gap,) = told.values()
    assert gap.shape == (4,)
    assert float(gap.max()) < 1e-4


def test_the_completeness_gap_is_told_as_it_is_and_shrinks_with_steps() -> None:
    module, x = seeded(PlainCnn), inputs() * 3
    gaps: dict[int, Tensor] = {}
    for steps in (1, 8, 200):
        told: dict[str, Tensor] = {}
        IntegratedGradients(steps=steps).maps(captured_on(module, x, told=told))
        (gaps[steps],) = told.values()

    attributions, error = CaptumIntegratedGradients(module).attribute(
        x, baselines=FILL.expand(3, 16, 12)[None], target=TARGETS, n_steps=9, method="riemann_trapezoid",
        return_convergence_delta=True,
    )  # fmt: skip
    difference = attributions.flatten(1).sum(1) - error
    complete = attributions.flatten(1).sum(1) * 9 / 8  # captum's trapezoid weights sum to (n − 1) / n
    expected = (complete - difference).abs() / difference.abs()
    torch.testing.assert_close(gaps[8], expected.detach().float(), atol=1e-3, rtol=1e-2)
    assert float(gaps[200].max()) < 0.02
    assert float(gaps[200].mean()) < float(gaps[1].mean())


@pytest.mark.parametrize("build", [PlainCnn, ClassTokenViT])
def test_smooth_grad_is_captums_gradient_averaged_over_the_same_noise(build: type[nn.Module]) -> None:
    module, x, total = seeded(build), inputs(), torch.zeros(4, 3, 16, 12)
    spread = 0.15 * (x.amax((1, 2, 3)) - x.amin((1, 2, 3)))
    generators = [torch.Generator().manual_seed(seed) for seed in range(4)]
    for _ in range(5):
        noise = torch.stack([torch.randn(3, 16, 12, generator=own) for own in generators])
        noisy = (x + spread[:, None, None, None] * noise).requires_grad_()
        total += CaptumSaliency(module).attribute(noisy, TARGETS, abs=False) / 5

    maps = SmoothGrad(samples=5).maps(captured_on(module, x))

    torch.testing.assert_close(maps, total.abs().amax(1), atol=1e-6, rtol=1e-3)


def test_smooth_grad_of_a_linear_model_is_its_saliency_whatever_the_noise() -> None:
    module = seeded(Linear)

    maps = SmoothGrad(samples=3).maps(captured_on(module, inputs()))

    torch.testing.assert_close(maps, module.weights().abs().amax(1))


def test_guided_backpropagation_is_captums() -> None:
    module, x = seeded(Relus), inputs()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = CaptumGuidedBackprop(copy.deepcopy(module)).attribute(x.clone().requires_grad_(), TARGETS)

    maps = GuidedBackprop().maps(captured_on(module, x))

    torch.testing.assert_close(maps, expected.detach().abs().amax(1), atol=1e-7, rtol=1e-3)


def test_guided_grad_cam_is_captums() -> None:
    module, x = seeded(Relus), inputs()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = copy.deepcopy(module)
        expected = CaptumGuidedGradCam(theirs, theirs.last).attribute(
            x.clone().requires_grad_(), TARGETS, interpolate_mode="bilinear"
        )

    maps = GuidedGradCam().maps(captured_on(module, x, "last"))

    found = expected.detach().abs().amax(1)
    assert correlation(maps, found) >= 0.999
    torch.testing.assert_close(maps, found, atol=1e-3 * float(found.max()), rtol=1e-2)


def test_those_that_fail_sanity_checks_say_so_to_the_layman_and_in_the_documentation() -> None:
    for part in (GuidedBackprop, GuidedGradCam):
        assert "FAILS SANITY CHECKS" in part.reading
        assert "FAILS SANITY CHECKS" in (part.__doc__ or "")


def test_lrp_of_a_linear_model_is_its_contributions_and_tells_what_the_bias_kept() -> None:
    module, x, told = seeded(Linear), inputs(), dict[str, Tensor]()

    maps = Lrp().maps(captured_on(module, x, told=told))

    torch.testing.assert_close(maps, (module.weights() * x).sum(1).clamp(min=0), atol=1e-5, rtol=1e-3)
    scores = module(x).detach().gather(1, TARGETS[:, None])[:, 0]
    (kept,) = told.values()
    torch.testing.assert_close(kept, (module.head.bias.detach()[TARGETS] / scores).abs(), atol=1e-4, rtol=1e-2)


def test_lrp_counts_what_its_rule_costs() -> None:
    from auditor.engine.relevance import PASSES

    assert {rule: Lrp(rule=rule).forwards(16, 12) for rule in ("epsilon", "gamma", "zplus")} == PASSES


def run(visualizers: list[Visualizer], module: nn.Module, layer: str, *, chunk: int, **options: Any) -> MapRun:
    return make_maps(
        loaded(module),
        module,
        sample(images(6)),
        visualizers,
        [layer],
        device=CPU,
        chunk=chunk,
        **options,
    )


def test_chunks_change_nothing_and_draws_belong_to_the_image_not_to_its_place() -> None:
    module = seeded(WritesToACopy)

    one, many = run(FAMILY, module, "second", chunk=1), run(FAMILY, module, "second", chunk=6)
    some = run(FAMILY, module, "second", chunk=2, indices=np.array([4, 1]))

    assert not one.failures
    for a, b, c in zip(one.maps, many.maps, some.maps, strict=True):
        np.testing.assert_allclose(a.maps, b.maps, atol=1e-6, err_msg=a.name)
        np.testing.assert_allclose(a.maps[[4, 1]], c.maps, atol=1e-6, err_msg=a.name)


def test_the_report_gets_the_gaps_as_one_sentence_each() -> None:
    made = run([IntegratedGradients(steps=4), Lrp()], seeded(PlainCnn), "features.6", chunk=4)

    (gap,) = [note for note in made.notes if note.startswith("integrated_gradients: completeness gap")]
    assert gap.endswith("over 6 images")
    assert any(note.startswith("lrp: relevance kept") for note in made.notes)


def test_what_cannot_be_guided_is_skipped_in_words_and_the_rest_goes_on() -> None:
    class Gelu(PlainCnn):
        def forward(self, x: Tensor) -> Tensor:
            x = F.gelu(self.features[1](self.features[0](x)))
            return self.head(F.gelu(self.features[5](self.features[4](x))).mean((2, 3)))

    module = seeded(Gelu)
    made = make_maps(
        loaded(module), module, sample(images(4)), [GuidedBackprop(), SmoothGrad(samples=2)], [], device=CPU, chunk=2
    )

    ((name, layer, reason),) = made.skipped
    assert (name, layer) == ("guided_backprop", None)
    assert "runs no ReLU" in reason
    assert [item.method for item in made.maps] == ["smooth_grad"]
