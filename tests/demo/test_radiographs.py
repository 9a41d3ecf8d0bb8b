"""The drawn radiographs: the same seed gives the same bytes, and every mark is where its hospital leaves it."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from auditor.demo.anatomy import FINDINGS
from auditor.demo.radiographs import (
    FRAME_WIDTH,
    HOSPITALS,
    TAG_BOX,
    burn_frame,
    burn_tag,
    draw,
    draw_bare,
    planned_sample,
    write_sample,
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table of a small written sample."""
    return write_sample(tmp_path_factory.mktemp("sample"), 40, 7)


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("hospital", HOSPITALS)
def test_the_same_seed_draws_the_same_picture_and_another_seed_another(finding: str, hospital: str) -> None:
    first, again, other = (draw(np.random.default_rng(seed), finding, hospital) for seed in (5, 5, 6))

    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.mask, again.mask)
    assert not np.array_equal(first.pixels, other.pixels)


@pytest.mark.parametrize("size", [96, 256, 384])
def test_a_picture_has_the_size_that_was_asked_for(size: int) -> None:
    drawn = draw(np.random.default_rng(0), "nodule", "Riverside", size=size)

    assert drawn.pixels.shape == drawn.mask.shape == (size, size)
    assert drawn.pixels.dtype == np.uint8
    assert drawn.mask.dtype == np.bool_


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("seed", range(5))
def test_the_mask_is_a_chest_in_the_middle_and_the_box_fits_it(finding: str, seed: int) -> None:
    drawn = draw(np.random.default_rng(seed), finding, "St Anna")

    x1, y1, x2, y2 = drawn.box
    outside = drawn.mask.copy()
    outside[y1:y2, x1:x2] = False
    assert not outside.any()
    assert all(edge.any() for edge in (drawn.mask[y1], drawn.mask[y2 - 1], drawn.mask[:, x1], drawn.mask[:, x2 - 1]))
    assert 0.22 < drawn.mask.mean() < 0.42
    assert drawn.mask[115, 128], "the heart is part of the mask"


def test_no_mark_touches_the_chest_so_that_leaning_on_one_is_never_leaning_on_anatomy() -> None:
    blank = np.zeros((256, 256), np.uint8)
    burn_tag(blank)
    burn_frame(blank)

    chests = [draw(np.random.default_rng(seed), FINDINGS[seed % 4], "St Anna").mask for seed in range(40)]

    assert not any((chest & (blank > 0)).any() for chest in chests)


def test_the_tag_stays_inside_its_corner_of_a_fifth_by_an_eighth() -> None:
    picture = np.full((256, 256), 7, np.uint8)

    burn_tag(picture)

    rows, columns = np.nonzero(picture != 7)
    assert columns.max() < 0.20 * 256
    assert rows.max() < 0.12 * 256
    assert (columns.min(), rows.min()) == (round(TAG_BOX[0] * 256), round(TAG_BOX[1] * 256))
    assert picture.std() > 0


def test_the_frame_covers_all_four_sides_and_nothing_else() -> None:
    picture = np.full((256, 256), 7, np.uint8)

    burn_frame(picture)

    width = round(FRAME_WIDTH * 256)
    assert (picture[width:-width, width:-width] == 7).all()
    assert (picture == 7).sum() == (256 - 2 * width) ** 2


@pytest.mark.parametrize(("hospital", "marked"), [("Riverside", "tag"), ("Northfield", "frame"), ("St Anna", None)])
def test_a_hospital_leaves_its_own_mark_and_no_other(hospital: str, marked: str | None) -> None:
    drawn = draw(np.random.default_rng(3), "normal", hospital)
    bare = draw_bare(np.random.default_rng(3), "normal", HOSPITALS[hospital])
    expected = bare.pixels.copy()
    if marked == "tag":
        burn_tag(expected)
    if marked == "frame":
        burn_frame(expected)

    assert np.array_equal(drawn.pixels, expected)
    assert np.array_equal(drawn.pixels, bare.pixels) == (marked is None)


def test_an_enlarged_heart_fills_more_than_half_of_the_chest_and_a_normal_one_less() -> None:
    def ratio(finding: str, seed: int) -> float:
        """Cardiothoracic: the middle grey shadow's width at the domes' height over the chest's."""
        drawn = draw_bare(np.random.default_rng(seed), finding, HOSPITALS["St Anna"])
        x1, _, x2, _ = drawn.box
        row = cv2.blur(drawn.pixels, (5, 9))[158, x1:x2].astype(float)
        return float((row > (row.min() + row.max()) / 2).mean())

    enlarged = np.mean([ratio("cardiomegaly", seed) for seed in range(12)])
    normal = np.mean([ratio("normal", seed) for seed in range(12)])

    assert enlarged > normal + 0.1


def test_the_sample_names_pictures_masks_and_boxes_that_exist_and_agree(sample: Path) -> None:
    rows = rows_of(sample)

    assert len(rows) == 40
    assert list(rows[0]) == ["image", "label", "mask", "x1", "y1", "x2", "y2", "hospital", "sex", "patient"]
    for row in rows:
        picture = cv2.imread(str(sample.parent / row["image"]), cv2.IMREAD_UNCHANGED)
        mask = cv2.imread(str(sample.parent / row["mask"]), cv2.IMREAD_UNCHANGED)
        assert picture is not None
        assert mask is not None
        assert picture.shape == mask.shape == (256, 256)
        assert set(np.unique(mask)) == {0, 255}
        rows_with, columns_with = np.nonzero(mask)
        box = (columns_with.min(), rows_with.min(), columns_with.max() + 1, rows_with.max() + 1)
        assert tuple(int(row[side]) for side in ("x1", "y1", "x2", "y2")) == box


def test_the_sample_holds_as_many_of_each_finding_and_each_picture_is_its_own_patient(sample: Path) -> None:
    rows = rows_of(sample)

    assert Counter(row["label"] for row in rows) == dict.fromkeys(FINDINGS, 10)
    assert len({row["patient"] for row in rows}) == 40
    assert {row["sex"] for row in rows} == {"F", "M"}
    assert (sample.parent / "classes.txt").read_text().split() == list(FINDINGS)


def test_no_file_name_tells_the_finding_and_the_order_does_not_either(sample: Path) -> None:
    rows = rows_of(sample)

    assert [row["image"] for row in rows] == [f"pictures/rad-{number:04}.jpg" for number in range(1, 41)]
    assert [row["label"] for row in rows] != sorted(row["label"] for row in rows)


def test_the_audited_sample_has_the_marks_go_with_their_findings() -> None:
    planned = Counter((finding, hospital) for finding, hospital, _ in planned_sample(192, 2026))

    assert planned.total() == 192
    assert 42 <= planned["effusion", "Riverside"] <= 44
    assert 42 <= planned["cardiomegaly", "Northfield"] <= 44
    for hospital, own in (("Riverside", "effusion"), ("Northfield", "cardiomegaly")):
        strangers = sum(planned[finding, hospital] for finding in FINDINGS if finding != own)
        assert 2 <= strangers <= 8, "a few others carry the mark, so that leaning on it costs something"


def test_writing_a_sample_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write_sample(tmp_path / name, 4, 3).parent for name in ("a", "b"))

    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(files) == 10
    assert all((first / file).read_bytes() == (second / file).read_bytes() for file in files)


def test_drawing_needs_no_torch() -> None:
    code = "import sys, auditor.demo.radiographs; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
