"""From raw paired outcomes to measurements: effect minus control, each arm, with intervals and counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auditor.evidence import CheckEvidence, PairedEffects, TestedEffect
from auditor.records import Measurement
from auditor.statistics.intervals import mean_interval


def measure(test: PairedEffects, name: str, seed: int) -> Measurement:
    """Effect minus control with its clustered bootstrap interval."""
    if not len(test):
        return Measurement(name=name, value=None, count=0, reason="no recipients")
    differences = np.asarray(test.differences)
    low, high = mean_interval(differences, test.clusters, seed=seed, lower=-1.0, upper=1.0)
    note = f"half {test.half}, {test.donors} donor{'s' if test.donors != 1 else ''} an image"
    if test.controls:
        note += f"; minus control: {', '.join(test.controls)}"
    return Measurement(name=name, value=float(differences.mean()), low=low, high=high, count=units_of(test), note=note)


def _level(values: Sequence[float], clusters: Sequence[int], name: str, seed: int, note: str) -> Measurement:
    low, high = mean_interval(np.asarray(values), clusters, seed=seed)
    return Measurement(name=name, value=float(np.mean(values)), low=low, high=high, count=len(set(clusters)), note=note)


def units_of(test: PairedEffects) -> int:
    """Clusters that take part: what tests and intervals count."""
    return len(set(test.clusters))


def measurements_of(item: CheckEvidence, seed: int) -> list[Measurement]:
    """Every number of a check: of half B where it was confirmed there, else of half A."""
    tests = item.confirm or item.screen
    found = []
    for test in tests:
        if not len(test):
            continue
        found.append(measure(test, test.name, seed))
        if not test.name.startswith("removal"):
            target, control = _level_names(test.name)
            found.append(_level(test.effect, test.clusters, target, seed, f"half {test.half}"))
            found.append(_level(test.control, test.clusters, control, seed, ", ".join(test.controls) or "none"))
    found += [effect.measurement for effect in (*item.tested, *listed(item.encoded))]
    found += item.further
    if item.presence is not None:
        found.append(item.presence.prevalence)
    if item.accuracy_gain is not None and len(item.accuracy_gain):
        found.append(measure(item.accuracy_gain, "accuracy_gain_when_removed", seed))
    return found


def listed(effect: TestedEffect | None) -> list[TestedEffect]:
    """The effect as a list of one, or of none."""
    return [] if effect is None else [effect]


def _level_names(test: str) -> tuple[str, str]:
    if test == "background_gap":
        return "accuracy_own_background", "accuracy_other_background"
    return f"{test}_raw", f"{test}_control"
