"""Adversarial examples: what changes of next to nothing do to the prediction, the map and the features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor import registry
from auditor.attacks import OWN_TRANSFORM, fgsm, pgd
from auditor.errors import ModelError, NotApplicableError
from auditor.map_areas import areas_of
from auditor.media import Medium
from auditor.method_names import in_print
from auditor.records import Measurement
from auditor.statistics.intervals import clopper_pearson, mean_interval
from auditor.studies import Audited, LentMap, PictureRow, PictureSheet, Study, Tile
from auditor.visualizers import PASS, MapVisualizer, StudyVisualizer

if TYPE_CHECKING:
    from torch import Tensor

DRAWN = ("fgsm", "pgd")
CHANGES = ("noise", *DRAWN)
RANK, OVERLAP, COSINE = "map_rank_correlation", "map_overlap", "feature_cosine"
SHORT = {RANK: "rank corr.", COSINE: "features"}
"""Under a picture there is room for two words."""
AREAS, HOTTEST = 28, 0.2
"""As `agreement` compares maps: areas along the longer side, and the share of them that counts as the hottest."""
DRAWN_SIDE = 112
"""Pixels of a change that are drawn: averaging it down would leave grey, so every k-th pixel is shown instead."""


@dataclass(frozen=True, slots=True)
class _Changed:
    """The attacked pictures after one change.

    Attributes:
        images: float 0..255.
        scores: float32 (n, classes).
        features: float32 (n, features); None where the model has none.
        of_method: Maps for the classes predicted before.
    """

    images: Tensor
    scores: np.ndarray
    features: np.ndarray | None
    of_method: LentMap


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

    Source: Goodfellow et al., "Explaining and Harnessing Adversarial Examples", ICLR 2015; Madry et al., "Towards Deep
    Learning Models Resistant to Adversarial Attacks", ICLR 2018; Ghorbani et al., "Interpretation of Neural Networks Is
    Fragile", AAAI 2019, section 3, for rank correlation and overlap of maps.
    """

    epsilon: float = Field(2.0, gt=0, le=255, description="Largest change of a pixel, in levels of 255")
    steps: int = Field(10, ge=1, le=1000, description="Steps of PGD")
    most_images: int = Field(16, ge=1, description="Pictures that are attacked and measured")
    shown: int = Field(2, ge=1, le=12, description="Of those, how many are shown")
    method: str = Field("grad_cam", description="Whose map is compared before and after; a name of `auditor list`")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    reading = (
        "The changed picture looks like the original; the change beside it is magnified, grey is none. Framed pictures "
        "are now predicted as another class. Far more loss than under noise of the same size means that the model "
        "leans on detail that nobody sees."
    )

    def mistakes(self, folder: Path) -> list[tuple[str, str]]:
        found = super().mistakes(folder)
        names = registry.names("visualizers")
        if self.method not in names:
            found.append(("method", registry.unknown_name("visualizer", self.method, names)))
        elif not _makes_maps(self.method):
            found.append(("method", f"{self.method} makes no maps of pictures; take one such as grad_cam"))
        return found

    def forwards(self, height: int, width: int) -> int:
        versions = 1 + len(CHANGES)
        part = registry.load("visualizers", self.method)()
        assert isinstance(part, MapVisualizer)
        return versions * (1 + 1 + PASS + part.forwards(height, width)) + PASS * (1 + self.steps)

    def study(self, audited: Audited, observed: Sequence[Any]) -> Sequence[Study]:
        import torch

        if audited.model.preprocessing.transform is not None:
            raise NotApplicableError(OWN_TRANSFORM)
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
        measured = [
            item for name, one in after.items() for item in _measured(name, before, one, classes, rows, audited)
        ]
        remarks = []
        if before.of_method.maps is None:
            remarks.append(f"No map of {self.method} stands beside them: {before.of_method.reason}.")
        if flat := int((downhill == 0).flatten(1).all(dim=1).sum()):
            remarks.append(f"On {flat} of {len(rows)} pictures the gradient is zero: these attacks say nothing there.")
        sheet = self._sheet(rows, pool, before, after, classes, audited)
        return [Study([sheet], before.of_method.layer, tuple(measured), tuple(remarks))]

    def _rows(self, audited: Audited) -> tuple[np.ndarray, str]:
        """Pictures to attack in the order of their draw, and in words what they were drawn from."""
        labels = audited.sample.labels
        pool, words = np.arange(len(labels)), f"{len(labels)} pictures without labels"
        if (labels >= 0).any():
            pool = np.flatnonzero((labels >= 0) & (labels == audited.predicted))
            words = f"{len(pool)} pictures that the model gets right"
        if not len(pool):
            raise NotApplicableError("the model gets no picture right, so no right class can be lost")
        draw = np.random.default_rng([audited.seed, 15])
        return pool[draw.permutation(len(pool))[: self.most_images]], words

    def _looked_at(
        self, images: Tensor, scores: np.ndarray, rows: np.ndarray, classes: np.ndarray, audited: Audited
    ) -> _Changed:
        try:
            features = audited.features(images)
        except ModelError:
            features = None
        return _Changed(images, scores, features, audited.maps(self.method, rows, images, classes))

    def _sheet(
        self,
        rows: np.ndarray,
        pool: str,
        before: _Changed,
        after: Mapping[str, _Changed],
        classes: np.ndarray,
        audited: Audited,
    ) -> PictureSheet:
        heads = {"fgsm": ("FGSM", "one step"), "pgd": ("PGD", f"{self.steps} steps")}
        likeness = {name: _likenesses(before, after[name]) for name in DRAWN}
        stride = -(-max(before.images.shape[2:]) // DRAWN_SIDE)
        factor = 127 / self.epsilon
        count = min(self.shown, len(rows))
        lines = []
        for place, row in enumerate(rows[:count].tolist()):
            for name in DRAWN:
                change = factor * (after[name].images[place] - before.images[place])[:, ::stride, ::stride]
                tiles = [
                    *_pair(audited, before, place, int(classes[place]), ""),
                    *_pair(audited, after[name], place, int(classes[place]), _told(likeness[name], RANK, place)),
                    Tile(
                        audited.sample.shown(128 + change.numpy()),
                        (f"change × {factor:.3g}", _told(likeness[name], COSINE, place)),
                    ),
                ]
                lines.append(PictureRow((*heads[name], Path(audited.sample.pictures[row].name).name), tiles))
        layer = f" at {before.of_method.layer}" if before.of_method.layer else ""
        maps = "" if before.of_method.maps is None else (
            f" Maps: {in_print(self.method)}{layer}, for the class predicted before, each from 0 to its own maximum."
        )  # fmt: skip
        thinned = f", every {stride}. pixel of each row and column" if stride > 1 else ""
        return PictureSheet(
            lines,
            f"Every pixel changed by at most {self.epsilon:g} of 255 levels: {count} of {len(rows)} attacked pictures, "
            f"drawn at random from {pool}. Under each what is predicted, framed where that is another class.{maps} The "
            f"change is magnified by {factor:.3g} around grey{thinned}; under it the cosine of the features.",
            f"{count} pictures before and after FGSM and PGD, with their change and the maps before and after.",
        )


def _signs(rows: np.ndarray, clean: Tensor, seed: int) -> Tensor:
    """A draw of ±1 for every value; a picture's depends on its row of the sample alone."""
    import torch

    draws = [np.random.default_rng([seed, 13, int(row)]).choice((-1.0, 1.0), clean.shape[1:]) for row in rows]
    return torch.from_numpy(np.stack(draws)).float()


def _measured(
    name: str, before: _Changed, after: _Changed, classes: np.ndarray, rows: np.ndarray, audited: Audited
) -> list[Measurement]:
    """Over all attacked pictures, with intervals over what belongs together."""
    lost = after.scores.argmax(axis=1) != classes
    clusters = audited.clusters[rows]
    if len(np.unique(clusters)) < len(rows):
        low, high = mean_interval(lost.astype(float), clusters, seed=audited.seed)
    else:
        low, high = clopper_pearson(int(lost.sum()), len(lost))
    share = float(lost.mean())
    ends = {"low": min(low, share), "high": max(high, share)}
    found = [Measurement(name=f"class_lost:{name}", value=share, count=len(rows), **ends)]
    for what, (values, known) in _likenesses(before, after).items():
        title = f"{what}:{name}"
        if not known.any():
            reason = "the model has no such features" if what == COSINE else "no usable map"
            found.append(Measurement(name=title, value=None, count=0, reason=reason))
            continue
        lower = 0.0 if what == OVERLAP else -1.0
        low, high = mean_interval(values[known], clusters[known], seed=audited.seed, lower=lower)
        mean = float(values[known].mean())
        found.append(Measurement(name=title, value=mean, low=low, high=high, count=int(known.sum())))
    return found


def _pair(audited: Audited, shown: _Changed, place: int, before: int, likeness: str) -> list[Tile]:
    """A picture with its prediction, and the map over it where the method makes one."""
    picture = audited.sample.shown(shown.images[place].numpy())
    scores = shown.scores[place]
    now = int(scores.argmax())
    lost = now != before
    words = [f"{audited.class_name(now)} {scores[now]:.2f}"]
    if lost:
        words.append(f"{audited.class_name(before)} {scores[before]:.2f}")
    tiles = [Tile(picture, words, marked=lost)]
    if shown.of_method.maps is None:
        return tiles
    if not shown.of_method.usable[place]:
        return [*tiles, Tile(picture, ("map: blank",))]
    return [*tiles, Tile(picture, ("its map", likeness), heat=shown.of_method.maps[place])]


def _makes_maps(name: str) -> bool:
    part = registry.load("visualizers", name)
    return issubclass(part, MapVisualizer) and Medium.PICTURE in part.media


def _likenesses(before: _Changed, after: _Changed) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What → (values, where they are defined), (n,) each: 1 where nothing moved."""
    count = len(before.scores)
    nothing = (np.zeros(count), np.zeros(count, bool))
    found = {RANK: nothing, OVERLAP: nothing, COSINE: nothing}
    one, other = before.of_method, after.of_method
    if one.maps is not None and other.maps is not None:
        ranks, tops, varies = areas_of([one.maps, other.maps], AREAS, HOTTEST)
        usable = one.usable & other.usable & varies.all(axis=0)
        both = (tops[0] * tops[1]).sum(axis=1)
        found[RANK] = ((ranks[0] * ranks[1]).sum(axis=1).clip(-1, 1), usable)
        found[OVERLAP] = (both / np.maximum(tops[0].sum(axis=1) + tops[1].sum(axis=1) - both, 1), usable)
    if before.features is not None and after.features is not None:
        was, now = before.features.astype(np.float64), after.features.astype(np.float64)
        lengths = np.linalg.norm(was, axis=1) * np.linalg.norm(now, axis=1)
        known = np.isfinite(lengths) & (lengths > 0)
        cosines = np.where(known, (was * now).sum(axis=1) / np.where(known, lengths, 1), 0.0)
        found[COSINE] = (cosines.clip(-1, 1), known)
    return found


def _told(likeness: Mapping[str, tuple[np.ndarray, np.ndarray]], what: str, place: int) -> str:
    """'rank corr. 0.42'; "" where it is not defined."""
    values, known = likeness[what]
    return f"{SHORT[what]} {values[place]:.2f}" if known[place] else ""
