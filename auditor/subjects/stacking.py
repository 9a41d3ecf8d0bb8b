"""Clips and volumes at the model's input size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from auditor.errors import DataError
from auditor.subjects.geometry import Geometry

if TYPE_CHECKING:
    from torch import Tensor

    from auditor.subjects import Preprocessing, Stack
    from auditor.subjects.volumes import Spacing, Volume

__all__ = ["ReadStack", "fitted_frames", "fitted_volume"]


@dataclass(frozen=True, slots=True)
class ReadStack:
    """One clip or volume at the model's input size.

    Attributes:
        image: uint8 or float32 (channels, depth, height, width).
        stack: How it was taken.
        conversions: What was changed on the way in, in words.
        sha256: Digest of its files.
    """

    image: Tensor
    stack: Stack
    conversions: tuple[str, ...]
    sha256: str


def fitted_frames(frames: Sequence[np.ndarray], preprocessing: Preprocessing) -> np.ndarray:
    """Each frame as a picture of its size would be fitted.

    Args:
        frames: uint8 (height, width, 3), RGB.

    Returns:
        uint8 (channels, frames, height, width).
    """
    height, width = frames[0].shape[:2]
    geometry = Geometry.of(width, height, preprocessing)
    mode = "L" if preprocessing.channels == "grey" else "RGB"
    fitted = [
        np.array(geometry.resize(Image.fromarray(frame).convert(mode), preprocessing.interpolation)) for frame in frames
    ]
    stacked = np.stack(fitted)
    return np.ascontiguousarray(stacked[None] if stacked.ndim == 3 else stacked.transpose(3, 0, 1, 2))


def fitted_volume(volume: Volume, preprocessing: Preprocessing) -> tuple[Tensor, Spacing | None, str]:
    """A volume brought to the model's size.

    squash: every axis to its length, linear and antialiased. crop: the middle at its own voxel size, with the volume's
    lowest value around it where it is smaller; `crop_ratio` is of pictures alone.

    Returns:
        float32 (channels, depth, height, width); size of its voxels in mm, where it is known; what was done, "" for
        nothing.

    Raises:
        DataError: It has another number of channels.
    """
    import torch

    wanted = preprocessing.extent
    channels = len(preprocessing.mean)
    values = torch.from_numpy(np.ascontiguousarray(volume.values, np.float32))
    if len(values) != channels:
        if len(values) > 1:
            raise DataError(f"it has {len(values)} channels, but model.input.mean and std have {channels} values")
        values = values.expand(channels, -1, -1, -1)
    before = tuple(values.shape[1:])
    if before == tuple(wanted):
        return values.contiguous(), volume.spacing, ""
    sizes = f"{'×'.join(str(side) for side in before)} to {'×'.join(str(side) for side in wanted)} voxels"
    if preprocessing.resize == "crop":
        return _middle(values, wanted), volume.spacing, f"cut or padded around its middle from {sizes}"
    spacing = volume.spacing
    if spacing is not None:
        depth, height, width = (unit * old / new for unit, old, new in zip(spacing, before, wanted, strict=True))
        spacing = (depth, height, width)
    return _squashed(values, wanted), spacing, f"squashed from {sizes}"


def _middle(values: Tensor, wanted: Sequence[int]) -> Tensor:
    placed = values.new_full((len(values), *wanted), float(values.min()))
    taken, put = [], []
    for have, want in zip(values.shape[1:], wanted, strict=True):
        length = min(have, want)
        taken.append(slice((have - length) // 2, (have - length) // 2 + length))
        put.append(slice((want - length) // 2, (want - length) // 2 + length))
    placed[:, *put] = values[:, *taken]
    return placed


def _squashed(values: Tensor, wanted: Sequence[int]) -> Tensor:
    """Antialiased along depth, and along height and width, one after the other: a triangle filter is separable."""
    from torch.nn import functional as F

    count, _, height, width = values.shape
    depth, rows, columns = wanted
    along = F.interpolate(
        values.reshape(count, 1, -1, height * width).flatten(0, 1)[:, None], (depth, height * width), mode="bilinear",
        antialias=True,
    )  # fmt: skip
    planes = along.reshape(count * depth, 1, height, width)
    flat = F.interpolate(planes, (rows, columns), mode="bilinear", antialias=True)
    return flat.reshape(count, depth, rows, columns)
