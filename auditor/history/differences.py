"""How far two numbers of two audits lie apart, with the doubt of both."""

from __future__ import annotations

import math
from dataclasses import dataclass

from auditor.records import Measurement


@dataclass(frozen=True, slots=True)
class Difference:
    """The second number minus the first.

    Attributes:
        low, high: 95 % interval of the difference; None where a number has no interval.
        apart: Whether the two intervals do not even touch: stricter than an interval without zero.
        p: Of a test, where counts are known; `test` names it.
    """

    value: float
    low: float | None = None
    high: float | None = None
    apart: bool = False
    p: float | None = None
    test: str = ""

    @property
    def certain(self) -> bool:
        """Whether it is more than chance at 95 %: by the test where there is one, else by its interval."""
        if self.p is not None:
            return self.p <= ALPHA
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


ALPHA = 0.05


def difference(first: Measurement, second: Measurement) -> Difference | None:
    """Of two numbers with intervals of their own; None where one of them is undefined.

    Each side of the interval joins the doubt of both numbers in its direction. It takes the samples for independent,
    so for the same pictures, which answer alike, it is rather too wide than too narrow.

    Source: Zou and Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 2008
    (MOVER); for shares with Wilson's intervals it is Newcombe's method 10, Statistics in Medicine 1998
    """
    if first.value is None or second.value is None:
        return None
    value = second.value - first.value
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return Difference(value)
    down = math.hypot(second.value - second.low, first.high - first.value)
    up = math.hypot(second.high - second.value, first.value - first.low)
    apart = second.low > first.high or second.high < first.low
    return Difference(value, value - down, value + up, apart)


def mcnemar(lost: int, gained: int) -> float:
    """Exact two-sided p of pairs that changed: as many should be lost as gained.

    Source: McNemar, Psychometrika 1947; exact by the binomial distribution
    """
    changed = lost + gained
    tail = sum(math.comb(changed, k) for k in range(min(lost, gained) + 1))
    return min(1.0, 2 * tail / 2.0**changed)


def fisher(right_first: int, count_first: int, right_second: int, count_second: int) -> float:
    """Exact two-sided p of two shares of different pictures: all tables as unlikely as this one, or more.

    Source: Fisher, "Statistical Methods for Research Workers", 1934, section 21.02
    """
    right, count = right_first + right_second, count_first + count_second
    ways = [
        math.comb(count_first, k) * math.comb(count_second, right - k)
        for k in range(max(0, right - count_second), min(right, count_first) + 1)
    ]
    seen = math.comb(count_first, right_first) * math.comb(count_second, right_second)
    return min(1.0, sum(way for way in ways if way <= seen) / math.comb(count, right))
