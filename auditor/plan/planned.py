"""What will run, and what it costs: decided before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditor import registry
from auditor.media import Medium
from auditor.records import PlannedCheck
from auditor.spec.audit_spec import AuditSpec
from auditor.spec.question import question_digest
from auditor.spec.reading import SpecFile
from auditor.spec.standing import Standing
from auditor.spec.target import PREDICTED, TargetSpec

FORWARDS = {"quick": 25.0, "standard": 120.0}
"""Forwards an image that all probes of a preset may spend together."""
AUTO_LAYERS = 2
"""Layers that `layers: auto` takes at most."""
SHARED_PASS, WITHOUT_GRADIENTS = 2.0, 1.0
"""Cost of the shared pass in forwards, as an upper bound: one forward, and a backward over the whole network without
gradients of weights, where one is needed."""
GRADIENTS = frozenset({"layer_gradients", "input_gradients", "attention_gradients"})
"""Needs for which there is a backward."""
FURTHER_PASSES = frozenset({"scores", "gradients", "guided_gradients", "relevance"})
"""Needs that are served by the form of the model that runs fast."""
SHORT_FORMATS = frozenset({"scores", "gradients"})
"""Needs that a shorter number format may serve."""
TRIED_IMAGES = 4
"""Runs of one image that trying a format costs for each method: two images, in fp32 and in the shorter format."""
PREPARED_COPY = 24
"""Forwards that choosing it costs: eight pictures, three forms at most."""
PREPARED_IMAGES = 40
"""Forwards that choosing what runs fast and where to look costs in all: eight pictures in three forms, four passes of
up to four."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What the metrics of an audit have to look at.

    Attributes:
        images: In the sample.
        map_sets: How many sets of maps there are, one for each method and layer.
        map_forwards: What it costs to make all of them once more, forwards an image.
        copy_forwards: What it costs besides to make them on another network: choosing how that runs fast.
    """

    images: int = 128
    map_sets: int = 6
    map_forwards: float = SHARED_PASS
    copy_forwards: float = 0.0

    def share(self, drawn: int) -> float:
        """Which share of the sample so many pictures drawn from it are."""
        return min(drawn, self.images) / self.images


USUAL = Workload()


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """A part with all its options filled in.

    Attributes:
        required: Whether the audit is incomplete without it.
        preset: The preset that it came with, or None when it was named.
        line: Of the spec.
    """

    name: str
    part: Any
    required: bool
    preset: str | None
    line: int | None

    @property
    def key(self) -> str:
        """Its name, and what tells it apart where the part may be planned several times: its own name, its target."""
        target = self.target(PREDICTED).key
        return ".".join(filter(None, (self.name, self.part.own_name, target)))

    @property
    def most_images(self) -> int | None:
        """For how many pictures it is made at most; None: for all."""
        most: int | None = getattr(self.part, "most_images", None)
        return most

    def share(self, size: int) -> float:
        """Of so many pictures, the share that it is made for."""
        return 1.0 if self.most_images is None else min(1.0, self.most_images / size)

    def target(self, default: TargetSpec) -> TargetSpec:
        """What it explains; the default where it is no map."""
        target = getattr(self.part, "target", None)
        return target if isinstance(target, TargetSpec) else default


@dataclass(frozen=True)
class Plan:
    """Everything that will run, decided before anything is loaded."""

    spec: AuditSpec
    spec_file: SpecFile
    model_source: Any
    dataset_source: Any
    visualizers: tuple[PlannedPart, ...]
    probes: tuple[PlannedPart, ...]
    metrics: tuple[PlannedPart, ...]
    reports: tuple[PlannedPart, ...]
    unfit: Mapping[str, tuple[PlannedPart, ...]] = field(default_factory=dict)
    """Kind → what a preset brought that means nothing on such data: it does not run, and the report says so."""
    standing: Standing = field(default_factory=Standing)
    """Waivers and baseline."""

    @property
    def medium(self) -> Medium:
        """What the data set consists of."""
        medium: Medium = self.dataset_source.medium
        return medium

    @property
    def folder(self) -> Path:
        """Where the spec's relative paths start."""
        return self.spec_file.folder

    @property
    def question_sha256(self) -> str:
        """Digest of what the spec asks: two specs that differ in words, looks or where files lie ask the same."""
        return question_digest(self.spec, self.spec_file)

    @property
    def test_plan(self) -> tuple[PlannedCheck, ...]:
        """Every check, fixed before the run."""
        rows = [item.part.planned().model_copy(update={"required": item.required}) for item in self.probes]
        if self.medium is Medium.PICTURE:
            return tuple(rows)
        through = f"; the same place in all {self.medium.layers}"
        return tuple(row.model_copy(update={"what": row.what + through}) for row in rows)

    def probe_forwards(self) -> float:
        """Upper bound of forwards an image that the probes spend."""
        own = sum(item.part.forwards() for item in self.probes if not item.part.shares_budget)
        return self.shared_forwards() + float(own)

    def shared_forwards(self) -> float:
        """What the probes of places may spend together, forwards an image, within the preset's budget."""
        total = float(sum(item.part.forwards() for item in self.probes if item.part.shares_budget))
        presets = {item.preset for item in self.probes}
        if len(presets) == 1 and (preset := presets.pop()) in FORWARDS:
            return min(total, FORWARDS[preset])
        return total

    def costs(self) -> Iterator[tuple[str, str, float]]:
        """(kind, name, forwards an image as an upper bound) in the order of running; of few pictures' maps on average.

        A pattern in `layers` counts as one layer: what it fits is not known before the model is loaded. What is spent
        once for the audit is spread over the sample.
        """
        yield "subject", "predictions on the sample", 1.0
        size = self.spec.dataset.sample.size
        yield "subject", "choosing what runs fast, and the layers", PREPARED_IMAGES / size
        if not any(item.name == "region" for item in self.probes):
            yield "subject", "the causal map", _causal_map()
        passes: dict[tuple[str, int | None], list[PlannedPart]] = {}
        for item in self.visualizers:
            if item.part.needs:
                passes.setdefault((item.target(self.spec.target).key, item.most_images), []).append(item)
        if passes:
            several = len({target for target, _ in passes}) > 1
            what = "a shared pass for each target" if several else "one shared pass for all gradient maps"
            shared = sum(_shared_pass(items) * items[0].share(size) for items in passes.values())
            yield "visualizations", what, shared
        if trials := self._trials():
            yield "visualizations", "trying shorter number formats", trials
        for item in self.visualizers:
            few = "" if item.most_images is None else f", for {min(size, item.most_images)} of {size} pictures"
            once = self._forwards_in_all(item) / max(1, size)
            yield "visualizations", item.key + few, self._map_forwards(item) * item.share(size) + once
        work = self.workload()
        for item in self.metrics:
            yield "metrics", item.name, float(item.part.forwards(work))
        for item in self.probes:
            yield "probes", item.name, float(item.part.forwards())

    def workload(self) -> Workload:
        """What the metrics will have to look at, as far as it is known before the model is loaded."""
        mappers = [item for item in self.visualizers if item.part.makes_maps and item.most_images is None]
        sets = sum(self._times(item) for item in mappers)
        again = _shared_pass(mappers) + sum(self._map_forwards(item) for item in mappers)
        needs = {need for item in mappers for need in item.part.needs}
        copies = float(PREPARED_COPY) if needs & FURTHER_PASSES else 0.0
        return Workload(self.spec.dataset.sample.size, sets, again, copies)

    def _trials(self) -> float:
        """What trying shorter number formats may cost, forwards an image."""
        if self.spec.runtime.precision == "fp32":
            return 0.0
        served = [item for item in self.visualizers if item.part.makes_maps and item.part.needs & SHORT_FORMATS]
        cost = sum(self._map_forwards(item) for item in served)
        return cost * TRIED_IMAGES / self.spec.dataset.sample.size

    def _map_forwards(self, item: PlannedPart) -> float:
        return float(self._times(item) * item.part.forwards(*self._size()))

    def _forwards_in_all(self, item: PlannedPart) -> float:
        """What a visualizer spends once, however many images there are."""
        return float(item.part.forwards_in_all(self._layers(), *self._size()))

    def _times(self, item: PlannedPart) -> int:
        """On how many layers a visualizer is made."""
        return self._layers() if item.part.per_layer else 1

    def _layers(self) -> int:
        return AUTO_LAYERS if self.spec.layers == "auto" else len(self.spec.layers)

    def _size(self) -> tuple[int, int]:
        height, width = ((self.spec.model.input.size or [224, 224]) if self.spec.model.input else [224, 224])[-2:]
        return height, width


def _causal_map() -> float:
    """What it costs in an audit without the region probe, which brings it along; forwards an image."""
    region: Any = registry.load("probes", "region")
    options = region(**region.budgets["standard"])
    return float(options.pool() * options.donors_screen) / 2


def _shared_pass(visualizers: Sequence[PlannedPart]) -> float:
    """What all of them share, forwards an image."""
    needs = {need for item in visualizers for need in item.part.needs}
    if not needs:
        return 0.0
    return SHARED_PASS if needs & GRADIENTS else WITHOUT_GRADIENTS
