"""Maps over clips and volumes at other sizes: for the eye, and for the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from auditor.cam_formulas import enlarged
from auditor.pipeline.map_sheets import upper_end
from auditor.visualizers import MapSet

if TYPE_CHECKING:
    from auditor.subjects import VolumeSample

EVIDENCE_SIDE = 32
"""Maps are kept as evidence with so many cells along each axis at most."""


def small_volumes(maps: np.ndarray) -> np.ndarray:
    """Maps averaged to at most 32 cells along each axis, float32 (n, depth, rows, columns)."""
    depth, rows, columns = (min(EVIDENCE_SIDE, side) for side in maps.shape[1:])
    pool = torch.nn.functional.adaptive_avg_pool3d
    small = [pool(torch.from_numpy(np.ascontiguousarray(one))[None], (depth, rows, columns))[0].numpy() for one in maps]
    return np.stack(small)


def at_size(item: MapSet, index: int, extent: Sequence[int]) -> np.ndarray:
    """One map at the input's size, float32 (depth, height, width)."""
    one = torch.from_numpy(np.array(item.maps[index : index + 1]))
    return np.asarray(enlarged(one, extent)[0].numpy())


def says_when_alone(item: MapSet) -> bool:
    """Whether its maps say when and not where, as those of `frame_occlusion`: their values are what they are."""
    return item.maps.shape[2:] == (1, 1)


def says_where_alone(item: MapSet, depth: int) -> bool:
    """Whether one map holds for all frames or slices, as of a method that hides a place in all of them at once."""
    return depth > 1 and item.maps.shape[1] == 1


def weights_of(item: MapSet, depth: int) -> np.ndarray:
    """The share of each frame or slice in its map, (n, depth), 0 where the map is blank; or its value where the map
    says when alone.
    """
    mass = torch.from_numpy(np.array(item.maps.sum(axis=(2, 3)), dtype=np.float32))[:, None]
    spread = torch.nn.functional.interpolate(mass, size=depth, mode="linear", align_corners=False)[:, 0].numpy()
    if says_when_alone(item):
        return np.asarray(spread)
    total = spread.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(spread, total, out=np.zeros_like(spread), where=total > 0))


def heaviest_slice(item: MapSet, index: int, sample: VolumeSample) -> tuple[np.ndarray, np.ndarray, float]:
    """The frame or slice where a map is heaviest, for the annex: photo, its map, and where its colours end."""
    values = at_size(item, index, sample.images.shape[2:])
    depth = int(values.sum(axis=(1, 2)).argmax())
    return sample.slices(sample.images[index].numpy())[depth], values[depth], upper_end(values)
