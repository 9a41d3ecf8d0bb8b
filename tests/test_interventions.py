"""Swaps and removals change what they should, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auditor.interventions import FILLS, Fill, Swapper, clean_plate, paste_object, remove
from auditor.regions import Region

CORNER = Region("corner", (0, 0, 5, 4))


def noise(count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 3, 12, 16)).astype(np.uint8)


def test_a_swap_brings_the_donors_region_and_keeps_the_rest() -> None:
    images = noise()

    swapped = (
        Swapper(torch.from_numpy(images), [CORNER]).compose(np.array([0]), np.array([0]), np.array([1]))[0].numpy()
    )

    assert np.array_equal(swapped[:, :4, :5], images[1][:, :4, :5])
    assert np.array_equal(swapped[:, 4:], images[0][:, 4:])
    assert np.array_equal(swapped[:, :, 5:], images[0][:, :, 5:])


def test_a_swap_leaves_the_sample_as_it_was() -> None:
    images = torch.from_numpy(noise())
    before = images.clone()

    Swapper(images, [CORNER]).compose(np.array([0]), np.array([0]), np.array([1]))

    assert torch.equal(images, before)


@pytest.mark.parametrize("fill", FILLS)
def test_removal_depends_on_nothing_inside_the_region(fill: Fill) -> None:
    first, donor = noise()
    second = first.copy()
    second[:, :4, :5] = 255 - second[:, :4, :5]

    removed = [remove(image, CORNER, fill, donor) for image in (first, second)]

    assert np.array_equal(removed[0], removed[1])
    assert np.array_equal(removed[0][:, 6:, 7:], first[:, 6:, 7:].astype(np.float32))


@pytest.mark.parametrize("fill", ["blur", "inpaint"])
def test_a_fill_of_a_plain_picture_is_plain(fill: Fill) -> None:
    plain = np.full((3, 12, 16), 90, np.uint8)
    plain[:, :4, :5] = 255

    assert remove(plain, CORNER, fill) == pytest.approx(np.full((3, 12, 16), 90.0), abs=4.0)


def test_removing_everything_still_gives_numbers() -> None:
    removed = remove(noise()[0], Region("all", (0, 0, 16, 12)), "blur")

    assert np.isfinite(removed).all()


def test_a_donor_fill_without_a_donor_is_refused() -> None:
    with pytest.raises(ValueError, match="donor"):
        remove(noise()[0], CORNER, "donor")


def test_pasting_keeps_the_object_and_brings_the_background() -> None:
    recipient, background = noise()
    weights = np.zeros((12, 16), np.float32)
    weights[3:8, 4:9] = 1

    pasted = paste_object(recipient, background, weights)

    assert np.array_equal(pasted[:, 3:8, 4:9], recipient[:, 3:8, 4:9])
    assert np.array_equal(pasted[:, 8:], background[:, 8:])


def test_a_clean_plate_holds_nothing_of_its_object() -> None:
    image = np.full((3, 24, 32), 60, np.uint8)
    mask = np.zeros((24, 32), bool)
    mask[8:16, 10:20] = True
    image[:, mask] = 250

    assert clean_plate(image, mask).max() < 70


def test_a_region_of_clips_is_swapped_at_the_same_place_in_all_frames() -> None:
    clips = torch.randint(0, 256, (3, 3, 4, 16, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    regions = [Region("corner", (0, 0, 6, 6)), Region("ring", (0, 0, 12, 16), (3, 3, 9, 13))]
    which, recipient, donor = np.array([0, 1, 1]), np.array([0, 1, 2]), np.array([1, 2, 0])

    found = Swapper(clips, regions).compose(which, recipient, donor)

    for frame in range(4):
        expected = Swapper(clips[:, :, frame], regions).compose(which, recipient, donor)
        torch.testing.assert_close(found[:, :, frame], expected)


@pytest.mark.parametrize("fill", FILLS)
def test_a_region_of_a_clip_is_removed_frame_by_frame(fill: Fill) -> None:
    drawn = np.random.default_rng(2).integers(0, 256, (2, 3, 4, 16, 12)).astype(np.uint8)
    region = Region("corner", (0, 0, 6, 6))

    found = remove(drawn[0], region, fill, drawn[1])

    assert found.shape == drawn[0].shape
    for frame in range(4):
        expected = remove(drawn[0, :, frame], region, fill, drawn[1, :, frame])
        np.testing.assert_allclose(found[:, frame], expected, atol=1e-4)
