"""Screens on half A whether predictions follow a global property of other pictures, and confirms it on half B.

A recipient takes the property (colours, sharpness, texture) of a donor of another predicted class. Followed means that
the prediction becomes the donor's class. There are two controls; for each pair of classes the one that moves
more pictures counts:

* the property of a picture of the recipient's own class that lies nearest to the donor's. It absorbs that a change of
  this strength and direction moves predictions to that class, wherever it comes from;
* the property of a picture of a third class. It absorbs that leaving the own class's look moves predictions to that
  class, as when a tag that was read fades.

Source: docs/methods.md, interventions and statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from auditor.evidence import CheckEvidence, Example, PairedEffects
from auditor.experiments.experiment import (
    MINIMUM_DONORS,
    MINIMUM_RECIPIENTS,
    SCREEN_ALPHA,
    SCREEN_EFFECT,
    Experiment,
    Outcomes,
    examples_of,
    followed_from,
    screen_p,
)
from auditor.experiments.matching import Pairs, draw_pairs
from auditor.interventions.transferring import GlobalProperty

AS_STRONG = 0.8
"""Where the whole sample shows this share of what the strongest class shows, classes are not tested apart."""
MUCH_WEAKER = 0.5
"""A class that shows less than this share of what the strongest class shows is not tested apart. Where one class alone
carries a cue, taking it away moves predictions to other classes too, and these are not what is relied on."""


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


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of the pairs: (pairs,) each.

    Attributes:
        leaving, wanted: Classes that recipient and donor are predicted as.
        target, own: Whether the prediction became that class, under the transfer from the donor and under that from
            the own class.
        third: The same under transfers from third classes, 0..1; NaN where there was none.
        after, after_score: Predicted class and its probability under the transfer from the donor.
        controls: Names of the two kinds of control.
    """

    pairs: Pairs
    leaving: np.ndarray
    wanted: np.ndarray
    target: np.ndarray
    own: np.ndarray
    third: np.ndarray
    after: np.ndarray
    after_score: np.ndarray
    controls: tuple[str, str]

    def test(self, half: str, clusters: np.ndarray, chosen: np.ndarray | None = None) -> PairedEffects:
        """Averages over each recipient's donors and controls; from class to class the control that moves more counts.

        Args:
            chosen: bool (pairs,); None for all.
        """
        keep = np.flatnonzero(np.ones(len(self.pairs), dtype=bool) if chosen is None else chosen)
        recipients, number, counts = np.unique(self.pairs.recipient[keep], return_inverse=True, return_counts=True)
        own = np.asarray(self.own[keep], dtype=float)
        third = np.where(np.isnan(self.third[keep]), own, self.third[keep])
        cells = np.unique(np.stack([self.leaving[keep], self.wanted[keep]]), axis=1, return_inverse=True)[1].ravel()
        by_third = (_means(third, cells) > _means(own, cells))[cells]
        control = np.where(by_third, third, own)
        return PairedEffects(
            name="follow_rate",
            half=half,
            recipients=tuple(recipients.tolist()),
            clusters=tuple(clusters[recipients].tolist()),
            effect=tuple(_means(self.target[keep], number).tolist()),
            control=tuple(_means(control, number).tolist()),
            donors=int(counts.max(initial=0)),
            controls=tuple(name for name, used in zip(self.controls, (~by_third, by_third), strict=True) if used.any()),
        )


