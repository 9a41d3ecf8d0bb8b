"""Metrics: one file each. How well the model does, and how far a map can be trusted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from auditor.plan import USUAL, Workload
from auditor.records import Measurement
from auditor.registry import Part
from auditor.visualizers import MapSet

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from auditor.engine.predictor import Predictor
    from auditor.subjects import LoadedModel, Sample
    from auditor.targets import Targets

__all__ = ["USUAL", "MapMaker", "MapSet", "Metric", "MetricContext", "MetricResult", "Workload"]


class MapMaker(Protocol):
    """The same methods and layers once more: on another module of the same architecture, or on changed pictures."""

    def __call__(self, module: Any, rows: np.ndarray, images: Tensor | None = None, /) -> list[MapSet]:
        """Make the maps of some rows of the sample, for the classes predicted on the untouched pictures.

        Args:
            rows: int (m,), the order of the results.
            images: What stands in for those pictures, (m, channels, height, width); None: the pictures themselves.
        """
        ...


@dataclass(frozen=True, slots=True)
class MetricContext:
    """What a metric may look at.

    Attributes:
        scores: float32 (n, classes), probabilities on the untouched sample.
        predicted: int64 (n,).
        maps: All map sets that were made.
        make_maps: Makes the same map sets on another module or on changed pictures.
        seed: All draws start here.
        progress: Called with (done, total, what) now and then.
        classes: One name an output; () where nobody named them.
        clusters: int (n,), pictures that belong together (patient, video, exact duplicates); None: each its own.
        targets: What the maps explain, (n,), where they all explain the same; None: the class predicted.
    """

    model: LoadedModel
    sample: Sample
    predictor: Predictor
    scores: np.ndarray
    predicted: np.ndarray
    maps: list[MapSet]
    make_maps: MapMaker
    seed: int
    progress: Callable[[int, int, str], None]
    classes: tuple[str, ...] = ()
    clusters: np.ndarray | None = None
    targets: Targets | None = None

    @property
    def least(self) -> float:
        """The lowest value of the score that the maps explain."""
        return 0.0 if self.targets is None else self.targets.least

    def explained(self) -> np.ndarray:
        """Rows of the sample in which there is something to explain: with `label`, those that have one."""
        import numpy as np

        return np.arange(len(self.predicted)) if self.targets is None else np.flatnonzero(self.targets.known.numpy())

    def followed(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The score that the maps explain, in probabilities, of pictures made from rows of the sample.

        Args:
            scores: (m, classes), probabilities.
            rows: int (m,), what each picture was made from.

        Returns:
            float (m,).
        """
        import numpy as np
        import torch

        if self.targets is None:
            return np.asarray(scores[np.arange(len(scores)), self.predicted[rows]])
        return np.asarray(self.targets[torch.from_numpy(rows)].of(torch.from_numpy(scores)).numpy())

    def kept(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """bool (m,): whether the explained class still comes first; as `followed`."""
        import numpy as np
        import torch

        if self.targets is None:
            return np.asarray(scores.argmax(axis=1) == self.predicted[rows])
        return np.asarray(self.targets[torch.from_numpy(rows)].ahead(torch.from_numpy(scores)).numpy())

    def class_name(self, index: int) -> str:
        """The name of an output, or its number."""
        names = self.classes or self.model.classes
        return names[index] if index < len(names) else str(index)

    def clusters_of(self, rows: np.ndarray) -> np.ndarray:
        """Which cluster each of these rows belongs to: the units that intervals resample."""
        return rows if self.clusters is None else self.clusters[rows]

    def units(self, rows: np.ndarray) -> int:
        """How many clusters these rows are: what a decision rests on."""
        return len(set(self.clusters_of(rows).tolist()))


@dataclass(frozen=True, slots=True)
class MetricResult:
    """What a metric found.

    Attributes:
        measurements: Of the model, for audit.json's `metrics`.
        of_maps: `MapSet.name` → measurements of that method.
        of_nulls: Name of a map that knows nothing → the same measurements of it, to compare with.
        trust: `MapSet.name` → "passed", "failed" or "not enough data"; only from metrics that decide it.
        tables: Further tables for the report (per_class, confusion, reliability, curves), plain JSON values.
    """

    measurements: list[Measurement] = field(default_factory=list)
    of_maps: Mapping[str, list[Measurement]] = field(default_factory=dict)
    of_nulls: Mapping[str, list[Measurement]] = field(default_factory=dict)
    trust: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)


class Metric(Part):
    """One family of numbers; its fields are its options."""

    rule: ClassVar[str] = ""
    """When it calls a map passed or failed, in words for the report; "" where it decides nothing."""
    headlines: ClassVar[tuple[str, ...]] = ()
    """The measurements of maps that the report's table shows, as far as there are such; the first is what decides."""
    follows_score: ClassVar[bool] = False
    """Whether it follows the score that the maps explain; then it is given those of one target at a time."""
    of_classes: ClassVar[bool] = True
    """Whether it needs class scores, which a model that is audited by a score of one's own does not give."""

    def forwards(self, work: Workload = USUAL) -> float:
        """Upper bound of forwards an image of the sample, averaged over it."""
        return 0.0

    @abstractmethod
    def measure(self, context: MetricContext) -> MetricResult:
        """Measure. Undefined numbers are measurements without a value and with a reason."""
