"""What one visualizer makes of each chunk on one layer: checked, kept, and given up where it breaks."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from auditor.cam_formulas import as_weights, enlarged
from auditor.engine.capture import Pass
from auditor.engine.chunking import is_out_of_memory
from auditor.engine.precision import Gate
from auditor.errors import ModelError, NotApplicableError
from auditor.visualizers import Captured, ChannelVisualizer, MapVisualizer, Observation, ObservingVisualizer

__all__ = ["Job"]

IN_MEMORY = 2**28
"""Bytes of a set of maps beyond which it is kept in a temporary file: maps over voxels are as large as the data."""
CONSTANT = 1e-6
"""A map whose range is below this share of its maximum says nothing."""


@dataclass
class Job:
    """One visualizer on one layer, and where its results go.

    Attributes:
        count: Images of the whole run.
        usable, maps, units: As in `MapSet` and `ChannelSet`; None before the first chunk.
        failure: Why it was given up, or None.
        told: What it told of itself → start of a chunk → one number an image.
        applicable: False where it was given up because it means nothing on this model.
        observed: Start of a chunk → what a study or a sample visualizer saw in it.
    """

    visualizer: MapVisualizer | ChannelVisualizer | ObservingVisualizer
    layer: str | None
    count: int
    usable: np.ndarray = field(init=False)
    maps: np.ndarray | None = None
    units: np.ndarray | None = None
    failure: str | None = None
    told: dict[str, dict[int, Tensor]] = field(default_factory=dict)
    applicable: bool = True
    observed: dict[int, Observation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.usable = np.zeros(self.count, dtype=bool)

    def fail(self, error: Exception) -> None:
        """Give the job up; what it holds is dropped."""
        self.applicable = not isinstance(error, NotApplicableError)
        self.failure, self.maps, self.units = _reason(error), None, None
        self.observed.clear()

    @property
    def name(self) -> str:
        return self.visualizer.part_name()

    def tell(self, start: int, what: str, values: Tensor) -> None:
        """Keep one number an image, for `sayings`; a chunk that is repeated replaces what it told."""
        self.told.setdefault(what, {})[start] = values.detach().float().cpu()

    def sayings(self) -> Iterator[str]:
        """What was told, as a median and a maximum over the images."""
        for what, parts in self.told.items():
            values = torch.cat(list(parts.values())).numpy()
            yield (
                f"{self.name}: {what}: median {np.median(values):.2g}, largest {values.max():.2g} "
                f"over {len(values)} images"
            )

    @property
    def unit(self) -> str:
        return self.visualizer.unit if isinstance(self.visualizer, ChannelVisualizer) else "unit"

    def take(self, captured: Pass, start: int, stop: int, gate: Gate | None) -> list[str]:
        """Make and keep what it shows of images start..stop; what breaks gives the job up.

        Args:
            captured: The chunk, of which it sees its own layer.
            gate: Lets costly methods run in a shorter format; None: none does.

        Returns:
            Notes for the report.
        """
        try:
            if isinstance(self.visualizer, ObservingVisualizer):
                with torch.no_grad():
                    # a chunk that is repeated replaces what it added
                    self.observed[start] = self.visualizer.observe(captured[self.layer])
            elif isinstance(self.visualizer, ChannelVisualizer):
                self._take_channels(self.visualizer, captured[self.layer], start, stop)
            else:
                return self._take_maps(self.visualizer, captured[self.layer], start, stop, gate)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            self.fail(error)
        return []

    def _take_maps(
        self, visualizer: MapVisualizer, captured: Captured, start: int, stop: int, gate: Gate | None
    ) -> list[str]:
        with torch.no_grad():
            given = replace(captured, tell=partial(self.tell, start))
            maps = visualizer.maps(given) if gate is None else gate.maps(visualizer, given)
            maps = maps.detach().float()
            flat = captured.inputs.ndim == 4
            if maps.ndim != captured.inputs.ndim - 1 or len(maps) != stop - start:
                axes = "rows, columns" if flat else "depth, rows, columns"
                raise ValueError(f"returned shape {tuple(maps.shape)}; expected ({stop - start}, {axes})")
            finite = maps.isfinite().flatten(1).all(dim=1)
            if bool((maps[finite] < 0).any()):
                raise ValueError("returned negative values; a map must not have any")
            high, low = maps.flatten(1).amax(dim=1), maps.flatten(1).amin(dim=1)
            usable = finite & (high > 0) & (high - low > CONSTANT * high)
            maps = torch.where(as_weights(finite, maps), maps, 0.0)
            if flat:
                maps = enlarged(maps, captured.inputs.shape[2:])
        if self.maps is None:
            self.maps = _room((self.count, *maps.shape[1:]))
        self.maps[start:stop] = maps.cpu().numpy()
        self.usable[start:stop] = usable.cpu().numpy()
        if bool(finite.all()):
            return []
        return [f"{self.name}: some maps were not finite; they are blank and not scored"]

    def _take_channels(self, visualizer: ChannelVisualizer, captured: Captured, start: int, stop: int) -> None:
        with torch.no_grad():
            maps, units = visualizer.channels(captured)
        if maps.ndim != captured.inputs.ndim or maps.shape[:2] != units.shape or len(maps) != stop - start:
            raise ValueError(f"returned shapes {tuple(maps.shape)} and {tuple(units.shape)}, which do not fit")
        if self.maps is None or self.units is None:
            self.maps = np.zeros((self.count, *maps.shape[1:]), dtype=np.float32)
            self.units = np.zeros((self.count, maps.shape[1]), dtype=np.int64)
        self.maps[start:stop] = maps.float().cpu().numpy()
        self.units[start:stop] = units.cpu().numpy()


def _room(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros; in a file that goes with them where they are too many for the memory."""
    if 4 * math.prod(shape) <= IN_MEMORY:
        return np.zeros(shape, dtype=np.float32)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype=np.float32, mode="w+", shape=shape)


def _reason(error: Exception) -> str:
    """In words where it was refused in words."""
    return str(error) if isinstance(error, ModelError) else f"{type(error).__name__}: {error}"
