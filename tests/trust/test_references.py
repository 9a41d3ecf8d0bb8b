from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import norm
from skimage.filters import sobel

from auditor.trust.references import SPREAD, ReferenceMap, reference_maps

SIZE = (16, 12)


def of(images: np.ndarray, rows: list[int] | None = None, seed: int = 0) -> dict[str, ReferenceMap]:
    chosen = np.arange(len(images)) if rows is None else np.array(rows)
    return {item.name: item for item in reference_maps(torch.from_numpy(images), chosen, seed)}


def noise(count: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 3, *SIZE)).astype(np.uint8)


def test_a_pictures_noise_depends_on_its_row_and_the_seed_alone() -> None:
    images = noise()

    every, last = of(images)["random map"].maps, of(images[2:], [2])["random map"].maps

    assert np.array_equal(every[2:], last)
    assert not np.array_equal(every[0], every[1])
    assert not np.array_equal(every, of(images, seed=1)["random map"].maps)


def test_edges_are_those_of_another_librarys_sobel_filter() -> None:
    images = noise()

    edges = of(images)["edges"].maps

    for image, found in zip(images, edges, strict=True):
        theirs = sobel(image.astype(np.float64).mean(axis=0), mode="reflect")
        assert found[1:-1, 1:-1] / found.max() == pytest.approx(theirs[1:-1, 1:-1] / theirs.max(), rel=0.2, abs=0.2)
        assert np.corrcoef(found.ravel(), theirs.ravel())[0, 1] > 0.999


def test_a_picture_without_edges_has_no_usable_edge_map() -> None:
    images = noise()
    images[1] = 77

    found = of(images)

    assert found["edges"].usable.tolist() == [True, False, True]
    assert found["random map"].usable.all()
    assert found["centre"].usable.all()


def test_the_centre_is_a_gaussian_of_a_quarter_of_each_side() -> None:
    centre = of(noise())["centre"].maps[0]
    across = norm(0.5, SPREAD).pdf((np.arange(SIZE[1]) + 0.5) / SIZE[1])
    down = norm(0.5, SPREAD).pdf((np.arange(SIZE[0]) + 0.5) / SIZE[0])

    expected = np.outer(down, across)
    assert centre / centre.max() == pytest.approx(expected / expected.max(), rel=1e-5)
    assert np.array_equal(centre, centre[::-1, ::-1])


def test_of_a_stack_the_edges_lie_along_depth_too_and_the_centre_is_a_ball() -> None:
    stack = np.zeros((1, 1, 6, 12, 10), np.uint8)
    stack[:, :, 3:] = 200  # nothing changes but from the third to the fourth frame

    found = {item.name: item for item in reference_maps(torch.from_numpy(stack), np.array([4]), 0)}

    edges, centre = found["edges"].maps[0], found["centre"].maps[0]
    assert edges.shape == centre.shape == (6, 12, 10)
    assert (edges[2:4] > 0).all()
    assert edges[[0, 1, 4, 5]].max() == 0
    profile = [np.exp(-((((np.arange(side) + 0.5) / side - 0.5) / SPREAD) ** 2) / 2) for side in centre.shape]
    assert centre == pytest.approx(np.einsum("i,j,k->ijk", *profile), abs=1e-6)
    assert found["random map"].usable.all()
