"""Screens on half A whether predictions follow a global property of other pictures, and confirms it on half B.

A recipient takes the property (colours, sharpness, texture) of a donor of another predicted class. The control takes
it from a picture of the recipient's own class, and of all those from the one whose property lies as far from the
recipient's as the donor's does. Followed means: the prediction becomes the donor's class, under the transfer from the
donor and under that from the own class alike.

Source: docs/methods.md, interventions and statistics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from auditor.evidence import CheckEvidence, Example, PairedEffects
from auditor.experiment import (
    MINIMUM_DONORS,
    MINIMUM_RECIPIENTS,
    SCREEN_ALPHA,
    SCREEN_EFFECT,
    Experiment,
    Outcomes,
    empty_check,
    examples_of,
    paired,
    screen_p,
)
from auditor.interventions.transferring import GlobalProperty

CONTROL = "the same from a picture of the own class, as far away"
AS_STRONG = 0.8
"""Where the whole sample shows this share of what the strongest class shows, classes are not tested apart."""
MATCHED_AT_ONCE = 4_000_000
"""Cells of the table of pairs and possible controls that are held in memory."""


@dataclass(frozen=True, slots=True)
class TransferBudget:
    """How much a probe may spend.

    Attributes:
        donors_screen, donors_confirm: Donors an image on half A and on half B.
        shortlist: Checks that may go to half B, at most: the whole sample first, then the strongest classes.
    """

    donors_screen: int
    donors_confirm: int
    shortlist: int

    def forwards(self) -> float:
        """Upper bound of forwards an image of the sample, averaged over both halves."""
        return (2 * self.donors_screen + 2 * self.shortlist * self.donors_confirm) / 2


@dataclass(frozen=True, slots=True)
class Pairs:
    """Who gives what to whom.

    Attributes:
        recipient, donor, own: int (pairs,): indices in the sample; `own` is the control's source.
    """

    recipient: np.ndarray
    donor: np.ndarray
    own: np.ndarray

    def __len__(self) -> int:
        return len(self.recipient)

    def __getitem__(self, chosen: np.ndarray) -> Pairs:
        return Pairs(self.recipient[chosen], self.donor[chosen], self.own[chosen])


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of the pairs: (pairs,) each; `after` and `after_score` are under the transfer from the donor."""

    pairs: Pairs
    target: np.ndarray
    control: np.ndarray
    after: np.ndarray
    after_score: np.ndarray

    def test(self, name: str, half: str, clusters: np.ndarray, chosen: np.ndarray | None = None) -> PairedEffects:
        """Averages over donors; `chosen`: bool (pairs,)."""
        keep = np.ones(len(self.pairs), dtype=bool) if chosen is None else chosen
        recipient = self.pairs.recipient[keep]
        return paired(name, half, self.target[keep], self.control[keep][None], recipient, clusters, [CONTROL])


class Words(Protocol):
    """Says what was done, after "when": ("its colours come from b.png")."""

    def __call__(self, source: str) -> str:
        """Words for a source picture's name."""
        ...


@dataclass(frozen=True, slots=True)
class _Row:
    donor_class: int | None
    screen: PairedEffects
    p: float

    @property
    def effect(self) -> float:
        return float(np.mean(self.screen.differences)) if len(self.screen) else 0.0

    @property
    def stood_out(self) -> bool:
        return self.p <= SCREEN_ALPHA and self.effect >= SCREEN_EFFECT


def transfer(
    experiment: Experiment, kind: str, given: GlobalProperty, budget: TransferBudget, words: Words, notes: list[str]
) -> list[CheckEvidence]:
    """Test one property for the whole sample and for each donor class.

    Args:
        notes: What was left out is appended, in words.

    Returns:
        One record for the whole sample, then one for each class with enough donors and recipients. Classes that the
        whole sample explains are left out.
    """
    pairs = draw_pairs(experiment, kind, "A", budget.donors_screen, given.positions, notes)
    if len(pairs) == 0:
        return [empty_check(kind, None, "no picture has both another class to follow and a second of its own class")]
    outcomes = follow(experiment, given, pairs, f"{kind}: screening")
    rows = list(_rows(experiment, pairs, outcomes))
    whole, classes = rows[0], rows[1:]
    strongest = max((row.effect for row in classes if row.stood_out), default=0.0)
    if whole.stood_out and whole.effect >= AS_STRONG * strongest and classes:
        notes.append(f"{kind}: the whole sample shows it as strongly as any class; classes were not tested apart")
        rows = [whole]
    ranked = sorted(
        (row for row in rows if row.stood_out), key=lambda row: (row.donor_class is not None, -row.effect, row.p)
    )
    taken = ranked[: budget.shortlist]
    return [
        _confirm(experiment, kind, given, row, budget, words, notes, taken=any(row is other for other in taken))
        for row in rows
    ]


def draw_pairs(
    experiment: Experiment,
    purpose: str,
    half: str,
    donors: int,
    positions: np.ndarray,
    notes: list[str],
    donor_class: int | None = None,
) -> Pairs:
    """Donors of other classes, and for each pair the own-class picture whose property lies as far away.

    Pairs without a second picture of the own class in the half are dropped, which is noted.
    """
    recipient, donor = experiment.pairs(half, donors, purpose, donor_class=donor_class)
    own = _matched(experiment, half, recipient, donor, positions)
    dropped = len(np.unique(recipient)) - len(np.unique(recipient[own >= 0]))
    if dropped:
        note = f"{purpose}: {dropped} pictures of half {half} are alone in their class, so they have no control"
        if note not in notes:
            notes.append(note)
    return Pairs(recipient, donor, own)[own >= 0]


