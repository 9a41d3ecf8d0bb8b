"""Maps over clips and volumes: one more axis, time or depth, in front of the rows. Arithmetic and the pass.

A map has shape (batch, depth, rows, columns), non-negative, magnitude kept. Depth is time for clips: then each frame
has a weight, its share of the map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from auditor.cam_formulas import enlarged, grad_cam, layer_cam
from auditor.engine.capture import capture
from auditor.errors import ModelError
from auditor.hiding import occlusion
from auditor.visualizers import Need

__all__ = ["VolumeMaps", "cams", "frame_weights", "grad_cam", "layer_cam", "occlusion", "spread"]


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


def frame_weights(maps: Tensor) -> Tensor:
    """The share of each frame or slice in its whole map: (batch, depth, rows, columns) → (batch, depth), sum 1 or 0.

    It says when, as the map says where. Where a layer's step of time covers several frames, they share its relevance.
    """
    mass = maps.sum(dim=(2, 3))
    total = mass.sum(dim=1, keepdim=True)
    return mass / torch.where(total > 0, total, 1.0)


def spread(maps: Tensor, extent: Sequence[int]) -> Tensor:
    """Maps at the input's size, trilinear as images' maps are bilinear: a cell's value lies at its centre."""
    return enlarged(maps, extent)
