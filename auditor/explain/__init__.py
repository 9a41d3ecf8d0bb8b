"""One picture: its maps, its own causal map, and what decides. The doctor's question, not a verdict on the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from auditor import figures
from auditor.engine import integrity, layers
from auditor.engine.device import choose_device, seeded
from auditor.engine.maps import MapRun, make_maps
from auditor.engine.predictor import Predictor
from auditor.engine.resolving import own_score, resolved
from auditor.errors import DataError, ModelError
from auditor.explain.cells import STRONGEST, CellEffect, effect_of, row_of, strongest, what_decides
from auditor.explain.choosing import FORWARDS, Choice, chosen_maps, in_words
from auditor.interventions import Swapper
from auditor.media import Medium
from auditor.method_names import in_print
from auditor.regions import grid
from auditor.reports._explanation import ExplainedPicture, ExplanationFigure, Tile, write_explanation
from auditor.subjects import PictureInfo, Sample
from auditor.subjects.decoding import decode
from auditor.subjects.loading import load_model
from auditor.subjects.preprocessing import load_transform
from auditor.subjects.sampling import load_sample

if TYPE_CHECKING:
    from auditor.plan import Plan
    from auditor.progress import Progress
    from auditor.subjects import LoadedModel
    from auditor.targets import Targets

CELLS = 6
SCREENING = 2
"""Pictures that lend every cell, to see which cells matter."""
DONORS = 6
"""Further ones for the cells that matter most, measured on these alone: chance had a part in choosing the cells."""
DONOR_SAMPLE = 24
"""Pictures of the spec's sample that may lend their cells."""
SHOWN_CLASSES = 5
TOP = 0.995
"""Share of a map's pixels below the upper end of its colours: single pixels would leave a fine map dark."""
TILE = 224
"""Longer side of a map on the page, pixels."""


def explain_pictures(
    plan: Plan,
    images: Sequence[Path],
    folder: Path,
    progress: Progress,
    *,
    most_forwards: int = FORWARDS,
    pdf: bool = False,
) -> list[Path]:
    """A page for each picture, `folder/<stem>.html`, and the same for print where it is asked for.

    Args:
        most_forwards: What all maps of a picture may cost together.
        pdf: Whether `folder/<stem>.pdf` is written too.

    Raises:
        DataError: A picture cannot be read, or the sample has no picture of another class to borrow cells from.
        ModelError: The target is no class of the model.
    """
    spec = plan.spec
    if plan.medium is not Medium.PICTURE:
        raise DataError(f"explain looks at single pictures, and this spec brings {plan.medium.several}: take run")
    if spec.target.kind == "label":
        raise DataError("target: label: a picture on its own has no label; name the class: --target NAME")
    device = choose_device(spec.runtime.device)
    with seeded(spec.runtime.seed):
        model = load_model(spec.model, source=plan.model_source, folder=plan.folder, device=device)
        smaller = spec.dataset.sample.model_copy(update={"size": min(DONOR_SAMPLE, spec.dataset.sample.size)})
        donors, classes = load_sample(
            spec.dataset.model_copy(update={"sample": smaller}),
            plan.dataset_source,
            plan.folder,
            model.preprocessing,
            model.classes,
            progress=lambda done, total: progress.step(done, total, "reading donor pictures"),
        )
        predictor = Predictor(model, device, chunk=spec.runtime.chunk)
        with integrity.untouched(model.module):
            explainer = _Explainer(plan, model, predictor, donors, classes, progress, most_forwards)
            return [path for image in images for path in explainer.pages(image, folder, pdf=pdf)]


