from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.engine.maps import make_maps
from auditor.engine.predictor import Predictor
from auditor.targets import as_targets
from auditor.visualizers import Captured
from auditor.visualizers.occlusion import Occlusion
from tests.engine.networks import ClassTokenViT, PlainCnn, images, inputs, loaded, sample, seeded
from tests.visualizers.oracles import correlation

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from captum.attr import Occlusion as CaptumOcclusion

FILL = torch.tensor([0.3, -0.2, 0.1]).view(3, 1, 1)


class ReadsTheCorner(nn.Module):
    """Says 1 when the top-left 4×3 pixels are bright, whatever else is in the image."""

    def forward(self, x: Tensor) -> Tensor:
        brightness = x[:, :, :4, :3].mean((1, 2, 3))
        return torch.stack((-brightness, brightness), 1) * 5


def captured_on(module: nn.Module, x: Tensor, targets: Tensor, fill: Tensor = FILL) -> Captured:
    scores = Predictor(loaded(module), torch.device("cpu"), chunk=16).input_scores
    return Captured(x, module(x).detach(), as_targets(targets), target_scores=scores, fill=fill)


@pytest.mark.parametrize("build", [PlainCnn, ClassTokenViT])
@pytest.mark.parametrize(("window", "stride"), [(0.25, 0.25), (0.5, 0.25)])
def test_occlusion_is_the_positive_part_of_captums(build: type[nn.Module], window: float, stride: float) -> None:
    module, x, targets = seeded(build), inputs(3), torch.tensor([0, 3, 1])
    expected = CaptumOcclusion(lambda batch: module(batch).softmax(1)).attribute(
        x,
        sliding_window_shapes=(3, round(16 * window), round(12 * window)),
        strides=(3, round(16 * stride), round(12 * stride)),
        baselines=FILL.expand(3, 16, 12)[None],
        target=targets,
    )[:, 0]

    maps = Occlusion(window=window, stride=stride).maps(captured_on(module, x, targets))

    assert correlation(maps, expected.clamp(min=0)) >= 0.9999
    torch.testing.assert_close(maps, expected.clamp(min=0).float(), atol=1e-6, rtol=1e-3)


def test_only_the_place_that_decides_lights_up() -> None:
    module = ReadsTheCorner().eval()
    x = torch.zeros(2, 3, 16, 12)
    x[:, :, :4, :3] = 1

    maps = Occlusion(window=0.25, stride=0.25).maps(captured_on(module, x, torch.tensor([1, 1]), torch.zeros(3, 1, 1)))

    whole, hidden = torch.tensor([[-5.0, 5.0], [0.0, 0.0]]).softmax(1)[:, 1]
    torch.testing.assert_close(maps[:, :4, :3], (whole - hidden).expand(2, 4, 3))
    assert not maps[:, 4:].any()
    assert not maps[:, :, 3:].any()


@pytest.mark.parametrize(("window", "stride"), [(0.25, 0.125), (0.3, 0.2), (1.0, 1.0), (0.01, 0.5), (0.2, 0.9)])
@pytest.mark.parametrize("size", [(16, 12), (30, 30), (7, 5)])
def test_every_pixel_is_covered_and_the_cost_is_as_announced(
    window: float, stride: float, size: tuple[int, int]
) -> None:
    visualizer, seen = Occlusion(window=window, stride=stride), [0]

    def scores(batch: Tensor, targets: Tensor) -> Tensor:
        seen[0] += len(batch)
        return (batch == 0).all(1).flatten(1).float().mean(1)

    captured = Captured(
        torch.zeros(2, 3, *size), torch.zeros(2, 2), torch.zeros(2).long(), target_scores=scores, fill=FILL
    )
    maps = visualizer.maps(captured)

    assert bool((maps > 0).all())
    assert seen[0] == 2 * visualizer.forwards(*size)


def test_the_standard_preset_is_a_coarse_grid_of_seven_by_seven() -> None:
    assert Occlusion(**Occlusion.budgets["standard"]).forwards(224, 224) == 7 * 7 + 1


