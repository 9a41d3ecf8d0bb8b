"""What came of swaps, averaged over donors: one effect and one control a recipient, and the halves they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor.evidence import CausalMap, Example, PairedEffects
from auditor.records import Measurement
from auditor.statistics.intervals import mean_interval, wilson
from auditor.statistics.testing import sign_flip_test

SCREEN_ALPHA = 0.05
SCREEN_EFFECT = 0.05
"""A region stands out on half A with p ≤ .05, uncorrected, and an effect over its control of at least 5 points."""
PLACEBO = "the same region from the own class"
MINIMUM_RECIPIENTS = 8
MINIMUM_DONORS = 3
ONE_CLASS = 0.95
"""Donors of which this share is of one class speak for that class, not for the whole sample."""
SCREEN_DRAWS = 1999
LEAST_OF_CLASS = 5
MOST_CLASSES = 12
"""Recipients of a class, and classes, that `followed_from` speaks of."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What happened in a set of swaps: one row a region, one column a (recipient, donor) pair.

    Attributes:
        recipient, donor: (pairs,) indices in the sample.
        followed: bool (regions, pairs): the prediction became the donor's class.
        after, after_score: (regions, pairs): predicted class and its probability after the swap.
    """

    recipient: np.ndarray
    donor: np.ndarray
    followed: np.ndarray
    after: np.ndarray
    after_score: np.ndarray


def examples_of(
    outcomes: Outcomes, row: int, scores: np.ndarray, classes: Sequence[str], wanted: int = 4
) -> tuple[Example, ...]:
    """Swaps worth showing: those that followed with the highest probability, one a recipient."""
    hits = np.flatnonzero(outcomes.followed[row])
    order = hits[np.argsort(-outcomes.after_score[row][hits], kind="stable")]
    shown: list[Example] = []
    for pair in order:
        i, j = int(outcomes.recipient[pair]), int(outcomes.donor[pair])
        if any(example.recipient == i for example in shown):
            continue
        before = int(scores[i].argmax())
        shown.append(
            Example(
                recipient=i,
                donor=j,
                before=classes[before],
                before_score=float(scores[i, before]),
                after=classes[int(outcomes.after[row, pair])],
                after_score=float(outcomes.after_score[row, pair]),
            )
        )
        if len(shown) == wanted:
            break
    return tuple(shown)


def per_recipient(values: np.ndarray, recipient: np.ndarray) -> np.ndarray:
    """Mean over each recipient's pairs: (pairs,) → (recipients,), in the order of np.unique."""
    _, inverse, counts = np.unique(recipient, return_inverse=True, return_counts=True)
    return np.asarray(np.bincount(inverse, weights=values.astype(float)) / counts)


def map_of(outcomes: Outcomes, cells: int) -> CausalMap:
    """Follow rates of the cells of a cells × cells grid, with Wilson intervals over recipients.

    Args:
        outcomes: One row a cell, row by row of the grid.
    """
    recipient = outcomes.recipient
    rates = [float(per_recipient(row, recipient).mean()) if len(recipient) else 0.0 for row in outcomes.followed]
    count = len(np.unique(recipient))
    bounds = [wilson(round(rate * count), count) if count else (0.0, 1.0) for rate in rates]
    return CausalMap(
        rows=cells,
        columns=cells,
        rates=tuple(rates),
        lows=tuple(min(low, rate) for (low, _), rate in zip(bounds, rates, strict=True)),
        highs=tuple(max(high, rate) for (_, high), rate in zip(bounds, rates, strict=True)),
        count=count,
        forwards=outcomes.followed.size,
    )


