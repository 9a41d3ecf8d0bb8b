"""The two-stage experiment that all location probes share.

Half A screens every region with few donors an image; what stands out goes to half B with more donors, where the
verdict is made. The unit is the recipient image (or its cluster): average over donors, test over recipients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from auditor.errors import ModelError
from auditor.evidence import CausalMap
from auditor.experiments.candidates import Candidate, empty_check
from auditor.experiments.outcomes import (
    MINIMUM_DONORS,
    MINIMUM_RECIPIENTS,
    ONE_CLASS,
    PLACEBO,
    SCREEN_ALPHA,
    SCREEN_EFFECT,
    Outcomes,
    examples_of,
    followed_from,
    map_of,
    paired,
    per_recipient,
    screen_p,
    split_halves,
)
from auditor.interventions import Swapper
from auditor.regions import Region, grid

if TYPE_CHECKING:
    from torch import Tensor

    from auditor.engine.predictor import Predictor
    from auditor.subjects import Sample

__all__ = [
    "MINIMUM_DONORS",
    "MINIMUM_RECIPIENTS",
    "PLACEBO",
    "SCREEN_ALPHA",
    "SCREEN_EFFECT",
    "Candidate",
    "Experiment",
    "Outcomes",
    "classes_of",
    "empty_check",
    "examples_of",
    "followed_from",
    "paired",
    "per_recipient",
    "screen_p",
    "split_halves",
]


@dataclass
class Experiment:
    """One model, one sample, and everything that all probes share.

    Attributes:
        scores: float32 (n, classes) on the untouched pictures; predicted: (n,) their arg-max.
        clusters: int (n,): pictures with the same number belong together.
        halves: "A" and "B" → sorted indices; split by cluster, stratified by predicted class.
        budget: Forwards left for all probes together; confirmation stops when it is used up.
        progress: (done, total, what).
        keep_picture: Saves a composed picture, uint8 or float (channels, height, width) in the sample's units, under a
            name; returns its path in the run folder, "" where nothing is kept.
    """

    sample: Sample
    predictor: Predictor
    scores: np.ndarray
    classes: tuple[str, ...]
    clusters: np.ndarray
    halves: dict[str, np.ndarray]
    seed: int
    budget: float
    progress: Callable[[int, int, str], None] = lambda done, total, what: None
    keep_picture: Callable[[str, np.ndarray], str] = lambda name, picture: ""
    notes: list[str] = field(default_factory=list)
    _causal: tuple[CausalMap, list[Region], Outcomes] | None = None
    _attributions: np.ndarray | None = None

    @property
    def predicted(self) -> np.ndarray:
        """(n,) predicted class of each untouched picture."""
        return np.asarray(self.scores.argmax(axis=1))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the model's input, pixels."""
        return int(self.sample.images.shape[-2]), int(self.sample.images.shape[-1])

    def rng(self, *names: str) -> np.random.Generator:
        """A generator of its own for each purpose, so that adding a probe changes no other's draws."""
        return np.random.default_rng([self.seed, *(byte for name in names for byte in name.encode())])

    def pairs(
        self,
        half: str,
        donors: int,
        purpose: str,
        *,
        eligible: np.ndarray | None = None,
        carriers: np.ndarray | None = None,
        donor_class: int | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw donors from the same half and another predicted class, without replacement, for each recipient.

        Args:
            donor_class: Only donors predicted as this class, and recipients predicted as any other.

        Returns:
            recipient, donor: (pairs,) indices, sorted by recipient; empty where a class has too few donors.
        """
        predicted, members = self.predicted, self.halves[half]
        if eligible is not None:
            members = members[eligible[members]]
        pool = members if donor_class is None else members[predicted[members] == donor_class]
        if carriers is not None:
            pool, members = pool[carriers[pool]], members[~carriers[members]]
        if donor_class is not None and len(np.unique(self.clusters[pool])) < MINIMUM_DONORS:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        rng = self.rng("pairs", purpose, half, str(donor_class))
        recipients: list[int] = []
        chosen: list[int] = []
        for i in members:
            choices = pool[(predicted[pool] != predicted[i]) & (self.clusters[pool] != self.clusters[i])]
            if len(choices):
                picked = rng.choice(choices, size=min(donors, len(choices)), replace=False)
                recipients.extend([i] * len(picked))
                chosen.extend(picked)
        return np.asarray(recipients, dtype=np.int64), np.asarray(chosen, dtype=np.int64)

    def predict(self, total: int, make: Callable[[int, int], Tensor], what: str) -> np.ndarray:
        """Class probabilities of pictures that are composed when their turn comes; taken from the budget.

        Args:
            total: How many pictures there are.
            make: (start, stop) → those pictures, in the sample's units, (stop - start, channels, height, width).
            what: For the progress bar.

        Returns:
            float32 (total, classes).
        """
        if total == 0:
            return np.empty((0, self.scores.shape[1]), dtype=np.float32)
        self.budget -= total
        return self.predictor.scores_of(total, make, progress=lambda done, of: self.progress(done, of, what))

    def own_class(self, half: str, recipient: np.ndarray, purpose: str, eligible: np.ndarray | None) -> np.ndarray:
        """For each pair another picture of the half with the recipient's own predicted class, as a placebo donor.

        Args:
            recipient: (pairs,).
            eligible: bool (n,): pictures that may serve.

        Returns:
            (pairs,) indices; the recipient itself where the half has no other.
        """
        members = self.halves[half]
        if eligible is not None:
            members = members[eligible[members]]
        rng = self.rng("own-class", purpose, half)
        chosen = np.array(recipient)
        for row, i in enumerate(recipient):
            choices = members[
                (self.predicted[members] == self.predicted[i]) & (self.clusters[members] != self.clusters[i])
            ]
            if len(choices):
                chosen[row] = rng.choice(choices)
        return chosen

    def swap(
        self,
        regions: Sequence[Region],
        recipient: np.ndarray,
        donor: np.ndarray,
        what: str,
        towards: np.ndarray | None = None,
    ) -> Outcomes:
        """Swap every region for every pair and predict.

        Args:
            towards: int (pairs,): the class that counts as followed; None for the donor's.
        """
        wanted = self.predicted[donor] if towards is None else towards
        pairs = len(recipient)
        total = len(regions) * pairs
        if total == 0:
            empty = np.zeros((len(regions), pairs))
            return Outcomes(recipient, donor, empty.astype(bool), empty.astype(np.int64), empty)
        swapper = Swapper(self.sample.images, regions)

        def make(start: int, stop: int):  # type: ignore[no-untyped-def]
            flat = np.arange(start, stop)
            return swapper.compose(flat // pairs, recipient[flat % pairs], donor[flat % pairs])

        scores = self.predict(total, make, what)
        after = scores.argmax(axis=1).reshape(len(regions), pairs)
        after_score = scores.max(axis=1).reshape(len(regions), pairs)
        return Outcomes(recipient, donor, after == wanted[None, :], after, after_score)

    def features(self, images: Tensor) -> np.ndarray:
        """Penultimate features; class probabilities where the network has no such layer, which is noted."""
        try:
            return self.predictor.features(images)
        except ModelError as error:
            note = f"fill sanity is measured on class probabilities: {error}"
            if note not in self.notes:
                self.notes.append(note)
            return self.predictor.scores(images)

    def attributions(self) -> np.ndarray:
        """Positive attribution of each picture's predicted class, float32 (n, height, width); made once.

        Raises:
            ModelError: The model allows no gradients.
        """
        from auditor.engine.attribution import positive_attribution

        if self._attributions is None:
            before = self.predictor.forwards
            self._attributions = positive_attribution(
                self.predictor,
                self.sample.images,
                self.predicted,
                progress=lambda done, total: self.progress(done, total, "attributions"),
            )
            self.budget -= self.predictor.forwards - before
        return self._attributions

    def causal_map(self, cells: int, donors: int = 1, most: int | None = None) -> CausalMap:
        """Follow rate of each cell of a cells × cells grid on half A; computed once."""
        if self._causal is None:
            regions = grid(*self.size, cells)
            recipient, donor = self.pairs("A", donors, "causal-map")
            if most is not None and len(np.unique(recipient)) > most:
                kept = self.rng("causal-map").permutation(np.unique(recipient))[:most]
                chosen = np.isin(recipient, kept)
                recipient, donor = recipient[chosen], donor[chosen]
            outcomes = self.swap(regions, recipient, donor, "causal map")
            self._causal = (map_of(outcomes, cells), regions, outcomes)
        return self._causal[0]

    def causal_screen(self) -> tuple[list[Region], Outcomes]:
        """The cells and swaps behind the causal map, which screen grid cells at no further cost.

        Raises:
            RuntimeError: `causal_map` was not called before.
        """
        if self._causal is None:
            raise RuntimeError("causal_map() comes first")
        return self._causal[1], self._causal[2]


def classes_of(
    experiment: Experiment, recipient: np.ndarray, donor: np.ndarray, keep: np.ndarray | None = None
) -> Iterator[tuple[int | None, np.ndarray]]:
    """All pairs, then the pairs of each donor class that has enough donors and recipients.

    Where all donors are of one class, as the carriers of a mark may be, there is one row, and it is that class's.

    Args:
        recipient, donor: (pairs,).
        keep: bool (pairs,); None for all.

    Returns:
        Class, or None for all, and bool (pairs,).
    """
    kept = np.ones(len(recipient), dtype=bool) if keep is None else keep
    donor_classes = experiment.predicted[donor]
    labels, counts = np.unique(donor_classes[kept], return_counts=True)
    if len(labels) and counts.max() < ONE_CLASS * counts.sum():
        yield None, kept
    for label in labels:
        subset = kept & (donor_classes == label)
        donors, recipients = np.unique(experiment.clusters[donor[subset]]), np.unique(recipient[subset])
        if len(donors) >= MINIMUM_DONORS and len(recipients) >= MINIMUM_RECIPIENTS:
            yield int(label), subset
