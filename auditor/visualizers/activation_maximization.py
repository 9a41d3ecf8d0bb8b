"""Activation maximization: pictures made to excite one unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from auditor import synthesis
from auditor.errors import NotApplicableError
from auditor.media import EVERY, Medium
from auditor.stack_tiles import excerpt_of
from auditor.studies import Audited, PictureRow, PictureSheet, Responses, Study, Tile, most_selective
from auditor.subjects import VolumeSample
from auditor.visualizers import Captured, Need, Observation, StudyVisualizer

if TYPE_CHECKING:
    from torch import Generator, Tensor

GRADIENT = 3
"""What a forward with its backward counts as, in forwards."""
STATISTICS = 256
"""Pictures of the sample that colours and magnitudes are taken from, the first ones."""
RATES = {"fourier": 0.1, "maco": 0.2}
"""Of Adam, whose steps do not depend on the size of the gradient. Fourier: twice that of lucid, in fewer steps."""
OVERALL = ""
"""Under which name logits are observed."""


@dataclass(frozen=True, slots=True)
class Objective:
    """One number of the model that pictures are made for.

    Attributes:
        layer: None for a logit.
        unit: Channel of the layer, or class.
        centre: Only the unit in the middle of the grid, instead of the channel's mean over it.
        largest: What it reaches at most on the sample's own pictures.
        best: The picture of the sample that reaches it.
    """

    layer: str | None
    unit: int
    centre: bool
    largest: float
    best: int

    def of(self, found: Responses, index: int) -> Tensor:
        """Its value for one picture of a batch."""
        if self.layer is None:
            return _logits(found.logits)[index, self.unit]
        grid = found.activations[self.layer][index, self.unit]
        return _middle(grid, 0) if self.centre else grid.mean()


class ActivationMaximization(StudyVisualizer):
    """Activation maximization: pictures that excite a channel, a single unit or a class as much as can be.

    x* = arg max f(x), by Adam from noise, all objectives and starts in one batch. fourier: x is the sigmoid of a free
    spectrum whose frequencies are scaled by 1/f, in decorrelated colours. maco: the magnitudes of the spectrum stay
    those of real pictures and only the phase is free, so that no pattern of high frequencies can grow (but for values
    beyond 0..1, which are cut off); a faded copy keeps what the gradient, summed over the steps, fell on. Each step
    turns (5°), scales (10 %) and shifts (6 %) the picture; in the first half of them, ReLUs that are silent everywhere
    pass back what would wake them. Colours and magnitudes are estimated from the first 256 pictures of the sample. A
    channel's value is its mean over the grid, a neuron's that of the middle unit, a class's its logit; channels are
    those whose strongest answer differs most from picture to picture, classes the commonest of the sample. Each
    picture's value is that of the picture as it is shown, rounded to 8 bits and not moved, and stands beside the
    largest one of the sample's real pictures. A picture of several times that value lies far from the data: it shows a
    direction that the unit likes, not what it has learnt to find. One unit has many such pictures; two starts show some
    of that. Clips and volumes are made in the same way, with frequencies along time or depth too, and shown by three
    frames, or by three planes through the middle.

    Source: Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017, and their code, lucid; Fel et al.,
    "Unlocking Feature Visualization for Deep Networks with MAgnitude Constrained Optimization", NeurIPS 2023, section
    on magnitude-constrained feature visualization.
    """

    method: Literal["fourier", "maco"] = Field("fourier", description="What is free: the spectrum, or its phase alone")
    steps: int = Field(128, ge=1, le=4096, description="Steps of the ascent")
    starts: int = Field(2, ge=1, le=8, description="Pictures of each objective, each from noise of its own")
    classes: int = Field(3, ge=0, le=64, description="How many classes, the commonest of the sample")
    channels: int = Field(3, ge=0, le=64, description="How many channels of each target layer")
    neurons: int = Field(1, ge=0, le=64, description="Of how many of them the middle unit is maximized as well")

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    needs = frozenset({Need.ACTIVATIONS})
    reading = (
        "Each row is made for one unit of the network: what was made excites it as much as possible, and the last "
        "one is the real one of the sample that excites it most. Watermarks, frames or textures in what was made for "
        "a class are worth a look. Where something made reaches many times what anything real reaches, it is further "
        "from reality than the network will ever see: read it as a hint, not as evidence."
    )

    def forwards_in_all(self, layers: int, height: int, width: int) -> int:
        objectives = self.classes + layers * (self.channels + min(self.neurons, self.channels))
        return objectives * self.starts * (GRADIENT * self.steps + 1)

    def observe(self, captured: Captured) -> Observation:
        found = {OVERALL: {"logits": _logits(captured.logits).float().cpu()}}
        for name, at in captured.layers.items():
            assert at.activations is not None
            found[name] = {
                "peaks": at.activations.flatten(2).amax(dim=2).cpu(),
                "means": at.activations.flatten(2).mean(dim=2).cpu(),
                "centres": _middle(at.activations, 2).cpu(),
            }
        return found

    def study(self, audited: Audited, observed: Sequence[Observation]) -> Sequence[Study]:
        import torch

        if not observed:
            raise NotApplicableError("there is no target layer whose output could be watched")
        seen = {name: {what: torch.cat([chunk[name][what] for chunk in observed]) for what in observed[0][name]}
                for name in observed[0]}  # fmt: skip
        objectives = self._objectives(audited, seen)
        if not objectives:
            raise NotApplicableError("no channel and no class was asked for, or none ever changes on the sample")
        jobs = [(objective, start) for objective in objectives for start in range(self.starts)]
        ascent = _Ascent(self, audited, jobs)
        parts = audited.in_parts(len(jobs), ascent.pictures)
        pictures, values, faded = ([item for part in parts for item in part[place]] for place in range(3))
        rows = []
        for number, objective in enumerate(objectives):
            places = range(number * self.starts, (number + 1) * self.starts)
            tiles = []
            for place in places:
                words = _reached(values[place], objective.largest)
                tiles += _tiles(audited, objective.best, pictures[place], words)
                if faded and audited.sample.medium is Medium.PICTURE:
                    tiles.append(Tile(_faded(tiles[-1].picture, faded[place]), ("where the", "gradient fell")))
            name = audited.sample.pictures[objective.best].name
            real = audited.sample.images[objective.best].numpy()
            tiles += _tiles(audited, objective.best, real, (f"{objective.largest:.3g}", "real: " + name))
            rows.append(PictureRow(self._heading(audited, objective), tiles))
        return [
            Study(
                [self._sheet(rows, audited)], remarks=_remarks(objectives, values, self.starts, audited.sample.medium)
            )
        ]

    def _objectives(self, audited: Audited, seen: Mapping[str, Mapping[str, Tensor]]) -> list[Objective]:
        found = [_objective(None, unit, False, seen[OVERALL]["logits"]) for unit in self._classes(audited)]
        for layer in audited.layers:
            units = most_selective(seen[layer]["peaks"], self.channels)
            found += [_objective(layer, unit, False, seen[layer]["means"]) for unit in units]
            found += [_objective(layer, unit, True, seen[layer]["centres"]) for unit in units[: self.neurons]]
        return found

    def _classes(self, audited: Audited) -> list[int]:
        """The commonest labels, or predictions where the sample has no labels."""
        labels = audited.sample.labels[audited.sample.labels >= 0]
        known = labels if len(labels) else audited.predicted
        if known is None:
            return []
        return [int(label) for label, _ in sorted(Counter(known.tolist()).items(), key=lambda c: (-c[1], c[0]))][
            : self.classes
        ]

    def _heading(self, audited: Audited, objective: Objective) -> tuple[str, ...]:
        if objective.layer is None:
            return ("logit", audited.class_name(objective.unit))
        return (f"{'neuron' if objective.centre else 'channel'} {objective.unit}", objective.layer)

    def _sheet(self, rows: Sequence[PictureRow], audited: Audited) -> PictureSheet:
        several, one = audited.sample.medium.several, audited.sample.medium.value
        made, count = several.capitalize(), len(audited.sample)
        shown = {Medium.PICTURE: "", Medium.CLIP: " Of each, three frames.", Medium.VOLUME: " Of each, three planes."}
        way = (
            "the spectrum's magnitudes fixed to the sample's mean and its phase optimised (MaCo)"
            if self.method == "maco"
            else "the whole spectrum optimised, colours decorrelated"
        )
        return PictureSheet(
            rows,
            f"{made} made in {self.steps} steps for {len(rows)} objectives, {self.starts} starts each: {way}. Under "
            f"each, the value that it reaches, and in units of the largest one on the {count} real {several}; the last "
            f"{one} of each row is the real one that reaches it.{shown[audited.sample.medium]}",
            f"{len(rows)} rows of {self.starts} made {several} and a real one, with the values that they reach.",
        )


class _Ascent:
    """The optimisation of some pictures; each comes out the same, whichever others are made with it."""

    def __init__(
        self, options: ActivationMaximization, audited: Audited, jobs: Sequence[tuple[Objective, int]]
    ) -> None:
        self.options, self.audited, self.jobs = options, audited, jobs
        images = audited.sample.images
        self.float = images.dtype.is_floating_point
        self.low, self.high = (float(images.min()), float(images.max())) if self.float else (0.0, 255.0)
        some = (images[:STATISTICS].to(audited.device).float() - self.low) / max(self.high - self.low, 1e-12)
        self.size = tuple(images.shape[2:])
        self.colours = synthesis.colours_of(some)
        self.magnitudes = synthesis.magnitudes_of(some, self.colours)
        self.layers = tuple(dict.fromkeys(job.layer for job, _ in jobs if job.layer is not None))

    def pictures(self, start: int, stop: int) -> tuple[list[np.ndarray], list[float], list[np.ndarray]]:
        """Pictures in the units of the sample, what they reach, and where MaCo's gradient fell."""
        import torch

        jobs = self.jobs[start:stop]
        generators = [torch.Generator().manual_seed(self.audited.seed * 7919 + number) for _, number in jobs]
        free = self._noise(generators).to(self.audited.device).requires_grad_()
        draws = torch.stack([torch.rand((self.options.steps, 4), generator=each) for each in generators])
        moves = synthesis.drawn_moves(draws.to(self.audited.device))
        scales = [max(abs(job.largest), 1e-6) for job, _ in jobs]
        fallen = torch.zeros((len(jobs), *self.size), device=self.audited.device)
        adam = torch.optim.Adam([free], lr=RATES[self.options.method])
        with self.audited.responding(self.layers, True) as respond:
            for step in range(self.options.steps):
                made = self._made(free)
                # what lies beyond the range is shown cut off, and must be judged so
                shown = made.clamp(0, 1)
                found = respond(self._input(synthesis.moved(shown, moves, step)), waking=2 * step < self.options.steps)
                value = torch.stack([job.of(found, place) / scales[place] for place, (job, _) in enumerate(jobs)]).sum()
                (slope,) = torch.autograd.grad(value, made)
                (free.grad,) = torch.autograd.grad(made, free, -slope)
                adam.step()
                fallen += slope.abs().sum(dim=1)
        final = self._final(self._made(free.detach()))
        with self.audited.responding(self.layers, False) as respond:
            reached = respond(self.audited.model.preprocessing.to_input(final))
        values = [float(job.of(reached, place)) for place, (job, _) in enumerate(jobs)]
        maps = list(fallen.cpu().numpy()) if self.options.method == "maco" else []
        return list(final.cpu().numpy()), values, maps

    def _noise(self, generators: Sequence[Generator]) -> Tensor:
        import torch

        shape = self.magnitudes.shape
        if self.options.method == "maco":
            return torch.stack([(2 * torch.rand(shape, generator=each) - 1) * torch.pi for each in generators])
        return torch.stack([0.01 * torch.randn((*shape, 2), generator=each) for each in generators])

    def _made(self, free: Tensor) -> Tensor:
        if self.options.method == "maco":
            return synthesis.of_phases(free, self.magnitudes, self.size, self.colours)
        return synthesis.of_spectra(free, self.size, self.colours)

    def _input(self, pictures: Tensor) -> Tensor:
        return self.audited.model.preprocessing.to_input(self.low + pictures * (self.high - self.low))

    def _final(self, pictures: Tensor) -> Tensor:
        """As the sample's own pictures are: 8 bits a channel, or an own transform's floats."""
        values = self.low + pictures.clamp(0, 1) * (self.high - self.low)
        return values if self.float else values.round()


