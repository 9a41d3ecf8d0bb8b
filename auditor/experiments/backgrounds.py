"""Objects on other backgrounds, noise on one side or the other, and backgrounds alone.

Sources: Xiao et al., "Noise or Signal: The Role of Image Backgrounds in Object Recognition", ICLR 2021 (BG-gap, only
background); Moayeri et al., "A Comprehensive Study of Image Classification Model Sensitivity to Foregrounds,
Backgrounds, and Visual Attributes", CVPR 2022 (relative foreground sensitivity).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import torch
from scipy import stats

from auditor.evidence import Example, PairedEffects
from auditor.experiments.experiment import Experiment, Outcomes, classes_of, examples_of, paired
from auditor.foreground import object_within
from auditor.interventions import clean_plate, paste_object
from auditor.records import Measurement
from auditor.regions import FEATHER
from auditor.statistics.intervals import mean_interval

NOISE = 0.25
"""Standard deviation of the noise as a share of the pictures' range, as in the source."""
RESAMPLES = 1999


class Pasting:
    """Objects on other backgrounds; clean plates are made once for each picture.

    An object that is known by its box alone is cut out of the box before it is pasted: what else lies in the box is
    background, and would stay. Plates lose the whole box, so that no part of another object is left on them.
    """

    def __init__(self, experiment: Experiment, usable: np.ndarray, objects: np.ndarray, *, boxes: bool = False) -> None:
        """Prepare.

        Args:
            usable: bool (n,): pictures with an object and a background.
            objects: bool (n, height, width).
            boxes: Whether these are boxes around the objects.
        """
        self.boxes = boxes and experiment.sample.images.dtype == torch.uint8
        self.cut_outs: dict[int, np.ndarray] = {}
        self.experiment = experiment
        self.usable = usable
        self.objects = objects
        self.plates: dict[int, np.ndarray] = {}
        self.examples: list[Example] = []

    def measure(self, half: str, donors: int, notes: list[str]) -> Mapping[str | None, list[PairedEffects]]:
        """Background follow, and where pictures share a class and have labels, the BG-gap.

        Returns:
            None for all pairs, and the name of each class with enough donors and recipients, for backgrounds of it.
        """
        experiment = self.experiment
        predicted, labels = experiment.predicted, experiment.sample.labels
        recipient, donor = experiment.pairs(half, donors, "background", eligible=self.usable)
        if len(recipient) == 0:
            return {}
        own = self._own_class(half, recipient, predicted)
        other_scores = self._scores(recipient, donor, f"background: half {half}")
        own_scores = self._scores(recipient, own, f"background: half {half}, own class")
        after, control = other_scores.argmax(axis=1), own_scores.argmax(axis=1)
        followed, control_followed = after == predicted[donor], control == predicted[donor]
        if half == "B":
            self._keep_examples(recipient, donor, followed, after, other_scores)
        known = (labels[recipient] >= 0) & (own != recipient)
        if not known.all():
            notes.append(
                "no second picture of the own class in the half for some recipients: their control is their own "
                "background with the object pasted back, and they do not count in the BG-gap"
            )
        right_own, right_other = control == labels[recipient], after == labels[recipient]
        found: dict[str | None, list[PairedEffects]] = {}
        for label, pairs in classes_of(experiment, recipient, donor):
            name = None if label is None else experiment.classes[label]
            tests = [("background_follow", followed, control_followed, pairs)]
            # on backgrounds of one class it is the loss of the own one that costs accuracy: no gap for single classes
            if label is None and (pairs & known).any():
                tests.append(("background_gap", right_own, right_other, pairs & known))
            found[name] = [
                _by_recipient(test, half, effect[rows], other[rows], recipient[rows], experiment.clusters)
                for test, effect, other, rows in tests
            ]
        return found

    def further(self) -> list[Measurement]:
        """Accuracy on backgrounds alone, and relative foreground sensitivity; nothing without labels."""
        experiment = self.experiment
        labels = experiment.sample.labels
        rows = np.flatnonzero(self.usable & (labels >= 0))
        if len(rows) < 2:
            return []
        plates = self._predicted(rows, self._plate, "background: backgrounds alone")
        right = {side: self._predicted(rows, self._noisy(side), f"background: noise on the {side}") == labels[rows]
                 for side in ("object", "background")}  # fmt: skip
        alone = (plates == labels[rows]).astype(float)
        low, high = mean_interval(alone, experiment.clusters[rows], seed=experiment.seed)
        chance = float(np.bincount(labels[rows]).max() / len(rows))
        found = [
            Measurement(
                name="only_background_accuracy", value=float(alone.mean()), low=low, high=high, count=len(rows),
                note=f"objects inpainted away; always naming the commonest class would give {chance:.2f}",
            )
        ]  # fmt: skip
        return [*found, foreground_sensitivity(right["object"], right["background"], experiment.seed)]

    def _noisy(self, side: str) -> Callable[[int], np.ndarray]:
        images = self.experiment.sample.images
        span = 255.0 if images.dtype == torch.uint8 else float(images.max() - images.min())

        def make(index: int) -> np.ndarray:
            rng = self.experiment.rng("noise", side, str(index))
            image = images[index].numpy().astype(np.float32)
            where = self.objects[index] if side == "object" else ~self.objects[index]
            noisy = image + where * rng.normal(0, NOISE * span, image.shape).astype(np.float32)
            return np.asarray(np.clip(noisy, 0, 255) if images.dtype == torch.uint8 else noisy)

        return make

    def _predicted(self, rows: np.ndarray, make: Callable[[int], np.ndarray], what: str) -> np.ndarray:
        scores = self.experiment.predict(
            len(rows),
            lambda start, stop: torch.from_numpy(np.stack([make(int(i)) for i in rows[start:stop]]).astype(np.float32)),
            what,
        )
        return np.asarray(scores.argmax(axis=1))

    def _own_class(self, half: str, recipient: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """A background of the own class for each pair; the recipient itself where the half has no other."""
        rng = self.experiment.rng("background-own", half)
        members = self.experiment.halves[half]
        members = members[self.usable[members]]
        chosen = []
        for i in recipient:
            choices = members[(predicted[members] == predicted[i]) & (members != i)]
            chosen.append(int(rng.choice(choices)) if len(choices) else int(i))
        return np.asarray(chosen)

    def _scores(self, recipient: np.ndarray, donor: np.ndarray, what: str) -> np.ndarray:
        images = self.experiment.sample.images

        def make(start: int, stop: int) -> torch.Tensor:
            return torch.from_numpy(
                np.stack(
                    [
                        paste_object(images[int(i)].numpy(), self._plate(int(j)), self._weights(int(i)))
                        for i, j in zip(recipient[start:stop], donor[start:stop], strict=True)
                    ]
                )
            )

        return self.experiment.predict(len(recipient), make, what)

    def _plate(self, index: int) -> np.ndarray:
        if index not in self.plates:
            self.plates[index] = clean_plate(self.experiment.sample.images[index].numpy(), self.objects[index])
        return self.plates[index]

    def _weights(self, index: int) -> np.ndarray:
        if not self.boxes:
            return object_weights(self.objects[index])
        if index not in self.cut_outs:
            own = object_within(self.experiment.sample.images[index].numpy(), self.objects[index])
            self.cut_outs[index] = object_weights(own)
        return self.cut_outs[index]

    def _keep_examples(
        self, recipient: np.ndarray, donor: np.ndarray, followed: np.ndarray, after: np.ndarray, scores: np.ndarray
    ) -> None:
        outcomes = Outcomes(recipient, donor, followed[None], after[None], scores.max(axis=1)[None])
        for number, example in enumerate(examples_of(outcomes, 0, self.experiment.scores, self.experiment.classes)):
            picture = paste_object(
                self.experiment.sample.images[example.recipient].numpy(),
                self._plate(example.donor),
                self._weights(example.recipient),
            )
            path = self.experiment.keep_picture(f"background-{number + 1}", picture)
            self.examples.append(example.model_copy(update={"picture": path}))


def _by_recipient(
    name: str, half: str, effect: np.ndarray, control: np.ndarray, recipient: np.ndarray, clusters: np.ndarray
) -> PairedEffects:
    return paired(name, half, effect, control[None], recipient, clusters, ["a background of the own class"])


def foreground_sensitivity(on_object: np.ndarray, on_background: np.ndarray, seed: int) -> Measurement:
    """RFS = (a_bg − a_fg) / (2 min(ā, 1 − ā)) with ā = (a_bg + a_fg) / 2: 1 reads the object alone, −1 the background.

    Args:
        on_object, on_background: bool (n,): still right with noise there.
        seed: Of the bootstrap.
    """

    def ratio(foreground: np.ndarray, background: np.ndarray, axis: int = -1) -> np.ndarray:
        a_fg, a_bg = foreground.mean(axis=axis), background.mean(axis=axis)
        middle = (a_fg + a_bg) / 2
        room = 2 * np.minimum(middle, 1 - middle)
        return np.asarray(np.divide(a_bg - a_fg, room, out=np.zeros_like(room), where=room > 0))

    pair = (on_object.astype(float), on_background.astype(float))
    middle = (pair[0].mean() + pair[1].mean()) / 2
    if middle in (0.0, 1.0):
        why = "noise on either side changes nothing, or everything: no room to compare"
        return Measurement(name="relative_foreground_sensitivity", value=None, count=len(on_object), reason=why)
    value = float(ratio(*pair))
    interval = stats.bootstrap(
        pair, ratio, paired=True, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(seed)
    ).confidence_interval
    return Measurement(
        name="relative_foreground_sensitivity", value=value, low=min(value, float(interval.low)),
        high=max(value, float(interval.high)), count=len(on_object), note="noise of σ .25 on one side or the other",
    )  # fmt: skip


def object_weights(objects: np.ndarray) -> np.ndarray:
    """Soft mask of an object; the seam lies outside it, so that nothing of the object is lost.

    Args:
        objects: bool (height, width).

    Returns:
        float32 (height, width).
    """
    mask = objects.astype(np.float32)
    feather = round(FEATHER * min(mask.shape) / 2)
    if feather < 1:
        return mask
    size = 2 * feather + 1
    return np.maximum(mask, cv2.blur(cv2.dilate(mask, np.ones((size, size))), (size, size)))
