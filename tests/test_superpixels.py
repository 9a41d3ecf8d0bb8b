from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.metrics import adapted_rand_error
from skimage.segmentation import slic

from auditor.superpixels import superpixels


def squares(height: int = 32, width: int = 24) -> np.ndarray:
    """Two bright squares of different colours on a noisy ground, shape (3, height, width)."""
    image = np.random.default_rng(0).normal(0, 0.05, (3, height, width))
    image[0, 3:14, 2:11] += 2
    image[1, 18:29, 13:22] += 2
    return image


def test_no_patch_mixes_what_differs_clearly_in_colour() -> None:
    image = squares()
    classes = (image[0] > 1) + 2 * (image[1] > 1)

    labels = superpixels(image, 24)

    mixed = [label for label in np.unique(labels) if len(np.unique(classes[labels == label])) > 1]
    wrong = sum(
        np.bincount(classes[labels == label]).sum() - np.bincount(classes[labels == label]).max() for label in mixed
    )
    assert wrong / labels.size < 0.02


@pytest.mark.parametrize("count", [1, 2, 12, 40])
@pytest.mark.parametrize("size", [(16, 12), (32, 24), (7, 50)])
def test_patches_are_numbered_without_gaps_and_about_as_many_as_wanted(count: int, size: tuple[int, int]) -> None:
    labels = superpixels(np.random.default_rng(1).normal(size=(3, *size)), count)

    assert labels.shape == size
    assert labels.dtype == np.int64
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))
    assert 0.6 * count <= labels.max() + 1 <= 1.5 * count


def test_a_plain_image_is_cut_into_the_grid() -> None:
    labels = superpixels(np.zeros((1, 16, 12)), 12)

    assert np.array_equal(labels, np.indices((16, 12))[0] // 4 * 3 + np.indices((16, 12))[1] // 4)


def test_nearly_every_patch_is_one_piece() -> None:
    labels = superpixels(squares(48, 40), 30)

    pieces = [ndimage.label(labels == label)[1] for label in np.unique(labels)]
    assert np.mean(pieces) < 1.2


def test_units_of_the_image_do_not_matter() -> None:
    image = squares()

    assert np.array_equal(superpixels(image, 20), superpixels(image * 255 + 17, 20))


def test_it_follows_the_objects_as_closely_as_scikit_images_slic() -> None:
    image = squares(48, 40)
    classes = (image[0] > 1) + 2 * (image[1] > 1)

    def error(labels: np.ndarray) -> float:
        majority = np.array([np.bincount(classes[labels == label]).argmax() for label in range(labels.max() + 1)])
        return float(adapted_rand_error(classes + 1, majority[labels] + 1)[0])

    theirs = slic(image.transpose(1, 2, 0), n_segments=30, compactness=0.5, start_label=0, convert2lab=False)

    assert error(superpixels(image, 30)) <= error(theirs) + 0.01