class _Explainer:
    """What all pictures of one call share."""

    def __init__(
        self,
        plan: Plan,
        model: LoadedModel,
        predictor: Predictor,
        donors: Sample,
        classes: tuple[str, ...],
        progress: Progress,
        most_forwards: int,
    ) -> None:
        self.plan, self.model, self.predictor, self.donors = plan, model, predictor, donors
        self.progress, self.most_forwards = progress, most_forwards
        scores = predictor.scores(donors.images)
        self.donor_classes = scores.argmax(axis=1)
        self.classes = classes or tuple(str(index) for index in range(scores.shape[1]))
        self.own = own_score(plan.spec.target, plan.folder)
        # what the causal map follows: the same model, asked for the score of one's own where there is one
        self.asked = predictor if self.own is None else Predictor(model, predictor.device, own=self.own)

    def pages(self, image: Path, folder: Path, *, pdf: bool) -> list[Path]:
        """Explain one picture."""
        sample = self._sample(image)
        scores = self.predictor.scores(sample.images)
        predicted, targets = int(scores[0].argmax()), self._targets(scores)
        name = self.classes[predicted] if targets.is_predicted else targets.words
        score = self._followed(scores if self.own is None else self.asked.scores(sample.images), targets)[0]
        cells = self._cells(sample, predicted, targets, float(score))
        top = np.argsort(-scores[0], kind="stable")[:SHOWN_CLASSES]
        size = self.model.preprocessing.height, self.model.preprocessing.width
        choice = chosen_maps(self.plan, size, most_forwards=self.most_forwards)
        made = self._maps(sample, targets, choice)
        picture = ExplainedPicture(
            name=image.name,
            model=self.model.name,
            title=self.plan.spec.title or self.plan.spec.name,
            target=name,
            scores=tuple((self.classes[index], float(scores[0, index])) for index in top),
            sentence=what_decides(cells, name, float(score)),
            cells=tuple(row_of(cell) for cell in strongest(cells)),
            figure=self._causal_figure(sample, cells, name),
            tiles=self._tiles(sample, made, choice),
            layers=tuple(dict.fromkeys(item.layer for item in made.maps if item.layer)),
            notes=(*in_words(choice, self.most_forwards), *_skipped(made)),
        )
        return write_explanation(
            picture, folder / f"{image.stem}.html", language=self.plan.spec.report.language, pdf=pdf
        )

    def _targets(self, scores: np.ndarray) -> Targets:
        try:
            return resolved(
                self.plan.spec.target,
                predicted=scores.argmax(axis=1),
                labels=np.array([-1]),
                names=self.classes,
                own=self.own,
            )
        except ValueError as error:
            raise ModelError(f"target: {error}") from None

    def _followed(self, scores: np.ndarray, targets: Targets) -> np.ndarray:
        """The explained score of pictures that are all made from one, (m,)."""
        return np.asarray(targets.expand(len(scores)).of(torch.from_numpy(scores)).numpy())

    def _sample(self, image: Path) -> Sample:
        """The picture as a sample of one."""
        if not image.is_file():
            raise DataError(f"{image}: no such picture")
        preprocessing = self.model.preprocessing
        transform = load_transform(preprocessing.transform, self.plan.folder) if preprocessing.transform else None
        info = PictureInfo(image.name, image)
        try:
            decoded = decode(info, preprocessing, transform=transform)
        except DataError as error:
            raise DataError(f"{image}: {error}") from None
        pixels = decoded.image if isinstance(decoded.image, torch.Tensor) else torch.from_numpy(decoded.image)
        return replace(
            self.donors,
            pictures=[info],
            images=pixels[None],
            labels=np.array([-1]),
            objects=None,
            has_object=np.array([False]),
        )

    def _cells(self, sample: Sample, predicted: int, targets: Targets, score: float) -> list[CellEffect]:
        """Swap every cell with pictures of other classes; the strongest again, with further pictures."""
        others = np.flatnonzero(self.donor_classes != predicted)
        if len(others) == 0:
            raise DataError("every picture of the sample is predicted as the same class; none can lend its cells")
        rng = np.random.default_rng(self._seed)
        chosen = rng.choice(others, size=min(SCREENING + DONORS, len(others)), replace=False)
        height, width = sample.images.shape[-2:]
        regions = grid(height, width, CELLS)
        swapper = Swapper(torch.cat([sample.images, self.donors.images[torch.from_numpy(chosen)]]), regions)
        every = np.arange(len(regions))
        # with too few donors to measure apart, all of them serve both
        apart = len(chosen) > 2 * SCREENING
        first = range(SCREENING) if apart else range(len(chosen))
        drops, flips = self._swapped(swapper, every, first, predicted, targets, score)
        bounds = (score - 1, score - targets.least) if self.own is None else None
        if not apart:
            return [effect_of(*each, bounds, self._seed) for each in zip(regions, drops, flips, strict=True)]
        found = [
            CellEffect(region, float(fall.mean()), None, None, float(turned.mean()))
            for region, fall, turned in zip(regions, drops, flips, strict=True)
        ]
        best = np.sort(np.argsort(-drops.mean(axis=1), kind="stable")[:STRONGEST])
        drops, flips = self._swapped(swapper, best, range(SCREENING, len(chosen)), predicted, targets, score)
        for index, fall, turned in zip(best.tolist(), drops, flips, strict=True):
            found[index] = effect_of(regions[index], fall, turned, bounds, self._seed)
        return found

    @property
    def _seed(self) -> int:
        return self.plan.spec.runtime.seed

    def _swapped(
        self, swapper: Swapper, cells: np.ndarray, donors: range, predicted: int, targets: Targets, score: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Falls of the score, and whether the prediction changes: (cells, donors) each."""
        count = len(donors)

        def make(start: int, stop: int) -> torch.Tensor:
            flat = np.arange(start, stop)
            return swapper.compose(cells[flat // count], np.zeros_like(flat), 1 + donors.start + flat % count)

        report = self.progress.step
        after = self.asked.scores_of(
            len(cells) * count, make, progress=lambda done, total: report(done, total, "swapping cells")
        )
        flips = after.argmax(axis=1) != (predicted if self.own is None else 0)
        shape = (len(cells), count)
        return (score - self._followed(after, targets)).reshape(shape), flips.reshape(shape)

    def _causal_figure(self, sample: Sample, cells: Sequence[CellEffect], name: str) -> ExplanationFigure:
        drops = np.asarray([cell.drop for cell in cells]).reshape(CELLS, CELLS)
        drawn = figures.causal_picture(figures.CausalGrid(drops, None, SCREENING), sample.display(0))
        best = strongest(cells)[0]
        return ExplanationFigure(
            "Causal map",
            figures.encode_jpeg(drawn),
            "image/jpeg",
            f"Left, the picture; right, the fall of the score of {name} when a cell comes from another picture "
            f"({SCREENING} pictures a cell; the strongest {STRONGEST} measured again on {DONORS} others).",
            f"Grid of {CELLS} by {CELLS} falls; largest {best.drop:.2f} at {best.region.name}.",
        )

    def _maps(self, sample: Sample, targets: Targets, choice: Choice) -> MapRun:
        """All maps, at one layer where the spec leaves the choice: the last before pooling."""
        example = self.model.preprocessing.to_input(sample.images.to(self.predictor.device))
        found = layers.target_layers(self.model.module, self.plan.spec.layers, example, self.own)
        names = found.names[-1:] if self.plan.spec.layers == "auto" else found.names
        return make_maps(
            self.model,
            self.model.module,
            sample,
            choice.parts,
            list(names),
            device=self.predictor.device,
            chunk=1,
            targets=targets,
            predictor=self.asked,
        )

    def _tiles(self, sample: Sample, made: MapRun, choice: Choice) -> tuple[Tile, ...]:
        """The photo first, then every map over it; blank maps are said to be blank."""
        photo = sample.display(0)
        tiles = [Tile("the picture", figures.encode_jpeg(_small(photo)), "", "The picture as the model sees it.")]
        several = len({item.layer for item in made.maps} - {None}) > 1
        readings = {part.part_name(): part.reading for part in choice.parts}
        for item in made.maps:
            note = choice.rougher.get(item.method, "")
            title = in_print(item.method) + (f" at {item.layer}" if several and item.layer else "")
            if not item.usable[0]:
                tiles.append(Tile(title, b"", "blank: nothing to see", readings[item.method], item.method))
                continue
            top = float(np.quantile(item.maps[0], TOP)) or float(item.maps[0].max())
            shown = figures.overlay(photo, item.maps[0], 0.0, top)
            rougher = f"rougher: {note}" if note else ""
            small = figures.encode_jpeg(_small(shown))
            tiles.append(Tile(title, small, rougher, readings[item.method], item.method))
        return tuple(tiles)


def _small(picture: np.ndarray) -> np.ndarray:
    import cv2

    scale = min(1.0, TILE / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return picture if scale == 1 else np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _skipped(made: MapRun) -> list[str]:
    """What means nothing on this model, and what broke, in words."""
    reasons: dict[str, list[str]] = {}
    for name, _, reason in made.skipped:
        reasons.setdefault(reason, []).append(name)
    words = [f"Not made: {', '.join(map(in_print, names))}: {reason}." for reason, names in reasons.items()]
    return words + [f"Broke: {in_print(name)}: {reason}." for name, _, reason in made.failures]
