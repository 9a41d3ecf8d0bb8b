"""Who gives a global property to whom, and which picture of the recipient's own class is the matched control."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.experiment import Experiment

MATCHED_AT_ONCE = 4_000_000
"""Cells of the table of pairs and possible controls that are held in memory."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Recipients, donors and controls.

    Attributes:
        recipient, donor: int (pairs,): indices in the sample; the donor is predicted as another class.
        own: int (pairs,): the control's source, of the recipient's own class.
    """

    recipient: np.ndarray
    donor: np.ndarray
    own: np.ndarray

    def __len__(self) -> int:
        return len(self.recipient)

    def __getitem__(self, chosen: np.ndarray) -> Pairs:
        return Pairs(self.recipient[chosen], self.donor[chosen], self.own[chosen])

    def thinned(self) -> Pairs:
        """One donor for every second recipient."""
        recipients, first = np.unique(self.recipient, return_index=True)
        return self[first[np.arange(len(recipients)) % 2 == 1]]


def draw_pairs(
    experiment: Experiment,
    purpose: str,
    half: str,
    donors: int,
    positions: np.ndarray,
    notes: list[str],
    donor_class: int | None = None,
) -> Pairs:
    """Draw donors of other classes, and match each with a control.

    The control is the picture of the recipient's own class (another cluster, the same half) whose property lies as far
    from the recipient's as the donor's does. Where the recipient is alone in its class, a picture of a third class
    takes its place: the prediction has no more reason to turn to the donor's class. Pairs without either are dropped.

    Args:
        positions: float (n, d), of `GlobalProperty`.
        notes: What was done otherwise is appended, in words.
        donor_class: As in `Experiment.pairs`.
    """
    recipient, donor = experiment.pairs(half, donors, purpose, donor_class=donor_class)
    own, third = _matched(experiment, half, recipient, donor, positions)
    _note(notes, purpose, half, recipient[third], "are alone in their class; their control is a picture of a third one")
    lost = np.setdiff1d(recipient, recipient[own >= 0])
    _note(notes, purpose, half, lost, "have no picture to be their control and were left out")
    return Pairs(recipient, donor, own)[own >= 0]


def _note(notes: list[str], purpose: str, half: str, pictures: np.ndarray, words: str) -> None:
    count = len(np.unique(pictures))
    note = f"{purpose}: {count} pictures of half {half} {words}"
    if count and note not in notes:
        notes.append(note)


def _matched(
    experiment: Experiment, half: str, recipient: np.ndarray, donor: np.ndarray, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Index of each pair's control, −1 where there is none, and whether it is of a third class."""
    members, predicted, clusters = experiment.halves[half], experiment.predicted, experiment.clusters
    own, third = np.full(len(recipient), -1, dtype=np.int64), np.zeros(len(recipient), dtype=bool)
    step = max(1, MATCHED_AT_ONCE // max(1, len(members)))
    for start in range(0, len(recipient), step):
        i, j = recipient[start : start + step], donor[start : start + step]
        part = slice(start, start + len(i))
        wanted = np.linalg.norm(positions[i] - positions[j], axis=1)
        miss = np.abs(_distances(positions[i], positions[members]) - wanted[:, None])
        apart = clusters[members] != clusters[i][:, None]
        same = apart & (predicted[members] == predicted[i][:, None])
        other = apart & (predicted[members] != predicted[i][:, None]) & (predicted[members] != predicted[j][:, None])
        third[part] = ~same.any(axis=1) & other.any(axis=1)
        able = np.where(third[part][:, None], other, same)
        best = np.where(able, miss, np.inf).argmin(axis=1)
        own[part] = np.where(able.any(axis=1), members[best], -1)
    return own, third


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(a, d), (b, d) → (a, b), Euclidean."""
    squares = np.square(first).sum(axis=1)[:, None] + np.square(second).sum(axis=1)[None]
    return np.asarray(np.sqrt(np.maximum(squares - 2 * first @ second.T, 0.0)))
