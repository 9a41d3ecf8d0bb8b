"""No picture holds words: only numbers, and names that others gave, so that a report can be read in any language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from matplotlib.text import Text
from PIL.ImageDraw import ImageDraw

from auditor import figures
from auditor.figures.alone import standing_alone
from auditor.figures.trends import TrendPanel, trend_chart
from auditor.method_names import in_print
from auditor.records import Audit
from auditor.sample import write_sample

PHOTO = np.random.default_rng(0).integers(0, 256, (12, 16, 3)).astype(np.uint8)
GIVEN = ("a class", "another class", "features.3", "Grad-CAM", "2026-02-02")
"""Names in the charts below that the user, the model or a paper gave."""
UNITS = ("mm",)
LETTERS = re.compile(r"[^\W\d_]{2,}")
CURVE = figures.Curve([0.9, 0.3], [0.8, 0.2], [1.0, 0.4])
ROWS = [
    figures.ForestRow("the top-left corner", 0.9, 0.8, 1.0, 64, "high", "confirmed", (0.1, 0.25, 0.6), 0.02),
    figures.ForestRow("the border", 0.0, -0.1, 0.1, 64, None, "no evidence", (0.1,)),
]
SQUARE = figures.AgreementMatrix([[None, 0.5], [-0.5, None]], [[None, 0.3], [-0.7, None]], [[None, 0.7], [0.1, None]])
TILE = figures.RowTile(PHOTO, ("its map", "the largest"), (2, 3, 9, 12), True)
VOLUME = np.arange(4 * 6 * 8, dtype=np.uint8).reshape(4, 6, 8)
DRAWINGS: dict[str, Callable[[], object]] = {
    "causal map": lambda: figures.causal_map(
        figures.CausalGrid(np.full((3, 4), 0.1), np.full((3, 4), True), 9),
        photo=PHOTO,
        rings=figures.RingProfile([0.05, 0.1], [0.1, 0.3], [0.0, 0.2], [0.2, 0.4], [0.01, 0.02], 64),
    ),
    "causal picture": lambda: figures.causal_picture(figures.CausalGrid(np.full((3, 4), 0.1), None, 9), PHOTO),
    "border": lambda: figures.radial_profile([0.05, 0.1], [0.1, 0.3], [0.0, 0.2], [0.2, 0.4], [0.01, 0.02], count=5),
    "forest": lambda: figures.forest_plot(ROWS),
    "doses": lambda: figures.dose_response(
        [figures.DosePanel("haze", "severity", [0, 1], *([[0.9, 0.5]] * 4))], y_label="accuracy"
    ),
    "calibration": lambda: figures.reliability_diagram(
        figures.ReliabilityBins([0.3, 0.9], [0.2, 0.8], [0.1, 0.7], [0.4, 0.9], [5, 40])
    ),
    "classes": lambda: figures.per_class_accuracy(
        GIVEN[:2], [0.9, 0.5], [0.8, 0.3], [1, 0.7], [30, 20], overall=0.7
    ),
    "confusion": lambda: figures.confusion(np.array([[4, 1], [0, 5]]), GIVEN[:2]),
    "curves": lambda: figures.curves([0, 1], {"Random map": CURVE, "Edges": CURVE}, x_label="gone", y_label="share"),
    "over time": lambda: figures.over_time({"mean of 9": CURVE}, x_label="frame", y_label="share", even=0.5),
    "agreement": lambda: figures.agreement_matrix(["Random map", "Edges"], SQUARE, SQUARE),
    "layers": lambda: figures.layer_chart(
        [figures.LayerRow("features.3", np.array([1, 5]), -1.0, 1.0, {"mean": 0.5, "dead units": 3.0}, odd=True)]
    ),
    "points": lambda: figures.point_chart(
        [figures.PointPanel("by class", np.random.default_rng(0).normal(size=(9, 2)), ("component 1", "component 2"))],
        GIVEN[:2], np.arange(9) % 3 - 1, wrong=np.arange(9) == 3,
    ),
    "rows": lambda: figures.picture_rows([figures.TileRow(("channel 7", "median 3"), [TILE])]),
    "trends": lambda: trend_chart(
        ["2026-02-02"] * 2, [(), ("model",)],
        [TrendPanel("accuracy", [0.5, None], [0.4, None], [0.6, None], [True, False])],
    ),
    "methods": lambda: figures.headed_rows(
        [[PHOTO, PHOTO]], [figures.Head(), figures.Head("warning", "of a place", True)], cell=(90, 120),
        room=(200, 200),
    ),
    "triptych": lambda: figures.map_triptych(PHOTO, np.ones((3, 4)), scale=True),
    "strip": lambda: figures.frame_strip([PHOTO] * 4, np.zeros((4, 12, 16)), np.ones(4)),
    "planes": lambda: figures.anatomical_planes(
        VOLUME, VOLUME.astype(np.float32), at=(1, 2, 3), spacing=(2.0, 1.0, 1.0), orientation="SPL"
    ),
}  # fmt: skip


@contextmanager
def overheard() -> Iterator[list[str]]:
    """All strings that either library draws."""
    said: list[str] = []
    of_charts, of_pictures = Text.draw, ImageDraw.text

    def draw(self: Text, *args: object, **kwargs: object) -> None:
        if self.get_visible():
            said.append(self.get_text())
        of_charts(self, *args, **kwargs)

    def text(self: ImageDraw, xy: object, words: str, *args: object, **kwargs: object) -> None:
        said.append(words)
        of_pictures(self, xy, words, *args, **kwargs)

    with patch.object(Text, "draw", draw), patch.object(ImageDraw, "text", text):
        yield said


def words_of(said: Sequence[str], given: Sequence[str]) -> list[str]:
    """Strings with two letters in a row that are no given name, whole, broken or shortened, and no unit."""
    return [one for one in said if LETTERS.search(one.replace("mm", "")) and not any(_is(one, name) for name in given)]


def _is(said: str, name: str) -> bool:
    head, cut, tail = said.partition("…")
    return name.startswith(head) and name.endswith(tail) if cut else said in name


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_holds_numbers_and_given_names_alone(name: str) -> None:
    with overheard() as said:
        DRAWINGS[name]()

    assert words_of(said, GIVEN) == []


def test_charts_are_heard_at_all() -> None:
    with overheard() as said:
        figures.per_class_accuracy(["a class", "left alone"], [0.9, 0.5], [0.8, 0.3], [1, 0.7], [30, 20])

    assert "a class" in said
    assert "n = 20" in said
    assert words_of(said, GIVEN) == ["left alone"]


def test_the_pictures_of_a_whole_audit_hold_numbers_and_given_names_alone(tmp_path: Path) -> None:
    with overheard() as said:
        audit = write_sample(tmp_path)

    methods = [in_print(item.name) for item in audit.visualizations]
    sites = list(audit.sample.per_group["site"])
    assert len(said) > 100
    assert words_of(said, [*audit.model.classes, *sites, *methods]) == []


def test_what_a_chart_says_stands_beside_it_and_every_line_has_its_entry() -> None:
    chart = figures.curves([0, 1], {"Random map": CURVE, "Edges": CURVE}, x_label="share gone", y_label="probability")

    assert [words.text for words in chart.words] == ["share gone", "probability"]
    assert [(entry.mark, entry.label) for entry in chart.legend] == [
        ("line", "Random map"), ("dashed", "Edges"), ("band", "95 % intervals"),
    ]  # fmt: skip
    across, upwards = chart.words
    assert across.align == "center"
    assert 50 < across.left < 58
    assert across.top > 90 > 10 > upwards.top


def test_no_two_marks_of_a_legend_differ_in_colour_alone() -> None:
    for name, draw in DRAWINGS.items():
        charts = draw()
        for chart in charts if isinstance(charts, list) else [charts]:
            if not isinstance(chart, figures.Chart):
                continue
            shapes = [entry.mark for entry in chart.legend]
            assert len(set(shapes)) == len(shapes), name


def test_words_keep_within_their_figure() -> None:
    for draw in DRAWINGS.values():
        charts = draw()
        for chart in charts if isinstance(charts, list) else [charts]:
            for words in chart.words if isinstance(chart, figures.Chart) else ():
                before = {"left": 0, "center": 0.5, "right": 1}[words.align] * words.room
                assert words.left - before >= -0.1, words
                assert words.left - before + words.room <= 100.1, words


def test_a_chart_that_stands_alone_brings_its_words_along() -> None:
    chart = figures.forest_plot(ROWS)

    alone = standing_alone(chart).decode()

    assert alone.startswith("<svg")
    for entry in chart.legend:
        assert entry.label in alone
    for words in chart.words:
        assert words.text in alone


def test_an_audit_of_an_older_version_has_pictures_without_words_of_their_own(tmp_path: Path) -> None:
    audit = write_sample(tmp_path)
    tree = audit.model_dump(mode="json", by_alias=True)
    for picture in tree["figures"].values():
        del picture["words"], picture["legend"]

    older = Audit.model_validate(tree)

    assert older.figures["figures/causal-map.svg"].words == ()
    assert older.figures["figures/causal-map.svg"].legend == ()
