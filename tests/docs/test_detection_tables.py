"""The tables of docs/detection.md come from the benchmark's JSON."""

from __future__ import annotations

from typing import Any

import pytest

from docs.detection_tables import END, PAGE, SCHEMA, START, replaced, tables


def row(name: str, value: float | None, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "low": 0.1,
        "high": 0.9,
        "count": 7,
        "target": None,
        "met": None,
        "note": "",
    } | more


def result(**half: Any) -> dict[str, Any]:
    return {"schema": SCHEMA, "halves": {"reporting": {"rows": [], "null_run": [], "ablations": []} | half}}


def test_a_row_has_value_interval_count_target_and_whether_it_is_met() -> None:
    missed = row("recall", 0.5, target="≥ 0.98", met=False, note="all")

    lines = tables(result(rows=[missed, row("not measured", None), row("seconds, an audit", 9.0)])).splitlines()

    assert "| recall | 0.500 | 0.100 to 0.900 | 7 | ≥ 0.98 | **missed** | all |" in lines
    assert "| seconds, an audit | 9.0 | 0.1 to 0.9 | 7 |  |  |  |" in lines
    assert not any("not measured" in line for line in lines)


def test_the_levels_of_the_null_run_stand_side_by_side_in_their_order() -> None:
    name = "P(p ≤ {}), issued, confirmation half, all kinds, pooled"
    rows = [row(name.format(0.05), 0.3, met=False), row(name.format(0.01), 0.2, met=True)]

    lines = tables(result(null_run=rows)).splitlines()

    assert "| p | kind | n | P(p ≤ 0.01) | P(p ≤ 0.05) |" in lines
    shares = "0.200 (0.100 to 0.900) | 0.300 (0.100 to 0.900) **above**"
    line = f"| issued, confirmation half | all kinds, pooled | 7 | {shares} |"
    assert line in lines


def test_a_rule_of_the_ablations_is_a_line() -> None:
    three = [
        row("attention only: recall", 0.4),
        row("attention only: alarms", None),
        row("attention only: precision", 1.0),
    ]
    rule = {"rule": "attention only", "note": "mass", "models": 2, "of": 3, "rows": three}

    line = "| attention only | 0.400 (0.100 to 0.900) | 7 | – | 7 | 1.000 (0.100 to 0.900) | 7 | 2/3 | mass |"
    assert line in tables(result(ablations=[rule])).splitlines()


def test_what_is_no_result_of_the_benchmark_is_refused() -> None:
    with pytest.raises(ValueError, match="benchmarks/detection@1"):
        tables({"halves": {}})


def test_what_stands_around_the_tables_is_kept() -> None:
    page = f"above\n\n{START}\n\nold\n\n{END}\n\nbelow\n"

    assert replaced(page, "new\n") == f"above\n\n{START}\n\nnew\n\n{END}\n\nbelow\n"
    with pytest.raises(ValueError, match="one pair of markers"):
        replaced("above", "new")


def test_the_page_has_the_markers_once() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert (page.count(START), page.count(END)) == (1, 1)
