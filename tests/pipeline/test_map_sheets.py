from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from auditor.method_names import in_print
from auditor.pipeline.gallery import Gallery
from auditor.pipeline.side_by_side import CELL, COLUMNS, COMPARED, COMPARED_OF_MANY, draw_comparison, draw_rows
from auditor.runs import RunFolder
from auditor.visualizers import MapSet
from tests.models import pictures, sample_of

cv2 = pytest.importorskip("cv2")
COUNT = 12


def subject() -> Any:
    images, labels = pictures(COUNT)
    scores = np.full((COUNT, 2), 0.5, np.float32)
    predicted = scores.argmax(axis=1)
    return SimpleNamespace(
        sample=sample_of(images, labels), classes=("a", "b"), scores=scores, predicted=predicted, own=None
    )


def maps(count: int) -> list[MapSet]:
    size = pictures(1)[0].shape[-2:]
    values = np.random.default_rng(0).random((COUNT, *size)).astype(np.float32)
    return [MapSet(f"method{n}", "layer", values, np.ones(COUNT, bool)) for n in range(count)]


def test_few_methods_share_one_sheet_for_every_ten_pictures(tmp_path: Path) -> None:
    gallery = Gallery(RunFolder(tmp_path))

    paths = draw_rows(maps(COLUMNS), {"method1@layer": "failed"}, subject(), gallery)

    assert sorted({path for found in paths.values() for path in found}) == [
        "figures/images-0001.jpg",
        "figures/images-0011.jpg",
    ]
    caption = gallery.pictures["figures/images-0001.jpg"].caption
    assert caption.startswith("Columns: picture, Method0 at layer, Method1 at layer (failed its trust check), Method2")
    keys = gallery.pictures["figures/images-0001.jpg"].legend
    assert [key.label for key in keys] == [
        "each map, from 0 to its highest 0.5 % and more", "failed its trust check on this model",
    ]  # fmt: skip


def test_forty_maps_are_split_over_sheets_on_which_each_is_as_large_as_one_of_few(tmp_path: Path) -> None:
    gallery = Gallery(RunFolder(tmp_path))
    many = maps(41)

    paths = draw_rows(many, {}, subject(), gallery)

    assert {len(found) for found in paths.values()} == {6}
    assert paths[0] == [f"figures/images-0001-{number:02d}.jpg" for number in range(1, 7)]
    assert paths[11][0] == "figures/images-0011-01.jpg"
    captions = [gallery.pictures[path].caption for path in paths[0]]
    assert captions[0].startswith("Methods, sheet 1 of 6. Columns: picture, Method0 at layer")
    for item in many:
        name = in_print(item.name)
        assert sum(f"{name}," in caption or f"{name}." in caption for caption in captions) == 1
    widths = [gallery.pictures[path].width for path in paths[0]]
    short = CELL * (COLUMNS + 1)
    assert max(widths) - min(widths) <= CELL * 2
    assert min(widths) >= short * 0.7


def test_without_maps_there_are_no_sheets(tmp_path: Path) -> None:
    assert draw_rows([], {}, subject(), Gallery(RunFolder(tmp_path))) == {}


def test_methods_are_compared_side_by_side_the_surest_mistakes_first(tmp_path: Path) -> None:
    gallery, given = Gallery(RunFolder(tmp_path)), subject()
    wrong = np.flatnonzero(given.sample.labels != given.predicted)

    (path,) = draw_comparison(maps(2), {}, given, gallery)

    picture = gallery.pictures[path]
    assert path == "figures/side-by-side.jpg"
    assert f"Rows: 1. {given.sample.pictures[wrong[0]].name}" in picture.caption
    assert picture.caption.count("predicted") == COMPARED
    assert picture.width > 1.2 * picture.height, "with few methods two blocks stand beside each other"


def test_one_method_or_few_pictures_are_not_shown_twice(tmp_path: Path) -> None:
    gallery, given = Gallery(RunFolder(tmp_path)), subject()
    few = SimpleNamespace(**{**vars(given), "sample": sample_of(*pictures(COMPARED))})

    assert draw_comparison(maps(1), {}, given, gallery) == []
    assert draw_comparison(maps(2), {}, few, gallery) == []
    assert gallery.pictures == {}


def test_of_many_methods_the_last_layer_of_each_is_compared_on_fewer_pictures(tmp_path: Path) -> None:
    gallery = Gallery(RunFolder(tmp_path))
    twice = [replace(item, layer=layer) for item in maps(COLUMNS + 1) for layer in ("early", "late")]

    paths = draw_comparison(twice, {}, subject(), gallery)

    assert paths == ["figures/side-by-side-1.jpg", "figures/side-by-side-2.jpg"]
    told = " ".join(gallery.pictures[path].alt for path in paths)
    assert told.count(" at late") == COLUMNS + 1
    assert " at early" not in told
    assert gallery.pictures[paths[0]].caption.count("predicted") == COMPARED_OF_MANY
