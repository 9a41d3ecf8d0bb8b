"""The speed benchmark: its figures are ratios in one process, its rows what it promises, its peers optional."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from auditor.spec.audit_spec import Preset
from benchmarks.speed import __main__ as speed
from benchmarks.speed import peers
from benchmarks.speed.audits import forwards_of
from benchmarks.speed.rows import OURS, PEERS, Row, row_of, table
from benchmarks.speed.timing import Ratio, Work, median_interval, ratios

CPU = torch.device("cpu")


def spinning(seconds: float) -> Callable[[], None]:
    """Work that takes so much CPU time."""

    def run() -> None:
        until = time.process_time() + seconds
        while time.process_time() < until:
            pass

    return run


def test_a_figure_is_the_median_of_ratios_to_the_unit_each_share_counted_once() -> None:
    works = {"three": Work(spinning(0.006)), "four for two": Work(spinning(0.008), units=2.0)}

    found = ratios(spinning(0.002), works, runs=5, device=CPU)

    assert found["three"].value == pytest.approx(3, rel=0.15)
    assert found["four for two"].value == pytest.approx(2, rel=0.15)
    assert found["three"].low <= found["three"].value <= found["three"].high
    assert found["three"].runs == 5


def test_what_takes_minutes_runs_as_often_as_it_says() -> None:
    seen = []

    ratios(spinning(0.001), {"slow": Work(lambda: seen.append(1), most_runs=1)}, runs=4, device=CPU)

    assert len(seen) == 1


@pytest.mark.parametrize(("count", "rank"), [(5, 0), (6, 0), (9, 1), (20, 5)])
def test_the_interval_of_the_median_is_that_of_the_sign_test(count: int, rank: int) -> None:
    found = median_interval([float(value) for value in range(count)])

    # Source: Conover, "Practical Nonparametric Statistics", table A3, p = .5
    assert (found.low, found.high) == (rank, count - 1 - rank)


def test_a_library_that_is_not_there_is_null_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda package: None if package == "torchcam" else package)

    absent = peers.missing("pytorch-grad-cam", "torchcam")
    row = row_of("a", "b", {OURS: Ratio(1.0, 0.9, 1.1, 5)}, 1.05, peer_notes=absent)

    assert absent == {"torchcam": peers.ABSENT, "captum": "has no such method"}
    assert row.peers == dict.fromkeys(PEERS)


def test_a_row_says_whether_its_target_is_kept() -> None:
    kept, missed, open_ = (Row("a", "b", "forwards", value, 1.0) for value in (1.0, 1.01, None))

    assert (kept.met, missed.met, open_.met) == (True, False, None)
    assert [line.count("missed") for line in table([kept, missed, open_]).splitlines()] == [0, 0, 1, 0]


def test_the_command_writes_rows_with_all_their_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "speed.json"

    speed.main(["--figures", "gpu", "--device", "cpu", "--json", str(path)])

    rows = json.loads(path.read_text())
    keys = {"name", "model", "unit", "value", "target", "peers", "low", "high", "runs", "machine"}
    assert all(keys <= set(row) for row in rows)
    assert [row["notes"] for row in rows] == [["no GPU here"]] * 3
    assert "one Grad-CAM, 512 px, batch of 1" in capsys.readouterr().out


@pytest.mark.parametrize("preset", ["quick"])
def test_the_forwards_that_a_plan_prints_are_a_bound_and_near_what_is_made(preset: Preset, tmp_path: Path) -> None:
    planned, counted = forwards_of(tmp_path, {"maps": preset, "metrics": preset}, CPU)

    assert counted <= planned <= 1.1 * counted
