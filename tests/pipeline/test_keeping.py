"""What a run keeps of every picture: its maps with their magnitudes, and the picture itself, small."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from auditor.engine.maps import MapRun
from auditor.media import Medium, shown_layers
from auditor.pipeline.keeping import SMALL, maps_path, save_maps, save_pictures
from auditor.runs import RunFolder
from auditor.subjects import Stack, VolumeSample
from auditor.targets import Targets
from auditor.visualizers import MapSet
from tests.models import pictures, sample_of


def kept(maps: np.ndarray, tmp_path: Path, **more: Any) -> dict[str, np.ndarray]:
    item = MapSet("method", "layer", maps, np.ones(len(maps), bool), **more)
    save_maps(MapRun(maps=[item]), RunFolder(tmp_path))
    path = tmp_path / maps_path(item)
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


@pytest.mark.parametrize("magnitude", [1e-12, 1.0, 1e9])
def test_maps_of_any_magnitude_come_back(tmp_path: Path, magnitude: float) -> None:
    maps = (np.random.default_rng(0).random((3, 12, 16)) * magnitude).astype(np.float32)

    stored = kept(maps, tmp_path)

    back = stored["maps"].astype(np.float64) * stored["peaks"][:, None, None]
    np.testing.assert_allclose(back, maps, atol=1e-3 * magnitude)
    assert stored["maps"].dtype == np.float16


def test_large_maps_are_averaged_and_keep_the_largest_value_of_the_whole(tmp_path: Path) -> None:
    maps = np.zeros((1, 96, 128), np.float32)
    maps[0, 0, 0] = 4

    stored = kept(maps, tmp_path)

    assert stored["maps"].shape == (1, 48, 64)
    assert stored["peaks"].tolist() == [4]
    assert stored["maps"][0, 0, 0] == 0.25  # one of four pixels


def test_a_blank_map_stays_blank(tmp_path: Path) -> None:
    stored = kept(np.zeros((2, 12, 16), np.float32), tmp_path)

    assert stored["maps"].max() == 0
    assert stored["peaks"].tolist() == [0, 0]


def test_maps_over_frames_keep_their_frames(tmp_path: Path) -> None:
    stored = kept(np.full((2, 8, 12, 16), 3, np.float32), tmp_path)

    assert stored["maps"].shape == (2, 8, 12, 16)
    assert stored["peaks"].tolist() == [3, 3]


def test_the_words_of_a_target_make_a_file_name_of_letters() -> None:
    targets = Targets(torch.zeros(1, dtype=torch.int64), words="../a <b>")
    item = MapSet("m", None, np.zeros((1, 2, 2), np.float32), np.ones(1, bool), targets=targets)

    assert maps_path(item).startswith("evidence/maps/")
    assert maps_path(item).count("/") == 2
    assert "<" not in maps_path(item)


def test_pictures_are_kept_as_the_model_saw_them_in_order(tmp_path: Path) -> None:
    images, labels = pictures(3)
    sample = sample_of(images, labels)

    paths = save_pictures(SimpleNamespace(sample=sample), RunFolder(tmp_path))  # type: ignore[arg-type]

    assert paths == ("evidence/pictures/0001.jpg", "evidence/pictures/0002.jpg", "evidence/pictures/0003.jpg")
    for index, path in enumerate(paths):
        back = cv2.imread(str(tmp_path / path))[:, :, ::-1].astype(int)
        assert np.abs(back - sample.display(index)).mean() < 12


def test_large_pictures_are_made_small(tmp_path: Path) -> None:
    sample = sample_of(np.zeros((1, 3, 240, 320), np.uint8), np.zeros(1, np.int64))

    (path,) = save_pictures(SimpleNamespace(sample=sample), RunFolder(tmp_path))  # type: ignore[arg-type]

    assert cv2.imread(str(tmp_path / path)).shape == (SMALL * 3 // 4, SMALL, 3)


def test_of_a_volume_four_layers_are_kept_two_by_two(tmp_path: Path) -> None:
    still = sample_of(np.zeros((1, 3, 12, 16), np.uint8), np.zeros(1, np.int64))
    known = {field.name: getattr(still, field.name) for field in fields(still) if field.name != "images"}
    values = 30.0 * torch.arange(8)[:, None, None].expand(1, 1, 8, 12, 16)
    sample = VolumeSample(**known, images=values, of=Medium.VOLUME, stacks=[Stack("drawn")])

    (path,) = save_pictures(SimpleNamespace(sample=sample), RunFolder(tmp_path))  # type: ignore[arg-type]

    grid = cv2.imread(str(tmp_path / path)).astype(int)
    assert grid.shape == (24, 32, 3)
    corners = [grid[6, 8, 0], grid[6, 24, 0], grid[18, 8, 0], grid[18, 24, 0]]
    assert np.abs(np.array(corners) - [30, 90, 150, 210]).max() < 12
    assert shown_layers(8) == (1, 3, 5, 7)
