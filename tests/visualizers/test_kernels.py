from __future__ import annotations

import numpy as np
import torch
import torchvision
from torch import nn

from auditor.visualizers.kernels import Kernels
from tests.engine.networks import ClassTokenViT, PlainCnn, seeded


def test_filters_that_read_the_picture_are_shown_in_its_channels_largest_first() -> None:
    model = seeded(PlainCnn)
    weight = model.features[0].weight.detach().numpy()
    order = np.argsort(-np.linalg.norm(weight.reshape(6, -1), axis=1))

    (sheet,) = Kernels(shown=4).sheets(model, [])

    assert sheet.layer == "features.0"
    assert sheet.labels == [str(index) for index in order[:4]]
    np.testing.assert_allclose(sheet.tiles, weight[order[:4]].transpose(0, 2, 3, 1))
    assert sheet.caption.startswith("4 of 6 filters of features.0, 3×3 pixels")


def test_a_grey_network_and_a_patch_embedding_have_sheets_too() -> None:
    (grey,) = Kernels().sheets(nn.Sequential(nn.Conv2d(1, 3, 5)), [])
    (patches,) = Kernels().sheets(seeded(ClassTokenViT), ["encoder.layers.1"])

    assert grey.tiles.shape == (3, 5, 5)
    assert patches.tiles.shape == (16, 4, 4, 3)


def test_of_a_target_block_the_last_convolution_with_a_pattern_is_shown() -> None:
    model = torchvision.models.resnet18(weights=None)

    sheets = Kernels(shown=5).sheets(nn.DataParallel(model), ["layer2", "layer4"])

    assert [sheet.layer for sheet in sheets] == ["conv1", "layer2.1.conv2", "layer4.1.conv2"]
    assert sheets[1].tiles.shape == (5, 3, 3)


def test_a_deeper_filter_of_one_pattern_is_shown_as_that_pattern_wholly_explained() -> None:
    conv = nn.Conv2d(4, 1, 3)
    pattern = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([1.0, 2.0, 0.5, 0.1]).view(1, 4, 1, 1) * pattern)
    model = nn.Sequential(nn.Conv2d(3, 4, 1), conv)

    (sheet,) = Kernels().sheets(model, ["1"])

    scaled = sheet.tiles[0] / np.abs(sheet.tiles[0]).max() * 4
    np.testing.assert_allclose(scaled, pattern, atol=1e-5)
    assert "100% of the filter on average" in sheet.caption


def test_dead_and_duplicate_filters_are_named() -> None:
    conv = nn.Conv2d(3, 6, 3)
    with torch.no_grad():
        conv.weight.copy_(torch.randn(6, 3, 3, 3, generator=torch.Generator().manual_seed(0)))
        conv.weight[1] = 1e-6
        conv.weight[4] = conv.weight[2] * 0.5

    (sheet,) = Kernels().sheets(nn.Sequential(conv), [])

    assert list(sheet.notes) == [
        "0: 1 of 6 filters are dead (norm below 0.1% of the median): 1",
        "0: 1 pairs of filters are duplicates (cosine above 0.999): 2 and 4",
    ]


def test_a_healthy_layer_has_nothing_to_note() -> None:
    assert [sheet.notes for sheet in Kernels().sheets(seeded(PlainCnn), ["features.4"])] == [(), ()]


def test_a_model_without_convolutions_has_no_sheets() -> None:
    assert Kernels().sheets(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), []) == []
