"""Corruptions do what their names say, more at each severity, and alike in every chunk."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch

from auditor.interventions.corruptions import (
    FAMILIES,
    Corruptor,
    defocus_kernel,
    motion_kernel,
    strength,
)

HEIGHT, WIDTH = 32, 44


@pytest.fixture(scope="module")
def photos() -> torch.Tensor:
    """Smooth blobs with an edge: bytes, colours, and room above and below."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (6, HEIGHT, WIDTH, 3))
    smooth = np.stack([cv2.GaussianBlur(picture, (0, 0), 2.0) for picture in noise])
    smooth[:, :, WIDTH // 2 :] += 0.3
    return torch.from_numpy((110 + 90 * smooth).clip(0, 255).round().astype(np.uint8).transpose(0, 3, 1, 2).copy())


@pytest.fixture(scope="module")
def corruptor(photos: torch.Tensor) -> Corruptor:
    return Corruptor(photos, np.random.default_rng(0))


ALL = np.arange(6)


@pytest.mark.parametrize("name", FAMILIES)
def test_pictures_get_worse_with_each_severity(name: str, corruptor: Corruptor, photos: torch.Tensor) -> None:
    errors = [float((corruptor.compose(name, severity, ALL) - photos).abs().mean()) for severity in range(1, 6)]

    assert errors[0] > 0
    assert errors[4] > errors[0]
    assert all(later > 0.8 * earlier for earlier, later in pairwise(errors))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_picture_is_corrupted_alike_in_every_chunk(name: str, corruptor: Corruptor) -> None:
    together = corruptor.compose(name, 3, ALL)

    apart = torch.cat([corruptor.compose(name, 3, part) for part in (ALL[:1], ALL[1:4], ALL[4:])])

    assert torch.equal(together, apart)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_bytes_stay_bytes_whatever_the_channels(name: str, channels: int) -> None:
    images = torch.randint(0, 256, (2, channels, 12, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    found = Corruptor(images, np.random.default_rng(0)).compose(name, 5, np.array([1, 0, 1]))

    assert found.shape == (3, channels, 12, 16)
    assert found.dtype == torch.float32
    assert torch.equal(found, found.round())
    assert 0 <= float(found.min()) <= float(found.max()) <= 255


@pytest.mark.parametrize("name", FAMILIES)
def test_inputs_of_an_own_transform_keep_their_range(name: str, photos: torch.Tensor) -> None:
    inputs = photos.float() / 255 * 4 - 2

    found = Corruptor(inputs, np.random.default_rng(0)).compose(name, 5, ALL)

    assert float(found.min()) >= float(inputs.min()) - 1e-4
    assert float(found.max()) <= float(inputs.max()) + 1e-4
    assert not torch.allclose(found, inputs)


@pytest.mark.parametrize(("side", "expected"), [(32, 0.08), (224, 0.18), (500, 0.18), (16, 0.08)])
def test_strengths_are_those_of_the_benchmarks_at_their_sizes(side: int, expected: float) -> None:
    assert strength(FAMILIES["gaussian_noise"], 3, side) == pytest.approx((expected,))


def test_lengths_go_on_growing_with_the_picture() -> None:
    blur = FAMILIES["defocus_blur"]

    assert strength(blur, 5, 448) == pytest.approx((20.0, 1.0))
    assert strength(blur, 5, 16) == pytest.approx((0.75, 0.05))


def test_gaussian_noise_has_the_deviation_that_it_names() -> None:
    grey = torch.full((8, 3, 64, 64), 128, dtype=torch.uint8)
    corruptor = Corruptor(grey, np.random.default_rng(0))

    found = corruptor.compose("gaussian_noise", 1, np.arange(8)) / 255

    assert float(found.std()) == pytest.approx(strength(FAMILIES["gaussian_noise"], 1, 64)[0], rel=0.02)


def test_shot_noise_has_the_mean_and_the_variance_of_counts() -> None:
    images = torch.full((8, 3, 64, 64), 102, dtype=torch.uint8)
    corruptor = Corruptor(images, np.random.default_rng(0))
    photons = strength(FAMILIES["shot_noise"], 3, 64)[0]

    found = corruptor.compose("shot_noise", 3, np.arange(8)) / 255

    assert float(found.mean()) == pytest.approx(0.4, abs=0.005)
    assert float(found.var()) == pytest.approx(0.4 / photons, rel=0.05)


def test_impulse_noise_turns_the_share_that_it_names_to_black_and_white() -> None:
    grey = torch.full((8, 3, 64, 64), 128, dtype=torch.uint8)
    corruptor = Corruptor(grey, np.random.default_rng(0))
    share = strength(FAMILIES["impulse_noise"], 5, 64)[0]

    found = corruptor.compose("impulse_noise", 5, np.arange(8))

    assert float((found == 0).float().mean()) == pytest.approx(share / 2, rel=0.1)
    assert float((found == 255).float().mean()) == pytest.approx(share / 2, rel=0.1)


def test_brightness_keeps_the_hue() -> None:
    colour = torch.tensor([120, 60, 30], dtype=torch.uint8)[None, :, None, None].expand(1, 3, 12, 16)

    found = Corruptor(colour, np.random.default_rng(0)).compose("brightness", 3, np.array([0]))[0, :, 0, 0]

    assert found.tolist() == pytest.approx([120 + 0.15 * 255, (120 + 0.15 * 255) / 2, (120 + 0.15 * 255) / 4], abs=1)


def test_contrast_shrinks_towards_the_mean(photos: torch.Tensor, corruptor: Corruptor) -> None:
    found = corruptor.compose("contrast", 2, ALL)

    assert found.mean().item() == pytest.approx(photos.float().mean().item(), abs=0.5)
    assert (found.std() / photos.float().std()).item() == pytest.approx(0.5, abs=0.02)


def test_jpeg_is_what_opencv_writes_and_reads(photos: torch.Tensor, corruptor: Corruptor) -> None:
    found = corruptor.compose("jpeg", 4, ALL)[2].numpy()

    picture = np.ascontiguousarray(photos[2].numpy().transpose(1, 2, 0)[..., ::-1])
    written = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 50])[1]
    assert np.array_equal(found, cv2.imdecode(written, cv2.IMREAD_COLOR)[..., ::-1].transpose(2, 0, 1))


def test_blur_kernels_sum_to_one_and_are_as_wide_as_they_say() -> None:
    disc = defocus_kernel(4.0, 0.3)
    line = motion_kernel(6.0, 100.0, angle=0.0)

    axis = np.arange(len(disc)) - len(disc) // 2
    assert disc.sum() == pytest.approx(1)
    assert (disc.sum(axis=0) * axis**2).sum() == pytest.approx(4.0**2 / 4, rel=0.15)  # of a disc: r² / 4
    assert np.allclose(disc, disc.T, atol=1e-6)
    assert line.sum() == pytest.approx(1)
    assert line[len(line) // 2].sum() == pytest.approx(1)
    assert (line[len(line) // 2] > 0.02).sum() == 13


def test_blur_is_what_opencv_filters(photos: torch.Tensor, corruptor: Corruptor) -> None:
    found = corruptor.compose("motion_blur", 5, ALL)[1].numpy()

    reach, deviation = strength(FAMILIES["motion_blur"], 5, HEIGHT)
    kernel = motion_kernel(reach, deviation, angle=np.pi / 8)
    picture = photos[1].numpy().transpose(1, 2, 0).astype(np.float32)
    expected = cv2.filter2D(picture, -1, kernel[::-1, ::-1], borderType=cv2.BORDER_REFLECT_101)
    assert np.abs(found - expected.transpose(2, 0, 1)).max() <= 0.51  # rounded to bytes


def test_a_tiny_picture_is_blurred_by_kernels_wider_than_itself() -> None:
    images = torch.randint(0, 256, (1, 3, 6, 9), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    corruptor = Corruptor(images, np.random.default_rng(0))

    found = corruptor.compose("motion_blur", 5, np.array([0]))

    assert float(found.std()) < float(images.float().std())


def test_haze_keeps_the_brightest_value_and_adds_clouds() -> None:
    black = torch.zeros((1, 3, 32, 44), dtype=torch.uint8)
    black[..., :4, :4] = 255

    found = Corruptor(black, np.random.default_rng(0)).compose("fog", 4, np.array([0]))

    assert float(found.max()) <= 255
    assert float(found[0, 0, 8:].std()) > 5
    assert torch.equal(found[0, 0, 8:], found[0, 2, 8:])


def test_a_crop_leaves_the_middle_over_the_whole_picture() -> None:
    images = torch.zeros(1, 1, 20, 30, dtype=torch.uint8)
    images[..., 4:16, 6:24] = 200  # six tenths of each side

    found = Corruptor(images, np.random.default_rng(0)).compose("crop", 5, np.array([0]))

    assert torch.equal(found, torch.full((1, 1, 20, 30), 200.0))


def test_a_letterbox_keeps_the_whole_picture_between_black_bars() -> None:
    images = torch.full((1, 3, 20, 30), 200, dtype=torch.uint8)
    images[..., :, :15] = 100

    found = Corruptor(images, np.random.default_rng(0)).compose("letterbox", 5, np.array([0]))[0]

    assert float(found[:, :4].max()) == float(found[:, 16:].max()) == 0
    assert torch.equal(found[:, 4:16, :10], torch.full((3, 12, 10), 100.0))
    assert torch.equal(found[:, 4:16, 20:], torch.full((3, 12, 10), 200.0))
