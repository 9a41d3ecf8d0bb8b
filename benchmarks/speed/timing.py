"""Times pieces of work against a unit of work, in pairs, so that what else the machine does falls out of the ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from scipy.stats import binom

__all__ = ["Ratio", "Work", "median_interval", "ratios", "seconds"]

FEW = 2
"""What runs so seldom takes so long that a first run beside it would not be worth its time."""


@dataclass(frozen=True, slots=True)
class Work:
    """Something to time.

    Attributes:
        run: Does it once, completely.
        units: How many times the unit's own work one run is, had it cost nothing else: pictures of the run over
            pictures of the unit, times evaluations.
        most_runs: For what takes minutes.
    """

    run: Callable[[], object]
    units: float = 1.0
    most_runs: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Ratio:
    """Median of paired ratios.

    Attributes:
        low, high: 95 % interval of the median from order statistics; the extremes where the runs are fewer than six.
    """

    value: float
    low: float
    high: float
    runs: int


def ratios(
    unit: Callable[[], object], works: Mapping[str, Work], *, runs: int, device: torch.device
) -> dict[str, Ratio]:
    """Time the unit before and after each piece of work; the pieces take turns, from another start each time.

    Args:
        unit: One plain forward.
        works: Name → work.
        runs: Pairs for each piece of work.
    """
    unit()
    for work in works.values():
        if work.most_runs > FEW:
            work.run()  # what is done once only (choosing a form, allocating) is not what is asked
    found: dict[str, list[float]] = {name: [] for name in works}
    names = list(works)
    for number in range(runs):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            if len(found[name]) >= works[name].most_runs:
                continue
            before = seconds(unit, device)
            taken = seconds(works[name].run, device)
            after = seconds(unit, device)
            found[name].append(taken / ((before + after) / 2) / works[name].units)
    return {name: median_interval(values) for name, values in found.items()}


def median_interval(values: list[float]) -> Ratio:
    """Median, and the order statistics that hold it with 95 % confidence at least, where there are enough."""
    ordered = sorted(values)
    count = len(ordered)
    rank = int(binom.ppf(0.025, count, 0.5))
    low = max(0, rank - 1)
    return Ratio(statistics.median(ordered), ordered[low], ordered[count - 1 - low], count)


def seconds(run: Callable[[], object], device: torch.device) -> float:
    """CPU time of this process on a CPU; on a GPU the time between two events."""
    if device.type == "cuda":
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        torch.cuda.synchronize(device)
        begin.record()
        run()
        end.record()
        torch.cuda.synchronize(device)
        return float(begin.elapsed_time(end)) / 1000
    before = time.process_time()
    run()
    return time.process_time() - before
