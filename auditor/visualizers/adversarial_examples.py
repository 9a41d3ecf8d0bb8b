"""Adversarial examples: what changes of next to nothing do to the prediction, the map and the features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor import registry
from auditor.attacks import fgsm, no_budget, pgd
from auditor.changed_pictures import Changed, Shown, measured, picture_rows, stack_rows, stride_of
from auditor.errors import ModelError, NotApplicableError
from auditor.media import EVERY, Medium
from auditor.method_names import in_print
from auditor.studies import Audited, PictureSheet, Study
from auditor.subjects import VolumeSample
from auditor.visualizers import PASS, MapVisualizer, StudyVisualizer

if TYPE_CHECKING:
    from torch import Tensor

DRAWN = ("fgsm", "pgd")
CHANGES = ("noise", *DRAWN)


class AdversarialExamples(StudyVisualizer):
    """Adversarial examples: pictures changed by less than anyone would see, so that their class loses.

    Every pixel may change by ε of 255 levels. FGSM takes one step, x − ε sign(∇m), PGD several of 2.5 ε / steps, each
    followed by a projection into [x − ε, x + ε] and 0 to 255; m is the margin of the class over all others (see the
    metric `robustness`, which gives the share of pictures that stay right over ε). Pixels are not rounded. Attacked
    are pictures drawn at random from those that the model gets right; without labels, from all. Beside each picture
    stand the change, magnified around grey, and the map of one method before and after, for the class predicted before.
    Measured over all attacked pictures: the share that lose their class, how like the map stays (Spearman's correlation
    of its areas, overlap of the hottest fifth), and the cosine of the penultimate features. Noise of ±ε in every value
    is the control. A map that moves as little under the attack as under noise, while the class changes, does not show
    what the decision turned on. A picture that stands may fall to a stronger attack: nothing here proves safety.
    Clips are shown by frames, volumes by three planes through the place where the map was largest before the attack.

    Source: Goodfellow et al., "Explaining and Harnessing Adversarial Examples", ICLR 2015; Madry et al., "Towards Deep
    Learning Models Resistant to Adversarial Attacks", ICLR 2018; Ghorbani et al., "Interpretation of Neural Networks Is
    Fragile", AAAI 2019, section 3, for rank correlation and overlap of maps.
    """

    epsilon: float = Field(2.0, gt=0, le=255, description="Largest change of a pixel, in levels of 255")
    steps: int = Field(10, ge=1, le=1000, description="Steps of PGD")
    most_images: int = Field(16, ge=1, description="Pictures that are attacked and measured")
    shown: int = Field(2, ge=1, le=12, description="Of those, how many are shown")
    method: str = Field("grad_cam", description="Whose map is compared before and after; a name of `auditor list`")

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    reading = (
        "What was changed looks like the original; the change beside it is magnified, grey is none. What is framed "
        "is now predicted as another class. Far more loss than under noise of the same size means that the model "
        "leans on detail that nobody sees."
    )

    def mistakes(self, folder: Path) -> list[tuple[str, str]]:
        found = super().mistakes(folder)
        names = registry.names("visualizers")
        if self.method not in names:
            found.append(("method", registry.unknown_name("visualizer", self.method, names)))
        elif not _makes_maps(self.method):
            found.append(("method", f"{self.method} makes no maps; take one such as grad_cam"))
        return found

    def forwards(self, height: int, width: int) -> int:
        versions = 1 + len(CHANGES)
        part = registry.load("visualizers", self.method)()
        assert isinstance(part, MapVisualizer)
        return versions * (1 + 1 + PASS + part.forwards(height, width)) + PASS * (1 + self.steps)

    def study(self, audited: Audited, observed: Sequence[Any]) -> Sequence[Study]:
        import torch

        if reason := no_budget(audited.sample.images, audited.model.preprocessing.transform):
            raise NotApplicableError(reason)
        if audited.predicted is None or len(audited.classes) == 1:
            raise NotApplicableError("the model gives no scores of classes, so none can lose")
        rows, pool = self._rows(audited)
        clean = audited.sample.images[torch.from_numpy(rows)].float()
        scores = audited.scores(clean)
        classes = scores.argmax(axis=1)
        downhill = audited.margin_gradient(clean, classes)
        images = {
            "noise": fgsm(clean, _signs(rows, clean, audited.seed), self.epsilon),
            "fgsm": fgsm(clean, downhill, self.epsilon),
            "pgd": pgd(audited.margin_gradient, clean, clean, classes, self.epsilon, steps=self.steps),
        }
        before = self._looked_at(clean, scores, rows, classes, audited)
        after = {name: self._looked_at(one, audited.scores(one), rows, classes, audited)
                 for name, one in images.items()}  # fmt: skip
        numbers = [item for name, one in after.items() for item in measured(name, before, one, classes, rows, audited)]
        several = audited.sample.medium.several
        remarks = []
        if before.of_method.maps is None:
            remarks.append(f"No map of {self.method} stands beside them: {before.of_method.reason}.")
        if flat := int((downhill == 0).flatten(1).all(dim=1).sum()):
            remarks.append(f"On {flat} of {len(rows)} {several} the gradient is zero: these attacks say nothing there.")
        sheets = self._sheets(rows, pool, before, after, classes, audited)
        return [Study(sheets, before.of_method.layer, tuple(numbers), tuple(remarks))]

    def _rows(self, audited: Audited) -> tuple[np.ndarray, str]:
        """Pictures to attack in the order of their draw, and in words what they were drawn from."""
        labels, several = audited.sample.labels, audited.sample.medium.several
        pool, words = np.arange(len(labels)), f"{len(labels)} {several} without labels"
        if (labels >= 0).any():
            pool = np.flatnonzero((labels >= 0) & (labels == audited.predicted))
            words = f"{len(pool)} {several} that the model gets right"
        if not len(pool):
            raise NotApplicableError(
                f"the model gets no {audited.sample.medium.value} right, so no right class can be lost"
            )
        draw = np.random.default_rng([audited.seed, 15])
        return pool[draw.permutation(len(pool))[: self.most_images]], words

    def _looked_at(
        self, images: Tensor, scores: np.ndarray, rows: np.ndarray, classes: np.ndarray, audited: Audited
    ) -> Changed:
        try:
            features = audited.features(images)
        except ModelError:
            features = None
        return Changed(images, scores, features, audited.maps(self.method, rows, images, classes))

    def _sheets(
        self,
        rows: np.ndarray,
        pool: str,
        before: Changed,
        after: Mapping[str, Changed],
        classes: np.ndarray,
        audited: Audited,
    ) -> list[PictureSheet]:
        """All pictures on one sheet; each clip or volume on one of its own."""
        heads = {"fgsm": ("FGSM", "one step"), "pgd": ("PGD", f"{self.steps} steps")}
        factor = 127 / self.epsilon
        chosen = [
            Shown(place, int(row), int(classes[place]), factor, heads)
            for place, row in enumerate(rows[: self.shown].tolist())
        ]
        sample = audited.sample
        few = f"{len(chosen)} of {len(rows)} attacked {sample.medium.several}, drawn at random from {pool}"
        value = "voxel" if sample.medium is Medium.VOLUME else "pixel"
        budget = f"Every {value} changed by at most {self.epsilon:g} of 255 levels"
        layer = f" at {before.of_method.layer}" if before.of_method.layer else ""
        maps = "" if before.of_method.maps is None else (
            f" Maps: {in_print(self.method)}{layer}, for the class predicted before, each from 0 to its own maximum."
        )  # fmt: skip
        if isinstance(sample, VolumeSample):
            return [
                PictureSheet(
                    stack_rows(one, audited, sample, before, after),
                    f"{budget}: {sample.pictures[one.row].name}, one of {few}. At the left what is predicted, framed "
                    f"where that is another class.{maps} The change is magnified by {factor:.3g} around grey; beside "
                    "it the cosine of the features.",
                    f"1 {sample.medium.value} before and after FGSM and PGD, with their change and the maps before and "
                    "after.",
                    str(number),
                )
                for number, one in enumerate(chosen, start=1)
            ]
        stride = stride_of(before.images.shape[2:])
        thinned = f", every {stride}. pixel of each row and column" if stride > 1 else ""
        return [
            PictureSheet(
                [row for one in chosen for row in picture_rows(one, audited, before, after)],
                f"{budget}: {few}. Under each what is predicted, framed where that is another class.{maps} The change "
                f"is magnified by {factor:.3g} around grey{thinned}; under it the cosine of the features.",
                f"{len(chosen)} pictures before and after FGSM and PGD, with their change and the maps before and "
                "after.",
            )
        ]


def _signs(rows: np.ndarray, clean: Tensor, seed: int) -> Tensor:
    """A draw of ±1 for every value; a picture's depends on its row of the sample alone."""
    import torch

    draws = [np.random.default_rng([seed, 13, int(row)]).choice((-1.0, 1.0), clean.shape[1:]) for row in rows]
    return torch.from_numpy(np.stack(draws)).float()


def _makes_maps(name: str) -> bool:
    return issubclass(registry.load("visualizers", name), MapVisualizer)
