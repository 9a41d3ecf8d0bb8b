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
    assert max(figures.svg_size(one.svg)[1] for one in several) <= 2.7 * 96, "low enough for what is left of a page"
    counts = [one.svg.count(b"<image") for one in several]
    assert sum(counts) == 13 * 6
    assert len(set(counts[:-1])) == 1


def test_no_side_of_a_picture_is_longer_than_it_may_be() -> None:
    """Portraits of 12 by 16 pixels are 0.87 inches tall; with two lines of words and gaps a row takes 1.29."""
    (portrait,) = figures.picture_rows(rows(1, 6))

    assert figures.svg_size(portrait.svg)[1] == pytest.approx(96 * (0.87 + 2 * 0.118 + 2 * 0.09), abs=1)


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

    one = figures.headed_rows(rows, heads, cell=(40, 60), room=(60, 500))
    two = figures.headed_rows(rows, heads, cell=(40, 60), room=(120, 500), blocks=2)

    assert one.picture.shape[0] > two.picture.shape[0]
    assert two.picture.shape[1] > 1.9 * one.picture.shape[1]
    assert (one.picture == 0).all(axis=2).sum() == 3 * 40 * 60
    assert [words.text for words in one.words] == ["Grad-CAM", "layer4", "1", "2", "3"]
    assert [words.text for words in two.words] == [*["Grad-CAM", "layer4"], "1", "2", *["Grad-CAM", "layer4"], "3"]
    assert [words.tone for words in one.words[:3]] == ["marked", "quiet", "quiet"]
    with pytest.raises(ValueError, match="a picture for each of 2 columns"):
        figures.headed_rows([[black]], heads, cell=(40, 60), room=(60, 500))


@pytest.mark.parametrize("full", [None, 10])
def test_a_sheet_says_where_its_rows_are_and_its_heads_stand_above_them(full: int | None) -> None:
    black = np.zeros((20, 30, 3), np.uint8)
    heads = [figures.Head(), figures.Head("Attention-guided CAM", "encoder.layers.3")]

    sheet = figures.headed_rows([[black, black]] * 3, heads, cell=(40, 60), room=(100, 500), full=full)

    tall, dark = len(sheet.picture), (sheet.picture == 0).all(axis=2).any(axis=1)
    for top, height in sheet.rows:
        first, last = round(top * tall / 100), round((top + height) * tall / 100)
        assert dark[first:last].all()
        assert not dark[first - 1]
    assert last == tall
    name, place = sheet.words[:2]
    assert name.lines == 2
    assert name.top < place.top < sheet.rows[0][0]
    numbers = [words for words in sheet.words if words.text.isdigit()]
    assert all(top < one.top < top + height for one, (top, height) in zip(numbers, sheet.rows, strict=True))


def test_letters_of_heads_have_one_size_on_paper_whichever_side_fills_the_room() -> None:
    """Ten rows of 46 pixels in 200 points: 2.7 pixels a point, so that a line of 7.2 points has 19 pixels and more."""
    black = np.zeros((40, 60, 3), np.uint8)

    def head(room: tuple[float, float]) -> float:
        sheet = figures.headed_rows([[black]] * 10, [figures.Head("LRP")], cell=(40, 60), room=room)
        return sheet.rows[0][0] / 100 * len(sheet.picture) - 6

    wide, narrow = head((1000, 200)), head((33, 5000))

    assert wide == pytest.approx(1.2 * 6 * 460 / (200 - 4 * 1.2 * 6), abs=1)
    assert narrow == pytest.approx(1.2 * 6 * 2, abs=1)


def test_letters_of_heads_shrink_before_a_word_is_broken() -> None:
    black = np.zeros((40, 60, 3), np.uint8)
    heads = [figures.Head("LRP"), figures.Head("Guided backpropagation", "transformer.layers.14")]

    sheet = figures.headed_rows([[black, black]], heads, cell=(40, 60), room=(90, 500))

    assert {words.size for words in sheet.words} == {sheet.words[0].size}
    assert 5 < sheet.words[0].size < 6
    assert [words.text for words in sheet.words[1:3]] == ["Guided backpropagation", "transfor…rs.14"]


@pytest.mark.parametrize(("name", "lines"), [("LRP", 1), ("Grad-CAM", 1), ("Smooth Grad-CAM++", 2), ("", 0)])
def test_a_head_takes_as_many_lines_as_its_words_need(name: str, lines: int) -> None:
    black = np.zeros((40, 60, 3), np.uint8)

    sheet = figures.headed_rows([[black]], [figures.Head(name)], cell=(40, 60), room=(44, 500))

    heads = [words.lines for words in sheet.words if not words.text.isdigit()]
    assert heads == [lines] * bool(lines)
    assert (sheet.rows[0][0] > 0) == bool(lines)