def _matched(
    experiment: Experiment, half: str, recipient: np.ndarray, donor: np.ndarray, positions: np.ndarray
) -> np.ndarray:
    members, predicted, clusters = experiment.halves[half], experiment.predicted, experiment.clusters
    own = np.full(len(recipient), -1, dtype=np.int64)
    step = max(1, MATCHED_AT_ONCE // max(1, len(members)))
    for start in range(0, len(recipient), step):
        i, j = recipient[start : start + step], donor[start : start + step]
        wanted = np.linalg.norm(positions[i] - positions[j], axis=1)
        apart = np.sqrt(_squared_distances(positions[i], positions[members]))
        able = (predicted[members] == predicted[i][:, None]) & (clusters[members] != clusters[i][:, None])
        miss = np.where(able, np.abs(apart - wanted[:, None]), np.inf)
        best = miss.argmin(axis=1)
        own[start : start + step] = np.where(able.any(axis=1), members[best], -1)
    return own


def _squared_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    products = first @ second.T
    squares = np.square(first).sum(axis=1)[:, None] + np.square(second).sum(axis=1)[None] - 2 * products
    return np.asarray(np.maximum(squares, 0.0))


def follow(experiment: Experiment, given: GlobalProperty, pairs: Pairs, what: str, strength: float = 1.0) -> Followed:
    """Transfer from every donor and every control, and predict; the same transfer is predicted once."""
    count = len(pairs)
    recipient = np.concatenate([pairs.recipient, pairs.recipient])
    source = np.concatenate([pairs.donor, pairs.own])
    unique, inverse = np.unique(np.stack([recipient, source]), axis=1, return_inverse=True)
    inverse = inverse.reshape(-1)

    def make(start: int, stop: int) -> torch.Tensor:
        return torch.from_numpy(given.give(unique[0, start:stop], unique[1, start:stop], strength))

    scores = experiment.predict(unique.shape[1], make, what)
    after = scores.argmax(axis=1)[inverse]
    wanted = experiment.predicted[pairs.donor]
    return Followed(
        pairs,
        target=after[:count] == wanted,
        control=after[count:] == wanted,
        after=after[:count],
        after_score=scores.max(axis=1)[inverse][:count],
    )


def _rows(experiment: Experiment, pairs: Pairs, outcomes: Followed) -> Iterator[_Row]:
    """All pairs, then the pairs of each donor class that has enough donors and recipients."""
    test = outcomes.test("follow_rate", "A", experiment.clusters)
    yield _Row(None, test, screen_p([test], experiment.seed)[0])
    donor_classes = experiment.predicted[pairs.donor]
    for label in np.unique(donor_classes):
        chosen = donor_classes == label
        donors = np.unique(experiment.clusters[pairs.donor[chosen]])
        if len(donors) >= MINIMUM_DONORS and len(np.unique(pairs.recipient[chosen])) >= MINIMUM_RECIPIENTS:
            test = outcomes.test("follow_rate", "A", experiment.clusters, chosen)
            yield _Row(int(label), test, screen_p([test], experiment.seed)[0])


def _confirm(
    experiment: Experiment,
    kind: str,
    given: GlobalProperty,
    row: _Row,
    budget: TransferBudget,
    words: Words,
    notes: list[str],
    *,
    taken: bool,
) -> CheckEvidence:
    evidence = CheckEvidence(
        kind=kind,
        class_name=None if row.donor_class is None else experiment.classes[row.donor_class],
        screen=(row.screen,),
        stood_out=row.stood_out,
    )
    if not taken:
        return evidence.model_copy(update={"out_of_budget": row.stood_out})
    pairs = draw_pairs(experiment, kind, "B", budget.donors_confirm, given.positions, notes, row.donor_class)
    if len(pairs) == 0 or experiment.budget < 2 * len(pairs):
        return evidence.model_copy(update={"out_of_budget": True})
    outcomes = follow(experiment, given, pairs, f"{kind}: confirming")
    test = outcomes.test("follow_rate", "B", experiment.clusters)
    return evidence.model_copy(
        update={"confirm": (test,), "examples": examples(experiment, evidence.id, given, outcomes, words)}
    )


def examples(
    experiment: Experiment, name: str, given: GlobalProperty, followed: Followed, words: Words
) -> tuple[Example, ...]:
    """Transfers worth showing, each with the very picture that the model saw."""
    pairs = followed.pairs
    outcomes = Outcomes(
        pairs.recipient, pairs.donor, followed.target[None], followed.after[None], followed.after_score[None]
    )
    shown = []
    for number, example in enumerate(examples_of(outcomes, 0, experiment.scores, experiment.classes), start=1):
        picture = given.give(np.array([example.recipient]), np.array([example.donor]))[0]
        source = experiment.sample.pictures[example.donor].name
        path = experiment.keep_picture(f"{name}-{number}", picture)
        shown.append(example.model_copy(update={"change": words(source), "picture": path}))
    return tuple(shown)
