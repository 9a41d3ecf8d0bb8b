"""Every map of every visualizer over a whole sample, in one pass a chunk; what broke is recorded, the rest goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from auditor.engine.capture import OF_LAYERS, Pass, capture
from auditor.engine.chunking import Chunk, Progress, in_chunks, same_chunk
from auditor.engine.fast_form import layout
from auditor.engine.integrity import untouched
from auditor.engine.map_jobs import Job
from auditor.engine.precision import Gate, gate_of
from auditor.engine.predictor import Predictor
from auditor.engine.target_gradients import TargetGradients
from auditor.errors import ModelError, NotApplicableError
from auditor.registry import unfit_words
from auditor.subjects import LoadedModel, Sample
from auditor.targets import Targets, as_targets
from auditor.visualizers import (
    ChannelSet,
    ChannelVisualizer,
    MapSet,
    MapVisualizer,
    Need,
    Observation,
    ObservingVisualizer,
    Profile,
    SampleVisualizer,
    Visualizer,
)

__all__ = ["Failure", "MapRun", "make_maps"]

Failure = tuple[str, str | None, str]
"""Visualizer name, layer or None, reason."""

CHUNKS = {"cpu": 8, "cuda": 32}
"""Images a pass takes at once where nobody said otherwise: more is no faster and holds more activations."""
IN_DEPTH = 4
"""Of clips and volumes a pass takes a fourth of what a prediction takes: activations are kept for the gradient."""
PASSES = frozenset({Need.SCORES, Need.GRADIENTS, Need.GUIDED_GRADIENTS, Need.RELEVANCE})
"""What costs more passes through a predictor, when a visualizer asks for it."""
NEEDS_TO_DROP = (
    frozenset({Need.INPUT_GRADIENTS}),
    frozenset({Need.ATTENTION_GRADIENTS}),
    frozenset({Need.LAYER_GRADIENTS}),
    frozenset({Need.ACTIVATIONS}),
    frozenset({Need.ATTENTION, Need.ATTENTION_SCORES}),
)
"""Given up one after the other where a model refuses them, so that the other visualizers still run."""


@dataclass(frozen=True, slots=True)
class MapRun:
    """What came of one run over the sample.

    Attributes:
        maps: One set for each map visualizer and layer that worked; of pictures at the input's size.
        channels: One set for each channel visualizer and layer that worked.
        profiles: Visualizer → profile, of each sample visualizer that worked.
        observed: Visualizer → what each chunk added, in the sample's order, of each study that worked so far.
        failures: (visualizer, layer, reason), each once.
        skipped: The same of visualizers that mean nothing on this model, and said so.
        notes: For the report: layers called several times, chunks halved, maps that were not finite, and what
            visualizers told of themselves.
    """

    maps: list[MapSet] = field(default_factory=list)
    channels: list[ChannelSet] = field(default_factory=list)
    profiles: dict[str, Profile] = field(default_factory=dict)
    observed: dict[str, list[Observation]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    skipped: list[Failure] = field(default_factory=list)
    notes: tuple[str, ...] = ()


def make_maps(
    model: LoadedModel,
    module: nn.Module,
    sample: Sample,
    visualizers: Sequence[Visualizer],
    layers: Sequence[str],
    *,
    device: torch.device,
    chunk: int | Literal["auto"] = "auto",
    targets: np.ndarray | Targets | None = None,
    indices: np.ndarray | None = None,
    images: Tensor | None = None,
    predictor: Predictor | None = None,
    precision: Literal["auto", "fp32"] = "fp32",
    progress: Progress | None = None,
) -> MapRun:
    """Make all maps of a sample on one module.

    Args:
        model: How inputs are made and outputs are read.
        module: What is explained: the model's own, or another of the same architecture. On `device`.
        sample: All pictures; the fill of perturbations is the mean pixel of all of them, whatever `indices` says.
        visualizers: Map, channel, sample and study visualizers; others are left alone.
        layers: Target layers for those that are made per layer.
        device: Where the module is.
        chunk: Images a pass; halved when memory runs out.
        targets: What is explained of each image of `indices`, or class indices, int64; None: the predicted class.
        indices: Images, in the order of the results; None: all.
        images: What stands in for those images, one each, as in `Sample.images`; None: the images themselves.
        predictor: Of the same module, for methods that need scores; of another one, its chunk and memory layout are
            taken over.
        precision: auto lets methods of many passes run in a shorter format where they earn it on this model; only with
            a predictor of this module.
        progress: Called with (done, total).

    Raises:
        ModelError: The model was changed by somebody's code, gives no scores, or no image fits into memory.
    """
    chosen = np.arange(len(sample)) if indices is None else np.asarray(indices)
    if images is not None and len(images) != len(chosen):
        raise ValueError(f"expected one image for each of {len(chosen)} indices, got {len(images)}")
    run = _Run(model, module, sample, chosen, targets, device, predictor, images)
    if precision == "auto" and predictor is not None and predictor.model.module is module:
        run.gate = gate_of(predictor)
    run.add(
        [one for one in visualizers if isinstance(one, MapVisualizer | ChannelVisualizer | ObservingVisualizer)], layers
    )
    if not run.jobs or len(chosen) == 0:
        return run.result()
    size = Chunk(_images_at_once(sample.images, device) if chunk == "auto" else chunk)
    with untouched(module):
        in_chunks(len(chosen), size, run.chunk, what="making maps", progress=progress)
    run.notes.extend(size.notes)
    return run.result()


class _Run:
    """The state of one `make_maps`."""

    def __init__(
        self,
        model: LoadedModel,
        module: nn.Module,
        sample: Sample,
        chosen: np.ndarray,
        targets: np.ndarray | Targets | None,
        device: torch.device,
        predictor: Predictor | None,
        images: Tensor | None,
    ) -> None:
        self.model, self.module, self.sample, self.device, self.images = model, module, sample, device, images
        self.chosen = torch.from_numpy(np.ascontiguousarray(chosen, dtype=np.int64))
        if isinstance(targets, np.ndarray):
            targets = as_targets(torch.from_numpy(np.asarray(targets, dtype=np.int64)))
        self.targets = targets
        self.layers: tuple[str, ...] = ()
        self.jobs: list[Job] = []
        self.notes: list[str] = []
        self.fill = _mean_pixel(sample.images, model).to(device)
        self.refused: dict[Need, str] = {}
        self._own = None if targets is None else targets.own
        serves = predictor is not None and predictor.model.module is module and predictor.own is self._own
        self._predictor = predictor if serves else None
        self._given = predictor
        self._gradients: TargetGradients | None = None
        self.gate: Gate | None = None
        self.channels_last = predictor is not None and predictor.channels_last

    def add(
        self, visualizers: Sequence[MapVisualizer | ChannelVisualizer | ObservingVisualizer], layers: Sequence[str]
    ) -> None:
        """Plan one job for each visualizer and layer."""
        self.layers = tuple(dict.fromkeys(layers))
        for visualizer in visualizers:
            one: Sequence[str | None] = (None,) if layers or not visualizer.needs & OF_LAYERS else ()
            if self.sample.medium not in visualizer.media:
                unfit = Job(visualizer, None, 0)
                unfit.fail(NotApplicableError(unfit_words(type(visualizer), self.sample.medium)))
                self.jobs.append(unfit)
                continue
            on = layers if visualizer.per_layer else one
            self.jobs.extend(Job(visualizer, layer, len(self.chosen)) for layer in on)
            if not layers and (visualizer.per_layer or visualizer.needs & OF_LAYERS):
                self.notes.append(f"{visualizer.part_name()} needs a layer and there is none: left out")

    def chunk(self, start: int, stop: int) -> None:
        """Images start..stop of `chosen`: one pass, then every job."""
        if all(job.failure is not None for job in self.jobs):
            return
        own = self.sample.images[self.chosen[start:stop]] if self.images is None else self.images[start:stop]
        images = own.to(self.device)
        inputs = layout(self.model.preprocessing.to_input(images), self.channels_last)
        targets = None if self.targets is None else self.targets[start:stop].to(self.device)
        captured = self._capture(inputs, targets, self.chosen[start:stop])
        for job in self.jobs:
            if job.failure is None:
                self.notes.extend(job.take(captured, start, stop, self.gate))

    def result(self) -> MapRun:
        """Everything that worked, and what did not."""
        halved = () if self._gradients is None else self._gradients.notes
        said = [saying for job in self.jobs if job.failure is None for saying in job.sayings()]
        earned = () if self.gate is None else self.gate.notes
        notes = tuple(dict.fromkeys((*self.notes, *halved, *earned, *said)))
        run = MapRun(notes=notes, profiles=self._profiles())
        for job in self.jobs:
            if job.observed and not isinstance(job.visualizer, SampleVisualizer):
                run.observed[job.name] = [job.observed[start] for start in sorted(job.observed)]
        for job in self.jobs:
            if job.failure is not None:
                (run.failures if job.applicable else run.skipped).append((job.name, job.layer, job.failure))
            elif job.maps is None:
                continue
            elif job.units is not None and job.layer is not None:
                run.channels.append(ChannelSet(job.name, job.layer, job.maps, job.units, job.unit))
            else:
                run.maps.append(MapSet(job.name, job.layer, job.maps, job.usable))
        return run

    def _profiles(self) -> dict[str, Profile]:
        found = {}
        for job in self.jobs:
            if isinstance(job.visualizer, SampleVisualizer) and job.observed:
                try:
                    found[job.name] = job.visualizer.profile([job.observed[start] for start in sorted(job.observed)])
                except Exception as error:
                    job.fail(error)
        return found

    def _capture(self, inputs: Tensor, targets: Targets | None, seeds: Tensor) -> Pass:
        """The pass; what the model refuses is given up with those visualizers that need it."""
        while True:
            working = [job for job in self.jobs if job.failure is None]
            needs = frozenset[Need]().union(*(job.visualizer.needs for job in working))
            layers = self._layers_of(working)
            predictor = self._passes() if needs & PASSES else None
            try:
                found = capture(
                    self.module,
                    inputs,
                    layers=layers,
                    needs=needs,
                    targets=targets,
                    target_scores=None if predictor is None else predictor.input_scores,
                    fill=self.fill,
                    seeds=seeds,
                )
            except ModelError as error:
                if not self._give_up(working, needs, str(error)):
                    raise
                continue
            self.notes.extend(found.notes)
            return found if self._gradients is None else self._gradients.added_to(found)

    def _layers_of(self, working: Sequence[Job]) -> list[str]:
        """Layers that the pass must watch: all of them where one visualizer sees them together."""
        if any(job.layer is None and job.visualizer.needs & OF_LAYERS for job in working):
            return list(self.layers)
        return list(dict.fromkeys(job.layer for job in working if job.layer is not None))

    def _give_up(self, working: Sequence[Job], needs: frozenset[Need], reason: str) -> bool:
        for dropped in NEEDS_TO_DROP:
            if needs & dropped:
                for job in working:
                    if job.visualizer.needs & dropped:
                        job.failure = reason
                return True
        return False

    def _passes(self) -> Predictor:
        if self._predictor is None:
            size: int | Literal["auto"] = "auto" if self._given is None else self._given.chunk
            self._predictor = Predictor(replace(self.model, module=self.module), self.device, chunk=size, own=self._own)
        if self._gradients is None:
            self._gradients = TargetGradients(self._predictor)
        return self._predictor


def _images_at_once(images: Tensor, device: torch.device) -> int:
    usual = CHUNKS.get(device.type, CHUNKS["cuda"])
    if images.ndim == 4:
        return usual
    return max(1, min(usual, same_chunk(images[0].numel()) // IN_DEPTH))


def _mean_pixel(images: Tensor, model: LoadedModel) -> Tensor:
    """The sample's mean pixel as model input, shape (channels, 1, 1), of clips and volumes (channels, 1, 1, 1)."""
    total = torch.zeros(images.shape[1], dtype=torch.float64)
    for start in range(0, len(images), 64):
        total += images[start : start + 64].double().flatten(2).mean(dim=2).sum(dim=0)
    mean = (total / max(1, len(images))).float().view(1, -1, *[1] * (images.ndim - 2))
    return model.preprocessing.to_input(mean)[0]
