"""The report benchmark: a run folder of any size, and rows that know whether their target is kept."""

from __future__ import annotations

from pathlib import Path

from auditor.verification import verify
from benchmarks.report.made_up import MadeUp
from benchmarks.report.rows import Row, as_records, table


def test_a_made_up_run_is_a_whole_one(tmp_path: Path) -> None:
    made = MadeUp(tmp_path, 11)
    audit = made.write()
    made.folder.finish()

    assert [len(image.figures) for image in audit.images] == [1] * 11
    assert len({path for image in audit.images for path in image.figures}) == 2  # ten images a sheet
    assert all((tmp_path / path).is_file() for path in audit.figures)
    assert verify(tmp_path).mismatches == ()


def test_a_target_is_kept_from_above_or_from_below() -> None:
    fast = Row("pages", "a second", 10.0, 9, True, (10.0,), {"Chromium": 18.0, "matplotlib": None})
    large = Row("PDF", "MB", 8.5, 8, False, (8.5,))

    assert [row["met"] for row in as_records([fast, large])] == [True, False]
    printed = table([fast, large]).splitlines()
    assert printed[1].split()[:4] == ["pages", "10", "≥", "9"]
    assert "missed" in printed[2]
