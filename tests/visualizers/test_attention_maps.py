"""Rollout, relevance, heads and matrices against products written out, a float64 twin, and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from auditor.attention import Attention, AttentionLayer
from auditor.engine.capture import capture
from auditor.engine.maps import make_maps
from auditor.errors import ModelError
from auditor.targets import as_targets
from auditor.visualizers import Captured, Need
from auditor.visualizers.attention_heads import AttentionHeads
from auditor.visualizers.attention_matrices import AttentionMatrices
from auditor.visualizers.attention_relevance import AttentionRelevance
from auditor.visualizers.attention_rollout import AttentionRollout
from tests.engine.attention_networks import CASES, AttentionPool, vit
from tests.engine.networks import CLASSES, images, inputs, loaded, sample, seeded
from tests.visualizers.attention_twin import slow_twin
from tests.visualizers.oracles import shared_pass

TARGETS = torch.tensor([0, 3, 1])


@pytest.fixture(scope="module")
def real() -> Any:
    """The shared pass over torchvision's own transformer, and its twin's matrices and gradients."""
    module, x = seeded(vit), inputs(3, height=32, width=32)
    return shared_pass(module, "encoder.layers.encoder_layer_1", x, TARGETS), *slow_twin(module, x, TARGETS)


def synthetic(weights: list[Tensor], gradients: list[Tensor] | None = None, *, prefix: int = 0) -> Captured:
    """Matrices (heads, queries, keys) of one image, over a grid of one row."""
    layers = tuple(
        AttentionLayer(str(index), matrix[None], None if gradients is None else gradients[index][None],
                       (1, matrix.shape[-1] - prefix), prefix)
        for index, matrix in enumerate(weights)
    )  # fmt: skip
    x = torch.zeros(1, 3, 1, 1)
    return Captured(x, torch.zeros(1, 2), as_targets(torch.zeros(1, dtype=torch.int64)), attention=Attention(layers))


def test_weights_and_gradients_are_those_of_the_twin(real: Any) -> None:
    found, matrices, gradients = real

    for layer, matrix, gradient in zip(found[None].attention.layers, matrices, gradients, strict=True):
        torch.testing.assert_close(layer.weights.double(), matrix, rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(
            layer.gradients.double(), gradient, rtol=1e-3, atol=1e-3 * float(gradient.abs().max())
        )


def test_rollout_is_the_product_written_out(real: Any) -> None:
    found, matrices, _ = real
    expected = np.zeros((3, 16))
    for image in range(3):
        mixing = np.eye(17)
        for matrix in matrices:
            fused = sum(matrix[image, head].numpy() for head in range(4)) / 4
            mixing = (0.5 * fused + 0.5 * np.eye(17)) @ mixing
        expected[image] = mixing[0, 1:]

    maps = AttentionRollout().maps(found[None])

    np.testing.assert_allclose(maps.flatten(1).numpy(), expected, rtol=1e-3, atol=1e-6)


def test_relevance_is_the_update_written_out(real: Any) -> None:
    found, matrices, gradients = real
    expected = np.zeros((3, 16))
    for image in range(3):
        relevance = np.eye(17)
        for matrix, gradient in zip(matrices, gradients, strict=True):
            raised = np.maximum(matrix[image].numpy() * gradient[image].numpy(), 0).mean(axis=0)
            relevance = relevance + raised @ relevance
        expected[image] = relevance[0, 1:]

    maps = AttentionRelevance().maps(found[None])

    np.testing.assert_allclose(maps.flatten(1).numpy(), expected, rtol=1e-2, atol=1e-3 * expected.max())


def test_heads_are_the_class_tokens_rows_sharpest_first(real: Any) -> None:
    found, matrices, _ = real
    rows = matrices[1][:, :, 0, 1:].reshape(3, 4, 4, 4)

    maps, units = AttentionHeads(shown=3).channels(found["encoder.layers.encoder_layer_1"])

    for image in range(3):
        order = np.argsort(-rows[image].flatten(1).amax(1).numpy())[:3]
        assert units[image].tolist() == order.tolist()
        torch.testing.assert_close(maps[image].double(), rows[image][order], rtol=1e-3, atol=1e-6)


def test_matrices_are_the_twins_most_read_token_first(real: Any) -> None:
    found, matrices, _ = real

    maps, units = AttentionMatrices(shown=4).channels(found["encoder.layers.encoder_layer_1"])

    for image in range(3):
        most = matrices[1][image].mean(1).amax(1)
        assert units[image].tolist() == most.argsort(descending=True).tolist()
        torch.testing.assert_close(maps[image].double(), matrices[1][image][units[image]], rtol=1e-3, atol=1e-5)


def test_uniform_attention_rolls_out_to_a_share_that_a_formula_gives() -> None:
    """With Â = ½J/n + ½I, the product of L layers is (1 − 2⁻ᴸ)·J/n + 2⁻ᴸ·I."""
    uniform = torch.full((2, 6, 6), 1 / 6)

    maps = AttentionRollout().maps(synthetic([uniform] * 3, prefix=1))

    torch.testing.assert_close(maps, torch.full((1, 1, 5), (1 - 1 / 8) / 6))


def test_attention_that_everywhere_lowers_the_score_has_no_relevance() -> None:
    weights = [torch.full((2, 5, 5), 0.2)] * 2

    maps = AttentionRelevance().maps(synthetic(weights, [-torch.ones(2, 5, 5)] * 2, prefix=1))

    assert not maps.any()


def test_one_layer_of_relevance_is_attention_times_gradient() -> None:
    generator = torch.Generator().manual_seed(2)
    weights = torch.rand(3, 5, 5, generator=generator).softmax(-1)
    gradients = torch.randn(3, 5, 5, generator=generator)
    gradients[:, 1:] = 0  # the class token alone is read

    maps = AttentionRelevance().maps(synthetic([weights], [gradients], prefix=1))

    torch.testing.assert_close(maps[0, 0], (weights * gradients).clamp(min=0).mean(0)[0, 1:])


def test_averaged_patches_are_averaged_without_the_part_that_stayed_where_it_was() -> None:
    weights = torch.eye(4).roll(1, dims=1)[None]  # each patch reads its right neighbour
    gradients = torch.ones(1, 4, 4)

    maps = AttentionRelevance().maps(synthetic([weights], [gradients]))

    torch.testing.assert_close(maps, torch.full((1, 1, 4), 0.25))


def test_a_pooling_at_the_end_is_read_without_a_residual() -> None:
    generator = torch.Generator().manual_seed(3)
    within, pool = torch.rand(2, 4, 4, generator=generator).softmax(-1), torch.rand(2, 1, 4, generator=generator)
    pool = pool / pool.sum(-1, keepdim=True)
    expected = pool.mean(0) @ (0.5 * within.mean(0) + 0.5 * torch.eye(4))

    maps = AttentionRollout().maps(synthetic([within, pool], [torch.ones(2, 4, 4), torch.ones(2, 1, 4)]))

    torch.testing.assert_close(maps[0], expected)


def test_relevance_through_a_pooling_takes_each_tokens_shares() -> None:
    """Chefer et al. 2021, eq. 8 to 10: R_sq = Ā_pool · (row-normalised (R − I) + I)."""
    generator = torch.Generator().manual_seed(4)
    within, pool = torch.rand(2, 4, 4, generator=generator), torch.rand(2, 1, 4, generator=generator)
    raised, asked = within.mean(0), pool.mean(0)
    expected = asked @ (raised / raised.sum(1, keepdim=True) + torch.eye(4))

    maps = AttentionRelevance().maps(synthetic([within, pool], [torch.ones(2, 4, 4), torch.ones(2, 1, 4)]))

    torch.testing.assert_close(maps[0], expected)


def test_a_pooled_cnn_rolls_out_to_the_poolings_own_row() -> None:
    module, x = seeded(AttentionPool), inputs(3)
    tokens = module.conv(x).flatten(2).permute(2, 0, 1)
    tokens = torch.cat((tokens.mean(0, keepdim=True), tokens))
    _, expected = module.pool(tokens[:1], tokens, tokens, need_weights=True)

    maps = AttentionRollout().maps(shared_pass(module, "conv", x, TARGETS)[None])

    torch.testing.assert_close(maps.flatten(1), expected[:, 0, 1:].detach())


@pytest.mark.parametrize("style", [name for name in CASES if name != "swin"])
def test_every_style_of_network_gets_maps_over_its_grid(style: str) -> None:
    case = CASES[style]
    x = inputs(3, height=case.size[0], width=case.size[1])
    needs = frozenset({Need.ATTENTION, Need.ATTENTION_GRADIENTS})
    found = capture(seeded(case.build), x, layers=[], needs=needs, targets=TARGETS)[None]

    for visualizer in (AttentionRollout(), AttentionRelevance()):
        maps = visualizer.maps(found)

        assert maps.shape == (3, *(case.grid or ()))
        assert bool((maps >= 0).all())
        assert not torch.equal(maps[0], maps[1])


def test_relevance_differs_from_class_to_class_and_rollout_does_not(real: Any) -> None:
    module, x = seeded(vit), inputs(3, height=32, width=32)
    first, second = (shared_pass(module, "encoder.layers.encoder_layer_1", x, t)[None] for t in (TARGETS, TARGETS + 1))

    torch.testing.assert_close(AttentionRollout().maps(first), AttentionRollout().maps(second))
    assert not torch.allclose(AttentionRelevance().maps(first), AttentionRelevance().maps(second))


@pytest.mark.parametrize("visualizer", [AttentionRollout(), AttentionRelevance(), AttentionHeads()])
def test_windows_are_refused_in_words(visualizer: Any) -> None:
    module = seeded(CASES["swin"].build)

    run = make_maps(
        loaded(module, size=32), module, sample(images(3, height=32, width=32)), [visualizer], ["features.1.1"],
        device=torch.device("cpu"), targets=np.arange(3) % CLASSES,
    )  # fmt: skip

    assert not run.maps
    assert not run.channels
    assert "windows, each by itself" in run.skipped[0][2]


def test_of_windows_the_mean_matrix_is_shown() -> None:
    module, x = seeded(CASES["swin"].build), inputs(3, height=32, width=32)
    found = shared_pass(module, "features.1.1", x, TARGETS)["features.1.1"]
    assert found.attention is not None

    maps, units = AttentionMatrices().channels(found)

    expected = found.attention.layers[1].weights.mean(1)
    torch.testing.assert_close(maps[0, 0], expected[0, units[0, 0]])


def test_tokens_that_are_no_grid_are_refused_in_words() -> None:
    layer = AttentionLayer("odd", torch.full((1, 2, 7, 7), 1 / 7))
    found = Captured(
        torch.zeros(1, 3, 4, 4), torch.zeros(1, 2), as_targets(torch.zeros(1)), attention=Attention((layer,))
    )

    with pytest.raises(ModelError, match="'odd' reads 7 tokens, which are no grid"):
        AttentionRollout().maps(found)
