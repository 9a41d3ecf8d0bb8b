"""Maps over clips and volumes: one more axis, time or depth, in front of the rows. Arithmetic and the pass.

A map has shape (batch, depth, rows, columns), non-negative, magnitude kept. Depth is time for clips: then each frame
has a weight, its share of the map.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auditor.engine.capture import capture
from auditor.errors import ModelError
from auditor.visualizers import Need

__all__ = ["VolumeMaps", "cams", "frame_weights", "grad_cam", "layer_cam", "occlusion", "spread"]

VOLUMES_AT_ONCE = 8
"""Hidden copies held at one time: a volume is as large as a hundred images."""


@dataclass(frozen=True, slots=True)
class VolumeMaps:
    """One layer's map over each clip or volume.

    Attributes:
        layer: Dotted module name.
        maps: At the input's size, float32 (batch, depth, height, width), on the model's device.
        weights: Share of each frame or slice in its map, float32 (batch, depth); all 0 where the map is.
        usable: bool (batch,): False where the map is zero, constant or not finite.
        notes: What a reader must know, such as a layer that is called several times.
    """

    layer: str
    maps: Tensor
    weights: Tensor
    usable: Tensor
    notes: tuple[str, ...]


def cams(
    model: nn.Module,
    inputs: Tensor,
    layers: Sequence[str],
    *,
    method: Callable[[Tensor, Tensor], Tensor] | None = None,
    targets: Tensor | None = None,
) -> list[VolumeMaps]:
    """One pass over a chunk of clips or volumes, and a map for each layer.

    Args:
        model: Wrappers are looked through; left as it was.
        inputs: Normalised, shape (batch, channels, depth, height, width), on the model's device.
        layers: Dotted names of modules whose output is a grid with a depth.
        method: `grad_cam` (where None) or `layer_cam`.
        targets: int64 (batch,); None explains the predicted class.

    Raises:
        ModelError: As `capture`; or the inputs have no depth.
    """
    if inputs.ndim != 5:
        raise ModelError(
            f"clips and volumes have shape (batch, channels, depth, height, width), got {inputs.ndim} axes"
        )
    needs = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS})
    found = capture(model, inputs, layers=layers, needs=needs, targets=targets)
    made = []
    for layer in dict.fromkeys(layers):
        at = found[layer]
        assert at.activations is not None
        assert at.gradients is not None
        coarse = (method or grad_cam)(at.activations, at.gradients)
        finite = coarse.isfinite().flatten(1).all(dim=1)
        coarse = torch.where(finite[:, None, None, None], coarse, 0.0)
        high, low = coarse.flatten(1).amax(dim=1), coarse.flatten(1).amin(dim=1)
        maps = spread(coarse, inputs.shape[2:])
        made.append(VolumeMaps(layer, maps, frame_weights(maps), finite & (high - low > 1e-6 * high), found.notes))
    return made


def grad_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM with a depth: L = ReLU(Σₖ αₖ Aₖ), αₖ the mean of ∂y/∂Aₖ over all cells, time or depth included.

    As coarse as the layer along every axis; late layers of clip networks often keep two to four steps of time.

    Source: Selvaraju et al., "Grad-CAM", ICCV 2017, with Z running over depth as well.

    Args:
        activations, gradients: Shape (batch, units, depth, rows, columns).

    Returns:
        Shape (batch, depth, rows, columns).
    """
    weights = gradients.mean(dim=(2, 3, 4), keepdim=True)
    return (weights * activations).sum(dim=1).clamp(min=0)


def layer_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """LayerCAM with a depth: each cell weighted by its own positive gradient.

    Source: Jiang et al., "LayerCAM", IEEE TIP 2021, for cells of a volume.

    Args:
        activations, gradients: Shape (batch, units, depth, rows, columns).

    Returns:
        Shape (batch, depth, rows, columns).
    """
    return (gradients.clamp(min=0) * activations).sum(dim=1).clamp(min=0)


def frame_weights(maps: Tensor) -> Tensor:
    """The share of each frame or slice in its whole map: (batch, depth, rows, columns) → (batch, depth), sum 1 or 0.

    It says when, as the map says where. Where a layer's step of time covers several frames, they share its relevance.
    """
    mass = maps.sum(dim=(2, 3))
    total = mass.sum(dim=1, keepdim=True)
    return mass / torch.where(total > 0, total, 1.0)


def spread(maps: Tensor, extent: Sequence[int]) -> Tensor:
    """Maps at the input's size, trilinear as images' maps are bilinear: a cell's value lies at its centre."""
    if tuple(maps.shape[1:]) == tuple(extent):
        return maps
    return F.interpolate(maps[:, None], size=tuple(extent), mode="trilinear", align_corners=False)[:, 0]


def occlusion(
    inputs: Tensor,
    targets: Tensor,
    scores: Callable[[Tensor, Tensor], Tensor],
    *,
    fill: Tensor,
    window: tuple[float, float, float] = (0.25, 0.25, 0.25),
    stride: tuple[float, float, float] = (0.25, 0.25, 0.25),
) -> Tensor:
    """How much probability is lost when a block of the volume, or of the clip in space and time, is hidden.

    Each voxel shows the mean drop over the blocks that cover it, or none where the mean is a gain. A window of 1 along
    an axis hides all of it: (1, s, s) a place throughout the clip, (s, 1, 1) frames.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2, with
    blocks in place of squares.

    Args:
        inputs: Normalised, shape (batch, channels, depth, height, width); not changed.
        targets: int64 (batch,).
        scores: Inputs and targets → (n,) probability of the target, such as `Predictor.input_scores`.
        fill: Neutral voxel, shape (channels, 1, 1, 1).
        window, stride: Along depth, height and width, as shares of the side, above 0 and up to 1.

    Returns:
        float32 (batch, depth, height, width), on the inputs' device.
    """
    if not all(0 < share <= 1 for share in (*window, *stride)):
        raise ValueError(f"window and stride are shares above 0 and up to 1, got {window} and {stride}")
    count, extent = len(inputs), tuple(inputs.shape[2:])
    blocks = [_blocks(*one) for one in zip(extent, window, stride, strict=True)]
    whole = scores(inputs, targets)
    lost = torch.zeros((count, *extent), device=inputs.device)
    covered = torch.zeros(extent, device=inputs.device)
    places = list(itertools.product(*blocks))
    at_once = max(1, VOLUMES_AT_ONCE // count)
    for start in range(0, len(places), at_once):
        group = places[start : start + at_once]
        hidden = inputs.repeat(len(group), 1, 1, 1, 1)
        for index, (d, r, c) in enumerate(group):
            hidden[index * count : (index + 1) * count, :, d, r, c] = fill
        left = scores(hidden, targets.repeat(len(group))).view(len(group), count)
        for (d, r, c), drop in zip(group, whole - left, strict=True):
            lost[:, d, r, c] += drop[:, None, None, None]
            covered[d, r, c] += 1
    return (lost / covered).clamp(min=0)


def _blocks(length: int, window: float, stride: float) -> list[slice]:
    """Along one axis; the last block ends at the edge, so that every voxel is covered."""
    side = max(1, round(window * length))
    step = max(1, min(round(stride * length), side))
    count = math.ceil((length - side) / step) + 1
    return [slice(first, first + side) for first in (min(index * step, length - side) for index in range(count))]
