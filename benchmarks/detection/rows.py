"""One figure of the benchmark with its interval, its count and its target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.detection.targets import TARGETS


@dataclass(frozen=True, slots=True)
class Row:
    """A figure.

    Attributes:
        value: None where nothing was counted.
        low, high: The 95 % Clopper–Pearson interval of a share; of seconds their 5th and 95th percentile.
        count: Units that it rests on: models, cues or checks, as the name says.
        target: In words; None where none was set.
        met: None without a target, or where nothing was counted.
        note: What else a reader must know.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    count: int
    target: str | None = None
    met: bool | None = None
    note: str = ""

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def clopper_pearson(hits: int, count: int) -> tuple[float, float]:
    """Exact 95 % interval of a share; (0, 1) for nothing counted.

    Source: Clopper and Pearson, "The use of confidence or fiducial limits", Biometrika 1934
    """
    if count == 0:
        return 0.0, 1.0
    interval = stats.binomtest(hits, count).proportion_ci(method="exact")
    return float(interval.low), float(interval.high)


def share(name: str, outcomes: Sequence[bool], *, smoke: bool = False, note: str = "") -> Row:
    """Share of outcomes that are true, set against the target of that name.

    Args:
        name: Of the figure.
        outcomes: One a unit.
        smoke: Whether the suite is too small for a bound on the interval: then only the value is set against the
            target.
        note: For the reader.
    """
    hits, count = sum(outcomes), len(outcomes)
    target = TARGETS.get(name)
    words = None if target is None else target.words(smoke=smoke)
    if count == 0:
        return Row(name, None, None, None, 0, words, None, note)
    low, high = clopper_pearson(hits, count)
    met = None if target is None else target.met(hits / count, high, smoke=smoke)
    return Row(name, hits / count, low, high, count, words, met, note)


def seconds(name: str, values: Sequence[float]) -> Row:
    """Median with the 5th and 95th percentile."""
    if not values:
        return Row(name, None, None, None, 0)
    low, middle, high = (float(value) for value in np.percentile(values, [5, 50, 95]))
    return Row(name, middle, low, high, len(values), note="median, 5th and 95th percentile")
