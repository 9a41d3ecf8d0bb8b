"""One geometry for pictures, masks and boxes; torchvision is the oracle."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision.models
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.models import get_model_weights, list_models
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms.v2 import functional as F2

from auditor.subjects import Preprocessing
from auditor.subjects.geometry import Geometry


def preprocessing(height: int, width: int, resize: str = "crop", ratio: float = 0.875) -> Preprocessing:
    return Preprocessing(height, width, resize, ratio, (0.0,) * 3, (1.0,) * 3)  # type: ignore[arg-type]


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@settings(max_examples=60, deadline=None)
@given(width=st.integers(4, 90), height=st.integers(4, 90), side=st.integers(4, 40), bicubic=st.booleans())
def test_crop_is_bit_for_bit_what_torchvision_makes_of_the_same_picture(
    width: int, height: int, side: int, bicubic: bool
) -> None:
    image = noise(width, height)
    method = "bicubic" if bicubic else "bilinear"

    ours = Geometry.of(width, height, preprocessing(side, side)).resize(image, method)

    resized = F.resize(image, [int(side / 0.875 + 1e-6)], InterpolationMode(method))
    theirs = F.center_crop(resized, [side, side])
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@settings(max_examples=30, deadline=None)
@given(width=st.integers(1, 60), height=st.integers(1, 60))
def test_squash_equals_torchvision_exactly_on_pictures_and_within_one_level_on_tensors(width: int, height: int) -> None:
    image = noise(width, height)

    ours = np.asarray(Geometry.of(width, height, preprocessing(12, 16, "squash")).resize(image, "bilinear"))

    theirs = F.resize(image, [12, 16])
    tensor = F2.resize(F2.pil_to_tensor(image), [12, 16], antialias=True).permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(ours, np.asarray(theirs))
    assert np.abs(ours.astype(int) - tensor.astype(int)).max() <= 1


def test_every_torchvision_preset_keeps_its_short_side() -> None:
    for name in list_models(module=torchvision.models):
        for weights in get_model_weights(name):
            preset = weights.transforms()
            side, short = preset.crop_size[0], preset.resize_size[0]
            geometry = Geometry.of(500, 375, preprocessing(side, side, ratio=side / short))
            assert (geometry.scaled_height, geometry.scaled_width) == (short, int(short * 500 / 375)), weights


def test_a_crop_that_is_not_square_covers_both_sides() -> None:
    wide = Geometry.of(160, 40, preprocessing(12, 16, ratio=0.5))
    tall = Geometry.of(40, 160, preprocessing(12, 16, ratio=0.5))

    assert (wide.scaled_height, wide.scaled_width, wide.top, wide.left) == (24, 96, 6, 40)
    assert (tall.scaled_height, tall.scaled_width, tall.top, tall.left) == (128, 32, 58, 8)


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 60), height=st.integers(1, 60), resize=st.sampled_from(["crop", "squash"]), data=st.data()
)  # fmt: skip
def test_masks_are_picked_by_pixel_centres(width: int, height: int, resize: str, data: st.DataObject) -> None:
    mask = np.random.default_rng(data.draw(st.integers(0, 9))).random((height, width)) < 0.5
    geometry = Geometry.of(width, height, preprocessing(12, 12, resize))

    ours = geometry.resize_mask(mask)

    whole = torch.nn.functional.interpolate(
        torch.from_numpy(mask)[None, None].float(),
        size=(geometry.scaled_height, geometry.scaled_width),
        mode="nearest-exact",
    )
    expected = whole[0, 0, geometry.top : geometry.top + 12, geometry.left : geometry.left + 12].bool().numpy()
    # a centre that falls between two pixels may go to either, by rounding alone
    assert (ours != expected).mean() <= 0.1
    if width % 12 == 0 and height % 12 == 0 and resize == "squash" and (width // 12) % 2 and (height // 12) % 2:
        np.testing.assert_array_equal(ours, expected)


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(2, 60), st.integers(2, 60)),
    corner=st.tuples(st.integers(0, 58), st.integers(0, 58)),
    resize=st.sampled_from(["crop", "squash"]),
)
def test_a_box_covers_what_a_mask_of_it_covers(size: tuple[int, int], corner: tuple[int, int], resize: str) -> None:
    width, height = size
    x1, y1 = min(corner[0], width - 1), min(corner[1], height - 1)
    drawn = np.zeros((height, width), dtype=bool)
    drawn[y1 : y1 + 9, x1 : x1 + 7] = True
    geometry = Geometry.of(width, height, preprocessing(12, 16, resize))

    box = geometry.box_mask((x1, y1, min(x1 + 7, width), min(y1 + 9, height)))

    np.testing.assert_array_equal(box, geometry.resize_mask(drawn))


def test_a_long_picture_is_cropped_like_any_other() -> None:
    image = noise(400, 4)

    ours = Geometry.of(400, 4, preprocessing(8, 8)).resize(image, "bilinear")

    theirs = F.center_crop(F.resize(image, [9]), [8, 8])
    assert np.abs(np.asarray(ours, int) - np.asarray(theirs, int)).max() <= 2


@pytest.mark.parametrize("size", [(20_000, 1), (1, 20_000)])
def test_a_very_long_picture_costs_no_more_than_its_window(size: tuple[int, int]) -> None:
    geometry = Geometry.of(*size, preprocessing(224, 224))

    image = geometry.resize(noise(*size), "bilinear")

    assert image.size == (224, 224)
    assert max(geometry.scaled_width, geometry.scaled_height) == 256 * 20_000