def _middle(values: Tensor, first: int) -> Tensor:
    """The place in the middle of all axes from `first` on."""
    while values.ndim > first:
        values = values.select(first, values.shape[first] // 2)
    return values


def _tiles(audited: Audited, best: int, image: np.ndarray, words: Sequence[str]) -> list[Tile]:
    """A picture with words under it; of clips three frames, of volumes three planes, the words under the first."""
    sample = audited.sample
    if not isinstance(sample, VolumeSample):
        return [Tile(sample.shown(image), words)]
    first, *others = excerpt_of(sample, best, None, frames=3).pictures(sample.slices(image))
    return [Tile(first, words), *(Tile(other) for other in others)]


def _objective(layer: str | None, unit: int, centre: bool, values: Tensor) -> Objective:
    best = int(values[:, unit].argmax())
    return Objective(layer, unit, centre, float(values[best, unit]), best)


def _logits(logits: Tensor) -> Tensor:
    """One column a class; a single logit speaks for class 1, against class 0."""
    import torch

    return torch.cat((-logits, logits), dim=1) if logits.shape[1] == 1 else logits


def _reached(value: float, largest: float) -> tuple[str, ...]:
    return (f"{value:.3g}", f"{value / largest:.1f} × real" if largest > 0 else "real ones: 0 or less")


def _faded(picture: np.ndarray, fallen: np.ndarray) -> np.ndarray:
    """White where the gradient never fell; its top tenth is shown fully."""
    top = float(np.quantile(fallen, 0.9))
    share = np.clip(fallen / top, 0, 1)[:, :, None] if top > 0 else np.zeros((*fallen.shape, 1))
    return np.asarray((255 - share * (255 - picture.astype(np.float64))).round(), dtype=np.uint8)


def _remarks(objectives: Sequence[Objective], values: Sequence[float], starts: int, medium: Medium) -> tuple[str, ...]:
    """How far the made pictures are beyond the real ones, and what was not reached."""
    best = [max(values[number * starts : (number + 1) * starts]) for number in range(len(objectives))]
    ratios = [value / item.largest for value, item in zip(best, objectives, strict=True) if item.largest > 0]
    below = sum(ratio < 1 for ratio in ratios)
    remarks = []
    if ratios:
        remarks.append(
            f"The made {medium.several} reach {min(ratios):.1f} to {max(ratios):.1f} times the largest value on real "
            f"{medium.several} (median {float(np.median(ratios)):.1f})"
        )
    if below:
        remarks.append(
            f"{below} of {len(ratios)} objectives stayed below what a real {medium.value} reaches: more steps may help"
        )
    return tuple(remarks)
