"""Attention-guided CAM against a float64 twin written out, every style of attention, and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from auditor.attention import Attention, AttentionLayer
from auditor.engine.capture import capture
from auditor.engine.maps import make_maps
from auditor.visualizers import Captured, Need
from auditor.visualizers.attention_guided_cam import AttentionGuidedCam
from tests.engine.attention_networks import CASES, vit
from tests.engine.networks import CLASSES, PlainCnn, images, inputs, loaded, sample, seeded
from tests.visualizers.attention_twin import slow_twin

TARGETS = torch.tensor([0, 3, 1])
NEEDS = frozenset({Need.ATTENTION, Need.ATTENTION_GRADIENTS, Need.ATTENTION_SCORES})


def one_layer(scores: Tensor, gradients: Tensor, *, prefix: int) -> Captured:
    """One image, (heads, queries, keys), over a grid of one row."""
    grid = (1, scores.shape[-1] - prefix)
    layer = AttentionLayer("only", scores.softmax(-1)[None], gradients[None], grid, prefix, scores[None])
    x = torch.zeros(1, 3, 1, 1)
    return Captured(x, torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64), attention=Attention((layer,)))


def test_it_is_the_sum_over_heads_and_blocks_written_out() -> None:
    module, x = seeded(vit), inputs(3, height=32, width=32)
    scores: list[Tensor] = []
    _, gradients = slow_twin(module, x, TARGETS, scores)
    expected = np.zeros((3, 16))
    for image in range(3):
        for block_scores, block_gradients in zip(scores, gradients, strict=True):
            for head in range(block_scores.shape[1]):
                for patch in range(16):
                    score = float(block_scores[image, head, 0, 1 + patch])
                    slope = float(block_gradients[image, head, 0, 1 + patch])
                    expected[image, patch] += max(slope, 0.0) / (1 + math.exp(-score))

    maps = AttentionGuidedCam().maps(capture(module, x, layers=[], needs=NEEDS, targets=TARGETS)[None])

    np.testing.assert_allclose(maps.flatten(1).numpy(), expected, rtol=1e-2, atol=1e-3 * expected.max())


def test_scores_of_zero_leave_half_of_the_positive_gradient() -> None:
    gradients = torch.tensor([[[9.0, 2.0, -4.0, 6.0]] + [[0.0] * 4] * 3])

    maps = AttentionGuidedCam().maps(one_layer(torch.zeros(1, 4, 4), gradients, prefix=1))

    torch.testing.assert_close(maps, torch.tensor([[[1.0, 0.0, 3.0]]]))


def test_what_a_mask_hides_is_dark() -> None:
    scores = torch.tensor([[[0.0, -math.inf, 0.0]] * 3])
    gradients = torch.ones(1, 3, 3) * torch.tensor([1.0, 0.0, 0.0])[:, None]

    maps = AttentionGuidedCam().maps(one_layer(scores, gradients, prefix=1))

    torch.testing.assert_close(maps, torch.tensor([[[0.0, 0.5]]]))


@pytest.mark.parametrize("style", [name for name in CASES if name != "swin"])
def test_every_style_of_attention_shows_the_scores_whose_softmax_its_weights_are(style: str) -> None:
    case = CASES[style]
    x = inputs(3, height=case.size[0], width=case.size[1])

    found = capture(seeded(case.build), x, layers=[], needs=NEEDS, targets=TARGETS)[None]

    assert found.attention is not None
    for layer in found.attention.layers:
        assert layer.scores is not None
        torch.testing.assert_close(layer.scores.softmax(-1), layer.weights, rtol=2e-2, atol=1e-3)
    assert AttentionGuidedCam().maps(found).shape == (3, *(case.grid or ()))


def test_it_differs_from_class_to_class() -> None:
    module, x = seeded(vit), inputs(3, height=32, width=32)
    first, second = (
        AttentionGuidedCam().maps(capture(module, x, layers=[], needs=NEEDS, targets=targets)[None])
        for targets in (TARGETS, TARGETS + 1)
    )

    assert not torch.allclose(first, second)


@pytest.mark.parametrize(("style", "why"), [("cnn", "the model has no attention"), ("swin", "windows, each by itself")])
def test_without_attention_over_the_whole_image_it_is_skipped_in_words(style: str, why: str) -> None:
    size = 32 if style == "swin" else 0
    module = seeded(PlainCnn if style == "cnn" else CASES["swin"].build)
    pictures = images(3, height=size, width=size) if size else images(3)

    run = make_maps(
        loaded(module, size=size), module, sample(pictures), [AttentionGuidedCam()], [], device=torch.device("cpu"),
        targets=np.arange(3) % CLASSES,
    )  # fmt: skip

    assert not run.failures
    assert why in run.skipped[0][2]


def test_scores_are_kept_only_where_they_are_asked_for() -> None:
    found = capture(seeded(vit), inputs(2, height=32, width=32), layers=[], needs=frozenset({Need.ATTENTION}))[None]

    assert found.attention is not None
    assert all(layer.scores is None for layer in found.attention.layers)
