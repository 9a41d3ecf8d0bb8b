"""Formulas of class activation maps that more than one visualizer uses: activations and gradients in, maps out.

A layer's grid is (rows, columns) over a picture, and (depth, rows, columns) over a clip or a volume: the formulas are
arithmetic on units and places, and the same for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "as_weights",
    "enlarged",
    "first_component",
    "grad_cam",
    "layer_cam",
    "places",
    "plus_plus_weights",
    "weighted",
]


def places(units: Tensor) -> tuple[int, ...]:
    """The axes of a layer's grid, behind batch and units."""
    return tuple(range(2, units.ndim))


def as_weights(values: Tensor, over: Tensor) -> Tensor:
    """Values with axes of length 1 behind, so that they weigh all of `over`'s further axes alike."""
    return values.view(*values.shape, *[1] * (over.ndim - values.ndim))


def enlarged(maps: Tensor, extent: Sequence[int]) -> Tensor:
    """Maps at another size, linear between the centres of cells: (batch, grid) → (batch, extent).

    Of pictures as two products, which are several times faster than torch's own for few maps.
    """
    from torch.nn import functional as F

    if tuple(maps.shape[1:]) == tuple(extent):
        return maps
    if len(extent) == 3:
        return F.interpolate(maps[:, None], size=tuple(extent), mode="trilinear", align_corners=False)[:, 0]
    down, across = (_shares(before, after).to(maps) for before, after in zip(maps.shape[1:], extent, strict=True))
    # the products of numbers that are not negative are not negative, whatever their rounding
    return down @ maps @ across.T


@cache
def _shares(before: int, after: int) -> Tensor:
    """What each of `after` places takes from each of `before`, shape (after, before)."""
    import torch
    from torch.nn import functional as F

    with torch.inference_mode(mode=False):
        return F.interpolate(torch.eye(before)[None], size=after, mode="linear", align_corners=False)[0].T.contiguous()


def weighted(weights: Tensor, activations: Tensor) -> Tensor:
    """ReLU(Σₖ wₖ Aₖ).

    Args:
        weights: Shape (batch, units).
        activations: Shape (batch, units, grid).
    """
    return (as_weights(weights, activations) * activations).sum(dim=1).clamp(min=0)


def grad_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Units weighted by their mean gradient.

    Source: Selvaraju et al., "Grad-CAM", ICCV 2017.
    """
    return weighted(gradients.mean(dim=places(gradients)), activations)


def layer_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Each position weighted by its own positive gradient.

    Source: Jiang et al., "LayerCAM", IEEE TIP 2021.
    """
    return (gradients.clamp(min=0) * activations).sum(dim=1).clamp(min=0)


def plus_plus_weights(activations: Tensor, first: Tensor, second: Tensor, third: Tensor) -> Tensor:
    """wₖ = Σᵢⱼ αᵢⱼ ReLU(gᵢⱼ) with α = g² / (2 g² + Sₖ g³) and Sₖ the sum of the unit's activations.

    Where a layer puts out negative values, or g³ is a mean over noise, the denominator's second term can be negative
    and the formula divides by zero; it is held at zero or above, so that α stays within 0..½.

    Args:
        activations: Shape (batch, units, grid).
        first, second, third: g, g² and g³, or their means over several pictures, same shape.

    Returns:
        Shape (batch, units).

    Source: Chattopadhay et al., "Grad-CAM++", WACV 2018, section 3.2, α in closed form for an exponential score.
    """
    total = activations.sum(dim=places(activations), keepdim=True)
    # g² / (2 g² + S g³) = 1 / (2 + S g³ / g²): squares of small gradients would drown in any added epsilon
    ratio = (third / second).nan_to_num(0, 0, 0)
    return (first.clamp(min=0) / (2 + (total * ratio).clamp(min=0))).sum(dim=places(activations))


def first_component(units: Tensor) -> Tensor:
    """Projection of each position on the first principal direction of the units, not centred.

    X = U Σ Vᵀ with one row a position and one column a unit; the result is X v₁. Its sign is that of the units' sum:
    the projection agrees with Σₖ Xₖ over the positions. Taken from the Gram matrix on the smaller side.

    Args:
        units: Shape (batch, units, grid).

    Returns:
        Shape (batch, grid), signed.
    """
    import torch

    count, _, *grid = units.shape
    matrix = units.flatten(2).transpose(1, 2)  # (batch, positions, units)
    scale = matrix.abs().amax(dim=(1, 2), keepdim=True).clamp(min=torch.finfo(matrix.dtype).tiny)
    matrix = matrix / scale  # squares of small gradients would vanish
    if matrix.shape[1] <= matrix.shape[2]:
        values, vectors = torch.linalg.eigh(matrix @ matrix.mT)
        projected = vectors[:, :, -1] * values[:, -1:].clamp(min=0).sqrt()
    else:
        _, vectors = torch.linalg.eigh(matrix.mT @ matrix)
        projected = (matrix @ vectors[:, :, -1:])[:, :, 0]
    agrees = (projected * matrix.sum(dim=2)).sum(dim=1, keepdim=True)
    signed = torch.where(agrees < 0, -projected, projected)
    return (signed * scale[:, 0]).view(count, *grid)