def _means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Mean of each group: (groups,)."""
    return np.asarray(np.bincount(groups, values) / np.maximum(np.bincount(groups), 1))


@dataclass(frozen=True, slots=True)
class Transfer:
    """A property that may be followed, and what the test of it may spend.

    Attributes:
        kind: Of the checks.
        words: A source picture's name → what was done, after "when": "its colours come from b.png".
        notes: What was left out or done otherwise, in words; filled as the test goes on.
    """

    experiment: Experiment
    kind: str
    given: GlobalProperty
    budget: TransferBudget
    words: Callable[[str], str]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """What half A showed of the donors of one class, or of all (None)."""

    donor_class: int | None
    screen: PairedEffects
    p: float

    @property
    def effect(self) -> float:
        return float(np.mean(self.screen.differences)) if len(self.screen) else 0.0

    @property
    def stood_out(self) -> bool:
        return self.p <= SCREEN_ALPHA and self.effect >= SCREEN_EFFECT


def checks_of(test: Transfer) -> list[CheckEvidence]:
    """Test the property for the whole sample and for each donor class.

    Returns:
        One record for the whole sample, then one for each class with enough donors and recipients. Classes that the
        whole sample or a much stronger class explains are left out.
    """
    pairs = draw_pairs(test.experiment, test.kind, "A", test.budget.donors_screen, test.given.positions, test.notes)
    if len(pairs) == 0:
        why = "no picture has both another class that it could follow and a second picture for its control"
        return [CheckEvidence(kind=test.kind, too_few=why)]
    outcomes = follow(test.experiment, test.given, pairs, f"{test.kind}: screening")
    rows = _worth_testing(list(_rows(test.experiment, outcomes)), test)
    # what the whole sample shows less clearly than some classes do, it shows through them: they are the sharper test
    classes = sorted((row for row in rows[1:] if row.stood_out), key=lambda row: (-row.effect, row.p))
    taken = (classes or [row for row in rows[:1] if row.stood_out])[: test.budget.shortlist]
    checks = [confirm(test, row, taken=any(row is other for other in taken)) for row in rows]
    if classes and rows[0].stood_out:
        names = " and ".join(test.experiment.classes[int(row.donor_class or 0)] for row in classes)
        why = f"Tested apart: over the whole sample it stood out on the discovery half through donors of {names} alone."
        checks[0] = checks[0].model_copy(update={"out_of_budget": False, "described": why})
    return checks


def follow(experiment: Experiment, given: GlobalProperty, pairs: Pairs, what: str, strength: float = 1.0) -> Followed:
    """Transfer from every donor and every control, and predict."""
    count, base = len(pairs), np.unique(pairs.base)
    thirds = base[pairs.third[base] >= 0]
    at = np.concatenate([np.arange(count), base, thirds])
    source = np.concatenate([pairs.donor, pairs.own[base], pairs.third[thirds]])

    def make(start: int, stop: int) -> torch.Tensor:
        pair, others = at[start:stop], source[start:stop]
        targets = max(0, min(stop, count) - start)
        parts = []
        if targets:
            parts.append(given.give(pairs.recipient[pair[:targets]], others[:targets], strength))
        if targets < len(pair):
            rest = pair[targets:]
            parts.append(given.give_control(pairs.recipient[rest], others[targets:], pairs.donor[rest], strength))
        return torch.from_numpy(np.concatenate(parts))

    scores = experiment.predict(len(at), make, what)
    classes = scores.argmax(axis=1)
    wanted = experiment.predicted[pairs.donor]
    own_class, third_class = np.full(count, -1), np.full(count, -1)
    own_class[base], third_class[thirds] = classes[count : count + len(base)], classes[count + len(base) :]
    matched = np.where(third_class[pairs.base] < 0, np.nan, third_class[pairs.base] == wanted)
    return Followed(
        pairs,
        leaving=experiment.predicted[pairs.recipient],
        wanted=wanted,
        target=classes[:count] == wanted,
        own=own_class[pairs.base] == wanted,
        third=np.where(np.isnan(matched), _other_donors(pairs, classes[:count], wanted), matched),
        after=classes[:count],
        after_score=scores[:count].max(axis=1),
        controls=given.controls,
    )


def _other_donors(pairs: Pairs, after: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """How often a recipient's donors of other classes turn it to this donor's class: (pairs,), NaN without such."""
    hits, others = np.zeros(len(pairs)), np.zeros(len(pairs))
    for shift in range(1, int(np.unique(pairs.recipient, return_counts=True)[1].max(initial=1))):
        for here, there in ((slice(shift, None), slice(None, -shift)), (slice(None, -shift), slice(shift, None))):
            valid = (pairs.recipient[here] == pairs.recipient[there]) & (wanted[here] != wanted[there])
            others[here] += valid
            hits[here] += valid & (after[there] == wanted[here])
    return np.asarray(np.divide(hits, others, out=np.full(len(pairs), np.nan), where=others > 0))


def _rows(experiment: Experiment, outcomes: Followed) -> Iterator[Row]:
    """All pairs, then the pairs of each donor class that has enough donors and recipients."""
    pairs = outcomes.pairs
    test = outcomes.test("A", experiment.clusters)
    yield Row(None, test, screen_p([test], experiment.seed)[0])
    donor_classes = experiment.predicted[pairs.donor]
    for label in np.unique(donor_classes):
        chosen = donor_classes == label
        donors = np.unique(experiment.clusters[pairs.donor[chosen]])
        if len(donors) >= MINIMUM_DONORS and len(np.unique(pairs.recipient[chosen])) >= MINIMUM_RECIPIENTS:
            test = outcomes.test("A", experiment.clusters, chosen)
            yield Row(int(label), test, screen_p([test], experiment.seed)[0])


def _worth_testing(rows: list[Row], test: Transfer) -> list[Row]:
    """Without the classes that something stronger explains; what is left out is noted."""
    whole, classes = rows[0], rows[1:]
    strongest = max((row.effect for row in classes if row.stood_out), default=0.0)
    if whole.stood_out and classes and whole.effect >= AS_STRONG * strongest:
        test.notes.append(f"{test.kind}: the whole sample shows it as strongly as any class; classes not tested apart")
        return [whole]
    weak = [row for row in classes if row.stood_out and row.effect < MUCH_WEAKER * strongest]
    if weak:
        names = ", ".join(test.experiment.classes[row.donor_class] for row in weak if row.donor_class is not None)
        test.notes.append(f"{test.kind}: far weaker for {names} than for another class; not tested apart")
    return [row for row in rows if not any(row is other for other in weak)]


def confirm(test: Transfer, row: Row, *, taken: bool) -> CheckEvidence:
    """The record of a row, with its outcome on half B where it is taken there and the budget allows."""
    experiment = test.experiment
    evidence = CheckEvidence(
        kind=test.kind,
        class_name=None if row.donor_class is None else experiment.classes[row.donor_class],
        screen=(row.screen,),
        stood_out=row.stood_out,
    )
    if not taken:
        return evidence.model_copy(update={"out_of_budget": row.stood_out})
    donors = test.budget.donors_confirm
    pairs = draw_pairs(experiment, test.kind, "B", donors, test.given.positions, test.notes, row.donor_class)
    if len(pairs) == 0 or experiment.budget < pairs.forwards:
        return evidence.model_copy(update={"out_of_budget": True})
    outcomes = follow(experiment, test.given, pairs, f"{test.kind}: confirming")
    confirmed = outcomes.test("B", experiment.clusters)
    update = {"confirm": (confirmed,), "examples": _examples(test, evidence.id, outcomes)}
    if row.donor_class is not None:
        update["further"] = followed_from(confirmed, experiment.predicted, experiment.classes, experiment.seed)
    return evidence.model_copy(update=update)


def _examples(test: Transfer, name: str, followed: Followed) -> tuple[Example, ...]:
    """Transfers worth showing, each with the very picture that the model saw."""
    pairs, experiment = followed.pairs, test.experiment
    outcomes = Outcomes(
        pairs.recipient, pairs.donor, followed.target[None], followed.after[None], followed.after_score[None]
    )
    shown = []
    for number, example in enumerate(examples_of(outcomes, 0, experiment.scores, experiment.classes), start=1):
        picture = test.given.give(np.array([example.recipient]), np.array([example.donor]))[0]
        source = experiment.sample.pictures[example.donor].name
        path = experiment.keep_picture(f"{name}-{number}", picture)
        shown.append(example.model_copy(update={"change": test.words(source), "picture": path}))
    return tuple(shown)
