"""Figures fit into a page: photos make room for charts, which cannot shrink."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from auditor.errors import RenderError
from auditor.figures import decode_png, encode_jpeg, encode_png
from auditor.reports._fitting import Reduction
from auditor.reports._pixels import WORTH_REDUCING, reduced, scale_for


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "photo.jpg").write_bytes(bytes(10 * WORTH_REDUCING))
    (tmp_path / "chart.svg").write_bytes(bytes(5 * WORTH_REDUCING))
    (tmp_path / "thumbnail.jpg").write_bytes(bytes(WORTH_REDUCING - 1))
    return tmp_path


def test_what_fits_stays_as_it_is(run: Path) -> None:
    assert scale_for(["photo.jpg", "chart.svg", "thumbnail.jpg", "gone.jpg"], run, 16 * WORTH_REDUCING) == 1


def test_photos_make_room_for_charts(run: Path) -> None:
    most = 12 * WORTH_REDUCING

    scale = scale_for(["photo.jpg", "chart.svg", "thumbnail.jpg"], run, most)

    assert scale**2 * 10 * WORTH_REDUCING + 6 * WORTH_REDUCING == pytest.approx(0.9 * most, abs=1)


def test_photos_are_not_shrunk_away_where_charts_fill_the_page(run: Path) -> None:
    assert scale_for(["photo.jpg", "chart.svg"], run, 5 * WORTH_REDUCING) == pytest.approx(1 / 3)
    assert scale_for(["chart.svg"], run, WORTH_REDUCING) == 1


def test_a_smaller_picture_shows_the_mean_of_what_it_stands_for() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    means = picture.reshape(16, 16, 24, 16, 3).astype(float).mean((1, 3))

    data, kind = reduced(encode_png(picture), "image/png", Reduction(quality=100, scale=1 / 16), least=0)

    assert kind == "image/jpeg"
    assert np.abs(decode_png(data) - means).max() <= 4  # of 255: what JPEG rounds


def test_colours_are_kept_whole() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)

    data, _ = reduced(encode_jpeg(picture, quality=95), "image/jpeg", Reduction(60))

    with Image.open(io.BytesIO(data)) as opened:
        assert opened.size == (96, 64)
        assert {component[1:3] for component in opened.layer} == {(1, 1)}  # type: ignore[attr-defined]


def test_a_picture_that_cannot_be_decoded_ends_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as WeasyPrint leaves it
    broken = encode_jpeg(np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8))

    for data in (broken[: len(broken) // 2], b"no picture at all" * 300):
        with pytest.raises(RenderError, match="cannot be decoded"):
            reduced(data, "image/jpeg", Reduction(60))
