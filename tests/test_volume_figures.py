"""Strips of frames and three planes: what is drawn where, measured on the pixels."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import figures
from auditor.figures.volumes import DEEP, PALE


def frames(count: int) -> list[np.ndarray]:
    """Frame k is flat grey of value 10·k, 12×16 pixels."""
    return [np.full((12, 16, 3), 10 * index, np.uint8) for index in range(count)]


def test_frames_are_spread_over_the_clip_and_the_heaviest_is_among_them() -> None:
    weights = np.zeros(16)
    weights[7] = 1.0

    assert figures.shown_frames(np.ones(3), 8) == [0, 1, 2]
    assert figures.shown_frames(np.eye(16)[2], 4) == [2, 6, 10, 14]
    assert figures.shown_frames(weights, 4) == [2, 7, 10, 14]
    with pytest.raises(ValueError, match="0 frames"):
        figures.shown_frames(np.zeros(0), 4)


def test_bars_are_in_proportion_to_the_weights_and_those_of_shown_frames_are_dark() -> None:
    weights = np.array([0.1, 0.4, 0.2, 0.3])

    strip = figures.frame_strip(frames(4), np.zeros((4, 12, 16)), weights, most=2, side=120)

    bars = strip[-30:]
    dark, pale = ((bars == np.array(ink)).all(axis=2) for ink in (DEEP, PALE))
    middles = ((np.arange(4) + 0.5) / 4 * strip.shape[1]).astype(int)
    assert [int((dark | pale)[:, column].sum()) for column in middles] == pytest.approx([7.5, 30, 15, 22.5], abs=1)
    assert figures.shown_frames(weights, 2) == [1, 3]
    assert [bool(dark[-2, middle]) for middle in middles] == [False, True, False, True]
    assert not (dark | pale)[:-1, :2].any()  # bars stand apart


def test_a_strip_shows_the_frames_in_order_at_their_own_shape() -> None:
    strip = figures.frame_strip(frames(3), np.zeros((3, 12, 16)), np.ones(3), side=24)

    row = strip[12]
    assert [int(row[column, 0]) for column in (16, 16 + 32 + 3, 16 + 2 * 35)] == [0, 10, 20]
    assert strip.shape[1] == 3 * 32 + 2 * 3


def test_weights_that_are_all_the_same_need_no_bars() -> None:
    with_bars, without = (figures.frame_strip(frames(3), np.zeros((3, 12, 16)), np.ones(3), side=24, bars=bars)
                          for bars in (True, False))  # fmt: skip

    assert len(without) == 2 * 24 + 3
    assert (with_bars[: len(without)] == without).all()
    assert len(with_bars) > len(without)


def test_all_maps_of_a_strip_share_one_scale() -> None:
    maps = np.zeros((2, 12, 16))
    maps[0], maps[1] = 1.0, 0.5

    strip = figures.frame_strip(frames(2), maps, np.ones(2), side=12)

    expected = [figures.overlay(frame, one, 0.0, 1.0)[0, 0] for frame, one in zip(frames(2), maps, strict=True)]
    over = strip[12 + 3 + 5]
    assert over[4].tolist() == expected[0].tolist()
    assert over[16 + 3 + 4].tolist() == expected[1].tolist()


def test_a_strip_of_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(ValueError, match="3 frames, 2 maps"):
        figures.frame_strip(frames(3), np.zeros((2, 12, 16)), np.ones(3))
    with pytest.raises(ValueError, match="pixels differ"):
        figures.frame_strip(frames(3), np.zeros((3, 6, 8)), np.ones(3))


def test_planes_are_laid_through_the_heaviest_slices() -> None:
    values = np.zeros((5, 6, 7))
    values[3, 1, 6] = 2.0
    values[0, 4, 2] = 1.0

    assert figures.heaviest_voxel(values) == (3, 1, 6)
    assert figures.heaviest_voxel(np.zeros((5, 6, 7))) == (2, 3, 3)


def test_planes_keep_true_proportions() -> None:
    """4 slices of 5 mm, 10 rows of 2 mm, 20 columns of 1 mm: all three axes are 20 mm long."""
    volume = np.zeros((4, 10, 20))

    drawn = figures.three_planes(volume, volume, spacing=(5.0, 2.0, 1.0), side=100)

    gap = 3
    assert drawn.shape == (2 * 100 + gap, 3 * 100 + 2 * gap, 3)


def test_the_last_slice_is_on_top_in_the_upright_planes_and_rows_run_down_in_the_first() -> None:
    volume = np.zeros((10, 10, 10))
    volume[9], volume[:9, 9] = 100.0, 50.0  # white on top, grey at the end of the rows

    drawn = figures.three_planes(volume, np.zeros_like(volume), at=(4, 4, 4), window=(0.0, 100.0), side=100)

    first, second, third = (drawn[:100, left : left + 100, 0] for left in (0, 103, 206))
    assert [int(first[row, 30]) for row in (95, 30)] == [128, 0]
    assert [int(second[row, 30]) for row in (5, 95)] == [255, 0]
    assert [int(third[row, 95]) for row in (5, 30)] == [255, 128]


def test_marks_show_where_the_other_planes_lie() -> None:
    volume = np.zeros((10, 10, 10))

    drawn = figures.three_planes(volume, volume, at=(2, 4, 7), window=(0.0, 1.0), side=100)

    first, second = drawn[:100, :100, 0], drawn[:100, 103:203, 0]
    assert (np.flatnonzero(first[:, 0]).tolist(), np.flatnonzero(first[0]).tolist()) == ([45], [75])
    assert (np.flatnonzero(second[:, 0]).tolist(), np.flatnonzero(second[0]).tolist()) == ([99 - 25], [75])


def test_a_voxel_outside_and_a_map_of_another_size_are_refused() -> None:
    volume = np.zeros((4, 5, 6))
    with pytest.raises(ValueError, match="outside"):
        figures.three_planes(volume, volume, at=(4, 0, 0))
    with pytest.raises(ValueError, match="do not belong together"):
        figures.three_planes(volume, np.zeros((4, 5, 5)))


def test_planes_of_a_body_have_letters_on_the_upper_row_and_a_bar_of_a_round_length_below() -> None:
    volume = np.full((10, 30, 20), 90, np.uint8)
    values = np.zeros(volume.shape, np.float32)
    at = (4, 12, 9)
    plain = figures.three_planes(volume, values, at=at, spacing=(4.0, 2.0, 2.0), window=(0, 255), side=200)

    drawn = figures.anatomical_planes(volume, values, at=at, spacing=(4.0, 2.0, 2.0), orientation="SPL")
    unknown = figures.anatomical_planes(volume, values, at=at, spacing=None, orientation=None)

    height, width = plain.shape[:2]
    assert drawn.shape[0] > height
    assert drawn.shape[1] == width
    changed = np.argwhere((drawn[:height] != plain).any(axis=2))
    assert len(changed) > 0
    assert changed[:, 0].max() < height / 2, "the maps stay free of letters"
    bar = np.argwhere((drawn[height:] == (22, 24, 29)).all(axis=2))
    row = bar[0, 0]
    length = (drawn[height + row, : width // 2] == (22, 24, 29)).all(axis=1).argmin()
    scale = 200 / 60  # pixels a millimetre: the tallest plane is 30 rows of 2 mm
    assert length == pytest.approx(20 * scale, abs=2)
    assert unknown.shape == figures.three_planes(volume, values, at=at, window=(0, 255), side=200).shape


def test_the_strongest_voxel_lies_within_a_block_of_equal_values() -> None:
    values = np.zeros((9, 9, 9), np.float32)
    values[2:5, 4:7, 0:3] = 1.0
    values[8, 8, 8] = 0.5

    assert figures.strongest_voxel(values) == (3, 5, 1)
    assert figures.strongest_voxel(np.zeros((4, 6, 8), np.float32)) == (2, 3, 4)


def test_planes_for_a_row_have_one_size_and_keep_their_proportions() -> None:
    colours = np.zeros((4, 6, 3, 3), np.uint8)
    colours[3] = 200  # the last slice

    planes = figures.even_planes(figures.cut(colours, (1, 2, 0)), (10.0, 2.0, 4.0), side=40)

    # the volume is 40 × 12 × 12 mm: across depth 12 × 12, the others 40 × 12
    assert {plane.shape for plane in planes} == {(40, 12, 3)}
    inside = [~(plane == 255).all(axis=2) for plane in planes]
    assert [(int(one.any(axis=1).sum()), int(one.any(axis=0).sum())) for one in inside] == [
        (12, 12),
        (40, 12),
        (40, 12),
    ]
    assert planes[1][4, 6].tolist() == [200] * 3, "the last slice is on top"
    assert planes[1][36, 6].tolist() == [0] * 3
