"""What visualizers bring home: maps, units, pictures of weights, and layers in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from auditor.targets import Targets

__all__ = ["ChannelSet", "LayerNumbers", "MapSet", "Observation", "Profile", "Sheet"]

Observation = Mapping[str, Mapping[str, "Tensor"]]
"""What a chunk adds to statistics over the sample: layer → name → a small tensor on the CPU."""


@dataclass(frozen=True, slots=True)
class MapSet:
    """All maps of one method on one layer, at the input's size.

    Attributes:
        method: Visualizer name.
        layer: Dotted module name, or None.
        maps: float32 (n, height, width), non-negative, magnitude kept. Of clips and volumes (n, depth, rows, columns)
            at the method's own resolution: at the input's size they would fill the memory.
        usable: bool (n,): False where the map is zero, constant, not finite or was not made; such maps are never
            scored.
        targets: What is explained of each of the n pictures; None: the class that is predicted.
        made: bool (n,): for which of them a map was made; None: for all.
    """

    method: str
    layer: str | None
    maps: np.ndarray
    usable: np.ndarray
    targets: Targets | None = None
    made: np.ndarray | None = None

    @property
    def name(self) -> str:
        """method or method@layer; with " for …" where something else than the predicted class is explained."""
        place = self.method if self.layer is None else f"{self.method}@{self.layer}"
        return place if self.targets is None or self.targets.is_predicted else f"{place} for {self.targets.words}"

    @property
    def count(self) -> int:
        """For how many pictures a map was made."""
        return len(self.usable) if self.made is None else int(self.made.sum())


@dataclass(frozen=True, slots=True)
class ChannelSet:
    """The units of one layer that a channel visualizer found worth showing, for every image.

    Attributes:
        method: Visualizer name.
        layer: Dotted module name.
        maps: float32 (n, shown, rows, columns) at the layer's own resolution.
        units: int64 (n, shown), the index of each map's unit, strongest first.
        unit: What a map belongs to, one word for people.
    """

    method: str
    layer: str
    maps: np.ndarray
    units: np.ndarray
    unit: str = "unit"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture of the network itself, as numbers: tiles laid out by the drawer.

    Attributes:
        layer: Dotted module name.
        tiles: float32 array (count, rows, columns) or (count, rows, columns, 3), own range per tile.
        labels: One short text a tile.
        caption: What is shown, in one sentence, with counts.
        notes: Facts found on the way (dead filters, duplicates), for the report.
    """

    layer: str
    tiles: np.ndarray
    labels: Sequence[str]
    caption: str
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LayerNumbers:
    """One layer in a few numbers.

    Attributes:
        layer: Dotted module name.
        histogram: int64 (bins,), how many values lie in each of equally wide bins from `low` to `high`; not finite ones
            are left out.
        low, high: Ends of the histogram.
        numbers: Heading → number; nan where there is none. The headings are the same in all rows of a profile.
        odd: What is out of the ordinary, each in a few words.
    """

    layer: str
    histogram: np.ndarray
    low: float
    high: float
    numbers: Mapping[str, float]
    odd: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """The layers of a network side by side.

    Attributes:
        rows: In the network's order.
        caption: What is shown, in one sentence, with counts.
    """

    rows: Sequence[LayerNumbers]
    caption: str