def paired(
    name: str,
    half: str,
    target: np.ndarray,
    controls: np.ndarray,
    recipient: np.ndarray,
    clusters: np.ndarray,
    control_names: Sequence[str],
    placebo: np.ndarray | None = None,
) -> PairedEffects:
    """Average over donors and over control regions.

    Args:
        target: (pairs,) outcome at the region.
        controls: (control regions, pairs) outcome at the controls; no rows: control 0.
        placebo: (pairs,) outcome at the region itself with a donor of the recipient's own class. The larger of the two
            controls is subtracted: an effect must exceed what the place explains and what the seam explains.
    """
    recipients = np.unique(recipient)
    control = controls.astype(float).mean(axis=0) if len(controls) else np.zeros(len(recipient))
    if placebo is not None and len(recipient):
        seam = placebo.astype(float)
        if per_recipient(seam, recipient).mean() > per_recipient(control, recipient).mean():
            control, control_names = seam, (PLACEBO,)
    _, counts = np.unique(recipient, return_counts=True)
    return PairedEffects(
        name=name,
        half=half,
        recipients=tuple(int(i) for i in recipients),
        clusters=tuple(int(clusters[i]) for i in recipients),
        effect=tuple(float(v) for v in per_recipient(target, recipient)),
        control=tuple(float(v) for v in per_recipient(control, recipient)),
        donors=int(counts.max()) if len(counts) else 0,
        controls=tuple(control_names),
    )


def followed_from(
    test: PairedEffects, predicted: np.ndarray, classes: Sequence[str], seed: int
) -> tuple[Measurement, ...]:
    """From which classes pictures follow a change of the whole picture to one class.

    What relies on a cue of a class follows it from everywhere. Where pictures of some classes alone change, they may
    have lost a cue of their own.

    Args:
        predicted: int (n,), of the whole sample.

    Returns:
        `followed_from:CLASS`, the effect minus its control on recipients of each class that has `LEAST_OF_CLASS` of
        them, the `MOST_CLASSES` largest; and `least_followed`, the rate of the class that follows least, before
        control, as a share of the mean rate. Nothing where fewer than two classes have as many.
    """
    differences, raw, leaving = np.asarray(test.differences), np.asarray(test.effect), predicted[list(test.recipients)]
    labels, counts = np.unique(leaving, return_counts=True)
    order = np.lexsort((labels, -counts))
    chosen = [int(labels[k]) for k in order if counts[k] >= LEAST_OF_CLASS][:MOST_CLASSES]
    if len(chosen) < 2 or raw.mean() <= 0:
        return ()
    clusters = np.asarray(test.clusters)
    found = []
    for label in chosen:
        rows = leaving == label
        low, high = mean_interval(differences[rows], clusters[rows], seed=seed, lower=-1.0, upper=1.0)
        found.append(
            Measurement(
                name=f"followed_from:{classes[label]}",
                value=float(differences[rows].mean()),
                low=low,
                high=high,
                count=len(np.unique(clusters[rows])),
                note=f"half {test.half}, recipients of class {classes[label]}; minus control",
            )
        )
    least = min(chosen, key=lambda label: float(raw[leaving == label].mean()))
    rows = leaving == least
    low, high = mean_interval(raw[rows], clusters[rows], seed=seed)
    found.append(
        Measurement(
            name="least_followed",
            value=float(raw[rows].mean() / raw.mean()),
            low=float(low / raw.mean()),
            high=float(high / raw.mean()),
            count=len(np.unique(clusters[rows])),
            note=f"half {test.half}, rate of class {classes[least]}, which follows least, over the mean rate",
        )
    )
    return tuple(found)


def screen_p(tests: Sequence[PairedEffects], seed: int) -> list[float]:
    """Uncorrected one-sided p of each test on half A."""
    found = []
    for test in tests:
        if len(test) < 2:
            found.append(1.0)
            continue
        raw, _ = sign_flip_test(np.asarray([test.differences]), test.clusters, seed=seed, draws=SCREEN_DRAWS)
        found.append(float(raw[0]))
    return found


def split_halves(clusters: np.ndarray, strata: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Two halves by cluster, each stratum shared as evenly as its clusters allow.

    Args:
        clusters: int (n,).
        strata: int (n,): predicted class.

    Returns:
        "A" and "B" → sorted indices.
    """
    rng = np.random.default_rng([seed, 0xA11D])
    unique, first = np.unique(clusters, return_index=True)
    order = rng.permutation(len(unique))
    order = order[np.argsort(strata[first[order]], kind="stable")]
    half_of = np.empty(len(unique), dtype=bool)
    half_of[order] = np.arange(len(unique)) % 2 == 0
    in_a = half_of[np.searchsorted(unique, clusters)]
    return {"A": np.flatnonzero(in_a), "B": np.flatnonzero(~in_a)}
