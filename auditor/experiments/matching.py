"""Who gives a global property to whom, and which other pictures are the matched controls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.experiments.experiment import Experiment

DONORS_A_CONTROL = 3
"""So many donors of a recipient share its controls: a control rarely moves a prediction, and is known well enough."""
MATCHED_AT_ONCE = 4_000_000
"""Cells of the table of pairs and possible controls that are held in memory."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Recipients, donors and controls, sorted by recipient.

    Attributes:
        recipient, donor: int (pairs,): indices in the sample; the donor is predicted as another class.
        base: int (pairs,): place of the pair whose controls serve for this one; `DONORS_A_CONTROL` donors share one.
        own: int (pairs,): a source of the recipient's own class; read at `base`.
        third: int (pairs,): a source of a third class, −1 where there is none or none is wanted; read at `base`.
    """

    recipient: np.ndarray
    donor: np.ndarray
    base: np.ndarray
    own: np.ndarray
    third: np.ndarray

    def __len__(self) -> int:
        return len(self.recipient)

    def of_recipients(self, keep: np.ndarray) -> Pairs:
        """The pairs of some recipients; keep: bool (pairs,), alike for all pairs of a recipient."""
        moved = np.cumsum(keep) - 1
        return Pairs(self.recipient[keep], self.donor[keep], moved[self.base[keep]], self.own[keep], self.third[keep])

    def thinned(self) -> Pairs:
        """The pairs of every second recipient."""
        number = np.unique(self.recipient, return_inverse=True)[1]
        return self.of_recipients(number % 2 == 1)

    @property
    def forwards(self) -> int:
        """Transfers that following them takes."""
        base = np.unique(self.base)
        return len(self) + len(base) + int((self.third[base] >= 0).sum())


def draw_pairs(
    experiment: Experiment,
    purpose: str,
    half: str,
    donors: int,
    positions: np.ndarray,
    notes: list[str],
    donor_class: int | None = None,
) -> Pairs:
    """Draw donors of other classes, and match them with controls.

    The control is the picture of the recipient's own class (another cluster, the same half) whose property lies
    nearest to the donor's: the change is as alike as the class's own pictures allow, in strength and direction.
    What objects do to a property (a jagged one measures as sharp) then belongs to the control as well. Where the
    recipient is alone in its class, a picture of a third class takes its place. Recipients without either are
    dropped. Where all donors are of one class, a picture of a third class is matched beside it; where they are of
    several, each is what the others are compared with.

    Args:
        positions: float (n, d), of `GlobalProperty`.
        notes: What was done otherwise is appended, in words.
        donor_class: As in `Experiment.pairs`.
    """
    recipient, donor = experiment.pairs(half, donors, purpose, donor_class=donor_class)
    first = np.searchsorted(recipient, recipient)
    rank = np.arange(len(recipient)) - first
    base = first + rank % -(-donors // DONORS_A_CONTROL)
    bases = np.unique(base)
    own, third = np.full(len(recipient), -1, dtype=np.int64), np.full(len(recipient), -1, dtype=np.int64)
    own[bases], third[bases] = _matched(experiment, half, recipient[bases], donor[bases], positions)
    alone = (own < 0) & (third >= 0)
    _note(notes, purpose, half, recipient[alone], "are alone in their class; their control is a picture of a third one")
    own = np.where(alone, third, own)
    lost = own[base] < 0
    _note(notes, purpose, half, recipient[lost], "have no picture to be their control and were left out")
    wanted = third if donor_class is not None else np.full_like(third, -1)
    # a recipient has controls for all its donors or for none: classes and clusters alone decide
    return Pairs(recipient, donor, base, own, wanted).of_recipients(~lost)


def _note(notes: list[str], purpose: str, half: str, pictures: np.ndarray, words: str) -> None:
    count = len(np.unique(pictures))
    note = f"{purpose}: {count} pictures of half {half} {words}"
    if count and note not in notes:
        notes.append(note)


def _matched(
    experiment: Experiment, half: str, recipient: np.ndarray, donor: np.ndarray, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The sources nearest to the donor, of the own class and of a third: indices, −1 where there is none."""
    members, predicted, clusters = experiment.halves[half], experiment.predicted, experiment.clusters
    found = np.full((2, len(recipient)), -1, dtype=np.int64)
    step = max(1, MATCHED_AT_ONCE // max(1, len(members)))
    for start in range(0, len(recipient), step):
        i, j = recipient[start : start + step], donor[start : start + step]
        miss = _distances(positions[j], positions[members])
        apart = clusters[members] != clusters[i][:, None]
        same = predicted[members] == predicted[i][:, None]
        able = np.stack([apart & same, apart & ~same & (predicted[members] != predicted[j][:, None])])
        best = np.where(able, miss, np.inf).argmin(axis=2)
        found[:, start : start + len(i)] = np.where(able.any(axis=2), members[best], -1)
    return found[0], found[1]


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(a, d), (b, d) → (a, b), Euclidean."""
    squares = np.square(first).sum(axis=1)[:, None] + np.square(second).sum(axis=1)[None]
    return np.asarray(np.sqrt(np.maximum(squares - 2 * first @ second.T, 0.0)))
