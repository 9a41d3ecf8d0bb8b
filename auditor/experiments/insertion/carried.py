"""Cuts a moving tag out of the pictures that carry it and pastes it into others: does the prediction come along?

The same patch elsewhere in the same picture is the control, pasted at the same place: it brings the carrier's light,
grain and seam, and not the tag. Unlike a mark with shuffled pixels it does not bring the tag's colours either, which
may be what the network reads.

Source: follow rate of a swapped region, docs/methods.md, interventions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from auditor.evidence import Example, PairedEffects
from auditor.experiments.experiment import MINIMUM_DONORS, MINIMUM_RECIPIENTS, Experiment, paired
from auditor.interventions.painting import Stamp, stamp
from auditor.overlays import MovingTag

MARGIN = 0.25
"""The patch reaches beyond the tag as recovered by this share of its shorter side, at least one pixel."""
TRIES = 12
"""Places drawn for each copy; the one that covers least of the object is taken."""
CONTROL = "a patch of the same picture without the tag"
EXAMPLES = 2


@dataclass(frozen=True, slots=True)
class CarriedTag:
    """A moving tag and the pictures that bring it.

    Attributes:
        name: Of the region, for draws and pictures.
        examples: Pictures worth showing, filled by the test on half B.
    """

    experiment: Experiment
    tag: MovingTag
    name: str
    examples: list[Example] = field(default_factory=list)

    def test(self, half: str, copies: int) -> PairedEffects | None:
        """Share of recipients that turn to the tag's class with it, and with other patches of its carriers.

        Returns:
            None where a half holds too few carriers or recipients, or the tag fills its pictures.
        """
        experiment, tag = self.experiment, self.tag
        members, predicted = experiment.halves[half], experiment.predicted
        carriers = members[tag.present[members] & (predicted[members] == tag.label)]
        recipients = members[~tag.present[members] & (predicted[members] != tag.label)]
        few = len(recipients) < MINIMUM_RECIPIENTS
        if few or len(np.unique(experiment.clusters[carriers])) < MINIMUM_DONORS or not self._fits():
            return None
        rng = experiment.rng("carried", self.name, half)
        recipient = np.repeat(recipients, copies)
        donor = rng.choice(carriers, size=len(recipient))
        places = np.stack([self._place(int(i), rng) for i in recipient])
        with_tag = [self._cut(int(j), self._corner(int(j))) for j in donor]
        without = [self._cut(int(j), self._elsewhere(int(j), rng)) for j in donor]
        scores = self._scores(recipient, with_tag, places, f"moving tag: half {half}")
        control = self._scores(recipient, without, places, f"moving tag: other patches, half {half}")
        turned = scores.argmax(axis=1) == tag.label
        if half == "B":
            self._keep(recipient, donor, with_tag, places, scores)
        return paired(
            "follow_rate", half, turned, (control.argmax(axis=1) == tag.label)[None], recipient, experiment.clusters,
            [CONTROL],
        )  # fmt: skip

    def _size(self) -> tuple[int, int]:
        """Height and width of the patch, the margin on both sides included."""
        height, width = self.tag.alpha.shape
        return int(height) + 2 * self._margin(), int(width) + 2 * self._margin()

    def _margin(self) -> int:
        return max(1, round(MARGIN * int(min(self.tag.alpha.shape))))

    def _fits(self) -> bool:
        return all(2 * side <= whole for side, whole in zip(self._size(), self.experiment.size, strict=True))

    def _corner(self, donor: int) -> np.ndarray:
        """Upper left pixel of the patch around a carrier's tag, moved inside the picture."""
        height, width = self._size()
        most = np.array([self.experiment.size[1] - width, self.experiment.size[0] - height])
        return np.asarray(np.clip(self.tag.corners[donor] - self._margin(), 0, most))

    def _drawn(self, rng: np.random.Generator) -> np.ndarray:
        (height, width), (tall, wide) = self._size(), self.experiment.size
        return np.column_stack([rng.integers(0, wide - width + 1, TRIES), rng.integers(0, tall - height + 1, TRIES)])

    def _covered(self, picture: int, corner: np.ndarray) -> float:
        """Share of the patch that lies on the known object."""
        objects = self.experiment.sample.objects
        if objects is None:
            return 0.0
        (height, width), (x, y) = self._size(), corner
        return float(objects[picture, y : y + height, x : x + width].mean())

    def _place(self, recipient: int, rng: np.random.Generator) -> np.ndarray:
        tries = self._drawn(rng)
        return np.asarray(tries[int(np.argmin([self._covered(recipient, corner) for corner in tries]))])

    def _elsewhere(self, donor: int, rng: np.random.Generator) -> np.ndarray:
        """A patch of a carrier that shares least with its tag, then with its object."""
        tries, own = self._drawn(rng), self._corner(donor)
        height, width = self._size()
        shared = np.prod(np.maximum(0, np.array([width, height]) - np.abs(tries - own)), axis=1)
        costs = [(int(share), self._covered(donor, corner)) for share, corner in zip(shared, tries, strict=True)]
        return np.asarray(tries[costs.index(min(costs))])

    def _cut(self, picture: int, corner: np.ndarray) -> Stamp:
        (height, width), (x, y) = self._size(), (int(corner[0]), int(corner[1]))
        pixels = self.experiment.sample.images[picture, :, y : y + height, x : x + width].float().numpy()
        return Stamp("the tag", pixels, np.ones((height, width), np.float32), (x, y))

    def _scores(self, recipient: np.ndarray, stamps: list[Stamp], places: np.ndarray, what: str) -> np.ndarray:
        images = self.experiment.sample.images
        return self.experiment.predict(
            len(recipient),
            lambda start, stop: stamp(images, recipient[start:stop], stamps[start:stop], places[start:stop]),
            what,
        )

    def _keep(
        self, recipient: np.ndarray, donor: np.ndarray, stamps: list[Stamp], places: np.ndarray, scores: np.ndarray
    ) -> None:
        """The surest that turned, one a recipient."""
        experiment, label = self.experiment, self.tag.label
        hits = np.flatnonzero(scores.argmax(axis=1) == label)
        shown: set[int] = set()
        for pair in hits[np.argsort(-scores[hits, label], kind="stable")]:
            i = int(recipient[pair])
            if i in shown or len(shown) == EXAMPLES:
                continue
            shown.add(i)
            at = slice(int(pair), int(pair) + 1)
            picture = stamp(experiment.sample.images, recipient[at], stamps[at], places[at])[0].numpy()
            before = int(experiment.scores[i].argmax())
            self.examples.append(
                Example(
                    recipient=i,
                    donor=int(donor[pair]),
                    change=f"the mark of {experiment.sample.pictures[int(donor[pair])].name} is pasted into it",
                    picture=experiment.keep_picture(f"{self.name}-carried-{len(shown)}", picture),
                    before=experiment.classes[before],
                    before_score=float(experiment.scores[i, before]),
                    after=experiment.classes[label],
                    after_score=float(scores[pair, label]),
                )
            )
