from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from auditor.errors import ModelError
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
    assert "100 % of the filter on average" in sheet.caption


def layer_of(weight: torch.Tensor) -> nn.Conv2d:
    conv = nn.Conv2d(weight.shape[1], len(weight), (weight.shape[2], weight.shape[3]))
    with torch.no_grad():
        conv.weight.copy_(weight)
    return conv


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_dead_constant_broken_and_duplicate_filters_are_named() -> None:
    weight = noise(8, 3, 3, 3)
    weight[1] = 0
    weight[4] = weight[2] * 0.5
    weight[5] = -0.5
    weight[6] = -weight[0]  # the opposite is no duplicate
    weight[7, 0, 0, 0] = torch.nan

    (sheet,) = Kernels().sheets(layer_of(weight), [])

    assert list(sheet.notes) == [
        "1 of 8 filters are broken (weights that are not finite): 7",
        "1 of 8 filters are dead (norm below 0.1 % of the median): 1",
        "1 of 8 filters are constant (one weight throughout): 5",
        "1 pair of filters is a duplicate (cosine from 0.999): 2 and 4",
    ]
    assert np.isfinite(sheet.tiles).all()


@pytest.mark.parametrize(("cosine", "duplicates"), [(0.9995, 1), (0.9985, 0)])
def test_filters_are_duplicates_from_a_cosine_of_999_thousandths(cosine: float, duplicates: int) -> None:
    first, second = torch.zeros(2, 1, 3, 3)
    first[0, 0, 0] = 1
    second[0, 0, 0], second[0, 1, 1] = cosine, (1 - cosine**2) ** 0.5

    (sheet,) = Kernels().sheets(layer_of(torch.stack([first, 3 * second])), [])

    assert len(sheet.notes) == duplicates


def test_filters_of_one_pixel_are_one_tile_when_they_are_named() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), layer_of(noise(5, 4, 1, 1)))

    first, second = Kernels(layers=("1",)).sheets(model, [])

    assert first.layer == "0"
    np.testing.assert_allclose(second.tiles[0], noise(5, 4, 1, 1)[:, :, 0, 0])
    assert second.labels == ["all"]


def test_a_convolution_that_does_not_exist_is_refused_in_words() -> None:
    with pytest.raises(ModelError, match="no convolution 'layer9'"):
        Kernels(layers=("layer9",)).sheets(seeded(PlainCnn), [])


def test_slices_of_filters_over_clips_stand_side_by_side() -> None:
    conv = nn.Conv3d(3, 2, (2, 3, 4))

    (sheet,) = Kernels().sheets(conv, [])

    weight = conv.weight.detach().numpy()[int(sheet.labels[0])]
    assert sheet.tiles.shape == (2, 3, 8, 3)
    np.testing.assert_allclose(sheet.tiles[0][:, :4], weight[:, 0].transpose(1, 2, 0))
    np.testing.assert_allclose(sheet.tiles[0][:, 4:], weight[:, 1].transpose(1, 2, 0))


def test_a_healthy_layer_has_nothing_to_note() -> None:
    assert [sheet.notes for sheet in Kernels().sheets(seeded(PlainCnn), ["features.4"])] == [(), ()]


def test_a_model_without_convolutions_has_no_sheets() -> None:
    assert Kernels().sheets(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), []) == []
