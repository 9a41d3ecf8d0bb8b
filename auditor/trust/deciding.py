"""How a check of maps decides: passed, failed, or not enough data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from auditor.records import Measurement
from auditor.statistics.intervals import mean_interval

PASSED, FAILED, UNDECIDED = "passed", "failed", "not enough data"
LEAST = 4
"""With fewer pictures (or clusters) nothing is said: resampling them would be surer than they allow."""
DECIDABLE = 16
"""With as many, an interval around zero means that there is no difference worth having."""
SHARE = 0.8
"""Of what the best map that knows nothing gains over noise, how much a map must reach. Where the object is always in
the middle, a blob there is nearly the right answer, so that being no better than it proves nothing against a map;
falling clearly short of it does. Our choice."""
BAR_RULE = (
    "The bar stands at four fifths of the way from noise to the best of the maps that know nothing. Passed where the "
    "95 % interval of the difference to it over pictures lies above zero; failed where it lies below, or where the map "
    f"is not surely better than noise on {DECIDABLE} pictures or more."
)
WHOLE_RULE = (
    "A method fails on the whole where it fails one check. It passes where it passes at least half of the checks that "
    "decide; otherwise there is not enough data."
)
"""In words, for the report."""


def mean_of(
    name: str,
    values: np.ndarray,
    clusters: np.ndarray,
    *,
    seed: int,
    lower: float = 0.0,
    upper: float = 1.0,
    note: str | None = None,
) -> Measurement:
    """Mean over pictures with its interval over clusters.

    Args:
        values: (n,), at least one, within [lower, upper].
        clusters: (n,), which pictures belong together.
    """
    low, high = mean_interval(values, clusters, seed=seed, lower=lower, upper=upper)
    value = float(np.mean(values))
    return Measurement(name=name, value=value, low=min(low, value), high=max(high, value), count=len(values), note=note)


@dataclass(frozen=True, slots=True)
class Gain:
    """What a map gains, and what maps that know nothing gain, on the same pictures.

    Attributes:
        values: (n,), higher is better.
        noise: (n,), the same of a map at random; zeros where it is known to be zero on average.
        nulls: Name → the same of the other maps that know nothing.
        clusters: (n,), which pictures belong together.
        span: Greatest difference possible.
    """

    values: np.ndarray
    noise: np.ndarray
    nulls: Mapping[str, np.ndarray]
    clusters: np.ndarray
    seed: int
    span: float

    def over_noise(self, name: str, note: str | None = None) -> Measurement:
        """How much better than noise; of the noise itself 0, by definition."""
        if self.values is self.noise:
            count = len(self.values)
            return Measurement(name=name, value=0.0, low=0.0, high=0.0, count=count, note="by definition")
        return self._mean(name, self.values - self.noise, note)

    def over_bar(self, name: str) -> Measurement:
        """How much better than the bar of `BAR_RULE`.

        The best null is the one with the highest mean on these very pictures, so that taking a maximum can only be
        held against the map.
        """
        every = {"noise": self.noise, **self.nulls}
        best = max(every, key=lambda null: float(every[null].mean()))
        bar = self.noise + SHARE * (every[best] - self.noise)
        means = ", ".join(f"{null} {each.mean():.3f}" for null, each in every.items())
        note = f"less {bar.mean():.3f}: four fifths of the way from noise to the best map that knows nothing ({means})"
        return self._mean(name, self.values - bar, note)

    def _mean(self, name: str, values: np.ndarray, note: str | None) -> Measurement:
        return mean_of(name, values, self.clusters, seed=self.seed, lower=-self.span, upper=self.span, note=note)


def verdict(over_noise: Measurement, over_bar: Measurement, *, units: int) -> str:
    """`BAR_RULE`.

    Args:
        units: Pictures, or clusters of pictures, that both rest on.
    """
    if over_noise.low is None or over_bar.low is None or over_bar.high is None or units < LEAST:
        return UNDECIDED
    if over_bar.high < 0 or (over_noise.low <= 0 and units >= DECIDABLE):
        return FAILED
    return PASSED if over_bar.low > 0 and over_noise.low > 0 else UNDECIDED


def above_zero(difference: Measurement, units: int) -> str:
    """Passed above zero, failed below it, or not above it on many pictures."""
    if difference.low is None or difference.high is None or units < LEAST:
        return UNDECIDED
    if difference.low > 0:
        return PASSED
    return FAILED if difference.high < 0 or units >= DECIDABLE else UNDECIDED


def merged(verdicts: Iterable[str]) -> str | None:
    """`WHOLE_RULE`; None without any verdict."""
    found = list(verdicts)
    if not found:
        return None
    if FAILED in found:
        return FAILED
    return PASSED if 2 * found.count(PASSED) >= len(found) else UNDECIDED
