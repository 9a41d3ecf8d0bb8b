"""RISE, LIME and KernelSHAP."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from auditor.engine.maps import MapRun, make_maps
from auditor.engine.predictor import Predictor
from auditor.superpixels import superpixels
from auditor.targets import as_targets
from auditor.visualizers import Captured, Visualizer
from auditor.visualizers.kernel_shap import KernelShap, shapley_values
from auditor.visualizers.lime import Lime
from auditor.visualizers.rise import Rise
from tests.engine.networks import PlainCnn, images, inputs, loaded, sample, seeded
from tests.visualizers.oracles import correlation

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from captum.attr import KernelShap as CaptumKernelShap
    from captum.attr import LimeBase

Scores = Callable[[Tensor, Tensor], Tensor]
FILL = torch.tensor([0.3, -0.2, 0.1]).view(3, 1, 1)
FAMILY: list[Visualizer] = [Rise(masks=20), Lime(samples=30, patches=6), KernelShap(samples=30, patches=6)]


def captured_on(x: Tensor, scores: Scores) -> Captured:
    return Captured(x, torch.zeros(len(x), 2), as_targets(torch.zeros(len(x)).long()), target_scores=scores, fill=FILL)


def adding(weights: Tensor) -> Scores:
    """A model that adds pixels up: score = Σ w · x."""
    return lambda batch, targets: (batch * weights).flatten(1).sum(1)


def weights_of(seed: int = 1) -> Tensor:
    return torch.randn((3, 16, 12), generator=torch.Generator().manual_seed(seed)) / 100


def patch_sums(x: Tensor, weights: Tensor, patches: int) -> tuple[Tensor, Tensor]:
    """Labels and the sum of w · (x − fill) over each patch of one image: the exact answer for an adding model."""
    labels = torch.from_numpy(superpixels(x.numpy(), patches))
    gains = (weights * (x - FILL)).sum(0)
    sums = torch.zeros(int(labels.max()) + 1).index_add_(0, labels.flatten(), gains.flatten())
    return labels, sums


def test_rise_is_the_slow_formula_over_its_own_masks() -> None:
    x, options = inputs(2), Rise(masks=30, cells=4)
    scores = adding(weights_of())
    expected = []
    for index in range(2):
        generator = torch.Generator().manual_seed(index)
        total, seen, plain = np.zeros((16, 12)), np.zeros((16, 12)), []
        for _ in range(30):
            mask = options._mask((16, 12), generator)
            score = float(scores((x[index] * mask + FILL * (1 - mask))[None], torch.zeros(1)))
            total += score * mask.numpy()
            seen += mask.numpy()
            plain.append(score)
        expected.append(np.maximum(total / np.maximum(seen, 1e-30) - np.mean(plain), 0))

    maps = options.maps(captured_on(x, scores))

    np.testing.assert_allclose(maps, expected, atol=1e-4)


def test_masks_of_rise_are_smooth_shares_of_the_wanted_mean() -> None:
    generator = torch.Generator().manual_seed(0)

    masks = torch.stack([Rise(visible=0.3)._mask((16, 12), generator) for _ in range(400)])

    assert masks.shape == (400, 16, 12)
    assert float(masks.min()) >= 0
    assert float(masks.max()) <= 1
    assert abs(float(masks.mean()) - 0.3) < 0.03
    assert len(masks.unique()) > 2


def test_rise_lights_up_the_only_place_that_counts() -> None:
    weights = torch.zeros(3, 16, 12)
    weights[:, :5, :4] = 0.02
    x = torch.ones(1, 3, 16, 12)

    maps = Rise(masks=1500, cells=4).maps(captured_on(x, adding(weights)))[0]

    assert float(maps[:5, :4].mean()) > 8 * float(maps[9:, 7:].mean())


def test_lime_of_an_adding_model_is_each_patchs_own_sum() -> None:
    x, weights = inputs(2), weights_of()

    maps = Lime(samples=400, patches=8, ridge=1e-9).maps(captured_on(x, adding(weights)))

    for image, found in zip(x, maps, strict=True):
        labels, sums = patch_sums(image, weights, 8)
        torch.testing.assert_close(found, sums[labels].clamp(min=0), atol=1e-5, rtol=1e-3)


def test_lime_agrees_with_captums_on_a_network_that_is_not_linear() -> None:
    module, x = seeded(PlainCnn), inputs(1) * 3
    scores = Predictor(loaded(module), torch.device("cpu"), chunk=64).input_scores
    labels = torch.from_numpy(superpixels(x[0].numpy(), 6))
    count = int(labels.max()) + 1

    class Ridge:
        """Weighted least squares, as captum wants its models."""

        def fit(self, data: Any, **options: Any) -> dict[str, Any]:
            batch = next(iter(data))
            z, y, w = (part.double().numpy() for part in batch)
            design = np.concatenate((np.ones((len(z), 1)), z), axis=1)
            root = np.sqrt(w.ravel())[:, None]
            self.found = np.linalg.lstsq(design * root, y.reshape(-1, 1) * root, rcond=None)[0].ravel()[1:]
            return {}

        def representation(self) -> Tensor:
            return torch.from_numpy(self.found).float()[None]

    def similarity(original: Tensor, perturbed: Tensor, interpretable: Tensor, **options: Any) -> Tensor:
        cosine = math.sqrt(float(interpretable.sum()) / count)
        return torch.tensor(math.exp(-((1 - cosine) ** 2) / 0.25**2))

    theirs = LimeBase(
        lambda batch: scores(batch, torch.zeros(len(batch)).long()), Ridge(), similarity,
        lambda original, **options: (torch.rand(1, count) < 0.5).float(), True,
        lambda z, original, **options: torch.where(z[0].bool()[labels], original, FILL), None,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        expected = theirs.attribute(x, n_samples=800)[0].detach()

    maps = Lime(samples=800, patches=6, ridge=0).maps(captured_on(x, scores))

    found = torch.stack([maps[0][labels == label].mean() for label in range(count)])
    assert correlation(found, expected.clamp(min=0)) > 0.98


def exact_shapley(value: Callable[[tuple[int, ...]], float], players: int) -> list[float]:
    """The definition: mean gain over all orders."""
    totals = [0.0] * players
    for order in itertools.permutations(range(players)):
        for place, player in enumerate(order):
            totals[player] += value(order[: place + 1]) - value(order[:place])
    return [total / math.factorial(players) for total in totals]


def test_kernel_shap_of_an_adding_model_is_each_patchs_own_sum() -> None:
    x, weights = inputs(2), weights_of()

    maps = KernelShap(samples=120, patches=8).maps(captured_on(x, adding(weights)))

    for image, found in zip(x, maps, strict=True):
        labels, sums = patch_sums(image, weights, 8)
        torch.testing.assert_close(found, sums[labels].clamp(min=0), atol=1e-5, rtol=1e-3)


def test_kernel_shap_of_a_game_with_interactions_is_the_definition() -> None:
    generator = torch.Generator().manual_seed(3)
    table = torch.rand(2**5, generator=generator, dtype=torch.float64)

    def value(members: tuple[int, ...]) -> float:
        return float(table[sum(2**player for player in members)])

    sets = KernelShap(samples=20000).sets(5, torch.Generator().manual_seed(0))
    scores = torch.tensor([value(tuple(row.nonzero().flatten().tolist())) for row in sets], dtype=torch.float64)

    found = shapley_values(sets.double(), scores)

    np.testing.assert_allclose(found, exact_shapley(value, 5), atol=0.01)
    assert float(found.sum()) == pytest.approx(value(tuple(range(5))) - value(()))


def test_kernel_shap_of_a_linear_model_is_captums() -> None:
    x, weights = inputs(1), weights_of(2)
    labels, sums = patch_sums(x[0], weights, 6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        expected = CaptumKernelShap(lambda batch: (batch * weights).flatten(1).sum(1)).attribute(
            x, baselines=FILL.expand(3, 16, 12)[None], feature_mask=labels.expand(1, 3, 16, 12), n_samples=300
        )  # fmt: skip

    maps = KernelShap(samples=120, patches=6).maps(captured_on(x, adding(weights)))

    torch.testing.assert_close(maps[0], expected[0, 0].clamp(min=0), atol=1e-4, rtol=1e-2)
    assert len(sums) > 3


def test_one_patch_gets_the_whole_difference() -> None:
    sets = torch.tensor([[1.0], [0.0]], dtype=torch.float64)

    found = shapley_values(sets, torch.tensor([0.9, 0.2], dtype=torch.float64))

    assert found.tolist() == [pytest.approx(0.7)]


@pytest.mark.parametrize("visualizer", FAMILY, ids=lambda one: one.part_name())
def test_the_cost_is_as_announced(visualizer: Any) -> None:
    seen = [0]

    def scores(batch: Tensor, targets: Tensor) -> Tensor:
        seen[0] += len(batch)
        return batch.flatten(1).mean(1)

    visualizer.maps(captured_on(inputs(2), scores))

    assert seen[0] == 2 * visualizer.forwards(16, 12)


def test_chunks_change_nothing_and_draws_belong_to_the_image_not_to_its_place() -> None:
    module = seeded(PlainCnn)

    def run(chunk: int, **options: Any) -> MapRun:
        return make_maps(
            loaded(module), module, sample(images(6)), FAMILY, [], device=torch.device("cpu"), chunk=chunk, **options
        )

    one, many, some = run(1), run(6), run(2, indices=np.array([4, 1]))

    assert not one.failures
    for a, b, c in zip(one.maps, many.maps, some.maps, strict=True):
        np.testing.assert_allclose(a.maps, b.maps, atol=1e-5, err_msg=a.name)
        np.testing.assert_allclose(a.maps[[4, 1]], c.maps, atol=1e-5, err_msg=a.name)
