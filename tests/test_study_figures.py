"""Rows of pictures and points on a plane, as charts."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import figures

PHOTO = np.random.default_rng(0).integers(0, 256, (16, 12, 3)).astype(np.uint8)


def rows(count: int, tiles: int) -> list[figures.TileRow]:
    tile = figures.RowTile(PHOTO, ("12.3", "a very long name of a picture.png"), (2, 3, 9, 12), True)
    return [figures.TileRow(("channel 7", "features.2"), [tile] * tiles) for _ in range(count)]


def test_few_pictures_a_row_stand_two_rows_in_a_line_and_many_rows_take_several_charts() -> None:
    (two,) = figures.picture_rows(rows(2, 3))
    (one,) = figures.picture_rows(rows(1, 3))
    several = figures.picture_rows(rows(13, 6))

    assert figures.svg_size(two.svg)[1] < 1.2 * figures.svg_size(one.svg)[1]
    assert len(several) == 3
    assert max(figures.svg_size(one.svg)[1] for one in several) <= 8 * 96
    assert all(one.svg.count(b"<image") == count for one, count in zip(several, (30, 30, 18), strict=True))


def test_the_same_rows_give_the_same_bytes_and_crops_of_any_shape_fit() -> None:
    row = figures.TileRow(("x",), [figures.RowTile(PHOTO), figures.RowTile(PHOTO[:2]), figures.RowTile(PHOTO[:, :1])])

    assert figures.picture_rows([row]) == figures.picture_rows([row])


def test_rows_without_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="a picture in each"):
        figures.picture_rows([figures.TileRow(("x",), [])])


def test_points_are_told_apart_by_shape_as_well_as_colour_and_wrong_ones_crossed_out() -> None:
    rng = np.random.default_rng(1)
    panels = [figures.PointPanel(title, rng.normal(size=(30, 2)), ("component 1", "")) for title in ("PCA", "t-SNE")]
    groups = np.arange(30) % 4 - 1

    plain = figures.point_chart(panels, ["a", "b", "c"], groups)
    crossed = figures.point_chart(panels, ["a", "b", "c"], groups, wrong=np.arange(30) == 3)
    single = figures.point_chart(panels[:1], ["a", "b", "c"], groups)

    assert figures.svg_size(single.svg)[0] < 340 < figures.svg_size(plain.svg)[0]
    assert len(crossed.svg) > len(plain.svg)
    assert [(entry.mark, entry.label) for entry in crossed.legend] == [
        ("circle", "a (n = 8)"), ("square", "b (n = 7)"), ("triangle", "c (n = 7)"), ("ring", "others (n = 8)"),
        ("cross", "wrong (n = 1)"),
    ]  # fmt: skip
    assert plain == figures.point_chart(panels, ["a", "b", "c"], groups)


def test_more_groups_than_can_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 7 groups"):
        figures.point_chart([figures.PointPanel("PCA", np.zeros((2, 2)))], list("abcdefgh"), np.zeros(2, dtype=int))


def test_pictures_stand_in_numbered_rows_under_their_heads_and_go_on_in_a_second_block() -> None:
    black, white = np.zeros((20, 30, 3), np.uint8), np.full((20, 30, 3), 255, np.uint8)
    rows = [[black, white]] * 3
    heads = [figures.Head(), figures.Head("Grad-CAM", "layer4", marked=True)]

    one = figures.headed_rows(rows, heads, cell=(40, 60))
    two = figures.headed_rows(rows, heads, cell=(40, 60), blocks=2)
    short, long = (
        figures.headed_rows(rows, [figures.Head(), figures.Head(name)], cell=(40, 60))
        for name in ("LRP", "Eigen-CAM long")
    )

    assert one.shape[0] > two.shape[0]
    assert two.shape[1] > 1.9 * one.shape[1]
    assert long.shape[0] > short.shape[0], "a long name takes a second line"
    dark = (one == 0).all(axis=2)
    assert dark.sum() == 3 * 40 * 60
    assert (one[: one.shape[0] - 3 * 46] < 200).any(), "the heads are written above"
    with pytest.raises(ValueError, match="a picture for each of 2 columns"):
        figures.headed_rows([[black]], heads, cell=(40, 60))
