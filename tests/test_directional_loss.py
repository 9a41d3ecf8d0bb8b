"""The loss of detail that a class shows along a direction: recovered, turned, and given to others."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from auditor.interventions.directional_loss import GRID, DirectionalLoss, filtered, turned

MIDDLE = GRID // 2


def scenes(height: int, width: int, count: int = 48, seed: int = 0) -> np.ndarray:
    """White noise: all waves alike."""
    return np.random.default_rng(seed).normal(128, 25, (count, 3, height, width)).clip(0, 255).astype(np.float32)


def along_rows(pictures: np.ndarray, pixels: int) -> np.ndarray:
    return np.stack([[cv2.blur(plane, (pixels, 1)) for plane in picture] for picture in pictures])


@pytest.mark.parametrize("size", [(32, 48), (64, 64), (96, 80)])
def test_a_blur_along_rows_is_recovered_as_the_sinc_that_it_is(size: tuple[int, int]) -> None:
    pictures = scenes(*size)
    pictures[:24] = along_rows(pictures[:24], 3)

    gain = DirectionalLoss(torch.from_numpy(pictures), np.repeat([0, 1], 24)).gain(0)

    waves = np.arange(GRID) / GRID - 0.5
    expected = np.abs(1 + 2 * np.cos(2 * np.pi * waves)) / 3
    clear = (expected > 0.3) & (np.abs(waves) > 0.15)  # where smoothing moves little
    # amplitudes are told against those of coarse waves, which a blur of three pixels takes a little of too
    assert np.abs(gain[MIDDLE, clear] - expected[clear]).max() < 0.2
    assert gain[:, MIDDLE].min() > 0.75
    assert gain.max() <= 1


def test_a_double_exposure_is_recovered_as_a_comb_across_its_shift() -> None:
    pictures = scenes(64, 64)
    pictures[:24] = (pictures[:24] + np.roll(pictures[:24], (4, 4), axis=(2, 3))) / 2

    given = DirectionalLoss(torch.from_numpy(pictures), np.repeat([0, 1], 24))

    falling, rising = np.diag(given.gain(0)), np.diag(given.gain(0)[::-1])
    assert falling.min() < 0.6
    assert rising.min() > 0.75
    p, above = given.directed(0, np.random.default_rng(0))
    assert p < 0.01
    assert above > 10


def test_a_filter_is_applied_as_a_blur_in_space_would_be() -> None:
    pictures = scenes(40, 64, count=2)
    waves = np.arange(GRID) / GRID - 0.5
    gain = np.broadcast_to((1 + 2 * np.cos(2 * np.pi * waves)) / 3, (GRID, GRID))

    changed = filtered(pictures, gain)

    inside = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    # the comparison is between grid points interpolated along a straight line and the curve itself
    assert np.abs(changed - along_rows(pictures, 3))[inside].max() < 1.0
    assert np.abs(filtered(pictures, np.ones((GRID, GRID))) - pictures).max() < 1e-3


def test_turning_twice_leads_to_the_opposite_waves() -> None:
    grid = np.random.default_rng(0).random((GRID, GRID))
    opposite = -np.arange(GRID) % GRID

    assert np.array_equal(turned(turned(grid)), grid[np.ix_(opposite, opposite)])
    blurred = along_rows(scenes(64, 64), 5)
    spectrum = np.fft.fftshift(np.abs(np.fft.fft2(blurred[0, 0])))
    quarter = np.fft.fftshift(np.abs(np.fft.fft2(np.rot90(blurred[0, 0]))))
    assert np.allclose(turned(spectrum), quarter, rtol=1e-4, atol=1e-2)


def test_the_control_is_the_turned_loss_and_a_third_class_gives_its_own() -> None:
    pictures = scenes(32, 32, count=72)
    pictures[:24] = along_rows(pictures[:24], 5)
    given = DirectionalLoss(torch.from_numpy(pictures), np.repeat([0, 1, 2], 24))
    recipient, donor = np.array([30, 31]), np.array([0, 1])

    lost = given.give(recipient, donor)
    control = given.give_control(recipient, np.array([40, 60]), donor)

    assert np.allclose(control[0], filtered(pictures[30:31], turned(given.gain(0)))[0].clip(0, 255), atol=1e-3)
    assert np.allclose(control[1], given.give(recipient[1:], np.array([60]))[0], atol=1e-3)
    across, down = np.diff(lost[0], axis=2).std(), np.diff(lost[0], axis=1).std()
    assert across < 0.6 * down
    assert np.allclose(given.give(recipient, donor, strength=0.0), pictures[recipient], atol=1e-3)


def test_classes_that_differ_in_nothing_have_no_direction() -> None:
    given = DirectionalLoss(torch.from_numpy(scenes(32, 32, seed=4)), np.repeat([0, 1], 24))
    rng = np.random.default_rng(0)

    assert min(given.directed(label, rng)[0] for label in (0, 1)) > 0.05


def test_the_most_lost_wave_is_told_by_direction_and_length() -> None:
    pictures = scenes(64, 64)
    pictures[:24] = along_rows(pictures[:24], 5)

    lost, degrees, length = DirectionalLoss(torch.from_numpy(pictures), np.repeat([0, 1], 24)).most_lost(0)

    assert len(lost) == 24
    assert lost.mean() < np.log(0.3)
    assert min(degrees, 180 - degrees) < 15
    assert 2 <= length <= 6
