"""The figures of docs/performance.md come from the benchmark's JSON."""

from __future__ import annotations

import pytest

from benchmarks.speed.rows import Row, as_records
from docs.performance_page import MARKER, PAGE, figures

MACHINE = {"device": "a CPU", "system": "Linux", "torch": "2", "python": "3", "date": "2026-01-01"}


def content(*rows: Row) -> list[dict[str, object]]:
    return [{**record, "machine": MACHINE} for record in as_records(rows)]


def test_every_row_is_a_line_with_value_interval_target_and_peers() -> None:
    row = Row("one map", "net", "forwards", 1.234, 1.2, 1.1, 1.3, 7, {"captum": 120.0, "torchcam": None})

    page = figures(content(row))

    line = "| one map | net | **1.23** (missed) | 1.10 to 1.30 (7) | 1.20 | – | – | 120 | forwards |"
    assert line in page.splitlines()
    assert page.startswith("a CPU, Linux, torch 2, Python 3, 2026-01-01.")


def test_what_was_not_measured_is_a_dash_and_its_reason_stands_below() -> None:
    page = figures(content(Row("one map", "net", "ms", None, notes=("no GPU here",), peer_notes={"captum": "absent"})))

    assert "| one map | net | **–** |" in page
    assert "- one map, net: no GPU here; captum: absent." in page


@pytest.mark.parametrize("rows", [[], {"rows": []}, [{"name": "one map"}]])
def test_what_is_no_list_of_rows_is_refused(rows: object) -> None:
    with pytest.raises(ValueError, match=r"the list of rows that benchmarks\.speed writes"):
        figures(rows)  # type: ignore[arg-type]


def test_the_page_has_the_marker_once() -> None:
    assert PAGE.read_text(encoding="utf-8").count(MARKER) == 1
