"""Sprites: many small maps in one grey picture."""

from __future__ import annotations

import cv2
import matplotlib
import numpy as np
import pytest

from auditor import figures


def decoded(packed: figures.Sprite) -> np.ndarray:
    grid = cv2.imdecode(np.frombuffer(packed.content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grid is not None
    assert (grid.shape[1], grid.shape[0]) == packed.size
    return np.asarray(grid, np.float32)


def tile_of(packed: figures.Sprite, index: int) -> np.ndarray:
    x, y = index % packed.across * packed.cell[0], index // packed.across * packed.cell[1]
    return decoded(packed)[y : y + packed.tile[1], x : x + packed.tile[0]]


def test_every_map_is_found_at_its_place_as_shares_of_its_own_largest_value() -> None:
    maps = np.random.default_rng(0).random((19, 3, 5)).astype(np.float32) * np.arange(1, 20)[:, None, None]

    packed = figures.sprite(maps, side=8)

    assert packed.tile == (5, 3)
    assert packed.tops == pytest.approx(maps.max(axis=(1, 2)))
    for index in range(19):
        np.testing.assert_allclose(tile_of(packed, index), 255 * maps[index] / maps[index].max(), atol=4)


def test_fine_maps_are_averaged_and_the_largest_value_is_that_of_the_averages() -> None:
    maps = np.zeros((2, 12, 16), np.float32)
    maps[0, :4, :4] = 8
    maps[1, 0, 0] = 12

    packed = figures.sprite(maps, side=4)

    assert packed.tile == (4, 3)
    assert packed.tops == pytest.approx((8, 0.75))  # one of 4 × 4 pixels holds 12


def test_a_blank_map_is_black_and_what_is_not_finite_counts_as_nothing() -> None:
    maps = np.zeros((3, 3, 4), np.float32)
    maps[1] = np.nan
    maps[2, 1, 1], maps[2, 0, 0] = np.inf, 2

    packed = figures.sprite(maps, side=8)

    assert packed.tops == (0, 0, 2)
    assert tile_of(packed, 0).max() == tile_of(packed, 1).max() == 0
    assert tile_of(packed, 2)[0, 0] == 255


def test_no_map_shines_into_its_neighbour() -> None:
    maps = np.zeros((2, 30, 30), np.float32)
    maps[0] = np.random.default_rng(1).random((30, 30))
    maps[1, 29, 29] = 1

    packed = figures.sprite(maps, side=32)

    assert tile_of(packed, 1)[:20, :20].max() <= 8


def test_coarse_maps_lose_nothing_and_noise_is_kept_small() -> None:
    random = np.random.default_rng(2)

    coarse = figures.sprite(random.integers(0, 2, (64, 2, 3)).astype(np.float32), side=32)
    noise = figures.sprite(random.random((64, 32, 32)).astype(np.float32), side=32)

    assert coarse.kind == "image/png"
    assert noise.kind == "image/jpeg"
    assert len(noise.content) < 64 * 600


def test_twenty_methods_at_four_layers_on_128_pictures_fit_the_room_of_the_gallery() -> None:
    from auditor.reports.html import GALLERY_BYTES

    noise = np.random.default_rng(3).random((128, 24, 24)).astype(np.float32)

    assert 80 * len(figures.sprite(noise, side=24).content) < GALLERY_BYTES


def test_the_lookup_is_viridis() -> None:
    table = figures.lookup()

    expected = matplotlib.colormaps["viridis"](np.arange(256))[:, :3]
    np.testing.assert_allclose(table, expected * 255, atol=1)


def test_four_layers_stand_two_by_two_in_reading_order() -> None:
    four = np.arange(4)[:, None, None] * np.ones((4, 2, 3), int)

    assert figures.two_by_two(four).tolist() == [[0] * 3 + [1] * 3] * 2 + [[2] * 3 + [3] * 3] * 2


def test_the_size_of_a_jpeg_is_read_and_what_breaks_off_is_refused() -> None:
    whole = figures.encode_jpeg(np.zeros((12, 16, 3), np.uint8))

    assert figures.jpeg_size(whole) == (16, 12)
    for broken in (whole[:-9], b"", b"<html>", b"\x89PNG"):
        with pytest.raises(ValueError, match="JPEG"):
            figures.jpeg_size(broken)
