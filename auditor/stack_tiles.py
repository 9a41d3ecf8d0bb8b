"""Which frames of a clip, or which planes of a volume, stand for it on paper: the same ones of all that is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.media import Medium

if TYPE_CHECKING:
    from auditor.subjects import VolumeSample

__all__ = ["Excerpt", "excerpt_of", "in_full", "plane_name"]

FRAMES = 8
PLANES = {0: "sagittal", 1: "coronal", 2: "axial"}
"""World axis (right, anterior, superior) that a plane is across → its name."""
WORLD = {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2}


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some frames, or three planes through one voxel.

    Attributes:
        names: One a picture, for people: "frame 4", "axial 5/16".
        frames: Which frames, of a clip.
        at: Through which voxel, of a volume.
        spacing: Of its voxels, in any one unit.
    """

    names: tuple[str, ...]
    frames: tuple[int, ...] = ()
    at: tuple[int, int, int] | None = None
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def pictures(self, slices: np.ndarray, heat: np.ndarray | None = None) -> list[np.ndarray]:
        """The excerpt of a clip or volume, one picture for each name, all of one size.

        Args:
            slices: uint8 (depth, height, width, 3), as `VolumeSample.slices`.
            heat: A map to be laid over it, float (depth, height, width), from 0 to its own maximum over all of it.
        """
        from auditor import figures

        top = 0.0 if heat is None else float(np.nanmax(heat, initial=0.0))
        if self.at is None:
            plain = [slices[frame] for frame in self.frames]
            maps = [] if heat is None else [heat[frame] for frame in self.frames]
        else:
            plain, maps = figures.cut(slices, self.at), [] if heat is None else figures.cut(heat, self.at)
        drawn = [figures.overlay(one, it, 0.0, top) for one, it in zip(plain, maps, strict=True)] if maps else plain
        return drawn if self.at is None else figures.even_planes(drawn, self.spacing)


def excerpt_of(sample: VolumeSample, index: int, heat: np.ndarray | None, *, frames: int = FRAMES) -> Excerpt:
    """Frames spread over the clip, the heaviest among them; planes through the place where the map is largest.

    Args:
        heat: Float (depth, height, width); None: no map, the middle.
        frames: How many of a clip, at most.
    """
    from auditor import figures

    stack, extent = sample.stacks[index], tuple(sample.images.shape[2:])
    known = np.zeros(extent, np.float32) if heat is None else np.nan_to_num(heat)
    if sample.medium is Medium.CLIP:
        weights = known.sum(axis=(1, 2))
        weights[extent[0] // 2] += 0 if weights.any() else 1
        shown = figures.shown_frames(weights, frames)
        numbers = stack.frames or tuple(range(extent[0]))
        return Excerpt(tuple(f"frame {numbers[frame]}" for frame in shown), frames=tuple(shown))
    at = figures.strongest_voxel(known)
    names = [
        f"{plane_name(stack.orientation, axis)} {cut + 1}/{length}"
        for axis, (cut, length) in enumerate(zip(at, extent, strict=True))
    ]
    return Excerpt(tuple(names), at=at, spacing=stack.spacing or (1.0, 1.0, 1.0))


def in_full(values: np.ndarray, extent: Sequence[int]) -> np.ndarray:
    """A map at the size of what it belongs to, float32 (depth, height, width)."""
    import torch

    from auditor.cam_formulas import enlarged

    return np.asarray(enlarged(torch.from_numpy(np.array(values, np.float32))[None], extent)[0].numpy())


def plane_name(orientation: str | None, axis: int) -> str:
    """'axial', or which axis the plane is across where nobody knows the orientation."""
    if orientation is None:
        return ("across depth:", "across height:", "across width:")[axis]
    return PLANES[WORLD[orientation[axis]]]
