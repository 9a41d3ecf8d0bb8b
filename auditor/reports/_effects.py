"""Which number speaks for a check, and where it lies on the axis that all findings share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from auditor.findings.grades import steps_of
from auditor.findings.leading import main_measurement
from auditor.languages import grouped, say
from auditor.records import Check, Measurement
from auditor.reports._names import label
from auditor.reports._words import GRADES, NONE, interval, value_of

__all__ = ["Axis", "Effect", "control_of", "effect_of", "main_measurement", "shared_axis"]

LEAST_APART = 22.0
"""Percent of the axis that a step's name takes."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The shared axis: effects from `low` to `high`, as shares."""

    low: float
    high: float

    def percent(self, value: float) -> float:
        """Place of a value on the axis, 0..100."""
        return round(100 * (min(max(value, self.low), self.high) - self.low) / (self.high - self.low), 2)


@dataclass(frozen=True, slots=True)
class Effect:
    """A check's effect in words, and its places on the axis in percent.

    Attributes:
        value, interval: "91 %", "84 to 95 %".
        count: "64".
        control: The matched control's own effect with interval, or a dash.
        at, start, length, zero: Places of the point, the interval and zero; percent of the axis.
        steps: Places of the grades' steps with their names.
        name: What was measured.
    """

    name: str
    value: str
    interval: str
    count: str
    control: str
    at: float
    start: float
    length: float
    zero: float
    steps: tuple[tuple[float, str], ...]


def shared_axis(checks: Iterable[Check]) -> Axis:
    """One axis for all findings, always with zero and at least to 50 %."""
    found = [item for check in checks if (item := main_measurement(check)) is not None]
    lows = [bound for item in found for bound in (item.low, item.value) if bound is not None]
    highs = [bound for item in found for bound in (item.high, item.value) if bound is not None]
    return Axis(min(-0.05, *lows, 0.0) if lows else -0.05, max(0.5, *highs) * 1.02 if highs else 0.5)


def effect_of(check: Check, axis: Axis) -> Effect | None:
    """The check's effect, or None where nothing was measured."""
    main = main_measurement(check)
    if main is None or main.value is None:
        return None
    low = main.value if main.low is None else main.low
    high = main.value if main.high is None else main.high
    places = [
        (axis.percent(step), say(name))
        for step, name in zip(steps_of(main.name, check.kind), GRADES.values(), strict=False)
        if math.isfinite(step) and step <= axis.high
    ]
    # names that would run into each other are left out, the gravest stays
    steps = [
        (at, name if all(other - at >= LEAST_APART for other, _ in places[place + 1 :]) else "")
        for place, (at, name) in enumerate(places)
    ]
    return Effect(
        name=label(main.name),
        value=value_of(main),
        interval=interval(main),
        count=grouped(main.count),
        control=control_of(check, main),
        at=axis.percent(main.value),
        start=axis.percent(low),
        length=round(axis.percent(high) - axis.percent(low), 2),
        zero=axis.percent(0.0),
        steps=tuple(steps),
    )


def control_of(check: Check, main: Measurement) -> str:
    """'2 % (0 to 5 %)', or a dash."""
    control = check.measurement(f"{main.name}_control")
    if control is None or control.value is None:
        return NONE
    return say("{value} ({interval})", value=value_of(control), interval=interval(control))
