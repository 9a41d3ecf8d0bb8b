"""What the model shows of itself on the untouched sample: its features, and where it looks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from auditor.errors import ModelError

if TYPE_CHECKING:
    from auditor.experiments.experiment import Experiment

RIM = 0.15
"""Without masks or boxes attention is measured on a rim of 15 % of the shorter side."""


@dataclass(frozen=True, slots=True)
class Attention:
    """How much of each picture's positive attribution lies in one place.

    Attributes:
        where: "off_object" or "rim".
        share: float (n,), of the picture's attribution.
        usable: bool (n,): the place is known and the attribution is not all zero.
    """

    where: str
    share: np.ndarray
    usable: np.ndarray


class Readings:
    """Features of all pictures, and how much the model looks where no object is; each made when first asked for.

    Attributes:
        experiment: Whose sample and model.
        attention: Whether attributions may be made.
        notes: What could not be made, and why.
    """

    def __init__(self, experiment: Experiment, *, attention: bool, notes: list[str]) -> None:
        self.experiment = experiment
        self.attention = attention
        self.notes = notes

    @cached_property
    def features(self) -> np.ndarray | None:
        """float32 (n, d); None where the network has no penultimate layer."""
        experiment = self.experiment
        try:
            features = experiment.predictor.features(experiment.sample.images)
        except ModelError as error:
            self.notes.append(f"whether groups can be read from the features was not tested: {error}")
            return None
        experiment.budget -= len(features)
        if not np.isfinite(features).all():
            self.notes.append("whether groups can be read from the features was not tested: some are not finite")
            return None
        return features

    @cached_property
    def off_object(self) -> Attention | None:
        """Share of positive attribution off the object; without masks or boxes, on the picture's rim."""
        if not self.attention:
            return None
        sample = self.experiment.sample
        try:
            maps = self.experiment.attributions()
        except ModelError as error:
            self.notes.append(f"attention by group was not measured: {error}")
            return None
        if sample.objects is not None:
            where, region, known = "off_object", ~sample.objects, sample.has_object
        else:
            where, known = "rim", np.ones(len(sample), dtype=bool)
            region = np.broadcast_to(rim(*maps.shape[1:]), maps.shape)
        total = maps.sum(axis=(1, 2))
        usable = known & (total > 0)
        return Attention(where, (maps * region).sum(axis=(1, 2)) / np.where(usable, total, 1), usable)


def rim(height: int, width: int) -> np.ndarray:
    """bool (height, width): within 15 % of the shorter side from the edge."""
    reach = max(1, round(RIM * min(height, width)))
    inside = np.zeros((height, width), dtype=bool)
    inside[reach:-reach, reach:-reach] = True
    return ~inside
