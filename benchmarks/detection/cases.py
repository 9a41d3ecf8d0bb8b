"""The list of all cases; cheap, and the same every time."""

from __future__ import annotations

from benchmarks.detection.case import CaseSpec
from benchmarks.detection.negatives import negatives
from benchmarks.detection.positives import positives, true_features
from benchmarks.detection.scenes import Half

__all__ = ["CaseSpec", "all_cases"]

HALVES: tuple[Half, ...] = ("tuning", "development_1", "development_2", "development_3", "development_4", "reporting")


def all_cases() -> list[CaseSpec]:
    """Half by half, the tuning half first: networks that lean on something, then those that do not."""
    return [case for half in HALVES for case in (*positives(half), *true_features(half), *negatives(half))]
