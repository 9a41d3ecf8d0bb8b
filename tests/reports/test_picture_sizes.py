"""Figures fit into a page: photos make room for charts, which cannot shrink."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.reports._pixels import WORTH_REDUCING, scale_for


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
