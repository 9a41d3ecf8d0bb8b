"""Figures: crisp, aligned, honest about scale, the same bytes for the same numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from xml.etree import ElementTree

import cv2
import matplotlib
import numpy as np
import pytest

from auditor import figures
from auditor.figures.svg import WIDTH as PAGE
from auditor.figures.svg import text_width

HEIGHT, WIDTH = 12, 16
SVG = "{http://www.w3.org/2000/svg}"


def photo(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (5, 5), 1.5), np.uint8)


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))[:, :, ::-1]


def forest_rows(label: str = "top-left corner") -> list[figures.ForestRow]:
    found = figures.ForestRow(label, 0.91, 0.84, 0.95, 64, "high", "confirmed", (0.1, 0.25, 0.6), 0.02)
    return [found, figures.ForestRow("border", 0.01, -0.03, 0.05, 64, None, "no evidence", (0.1, 0.25, 0.6))]


RINGS = figures.RingProfile([0.05, 0.1], [0.1, 0.3], [0.0, 0.2], [0.2, 0.4], [0.01, 0.02], 64)


def agreement(count: int = 3) -> figures.Chart:
    def square(value: float) -> list[list[float | None]]:
        return [[None if row == column == 1 else value for column in range(count)] for row in range(count)]

    names = [f"a_method@layer{index}" for index in range(count)]
    one = figures.AgreementMatrix(square(0.5), square(-0.1), square(0.7))
    return figures.agreement_matrix(names, one, one)


CHARTS: dict[str, Callable[[], figures.Chart]] = {
    "agreement": agreement,
    "large agreement": lambda: agreement(62),
    "forest": lambda: figures.forest_plot(forest_rows()),
    "causal": lambda: figures.causal_map(figures.CausalGrid(np.full((3, 4), 0.1), count=9), photo=photo(), rings=RINGS),
    "profile": lambda: figures.radial_profile([0.05, 0.1], [0.1, 0.3], [0.0, 0.2], [0.2, 0.4]),
    "classes": lambda: figures.per_class_accuracy(["a", "b"], [0.9, 0.5], [0.8, 0.3], [1, 0.7], [30, 20], overall=0.7),
    "calibration": lambda: figures.reliability_diagram(
        figures.ReliabilityBins([0.3, 0.9], [0.2, 0.8], [0.1, 0.7], [0.4, 0.9], [5, 40])
    ),
    "confusion": lambda: figures.confusion(np.array([[4, 1], [0, 5]]), ["a", "b"]),
    "curves": lambda: figures.curves([0, 0.5, 1], {"m": figures.Curve([1, 0.4, 0])}, x_label="x", y_label="y"),
}


def test_jpeg_keeps_the_picture_and_its_colours_at_full_resolution() -> None:
    picture = cv2.resize(photo(), (160, 120))

    data = figures.encode_jpeg(picture)

    assert np.abs(decoded(data).astype(int) - picture).mean() < 3
    frame = data.index(b"\xff\xc0")
    assert data[frame + 11] == 0x11  # the first component is sampled as densely as the others: 4:4:4


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8)]
)
def test_jpeg_refuses_what_is_no_picture(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"uint8 \(height, width, 3\)"):
        figures.encode_jpeg(wrong)


def test_a_core_encodes_five_hundred_thumbnails_a_second() -> None:
    thumbnail = cv2.resize(photo(), (112, 112))
    started = time.process_time()

    for _ in range(200):
        figures.encode_jpeg(thumbnail)

    assert 200 / (time.process_time() - started) >= 500


def test_colours_run_from_dark_to_bright_with_the_value() -> None:
    ramp = figures.colourise(np.linspace(-1, 3, 64)[None], -1.0, 3.0)[0].astype(float)
    lightness = ramp @ [0.2126, 0.7152, 0.0722]

    assert (np.diff(lightness) > -0.5).all()
    assert lightness[-1] - lightness[0] > 150


def test_colours_beyond_the_scale_take_its_ends_and_missing_values_are_grey() -> None:
    values = np.array([[-9.0, 0.0, 1.0, 9.0, np.nan, np.inf]])

    below, low, high, above, missing, infinite = figures.colourise(values, 0.0, 1.0)[0]

    assert (below == low).all()
    assert (above == high).all()
    assert (missing == 127).all()
    assert (infinite == 127).all()


def test_a_constant_map_is_all_of_the_lower_end() -> None:
    assert len(np.unique(figures.colourise(np.full((3, 4), 5.0), 5.0, 5.0).reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize(("side", "factor"), [(30, 7), (32, 7), (112, 2), (224, 1), (500, 1)])
def test_small_photos_grow_by_whole_factors_and_stay_crisp(side: int, factor: int) -> None:
    picture = photo(height=side, width=side + 3)

    large = figures.enlarge(picture)

    assert large.shape[:2] == (side * factor, (side + 3) * factor)
    assert (large[::factor, ::factor] == picture).all()


@pytest.mark.parametrize("ground", [0, 255])
def test_an_outlined_region_shows_on_black_and_on_white(ground: int) -> None:
    picture = np.full((120, 160, 3), ground, np.uint8)

    drawn = figures.outline_region(picture, (40, 30, 80, 60), hole=(50, 40, 70, 50))

    edge = drawn[30:60, 40:80]
    assert {0, 255} <= set(np.unique(edge))
    outside = drawn.copy()
    outside[30:60, 40:80] = ground
    assert (outside == ground).all()  # nothing is drawn beyond the region
    assert (drawn[44:46, 54:66] == ground).all()  # nor over what it leaves out


def test_an_outline_never_leaves_a_region_that_is_too_small_for_it() -> None:
    drawn = figures.outline_region(np.full((320, 400, 3), 99, np.uint8), (0, 0, 3, 5))

    assert (drawn[5:] == 99).all()
    assert (drawn[:, 3:] == 99).all()
    assert (drawn[:5, :3] != 99).any()


def test_a_triptych_shows_photo_map_and_overlay_at_one_size() -> None:
    picture, values = photo(), np.zeros((3, 4), np.float32)
    values[0, 0] = 1

    sheet = figures.map_triptych(picture, values)

    large = figures.enlarge(picture)
    height, width = large.shape[:2]
    gap = (sheet.shape[1] - 3 * width) // 2
    assert sheet.shape[0] == height
    assert (sheet[:, :width] == large).all()
    assert (sheet[:, width : width + gap] == 255).all()
    assert (sheet[:, width + gap : 2 * width + gap][-1, -1] == figures.colourise(np.zeros((1, 1)), 0, 1)[0, 0]).all()


def test_a_scale_bar_appears_only_where_it_is_asked_for() -> None:
    plain = figures.map_triptych(photo(), np.ones((3, 4)))

    assert figures.map_triptych(photo(), np.ones((3, 4)), scale=True).shape[1] > plain.shape[1]


def test_an_overlay_leaves_the_photo_where_the_map_is_silent() -> None:
    grey = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    values = np.zeros((HEIGHT, WIDTH))
    values[:, : WIDTH // 2] = 1

    blended = figures.overlay(grey, values, 0.0, 1.0).astype(int)

    assert np.abs(blended[:, WIDTH // 2 :] - 200).max() <= 30
    assert np.abs(blended[:, : WIDTH // 2] - 200).max() > 60


def test_an_overlay_is_the_blend_of_the_grey_photo_and_the_colour_to_a_level_or_two() -> None:
    picture = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    values = np.random.default_rng(4).random((HEIGHT, WIDTH)) * 3 - 0.5
    values[0, :2] = np.nan, np.inf
    share = np.where(np.isfinite(values), np.clip((values - 0.2) / 1.8, 0, 1), 0)[:, :, None]
    grey = picture @ np.array([0.299, 0.587, 0.114])
    opacity = 0.15 + 0.65 * share
    expected = grey[:, :, None] * (1 - opacity) + figures.colourise(values, 0.2, 2.0) * opacity

    blended = figures.overlay(picture, values, 0.2, 2.0)

    assert np.abs(blended - expected).max() <= 2


def test_before_and_after_keep_what_was_not_changed() -> None:
    before, after = photo(1), photo(1)
    after[:4, :5] = 0

    pair = figures.before_after(before, after, (0, 0, 5, 4))
    three = figures.before_after(before, after, (0, 0, 5, 4), donor=photo(2))

    factor = 224 // HEIGHT
    left, right = pair[5 * factor :, : WIDTH * factor], pair[5 * factor :, -WIDTH * factor :]
    assert (left == right).all()
    assert three.shape[1] > pair.shape[1]


def test_a_contact_sheet_is_a_grid_with_even_gaps() -> None:
    tiles = [np.full((HEIGHT, WIDTH, 3), 10 * i, np.uint8) for i in range(5)]

    sheet = figures.contact_sheet(tiles, 2, gap=4)

    assert sheet.shape == (3 * HEIGHT + 8, 2 * WIDTH + 4, 3)
    for i in range(5):
        top, left = i // 2 * (HEIGHT + 4), i % 2 * (WIDTH + 4)
        assert (sheet[top : top + HEIGHT, left : left + WIDTH] == 10 * i).all()
    assert (sheet[-HEIGHT:, -WIDTH:] == 255).all()


def test_tiles_of_other_sizes_fill_their_cell_without_being_stretched() -> None:
    sheet = figures.contact_sheet([np.zeros((10, 20, 3), np.uint8)], 1, cell=(30, 30))

    rows = np.flatnonzero((sheet < 255).any(axis=(1, 2)))
    columns = np.flatnonzero((sheet < 255).any(axis=(0, 2)))
    assert (len(rows), len(columns)) == (15, 30)


@pytest.mark.parametrize(("tiles", "columns"), [([], 2), ([np.zeros((2, 2, 3), np.uint8)], 0)])
def test_a_contact_sheet_needs_tiles_and_columns(tiles: list[np.ndarray], columns: int) -> None:
    with pytest.raises(ValueError, match="needs tiles and columns"):
        figures.contact_sheet(tiles, columns)


def test_a_weight_of_zero_is_mid_grey_whatever_the_others_are() -> None:
    kernels = np.array([[[0.0, 5.0, 1.0]], [[0.0, -2.0, 1.0]]])

    sheet = figures.kernel_sheet(kernels, columns=1, side=1)

    assert (sheet[0, 0] == 128).all()
    assert (sheet[-1, 0] == 128).all()
    assert (sheet[0, 1] == 255).all()
    assert (sheet[-1, 1] == 0).all()


def test_a_channel_sheet_starts_with_the_photo() -> None:
    maps = np.random.default_rng(0).random((5, 3, 4))

    sheet = figures.channel_sheet(photo(height=96, width=128), maps, columns=3, side=96)

    assert (sheet[:96, :128] == photo(height=96, width=128)).all()
    assert sheet.shape == (2 * 96 + 6, 3 * 128 + 12, 3)


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_the_same_bytes_again_and_carries_no_date_and_no_live_text(name: str) -> None:
    svg = CHARTS[name]().svg

    tree = ElementTree.fromstring(svg)
    assert CHARTS[name]() == CHARTS[name]()
    assert not list(tree.iter(f"{SVG}text"))
    assert not list(tree.iter(f"{SVG}script"))
    assert b"<metadata" not in svg
    assert b"<dc:date" not in svg
    assert min(figures.svg_size(svg)) > 90


def test_the_numbers_of_the_causal_map_stand_in_its_cells() -> None:
    effects = np.array([[0.91, 0.02, np.nan], [0.0, -0.04, 0.33]])
    few = figures.causal_map(figures.CausalGrid(effects)).svg
    outlined = figures.causal_map(figures.CausalGrid(effects, judged=effects > 0.9)).svg

    assert len(outlined) > len(few)


@pytest.mark.parametrize(
    "label", ["<script>alert(1)</script>", "$x^{", "肺结节", "\N{PILE OF POO}\u202e", "x" * 400, ""]
)
def test_any_label_can_be_drawn(label: str) -> None:
    svg = figures.per_class_accuracy([label, "b"], [0.9, 0.5], [0.8, 0.3], [1, 0.7], [30, 20]).svg
    forest = figures.forest_plot(forest_rows(label))

    ElementTree.fromstring(svg)
    assert b"alert" not in svg + forest.svg
    assert (label in [words.text for words in forest.words]) == bool(label), "a page sets it, whatever it is"


def test_a_forests_long_names_keep_their_class_and_its_axis_its_numbers() -> None:
    """Two checks of one place are told apart by the class at the end of their names alone."""
    long = "a mark burned into the top left of the picture · cardiomegaly"

    forest = figures.forest_plot(forest_rows(long))

    sizes = {words.text: (words.size, words.room) for words in forest.words}
    letters, room = sizes[long]
    assert 6 <= letters < 8
    assert text_width(long, letters) <= room / 100 * PAGE * 72 + 0.1
    assert forest.svg.count(b'id="xtick_') >= 4


def test_ten_panels_stand_in_two_full_rows_with_each_severity_on_their_axes() -> None:
    panel = figures.DosePanel("haze", "severity", (0, 1, 2, 3), (0.9,) * 4, (0.8,) * 4, (1.0,) * 4)

    ten = figures.dose_response([panel] * 10, y_label="accuracy")

    assert len({words.top for words in ten.words if words.text == "Haze"}) == 2
    assert ten.svg.count(b'id="xtick_') == 10 * 4


def test_a_forest_without_trees_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        figures.forest_plot([])


def test_more_curves_than_can_be_told_apart_are_refused() -> None:
    lines = {str(i): figures.Curve([0.0, 1.0]) for i in range(6)}

    with pytest.raises(ValueError, match="at most 5"):
        figures.curves([0, 1], lines, x_label="x", y_label="y")


def test_the_size_of_a_foreign_svg_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="states no width"):
        figures.svg_size(b"<svg viewBox='0 0 1 1'></svg>")


def test_agreement_of_many_maps_stays_as_wide_as_the_page_and_drops_what_does_not_fit() -> None:
    small, large = agreement(8).svg, agreement(62).svg

    assert figures.svg_size(large)[0] == pytest.approx(6.85 * 96, abs=1)
    assert figures.svg_size(large)[1] < 6 * 96
    assert small.count(b'<g id="text_') == 8 + 8 + 2 * 8 * 7
    assert large.count(b'<g id="text_') == 62 + 62


def test_agreement_needs_two_maps() -> None:
    with pytest.raises(ValueError, match="two maps"):
        agreement(1)


@pytest.mark.parametrize("palette", ["viridis", "magma_r"])
def test_the_colours_are_those_that_matplotlib_calls_so(palette: str) -> None:
    steps = np.arange(256, dtype=np.float32)[None] / 255
    expected = (matplotlib.colormaps[palette](np.linspace(0, 1, 256))[:, :3] * 255 + 0.5).astype(np.uint8)

    np.testing.assert_array_equal(figures.colourise(steps, 0.0, 1.0, palette=palette)[0], expected)


def test_the_causal_map_as_pixels_is_darkest_where_the_effect_is_largest() -> None:
    effects = np.zeros((4, 6))
    effects[1, 4], effects[3, 0] = 0.8, np.nan
    photo = np.full((24, 36, 3), 200, np.uint8)

    drawn = figures.causal_picture(figures.CausalGrid(effects, None, 2), photo)

    shown = drawn[:280, 450:].reshape(4, 70, 6, 70, 3)
    # corners of the cells, where no number stands
    brightness = shown[:, 5:15, :, 5:15].mean(axis=(1, 3, 4))
    assert np.unravel_index(brightness.argmin(), brightness.shape) == (1, 4)
    tint = np.ptp(shown[:, 5:15, :, 5:15].mean(axis=(1, 3)), axis=2)
    assert tint[3, 0] == 0, "what was not tested has no colour"
    assert (np.delete(tint.ravel(), 18) > 0).all()


def test_places_over_columns_leave_room_for_pages_that_measure_text_wider() -> None:
    """Two layers of one network are told apart by the ends of their names, which a page would cut off."""
    heads = [figures.Head(), *(figures.Head("Grad-CAM", f"transformer.layers.{number}") for number in range(6))]
    row = [np.zeros((104, 104, 3), np.uint8)] * len(heads)

    sheet = figures.headed_rows([row] * 10, heads, cell=(104, 104), room=(380, 567))

    places = [words for words in sheet.words if words.tone == "quiet" and "…" in words.text]
    assert [words.text[-2:] for words in places] == [f".{number}" for number in range(6)]
    points = 380 / sheet.picture.shape[1]
    for words in places:
        room = words.room / 100 * sheet.picture.shape[1] * points
        assert text_width(words.text, words.size) <= 0.96 * room