def test_hidden_windows_are_filled_with_the_samples_mean_pixel() -> None:
    seen: list[Tensor] = []
    module, pictures = seeded(PlainCnn), images(4)
    module.features[0].register_forward_hook(lambda part, args, output: seen.append(args[0].clone()))
    model = loaded(module)
    predictor = Predictor(model, torch.device("cpu"), fast=False)

    make_maps(
        model, module, sample(pictures), [Occlusion(window=1, stride=1)], [], device=torch.device("cpu"),
        predictor=predictor,
    )  # fmt: skip

    mean = model.preprocessing.to_input(pictures).mean((0, 2, 3))
    hidden = [batch for batch in seen if bool((batch == batch[:1, :, :1, :1]).all())]
    assert hidden
    np.testing.assert_allclose(hidden[0][0, :, 0, 0], mean, atol=1e-5)


def test_finer_levels_find_a_small_place_inside_the_coarse_one_and_cost_less_than_trying_all() -> None:
    module = ReadsTheCorner().eval()
    x = torch.zeros(2, 3, 32, 24)
    x[:, :, :4, :3] = 1
    targets, fill = torch.tensor([1, 1]), torch.zeros(3, 1, 1)
    coarse = Occlusion(window=0.5, stride=0.25)
    fine = Occlusion(window=0.5, stride=0.25, finer=2)
    all_fine = Occlusion(window=0.125, stride=0.0625)

    blurred = coarse.maps(captured_on(module, x, targets, fill))
    maps = fine.maps(captured_on(module, x, targets, fill))

    def share(found: Tensor) -> float:
        return float(found[:, :4, :3].sum() / found.sum())

    assert share(maps) > 1.5 * share(blurred)
    assert bool((maps.flatten(1).argmax(1) == maps[:, :4, :3].flatten(1).argmax(1)).all())
    assert fine.forwards(32, 24) < all_fine.forwards(32, 24) / 2


def finer_by_hand(scores: Any, x: Tensor, fill: Tensor, options: Occlusion) -> Tensor:
    """One image, window by window, level by level, without any vectorising."""
    height, width = x.shape[-2:]
    whole, total = scores(x[None]), torch.zeros(height, width)
    for level in range(options.finer + 1):
        rows, columns = round(options.window / 2**level * height), round(options.window / 2**level * width)
        down, right = round(options.stride / 2**level * height), round(options.stride / 2**level * width)
        places = [
            (top, left) for top in range(0, height - rows + 1, down) for left in range(0, width - columns + 1, right)
        ]
        keep = int(np.ceil(len(places) * options.kept**level))
        worth = [float(total[top : top + rows, left : left + columns].double().sum()) for top, left in places]
        order = sorted(range(len(places)), key=lambda index: -round(worth[index], 6))[:keep]
        lost, covered = torch.zeros(height, width), torch.zeros(height, width)
        for top, left in (places[index] for index in order):
            hidden = x.clone()
            hidden[:, top : top + rows, left : left + columns] = fill
            lost[top : top + rows, left : left + columns] += whole - scores(hidden[None])
            covered[top : top + rows, left : left + columns] += 1
        total += torch.where(covered > 0, lost / covered.clamp(min=1), 0.0).clamp(min=0)
    return total / (options.finer + 1)


def test_finer_levels_are_a_slow_twins() -> None:
    module, x, targets = seeded(PlainCnn), inputs(3, height=32, width=16), torch.tensor([0, 3, 1])
    options = Occlusion(window=0.5, stride=0.25, finer=2, kept=0.5)

    maps = options.maps(captured_on(module, x, targets))

    for index in range(3):

        def score(batch: Tensor, target: int = int(targets[index])) -> float:
            with torch.no_grad():
                return float(module(batch).softmax(1)[0, target])

        torch.testing.assert_close(maps[index], finer_by_hand(score, x[index], FILL, options), atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("size", [(16, 12), (224, 224), (7, 5)])
def test_finer_levels_cost_what_is_announced(size: tuple[int, int]) -> None:
    visualizer, seen = Occlusion(**Occlusion.budgets["full"]), [0]

    def scores(batch: Tensor, targets: Tensor) -> Tensor:
        seen[0] += len(batch)
        return batch.flatten(1).mean(1)

    x = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(0))
    visualizer.maps(
        Captured(
            x, torch.zeros(1, 2), as_targets(torch.zeros(1).long()), target_scores=scores, fill=x.mean().view(1, 1, 1)
        )
    )

    assert seen[0] == visualizer.forwards(*size)
    assert visualizer.forwards(224, 224) < 15 * 15 + 1, "cheaper than a full grid of the first finer level"
