"""Attention over clips and volumes: which frame and place it lies on, of networks whose attention is known."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.engine.capture import capture
from auditor.engine.layers import target_layers
from auditor.engine.maps import make_maps
from auditor.media import Medium
from auditor.subjects import LoadedModel, Preprocessing, Stack, VolumeSample
from auditor.visualizers import MapVisualizer, Need
from auditor.visualizers.attention_guided_cam import AttentionGuidedCam
from auditor.visualizers.attention_heads import AttentionHeads
from auditor.visualizers.attention_matrices import AttentionMatrices
from auditor.visualizers.attention_relevance import AttentionRelevance
from auditor.visualizers.attention_rollout import AttentionRollout
from tests.engine.networks import sample, seeded

DEPTH, HEIGHT, WIDTH = 6, 16, 12
BOTH = frozenset({Need.ATTENTION, Need.ATTENTION_GRADIENTS})
CPU = torch.device("cpu")
OF_CHAINS: list[MapVisualizer] = [AttentionRollout(), AttentionRelevance(), AttentionGuidedCam()]


class LooksAtTheBrightest(nn.Module):
    """Tokens of 2×4×3 voxels behind a class token, which reads the brightest of them and tells how bright it is."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Conv3d(2, 1, (2, 4, 3), (2, 4, 3), bias=False)
        nn.init.constant_(self.embedding.weight, 1 / 48)
        self.norm = nn.LayerNorm(1)  # never used: transformers have one

    def forward(self, x: Tensor) -> Tensor:
        patches = self.embedding(x).flatten(2).transpose(1, 2)
        tokens = torch.cat((torch.zeros_like(patches[:, :1]), patches), dim=1)
        scores = 30 * (torch.ones_like(tokens) @ tokens.transpose(1, 2))
        read = (scores.softmax(dim=-1) @ tokens)[:, 0]
        return torch.cat((-read, read), dim=1)


def stacks(medium: Medium, places: list[tuple[int, int, int]]) -> VolumeSample:
    """Dark but for one token each."""
    images = torch.full((len(places), 2, DEPTH, HEIGHT, WIDTH), 10, dtype=torch.uint8)
    for image, (depth, row, column) in zip(images, places, strict=True):
        image[:, 2 * depth : 2 * depth + 2, 4 * row : 4 * row + 4, 3 * column : 3 * column + 3] = 250
    flat = sample(images)
    known: dict[str, Any] = {field.name: getattr(flat, field.name) for field in fields(flat)}
    frames = tuple(range(DEPTH)) if medium is Medium.CLIP else ()
    return VolumeSample(**known, of=medium, stacks=[Stack("drawn", frames=frames)] * len(places))


def loaded(module: nn.Module, extent: tuple[int, int, int] = (DEPTH, HEIGHT, WIDTH)) -> LoadedModel:
    depth, height, width = extent
    ends = (0.0, 0.0), (1.0, 1.0)
    return LoadedModel(
        module, "net", "python", (), "softmax", Preprocessing(height, width, "squash", 1.0, *ends, depth=depth)
    )


@pytest.mark.parametrize("medium", [Medium.CLIP, Medium.VOLUME])
@pytest.mark.parametrize("visualizer", OF_CHAINS, ids=lambda one: type(one).__name__)
def test_attention_lies_on_the_frame_and_place_that_the_class_token_reads(
    visualizer: MapVisualizer, medium: Medium
) -> None:
    places = [(0, 3, 1), (2, 1, 3)]
    module = LooksAtTheBrightest()

    run = make_maps(
        loaded(module), module, stacks(medium, places), [visualizer], [], device=CPU, targets=np.array([1, 1])
    )

    assert (run.failures, run.skipped) == ([], [])
    (item,) = run.maps
    assert item.maps.shape == (2, DEPTH // 2, HEIGHT // 4, WIDTH // 3)
    assert [np.unravel_index(int(one.argmax()), one.shape) for one in item.maps] == places


def test_heads_are_laid_over_time_and_matrices_are_left_as_they_are() -> None:
    module = LooksAtTheBrightest()
    given = stacks(Medium.CLIP, [(1, 2, 2)])

    run = make_maps(
        loaded(module), module, given, [AttentionHeads(), AttentionMatrices()], ["norm"], device=CPU,
        targets=np.array([1]),
    )  # fmt: skip
    found = capture(module, given.images / 255, layers=[], needs=BOTH)[None].attention

    assert found is not None
    layer = found.layers[0]
    assert (layer.grid, layer.prefix) == ((3, 4, 4), 1)
    row = layer.over_image(found.row(layer))
    assert row.shape == (1, 1, 3, 4, 4)
    assert np.unravel_index(int(row.argmax()), (3, 4, 4)) == (1, 2, 2)
    assert run.failures == []


def small_mvit() -> nn.Module:
    from torchvision.models.video.mvit import MSBlockConfig, MViT

    def block(heads: int, wide: int, out: int, stride: int) -> MSBlockConfig:
        return MSBlockConfig(
            num_heads=heads, input_channels=wide, output_channels=out, kernel_q=[3, 3, 3], kernel_kv=[3, 3, 3],
            stride_q=[1, stride, stride], stride_kv=[1, 2, 2],
        )  # fmt: skip

    module: nn.Module = MViT(
        spatial_size=(32, 32), temporal_size=4, residual_pool=False, residual_with_cls_embed=True, rel_pos_embed=False,
        proj_after_attn=False, num_classes=3, block_setting=[block(1, 8, 16, 1), block(2, 16, 16, 2)],
    )  # fmt: skip
    return module


def test_a_video_transformer_of_torchvision_shows_its_heads_and_refuses_products_in_words() -> None:
    module = seeded(small_mvit)
    clip = torch.rand((2, 3, 4, 32, 32), generator=torch.Generator().manual_seed(0))

    found = capture(module, clip, layers=[], needs=BOTH)[None].attention
    layers = target_layers(module, "auto", clip)

    assert found is not None
    assert [layer.grid for layer in found.layers] == [(2, 4, 4), (2, 4, 4)]
    assert [layer.prefix for layer in found.layers] == [1, 1]
    assert [layer.weights.shape[1] for layer in found.layers] == [1, 2]
    assert layers.names[-1].startswith("blocks")
    with pytest.raises(Exception, match="the number of tokens changes between the layers"):
        found.chain()
