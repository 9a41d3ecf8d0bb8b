"""What is left of the accuracy when every picture is treated alike: in grey, blurred, re-encoded, in patches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from auditor.evidence import DoseResponse
from auditor.experiments.experiment import Experiment
from auditor.records import Measurement
from auditor.statistics.intervals import mean_interval

Treat = Callable[[np.ndarray], np.ndarray]
"""Indices in the sample (m,) → those pictures, treated: float32 (m, channels, height, width), in its units."""

TREATMENT_FORWARDS = 0.5
"""Forwards an image of the sample that one treatment costs: half B alone is treated."""


@dataclass(frozen=True, slots=True)
class Level:
    """A treatment at one strength.

    Attributes:
        strength: On the axis of a dose-response; the untouched pictures are at 0.
        treat: What is done.
    """

    strength: float
    treat: Treat


@dataclass(frozen=True, slots=True)
class Treated:
    """Half B under treatments.

    Attributes:
        kind: Of the probe, for words.
        notes: What the budget left out is appended, in words.
    """

    experiment: Experiment
    kind: str
    notes: list[str]

    @property
    def index(self) -> np.ndarray:
        """Pictures that are treated: those of half B with a label, or all of it where nobody has one."""
        members = self.experiment.halves["B"]
        known = members[self.experiment.sample.labels[members] >= 0]
        return known if len(known) else members

    @property
    def outcome(self) -> str:
        """What is counted: "accuracy", or without labels "agreement" with the predictions on untouched pictures."""
        return "accuracy" if (self.experiment.sample.labels[self.index] >= 0).all() else "agreement"

    def right(self, treat: Treat | None, what: str) -> np.ndarray | None:
        """Whether each picture of `index` is classified right; None where the budget holds no more.

        Args:
            treat: None for the untouched pictures, which cost nothing.
        """
        index, experiment = self.index, self.experiment
        reference = experiment.sample.labels[index] if self.outcome == "accuracy" else experiment.predicted[index]
        if treat is None:
            return np.asarray(experiment.predicted[index] == reference, dtype=float)
        if experiment.budget < len(index):
            self.notes.append(f"{self.kind}: no {self.outcome} for {what}, the budget holds no more")
            return None
        scores = experiment.predict(
            len(index),
            lambda start, stop: torch.from_numpy(np.ascontiguousarray(treat(index[start:stop]), dtype=np.float32)),
            f"{self.kind}: {what}",
        )
        return np.asarray(scores.argmax(axis=1) == reference, dtype=float)

    def measured(self, name: str, treat: Treat, what: str) -> Measurement | None:
        """accuracy_<name> or agreement_<name> under a treatment, with its interval."""
        right = self.right(treat, what)
        return None if right is None else self.measurement(name, right, what)

    def measurement(self, name: str, right: np.ndarray, what: str) -> Measurement:
        """As `measured`, of outcomes that are known."""
        untouched = self.right(None, what)
        assert untouched is not None
        clusters = self.experiment.clusters[self.index]
        low, high = mean_interval(right, clusters, seed=self.experiment.seed)
        note = f"half B, {what}; untouched {untouched.mean():.2f}"
        return Measurement(
            name=f"{self.outcome}_{name}",
            value=float(right.mean()),
            low=low,
            high=high,
            count=len(set(clusters.tolist())),
            note=note,
        )

    def by_level(
        self, levels: Sequence[Level], what: str, strength: str
    ) -> tuple[DoseResponse | None, list[np.ndarray]]:
        """Accuracy as a treatment grows, from the untouched pictures on.

        Args:
            levels: Rising strengths above 0.
            what, strength: As in `DoseResponse`.

        Returns:
            The response, None where the budget held no level, and the outcomes at each level that it held.
        """
        found = [self.right(None, what)]
        for level in levels:
            right = self.right(level.treat, f"{what} ({strength} {level.strength:g})")
            if right is None:
                break
            found.append(right)
        rights = [right for right in found if right is not None]
        if len(rights) < 2:
            return None, []
        clusters = self.experiment.clusters[self.index]
        intervals = [mean_interval(right, clusters, seed=self.experiment.seed) for right in rights]
        response = DoseResponse(
            what=what,
            strength=strength,
            outcome=self.outcome,
            strengths=(0.0, *(level.strength for level in levels))[: len(rights)],
            rates=tuple(float(right.mean()) for right in rights),
            lows=tuple(low for low, _ in intervals),
            highs=tuple(high for _, high in intervals),
            count=len(self.index),
        )
        return response, rights[1:]
