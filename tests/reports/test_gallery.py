"""The gallery's data: as fine as the page has room for, and true to what the run keeps."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from auditor.errors import RenderError
from auditor.records import Audit
from auditor.reports._gallery import GalleryView, gallery_view, replaced
from tests.reports.conftest import Run


class Shelf(dict[str, bytes]):
    """What was embedded, by name."""

    def embed(self, name: str, data: bytes, kind: str) -> str:
        self[name] = data
        return f"shelf:{name}"


def view(audit: Audit, folder: Path, *, most_bytes: int = 1_000_000, images: bool = True) -> tuple[GalleryView, Shelf]:
    shelf = Shelf()
    return gallery_view(audit, folder, shelf.embed, images=images, most_bytes=most_bytes), shelf


def test_maps_are_as_fine_as_they_are_kept_where_there_is_room(believable: Run) -> None:
    gallery, shelf = view(believable.audit, believable.folder)

    assert [tuple(one["tile"]) for one in gallery.data["sets"]] == [(24, 24), (32, 32)] * 3
    assert gallery.cells == "32 × 32"
    assert gallery.room == sum(len(data) for data in shelf.values())


def test_maps_become_coarser_until_they_fit(believable: Run) -> None:
    whole, _ = view(believable.audit, believable.folder, images=False)

    less, _ = view(believable.audit, believable.folder, images=False, most_bytes=whole.room // 2)
    least, _ = view(believable.audit, believable.folder, images=False, most_bytes=1)

    assert less.room <= whole.room // 2
    assert {tuple(one["tile"]) for one in least.data["sets"]} == {(8, 8)}
    assert least.cells == "8 × 8"


def test_what_a_colour_stands_for_is_the_value_at_the_resolution_that_is_shown(believable: Run) -> None:
    with np.load(believable.folder / "evidence/maps/0.npz") as stored:
        shares, peaks = stored["maps"].astype(np.float32), stored["peaks"]
    coarse = np.stack([cv2.resize(one, (8, 8), interpolation=cv2.INTER_AREA) for one in shares])

    gallery, _ = view(believable.audit, believable.folder, most_bytes=1)

    expected = coarse.max(axis=(1, 2)) * peaks
    assert gallery.data["sets"][0]["tops"] == pytest.approx(expected.tolist(), rel=6e-3)


def test_a_picture_without_a_map_says_so(damaged: Run) -> None:
    file = damaged.folder / "evidence/maps/0.npz"
    with np.load(file) as stored:
        arrays = dict(stored)
    arrays["usable"] = np.array([True, False, True, True])
    arrays["maps"][2] = 0
    np.savez_compressed(file, **arrays)

    gallery, _ = view(damaged.audit, damaged.folder)

    assert [top is None for top in gallery.data["sets"][0]["tops"]] == [False, True, True, False]


def test_without_pictures_the_maps_stay_and_no_picture_is_embedded(believable: Run) -> None:
    gallery, shelf = view(believable.audit, believable.folder, images=False)

    assert [card.url for card in gallery.cards] == [""] * 4
    assert not [name for name in shelf if "pictures" in name]
    assert gallery.shown


def test_of_clips_four_frames_stand_two_by_two(damaged: Run) -> None:
    maps = np.zeros((4, 8, 3, 5), np.float16)
    for depth in range(8):
        maps[:, depth] = depth / 7
    np.savez_compressed(
        damaged.folder / "evidence/maps/0.npz", maps=maps, peaks=np.ones(4, np.float32), usable=np.ones(4, bool)
    )
    audit = damaged.audit.model_copy(
        update={
            "sample": damaged.audit.sample.model_copy(update={"medium": "clip"}),
            "visualizations": tuple(v for v in damaged.audit.visualizations if v.maps == "evidence/maps/0.npz"),
        }
    )

    gallery, shelf = view(audit, damaged.folder)

    assert gallery.data["sets"][0]["tile"] == (10, 6)
    sheet = cv2.imdecode(np.frombuffer(shelf["evidence/maps/0.npz"], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert sheet is not None
    corners = [sheet[1, 1], sheet[1, 7], sheet[4, 1], sheet[4, 7]]
    assert np.abs(np.array(corners, float) - 255 * np.array([1, 3, 5, 7]) / 7).max() < 6


def test_maps_of_another_shape_than_the_sample_has_are_refused(believable: Run) -> None:
    sample = believable.audit.sample.model_copy(update={"medium": "volume"})

    with pytest.raises(RenderError, match=re.escape("evidence/maps/0.npz: holds maps of shape (4, 24, 24)")):
        view(believable.audit.model_copy(update={"sample": sample}), believable.folder)


def test_the_gallery_replaces_the_rows_of_maps_only_where_there_is_one(believable: Run) -> None:
    gallery, _ = view(believable.audit, believable.folder)
    rows = {path for image in believable.audit.images for path in image.figures}

    assert replaced(gallery, believable.audit) == rows
    assert replaced(GalleryView(), believable.audit) == frozenset()
