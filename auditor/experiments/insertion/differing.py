"""Marks that lie at one place of all classes and differ between them: one class's mark turned into another's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from auditor.evidence import Example, PairedEffects
from auditor.experiments.experiment import MINIMUM_RECIPIENTS, SCREEN_ALPHA, SCREEN_EFFECT, Experiment, paired, screen_p
from auditor.experiments.insertion.inserting import EXAMPLES, Copies, InsertionResult
from auditor.interventions.painting import Stamp, shuffled, stamp
from auditor.overlays import Overlay
from auditor.overlays.recovery import LEAST_PICTURES

SHARED = 0.5
"""Overlays are variants of one mark where their boxes share this much of the smaller."""


@dataclass(frozen=True, slots=True)
class _Means:
    """Mean picture of the overlay's box for each class that carries it, on half A, and its sampling noise.

    Attributes:
        box: x1, y1, x2, y2 in pixels.
        strokes: bool (height, width) of the box: covered pixels.
        alpha: float (height, width): 1 on the strokes and right beside them, where words that differ have theirs.
        mean, noise: Class → (channels, height, width), grey levels and squared grey levels.
    """

    box: tuple[int, int, int, int]
    strokes: np.ndarray
    alpha: np.ndarray
    mean: dict[int, np.ndarray]
    noise: dict[int, np.ndarray]

    def turning(self, own: int, other: int) -> Stamp:
        """What must be added to turn the mark of one class into that of another.

        Marks of one ink differ along one line of colours: what lies off it is chance and is left out (the best
        approximation of rank one, Eckart & Young 1936). The rest is shrunk by as much as sampling noise explains.
        """
        step = (self.mean[other] - self.mean[own]) * self.alpha
        noise = self.noise[other] + self.noise[own]
        line, sizes, place = np.linalg.svd(step.reshape(len(step), -1), full_matrices=False)
        step = (sizes[0] * np.outer(line[:, 0], place[0])).reshape(step.shape)
        signal = np.maximum((step**2 - noise)[:, self.strokes].mean(axis=1), 0.0)[:, None, None]
        colour = step * signal / np.maximum(signal + noise, 1e-6)
        return Stamp(
            "the mark of another class", colour.astype(np.float32), self.alpha, (self.box[0], self.box[1]), added=True
        )


def turn(
    experiment: Experiment, images: np.ndarray, overlay: Overlay, name: str, copies: Copies
) -> InsertionResult | None:
    """Turn each picture's mark into that of a class drawn at random: does the prediction turn to that class?

    Controls: the same differences shuffled, and the difference towards a third class.

    Returns:
        None where fewer than two classes carry the overlay on half A.
    """
    if not overlay.mask.any():
        return None
    means = _means(experiment, images, overlay)
    if len(means.mean) < 2:
        return None
    first = _test(experiment, means, overlay.present, name, "A", copies.screen)
    if first is None:
        return None
    p = screen_p([first[0]], experiment.seed)[0]
    if p > SCREEN_ALPHA or float(np.mean(first[0].differences)) < SCREEN_EFFECT:
        return InsertionResult((first[0],), stood_out=False)
    second = _test(experiment, means, overlay.present, name, "B", copies.confirm)
    if second is None:
        return InsertionResult((first[0],), stood_out=True)
    return InsertionResult((first[0],), stood_out=True, confirm=(second[0],), examples=second[1])


def with_variants(overlay: Overlay, found: Sequence[Overlay]) -> Overlay:
    """One overlay with all that lie at its place: the marks of classes that were found apart belong to it."""
    x1, y1, x2, y2 = overlay.box
    area = (x2 - x1) * (y2 - y1)
    present, mask = overlay.present.copy(), overlay.mask.copy()
    for other in found:
        a1, b1, a2, b2 = other.box
        common = max(0, min(x2, a2) - max(x1, a1)) * max(0, min(y2, b2) - max(y1, b1))
        if common >= SHARED * min(area, (a2 - a1) * (b2 - b1)):
            present |= other.present
            mask |= other.mask
    if not mask.any():
        return overlay
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return replace(overlay, present=present, mask=mask, box=box)


def _means(experiment: Experiment, images: np.ndarray, overlay: Overlay) -> _Means:
    wide = max(1, round(min(overlay.mask.shape) / 32))
    near = cv2.dilate(overlay.mask.astype(np.uint8), np.ones((2 * wide + 1,) * 2, np.uint8))
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    x1, y1, x2, y2 = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    window = images[:, :, y1:y2, x1:x2].astype(np.float32)
    mean, noise = {}, {}
    members = experiment.halves["A"]
    members = members[overlay.present[members]]
    for label in np.unique(experiment.predicted[members]):
        own = members[experiment.predicted[members] == label]
        if len(own) >= LEAST_PICTURES:
            mean[int(label)] = window[own].mean(axis=0)
            noise[int(label)] = window[own].var(axis=0) / len(own)
    strokes = overlay.mask[y1:y2, x1:x2]
    return _Means((x1, y1, x2, y2), strokes, near[y1:y2, x1:x2].astype(np.float32), mean, noise)


def _test(
    experiment: Experiment, means: _Means, present: np.ndarray, name: str, half: str, copies: int
) -> tuple[PairedEffects, tuple[Example, ...]] | None:
    labels = sorted(means.mean)
    members = experiment.halves[half]
    members = members[present[members] & np.isin(experiment.predicted[members], labels)]
    if len(members) < MINIMUM_RECIPIENTS:
        return None
    rng = experiment.rng("turning", name, half)
    height, width = experiment.size
    recipient = np.repeat(members, copies)
    wanted, third = np.empty(len(recipient), np.int64), np.empty(len(recipient), np.int64)
    for row, i in enumerate(recipient):
        others = [label for label in labels if label != experiment.predicted[i]]
        drawn = rng.permutation(others)
        wanted[row], third[row] = drawn[0], drawn[min(1, len(drawn) - 1)]
    own = experiment.predicted[recipient]
    marks = [means.turning(int(a), int(b)) for a, b in zip(own, wanted, strict=True)]
    arms = [marks, [shuffled(mark, height, width, rng) for mark in marks]]
    names = ["the same differences shuffled"]
    if len(labels) > 2:
        arms.append([means.turning(int(a), int(b)) for a, b in zip(own, third, strict=True)])
        names.append("the mark of a third class")
    images = experiment.sample.images
    turned, first_scores = [], None
    for arm in arms:
        corners = np.asarray([mark.corner for mark in arm])
        scores = experiment.predict(
            len(recipient),
            lambda start, stop, arm=arm, corners=corners: stamp(  # type: ignore[misc]
                images, recipient[start:stop], arm[start:stop], corners[start:stop]
            ),
            f"turning marks, half {half}",
        )
        first_scores = scores if first_scores is None else first_scores
        turned.append(scores.argmax(axis=1) == wanted)
    test = paired("spurious_score", half, turned[0], np.asarray(turned[1:]), recipient, experiment.clusters, names)
    assert first_scores is not None
    return test, _examples(experiment, name, recipient, marks, wanted, first_scores) if half == "B" else ()


def _examples(
    experiment: Experiment,
    name: str,
    recipient: np.ndarray,
    marks: list[Stamp],
    wanted: np.ndarray,
    scores: np.ndarray,
) -> tuple[Example, ...]:
    certainty = scores[np.arange(len(wanted)), wanted]
    hits = np.flatnonzero(scores.argmax(axis=1) == wanted)
    shown: dict[int, Example] = {}
    for pair in hits[np.argsort(-certainty[hits], kind="stable")]:
        i = int(recipient[pair])
        if i in shown or len(shown) == EXAMPLES:
            continue
        picture = stamp(
            experiment.sample.images, recipient[pair : pair + 1], [marks[pair]], np.array([marks[pair].corner])
        )
        before = int(experiment.scores[i].argmax())
        shown[i] = Example(
            recipient=i,
            donor=-1,
            change="its mark is turned into that of another class",
            picture=experiment.keep_picture(f"{name}-turned-{len(shown) + 1}", picture[0].numpy()),
            before=experiment.classes[before],
            before_score=float(experiment.scores[i, before]),
            after=experiment.classes[int(wanted[pair])],
            after_score=float(certainty[pair]),
        )
    return tuple(shown.values())
