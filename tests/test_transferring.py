"""A transfer brings one property and nothing else; what was done to a picture is found again."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from auditor.interventions.resampling import ENLARGEMENTS, Enlargement, enlargements, resampled
from auditor.interventions.sharpness_transfer import (
    LOWEST,
    SharpnessTransfer,
    blurred,
    coarseness,
    jpeg_qualities,
    quality_of,
    recompressed,
    tilted,
)
from auditor.interventions.texture_transfer import TextureTransfer, shuffled
from auditor.interventions.transferring import LUMA, ColourTransfer, GivenWithin, GlobalProperty, Pictures

HEIGHT, WIDTH = 24, 32


def grain(count: int = 4, channels: int = 3, contrast: float = 18.0) -> np.ndarray:
    """Smooth and fine noise around middle grey, far from the ends of the range: uint8."""
    rng = np.random.default_rng(3)
    noise = rng.normal(0, contrast, (count, channels, HEIGHT, WIDTH)).astype(np.float32)
    return np.clip(128 + noise + 2 * blurred(noise, 2.0), 0, 255).astype(np.uint8)


def floats(pictures: np.ndarray) -> np.ndarray:
    return pictures.astype(np.float32)


def by_pillow(picture: np.ndarray, quality: int) -> np.ndarray:
    """JPEG there and back by another program than the one that looks for its traces."""
    file = io.BytesIO()
    Image.fromarray(picture.transpose(1, 2, 0)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).transpose(2, 0, 1)


def enlarged_by_pillow(picture: np.ndarray, factor: int, how: Image.Resampling) -> np.ndarray:
    small = Image.fromarray(picture.transpose(1, 2, 0)).resize((WIDTH // factor, HEIGHT // factor), how)
    return np.asarray(small.resize((WIDTH, HEIGHT), how)).transpose(2, 0, 1)


def test_colours_bring_the_sources_means_and_deviations() -> None:
    pictures = grain(2)
    pictures[1] = pictures[1] // 2 + np.array([60, 30, 10], dtype=np.uint8)[:, None, None]

    given = ColourTransfer(torch.from_numpy(pictures)).give(np.array([0]), np.array([1]))[0]

    assert given.mean(axis=(1, 2)) == pytest.approx(floats(pictures[1]).mean(axis=(1, 2)), abs=0.05)
    assert given.std(axis=(1, 2)) == pytest.approx(floats(pictures[1]).std(axis=(1, 2)), abs=0.05)
    unit = (floats(pictures[0]) - floats(pictures[0]).mean(axis=(1, 2), keepdims=True)) / given.std(
        axis=(1, 2), keepdims=True
    )
    assert np.corrcoef(unit.ravel(), (given - given.mean(axis=(1, 2), keepdims=True)).ravel())[0, 1] > 0.98


def test_clipping_does_not_move_the_mean_that_was_brought() -> None:
    pictures = grain(2, contrast=60)
    pictures[1] = 250

    given = ColourTransfer(torch.from_numpy(pictures)).give(np.array([0]), np.array([1]), 0.8)

    wanted = floats(pictures[0]).mean() + 0.8 * (250 - floats(pictures[0]).mean())
    assert given.mean() == pytest.approx(wanted, abs=1.0)
    assert given.max() <= 255


def test_chroma_brings_the_cast_and_keeps_luma_and_contrast() -> None:
    pictures = grain(2)
    pictures[1, 0] //= 2

    given = ColourTransfer(torch.from_numpy(pictures), "chroma").give(np.array([0]), np.array([1]))[0]

    before, source = floats(pictures[0]), floats(pictures[1])
    assert LUMA @ given.mean(axis=(1, 2)) == pytest.approx(LUMA @ before.mean(axis=(1, 2)), abs=0.1)
    assert given.std(axis=(1, 2)) == pytest.approx(before.std(axis=(1, 2)), abs=0.1)
    cast = source.mean(axis=(1, 2)) - LUMA @ source.mean(axis=(1, 2))
    assert given.mean(axis=(1, 2)) - LUMA @ given.mean(axis=(1, 2)) == pytest.approx(cast, abs=0.1)


def test_chroma_of_grey_pictures_is_refused() -> None:
    with pytest.raises(ValueError, match="three channels, the pictures have 1"):
        ColourTransfer(torch.from_numpy(grain(channels=1)), "chroma")


def properties(images: torch.Tensor) -> list[GlobalProperty]:
    return [ColourTransfer(images), SharpnessTransfer(images), TextureTransfer(images, seed=0)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("as_inputs", [False, True])
def test_strength_nought_leaves_pictures_as_they_are(channels: int, as_inputs: bool) -> None:
    pictures = torch.from_numpy(grain(channels=channels))
    images = pictures / 255 - 0.5 if as_inputs else pictures
    recipient, source = np.array([0, 1, 0]), np.array([1, 2, 3])

    for given in properties(images):
        unchanged = given.give(recipient, source, 0.0)
        changed = given.give(recipient, source, 1.0)

        assert unchanged == pytest.approx(images[torch.from_numpy(recipient)].float().numpy(), abs=1e-2)
        assert changed.shape == (3, channels, HEIGHT, WIDTH)
        assert changed.dtype == np.float32
        low, high = (float(images.min()), float(images.max())) if as_inputs else (0, 255)
        assert changed.min() >= low - 1e-4
        assert changed.max() <= high + 1e-4


def test_transfers_leave_the_sample_as_it_was() -> None:
    images = torch.from_numpy(grain())
    before = images.clone()

    for given in properties(images):
        given.give(np.array([0, 1]), np.array([2, 3]))
        given.give_control(np.array([0, 1]), np.array([2, 3]), np.array([3, 2]))

    assert torch.equal(images, before)


def test_a_power_law_scales_a_cosine_by_its_frequency() -> None:
    column = np.cos(np.pi * 12 * (np.arange(WIDTH) + 0.5) / WIDTH)
    picture = np.broadcast_to(column, (1, 1, HEIGHT, WIDTH)).astype(np.float32)

    weaker = tilted(picture, np.array([-1.0]))

    cycles = HEIGHT / 2 * 12 / WIDTH
    assert weaker == pytest.approx(picture * LOWEST / cycles, abs=1e-5)


def test_a_blurred_source_blurs_a_picture_nearly_as_much() -> None:
    pictures = grain(2)
    pictures[1] = blurred(pictures[1:], 1.0)[0].round().astype(np.uint8)
    measured = SharpnessTransfer(torch.from_numpy(pictures))

    given = measured.give(np.array([0]), np.array([1]))
    after = SharpnessTransfer(torch.from_numpy(np.concatenate([floats(pictures), given]).round().astype(np.uint8)))

    way = (after.exponents[2] - measured.exponents[0]) / (measured.exponents[1] - measured.exponents[0])
    assert measured.exponents[1] - measured.exponents[0] > 0.5
    assert 0.6 < way < 1.1


def test_stripes_do_not_travel_with_the_sharpness() -> None:
    pictures = grain(2)
    stripes = 25 * np.cos(np.pi * 12 * (np.arange(WIDTH) + 0.5) / WIDTH)
    pictures[1] = np.clip(floats(pictures[1]) + stripes, 0, 255).astype(np.uint8)

    given = SharpnessTransfer(torch.from_numpy(pictures)).give(np.array([0]), np.array([1]))[0]

    def strength(picture: np.ndarray) -> float:
        return float(abs((floats(picture).mean(axis=(0, 1)) * stripes).sum()))

    assert strength(given) < 0.1 * strength(pictures[1])


@pytest.mark.parametrize("quality", [8, 11, 15, 25, 50, 75])
def test_the_quality_of_a_jpeg_is_found_again(quality: int) -> None:
    pictures = np.stack([by_pillow(picture, quality) for picture in grain()])

    found = jpeg_qualities(pictures)

    assert np.abs(found - quality).max() <= 0.2 * quality


def test_pictures_that_were_never_compressed_have_no_quality() -> None:
    pictures = np.concatenate([grain(), blurred(grain(), 1.0).round().astype(np.uint8)])

    assert set(jpeg_qualities(pictures)) == {100}


def test_recompression_is_what_pillow_does_to_a_code() -> None:
    picture = grain(1)

    ours = recompressed(picture, np.array([30]))[0]

    assert np.abs(floats(ours) - floats(by_pillow(picture[0], 30))).mean() < 2.0


def test_quality_and_coarseness_are_inverse() -> None:
    qualities = np.array([5, 20, 49, 50, 51, 80, 99])

    assert quality_of(coarseness(qualities)).tolist() == qualities.tolist()


@pytest.mark.parametrize(
    ("how", "kernel"), [(Image.Resampling.NEAREST, "nearest"), (Image.Resampling.BILINEAR, "linear")]
)
def test_an_enlarged_picture_is_found(how: Image.Resampling, kernel: str) -> None:
    pictures = np.stack([enlarged_by_pillow(picture, 2, how) for picture in grain(contrast=40)])

    found = [ENLARGEMENTS[place] for place in enlargements(floats(pictures))]

    assert found == [Enlargement(2.0, kernel)] * 4


@pytest.mark.parametrize("sides", ["height", "width"])
def test_every_second_line_doubled_is_an_enlargement_along_one_side(sides: str) -> None:
    axis = 2 if sides == "height" else 3
    pictures = grain(contrast=40).take(range(0, HEIGHT if axis == 2 else WIDTH, 2), axis=axis).repeat(2, axis=axis)

    found = [ENLARGEMENTS[place] for place in enlargements(floats(pictures))]

    assert found == [Enlargement(2.0, "nearest", sides)] * 4
    given = resampled(floats(grain(contrast=40)), Enlargement(2.0, "nearest", sides))
    assert not np.any(np.diff(given, axis=axis).take(range(0, given.shape[axis] - 1, 2), axis=axis))
    assert given.mean(axis=axis) == pytest.approx(floats(grain(contrast=40)).mean(axis=axis), abs=1e-3)


def test_pictures_of_their_own_size_are_not_taken_for_enlarged() -> None:
    pictures = np.concatenate([floats(grain(contrast=40)), blurred(grain(contrast=40), 0.8).round()])

    assert set(enlargements(pictures)) == {0}


def test_flat_pictures_are_not_taken_for_enlarged() -> None:
    assert set(enlargements(np.full((2, 3, HEIGHT, WIDTH), 90, np.float32))) == {0}


def test_resampling_by_blocks_is_the_mean_of_each_block() -> None:
    picture = floats(grain(1))

    blocks = resampled(picture, Enlargement(2.0, "nearest"))

    means = picture.reshape(1, 3, HEIGHT // 2, 2, WIDTH // 2, 2).mean(axis=(3, 5))
    assert blocks == pytest.approx(means.repeat(2, axis=2).repeat(2, axis=3), abs=1e-3)


@pytest.mark.parametrize("turned", [False, True])
def test_shuffling_keeps_every_pixel_and_every_patch(turned: bool) -> None:
    picture = np.arange(3 * 12 * 16).reshape(3, 12, 16)

    mixed = shuffled(picture, (4, 4), np.random.default_rng(0), turned=turned)

    def patches(image: np.ndarray) -> set[tuple[int, ...]]:
        cut = image.reshape(3, 3, 4, 4, 4).transpose(1, 3, 0, 2, 4).reshape(12, -1)
        return {tuple(sorted(patch.tolist())) for patch in cut}

    assert patches(mixed) == patches(picture)
    assert not np.array_equal(mixed, picture)


def test_shuffling_keeps_the_size_where_patches_do_not_tile() -> None:
    assert shuffled(np.zeros((1, 11, 15)), (4, 4), np.random.default_rng(0)).shape == (1, 11, 15)


def test_texture_keeps_the_coarse_shapes_and_the_strength_of_the_fine() -> None:
    pictures = grain()
    given = TextureTransfer(torch.from_numpy(pictures), seed=0)

    changed = given.give(np.array([0]), np.array([1]))

    own = floats(pictures[:1])
    assert blurred(changed, 3.0) == pytest.approx(blurred(own, 3.0), abs=6.0)
    fine, replaced = changed - blurred(own, given.sigma), own - blurred(own, given.sigma)
    assert fine.std() == pytest.approx(replaced.std(), rel=0.1)
    assert abs(np.corrcoef(fine.ravel(), replaced.ravel())[0, 1]) < 0.1


def test_a_property_given_within_a_part_leaves_the_rest_as_it_is() -> None:
    pictures = torch.from_numpy(grain(3))
    where = np.zeros((3, *pictures.shape[-2:]), dtype=bool)
    where[:, :5] = True
    whole = ColourTransfer(pictures)

    given = GivenWithin(whole, Pictures(pictures), where).give(np.array([0]), np.array([2]))[0]

    assert np.array_equal(given[:, :5], whole.give(np.array([0]), np.array([2]))[0][:, :5])
    assert np.array_equal(given[:, 5:], floats(grain(3)[0])[:, 5:])
