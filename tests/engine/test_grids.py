from __future__ import annotations

import pytest
import torch
from torch import nn

from auditor.engine.grids import Surroundings, grid_of, surroundings
from tests.engine.networks import ClassTokenViT, inputs, seeded


def around(height: int, width: int, *patches: tuple[int, int], layer_norms: bool = True) -> Surroundings:
    return Surroundings(2, height, width, patches, layer_norms)


@pytest.mark.parametrize(
    ("shape", "where", "expected"),
    [
        # what they are: (order, rows, columns, prefix)
        ((2, 512, 7, 7), around(224, 224), ("channels_first", 7, 7, 0)),
        ((2, 7, 7, 768), around(224, 224), ("channels_last", 7, 7, 0)),  # Swin, last stage
        ((2, 56, 56, 96), around(224, 224), ("channels_last", 56, 56, 0)),  # Swin, first stage
        ((2, 1, 2, 768), around(32, 64), ("channels_last", 1, 2, 0)),
        ((2, 4, 3, 3), around(16, 12, layer_norms=False), ("channels_first", 3, 3, 0)),  # a CNN of four units
        ((2, 197, 768), around(224, 224, (14, 14)), ("tokens", 14, 14, 1)),  # ViT
        ((2, 198, 768), around(224, 224, (14, 14)), ("tokens", 14, 14, 2)),  # DeiT, distilled
        ((2, 201, 768), around(224, 224, (14, 14)), ("tokens", 14, 14, 5)),  # DINOv2 with registers
        ((197, 2, 768), around(224, 224, (14, 14)), ("tokens_first", 14, 14, 1)),
        ((2, 784, 192), around(224, 224, (56, 56)), ("tokens", 28, 28, 0)),  # hierarchical, tokens
        ((2, 50, 768), around(224, 224), ("tokens", 7, 7, 1)),  # patches embedded by a linear layer
        ((2, 13, 64), around(16, 12), ("tokens", 4, 3, 1)),  # not square
        ((2, 1280, 1, 1), around(224, 224), None),  # pooled
        ((2, 768), around(224, 224), None),
        ((98, 49, 96), around(224, 224), None),  # windows of attention
        ((), around(224, 224), None),
    ],
)
def test_the_layout_of_known_architectures_is_recognised(
    shape: tuple[int, ...], where: Surroundings, expected: tuple[str, int, int, int] | None
) -> None:
    grid = grid_of(shape, where)

    assert (None if grid is None else (grid.order, grid.rows, grid.columns, grid.prefix)) == expected


def test_where_batch_and_tokens_are_equally_many_the_layer_decides() -> None:
    where = Surroundings(13, 16, 12, ((4, 3),), True)

    assert grid_of((13, 13, 8), where).order == "tokens"
    assert grid_of((13, 13, 8), where, tokens_first=True).order == "tokens_first"


def test_the_patch_embedding_is_found_by_what_it_reads() -> None:
    found = surroundings(seeded(ClassTokenViT), inputs(2))

    assert found.patches == ((4, 3),)
    assert found.layer_norms


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"padding": 1, "dilation": 2}, {"padding": "same"}])
def test_sizes_of_convolutions_are_torchs_own(options: dict[str, object]) -> None:
    conv = nn.Conv2d(3, 4, 3, **options)

    found = surroundings(conv, inputs(2))

    assert found.patches == (tuple(conv(inputs(2)).shape[2:]),)


def test_tokens_are_laid_out_row_by_row() -> None:
    grid = grid_of((2, 13, 5), around(16, 12, (4, 3)))
    tokens = torch.arange(13.0)[None, :, None].expand(2, 13, 5)

    assert grid.lay_out(tokens)[0, 0].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]
