"""Regions and their matched controls on a picture that is not square."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import regions

SIZES = st.tuples(st.integers(12, 300), st.integers(12, 300))


@given(SIZES)
def test_rings_lie_inside_the_picture_and_keep_apart_from_their_controls(size: tuple[int, int]) -> None:
    for ring, inner in regions.border_rings(*size):
        outer_mask, inner_mask = ring.mask(*size), inner.mask(*size)
        assert outer_mask[0].all()
        assert outer_mask[:, -1].all()
        assert outer_mask.any()
        assert inner_mask.any()
        assert not (outer_mask & inner_mask).any()


@given(SIZES)
def test_corners_are_disjoint_and_of_one_size(size: tuple[int, int]) -> None:
    masks = [region.mask(*size) for region in regions.corners(*size).values()]

    assert len({int(mask.sum()) for mask in masks}) == 1
    assert np.sum(masks, axis=0).max() == 1


@given(SIZES)
def test_inward_patches_have_the_corners_size_and_do_not_touch_it(size: tuple[int, int]) -> None:
    corners, inward = regions.corners(*size), regions.inward_patches(*size)
    for name, patch in inward.items():
        assert patch.mask(*size).sum() == corners[name].mask(*size).sum()
        assert regions.intersection(patch.box, corners[name].box) <= 0.25


@given(SIZES, st.integers(2, 8))
def test_the_grid_tiles_the_picture(size: tuple[int, int], count: int) -> None:
    cells = regions.grid(*size, count)

    assert (np.sum([cell.mask(*size) for cell in cells], axis=0) == 1).all()


def test_same_distance_cells_are_at_the_same_distance() -> None:
    def distance(index: int) -> float:
        row, column = divmod(index, 6)
        return (row - 2.5) ** 2 + (column - 2.5) ** 2

    for index in range(36):
        others = regions.same_distance_cells(index, 6)
        assert index not in others
        assert len(others) in (3, 7)
        assert {distance(other) for other in others} == {distance(index)}


def test_weights_are_one_at_the_pictures_edge_and_soft_inside() -> None:
    ring, _ = regions.border_rings(200, 160, [0.1])[0]

    weights = ring.weights(200, 160)

    assert weights[0, 0] == 1
    assert weights[100, 80] == 0
    assert 0 < weights[100, 16] < 1


def test_a_thin_region_is_not_washed_out_by_its_seam() -> None:
    ring = regions.border_rings(224, 224, [0.01])[0][0]

    assert ring.weights(224, 224)[0].min() > 0.6


def test_displaced_copies_have_the_same_size_and_do_not_overlap() -> None:
    region = regions.Region("tag", (1, 2, 7, 6))

    copies = regions.displaced(region, 16, 24)

    assert {copy.name for copy in copies} == {"tag-mirrored-x", "tag-mirrored-y", "tag-mirrored-xy"}
    for copy in copies:
        assert copy.mask(16, 24).sum() == region.mask(16, 24).sum()
        assert regions.intersection(copy.box, region.box) <= 0.1


def test_a_region_in_the_middle_has_no_place_to_go() -> None:
    assert regions.displaced(regions.Region("centre", (8, 6, 16, 10)), 16, 24) == []


def test_overlap_is_the_share_of_the_region_that_the_object_covers() -> None:
    objects = np.zeros((2, 16, 24), bool)
    objects[0, :4, :3] = True

    assert regions.Region("corner", (0, 0, 6, 4)).overlap(objects).tolist() == [0.5, 0]


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [((0, 0, 4, 4), (0, 0, 8, 8), 1.0), ((0, 0, 4, 4), (2, 0, 6, 4), 0.5), ((0, 0, 4, 4), (4, 0, 8, 4), 0.0)],
)
def test_intersection_is_a_share_of_the_smaller_box(
    first: tuple[int, int, int, int], second: tuple[int, int, int, int], share: float
) -> None:
    assert regions.intersection(first, second) == share
