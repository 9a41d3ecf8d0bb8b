"""One picture: its maps, its own causal map, and what decides. The doctor's question, not a verdict on the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from auditor import figures
from auditor.engine import integrity, layers
from auditor.engine.device import choose_device, seeded
from auditor.engine.maps import make_maps
from auditor.engine.predictor import Predictor
from auditor.errors import DataError
from auditor.interventions import Swapper
from auditor.media import Medium
from auditor.regions import Region, grid
from auditor.reports._explanation import ExplainedPicture, ExplanationFigure, write_explanation
from auditor.statistics.intervals import mean_interval
from auditor.subjects import PictureInfo, Sample
from auditor.subjects.decoding import decode
from auditor.subjects.loading import load_model
from auditor.subjects.preprocessing import load_transform
from auditor.subjects.sampling import load_sample
from auditor.visualizers import MapSet, MapVisualizer

if TYPE_CHECKING:
    from auditor.plan import Plan
    from auditor.progress import Progress
    from auditor.subjects import LoadedModel

CELLS = 6
DONORS = 8
DONOR_SAMPLE = 48
"""Pictures of the spec's sample that may lend their cells."""
SHOWN_CLASSES = 5


@dataclass(frozen=True, slots=True)
class CellEffect:
    """What the prediction loses when one cell comes from other pictures.

    Attributes:
        drop: Mean fall of the predicted class's probability; low, high: its bootstrap interval over donors.
        flips: Share of donors with which the prediction changes.
    """

    region: Region
    drop: float
    low: float
    high: float
    flips: float


def explain_pictures(plan: Plan, images: Sequence[Path], folder: Path, progress: Progress) -> list[Path]:
    """A page for each picture, `folder/<stem>.html`.

    Raises:
        DataError: A picture cannot be read, or the sample has no picture of another class to borrow cells from.
    """
    spec = plan.spec
    if plan.medium is not Medium.PICTURE:
        raise DataError(f"explain looks at single pictures, and this spec brings {plan.medium.several}: take run")
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
            explainer = _Explainer(plan, model, predictor, donors, classes, progress)
            return [explainer.page(image, folder) for image in images]


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
    ) -> None:
        self.plan, self.model, self.predictor, self.donors = plan, model, predictor, donors
        self.progress = progress
        self.donor_classes = predictor.scores(donors.images).argmax(axis=1)
        self.classes = classes

    def page(self, image: Path, folder: Path) -> Path:
        """Explain one picture."""
        sample = self._sample(image)
        scores = self.predictor.scores(sample.images)[0]
        names = self.classes or tuple(str(index) for index in range(len(scores)))
        predicted = int(scores.argmax())
        cells = self._cells(sample, predicted, float(scores[predicted]))
        top = sorted(range(len(scores)), key=lambda index: -scores[index])[:SHOWN_CLASSES]
        picture = ExplainedPicture(
            name=image.name,
            model=self.model.name,
            title=self.plan.spec.title or self.plan.spec.name,
            scores=tuple((names[index], float(scores[index])) for index in top),
            sentence=what_decides(cells, names[predicted], float(scores[predicted])),
            cells=tuple((cell.region.name, cell.drop, cell.low, cell.high, cell.flips) for cell in strongest(cells)),
            figures=(self._causal_figure(sample, cells), *self._map_figures(sample)),
        )
        return write_explanation(picture, folder / f"{image.stem}.html")

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

    def _cells(self, sample: Sample, predicted: int, score: float) -> list[CellEffect]:
        """Swap every cell with pictures of other classes."""
        others = np.flatnonzero(self.donor_classes != predicted)
        if len(others) == 0:
            raise DataError("every picture of the sample is predicted as the same class; none can lend its cells")
        rng = np.random.default_rng(self.plan.spec.runtime.seed)
        chosen = rng.choice(others, size=min(DONORS, len(others)), replace=False)
        height, width = sample.images.shape[-2:]
        regions = grid(height, width, CELLS)
        swapper = Swapper(torch.cat([sample.images, self.donors.images[torch.from_numpy(chosen)]]), regions)
        count = len(chosen)

        def make(start: int, stop: int) -> torch.Tensor:
            flat = np.arange(start, stop)
            return swapper.compose(flat // count, np.zeros_like(flat), 1 + flat % count)

        report = self.progress.step
        after = self.predictor.scores_of(
            len(regions) * count, make, progress=lambda done, total: report(done, total, "swapping cells")
        )
        drops = (score - after[:, predicted]).reshape(len(regions), count)
        flips = (after.argmax(axis=1) != predicted).reshape(len(regions), count)
        seed = self.plan.spec.runtime.seed
        bounds = [mean_interval(row, seed=seed, lower=-1.0, upper=1.0) for row in drops]
        return [
            CellEffect(region, float(row.mean()), low, high, float(flipped.mean()))
            for region, row, flipped, (low, high) in zip(regions, drops, flips, bounds, strict=True)
        ]

    def _causal_figure(self, sample: Sample, cells: Sequence[CellEffect]) -> ExplanationFigure:
        drops = np.asarray([cell.drop for cell in cells]).reshape(CELLS, CELLS)
        svg = figures.causal_map(
            figures.CausalGrid(drops, None, DONORS),
            photo=sample.display(0),
            unit="fall of the predicted class's probability",
        )
        best = strongest(cells)[0]
        return ExplanationFigure(
            "Causal map",
            svg,
            "image/svg+xml",
            f"Fall of the prediction's probability when a cell comes from another picture ({DONORS} donors).",
            f"Grid of {CELLS} by {CELLS} falls; largest {best.drop:.2f} at {best.region.name}.",
        )

    def _map_figures(self, sample: Sample) -> list[ExplanationFigure]:
        parts: list[Any] = [i.part for i in self.plan.visualizers if isinstance(i.part, MapVisualizer)]
        example = self.model.preprocessing.to_input(sample.images.to(self.predictor.device))
        chosen = layers.target_layers(self.model.module, self.plan.spec.layers, example)
        made = make_maps(
            self.model,
            self.model.module,
            sample,
            parts,
            list(chosen.names),
            device=self.predictor.device,
            chunk=1,
            predictor=self.predictor,
        )
        return [_map_figure(sample, item, parts) for item in made.maps if item.usable[0]]


def _map_figure(sample: Sample, item: MapSet, parts: Sequence[Any]) -> ExplanationFigure:
    reading = next(part.reading for part in parts if part.part_name() == item.method)
    picture = figures.map_triptych(sample.display(0), item.maps[0], unit="magnitude")
    return ExplanationFigure(
        item.name,
        figures.encode_jpeg(picture),
        "image/jpeg",
        reading,
        f"Photo, {item.name} map, and the map over the photo.",
    )


def strongest(cells: Sequence[CellEffect]) -> list[CellEffect]:
    """The cells that matter most, at most six."""
    return sorted(cells, key=lambda cell: (-cell.drop, cell.region.name))[:6]


def what_decides(cells: Sequence[CellEffect], name: str, score: float) -> str:
    """One sentence: the cells whose replacement moves the prediction, or that no single one does."""
    deciding = [cell for cell in strongest(cells) if cell.low > 0 and cell.drop >= 0.05]
    if not deciding:
        return f"{name} ({score:.2f}): no single cell decides; the evidence is spread over the picture."
    words = ", ".join(f"{_where(cell.region)} (−{cell.drop:.2f})" for cell in deciding)
    return f"{name} ({score:.2f}) rests on {words}."


def _where(region: Region) -> str:
    row, column = region.name.removeprefix("cell-r").split("c")
    return f"row {row}, column {column}"
