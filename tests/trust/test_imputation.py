from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from quantus.functions.perturb_func import noisy_linear_imputation

from auditor.metrics.road import NOISE, TOLERANCE
from auditor.trust.imputation import impute

SIZE = (16, 12)
EXACT = 1e-10


def picture(seed: int = 0, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random((channels, *SIZE))


def some_known(share: float, seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Gaps of some pixels' width, as maps make them."""
    ground = cv2.GaussianBlur(np.random.default_rng(seed).random(size), (0, 0), 1.5)
    return ground <= np.quantile(ground, share)


def filled(image: np.ndarray, known: np.ndarray, tolerance: float = EXACT) -> np.ndarray:
    return impute(torch.from_numpy(image)[None], torch.from_numpy(known)[None], tolerance=tolerance)[0].numpy()


def one_equation_a_pixel(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    """As the paper writes it: every unknown pixel is the weighted mean of the neighbours that the picture has."""
    height, width = known.shape
    places = [(y, x) for y in range(height) for x in range(width) if not known[y, x]]
    left, right = np.zeros((len(places), len(places))), np.zeros((len(places), len(image)))
    for row, (y, x) in enumerate(places):
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                there = y + down, x + across
                if (down, across) == (0, 0) or not (0 <= there[0] < height and 0 <= there[1] < width):
                    continue
                weight = 1 / 6 if 0 in (down, across) else 1 / 12
                left[row, row] += weight
                if known[there]:
                    right[row] += weight * image[:, there[0], there[1]]
                else:
                    left[row, places.index(there)] -= weight
    result = image.copy()
    for place, value in zip(places, np.linalg.solve(left, right), strict=True):
        result[:, place[0], place[1]] = value
    return result


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_what_is_missing_solves_the_papers_equations(share: float) -> None:
    image, known = picture(), some_known(share)

    assert filled(image, known) == pytest.approx(one_equation_a_pixel(image, known), abs=1e-7)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_it_is_what_quantus_imputes_without_noise(share: float) -> None:
    image, known = picture(1), some_known(share, 1)

    theirs = noisy_linear_imputation(image, np.flatnonzero(~known), noise=0.0)

    assert filled(image, known) == pytest.approx(theirs, abs=1e-7)


def test_a_slope_is_continued_through_a_gap() -> None:
    down, across = np.mgrid[: SIZE[0], : SIZE[1]]
    slope = (2.0 * down - across)[None]
    known = np.ones(SIZE, bool)
    known[4:12, 3:9] = False

    assert filled(np.where(known, slope, 0), known) == pytest.approx(slope, abs=1e-6)


def test_known_pixels_stay_and_hidden_values_do_not_matter() -> None:
    image, known = picture(), some_known(0.4)
    other = np.where(known, image, 99.0)

    found = filled(image, known)

    assert np.array_equal(found[:, known], image[:, known])
    assert filled(other, known) == pytest.approx(found, abs=1e-6)


def test_a_picture_is_filled_the_same_in_any_company() -> None:
    images = torch.from_numpy(np.stack([picture(seed) for seed in range(3)])).float()
    known = torch.from_numpy(np.stack([some_known(share, 2) for share in (0.1, 0.5, 0.9)]))

    together = impute(images, known, tolerance=1e-4)

    for index in range(3):
        alone = impute(images[index : index + 1], known[index : index + 1], tolerance=1e-4)
        assert torch.allclose(together[index], alone[0], atol=1e-6)


def test_at_the_tolerance_of_road_the_error_is_within_its_noise() -> None:
    rng = np.random.default_rng(0)
    noise = rng.random((1, 64, 80)).astype(np.float32)
    image = np.stack([cv2.GaussianBlur(plane, (0, 0), 3) for plane in noise])
    image = (255 * (image - image.min()) / np.ptp(image)).astype(np.float32)

    for share in (0.1, 0.5, 0.9):
        known = some_known(share, size=(64, 80))
        rough, exact = filled(image, known, TOLERANCE * 255), filled(image.astype(np.float64), known, 1e-6)
        assert np.sqrt(((rough - exact) ** 2).mean()) < NOISE * 255


def test_a_picture_of_which_nothing_is_known_is_refused() -> None:
    known = np.stack([np.ones(SIZE, bool), np.zeros(SIZE, bool)])

    with pytest.raises(ValueError, match="nothing is known"):
        impute(torch.zeros(2, 3, *SIZE), torch.from_numpy(known), tolerance=0.1)
