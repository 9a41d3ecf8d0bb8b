"""Noisy linear imputation: removed pixels become the weighted mean of their neighbours, so that a mask leaves no trace.

Source: Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods", ICML 2022, section 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST = 8
"""Pixels of the longest side below which no coarser picture is solved first."""
MOST_STEPS = 2000


def impute(images: Tensor, known: Tensor, *, tolerance: float) -> Tensor:
    """Fill in what is not known: each such pixel is the mean of its eight neighbours within the picture.

    Direct neighbours weigh 1/6, diagonal ones 1/12. The equations of all pictures and channels are solved together by
    conjugate gradients, starting from the solution of the same picture at half its size.

    Args:
        images: Float (n, channels, height, width); values where nothing is known do not matter.
        known: bool (n, height, width), at least one True in each.
        tolerance: The equations hold to this root mean square, in the unit of the images.

    Returns:
        Shape and device of `images`: known pixels as they were, the others solved for.

    Raises:
        ValueError: A picture of which nothing is known.
    """
    if not bool(known.flatten(1).any(dim=1).all()):
        raise ValueError("nothing is known of one of the pictures; at least one pixel must be")
    return _solved(images, known[:, None], tolerance)


def _solved(images: Tensor, known: Tensor, tolerance: float) -> Tensor:
    import torch
    from torch.nn import functional as F

    weights = known.to(images.dtype)
    if max(images.shape[-2:]) <= SMALLEST:
        start = (images * weights).sum((2, 3), keepdim=True) / weights.sum((2, 3), keepdim=True)
    else:
        count = F.avg_pool2d(weights, 2, ceil_mode=True, divisor_override=1)
        mean = F.avg_pool2d(images * weights, 2, ceil_mode=True, divisor_override=1) / count.clamp(min=1)
        coarse = _solved(mean, count > 0, tolerance)
        start = F.interpolate(coarse, size=images.shape[-2:], mode="bilinear", align_corners=False)
    return _conjugate_gradients(torch.where(known, images, start), weights, tolerance)


def _conjugate_gradients(guess: Tensor, weights: Tensor, tolerance: float) -> Tensor:
    """Solve (total weight of neighbours) · x − (weighted sum of neighbours) = 0 where `weights` is 0.

    Each picture's channels stop on their own, so that a picture's solution does not depend on its company.
    """
    import torch

    free = 1 - weights
    total = _neighbours(torch.ones_like(guess[:1, :1]))
    residual = free * (_neighbours(guess) - total * guess)
    direction = residual
    square = (residual * residual).sum((2, 3), keepdim=True)
    enough = tolerance**2 * free.sum((2, 3), keepdim=True)
    for _ in range(MOST_STEPS):
        going = square > enough
        if not bool(going.any()):
            break
        image = free * (total * direction - _neighbours(direction))
        curvature = (direction * image).sum((2, 3), keepdim=True)
        step = torch.where(going, square / curvature.clamp(min=torch.finfo(guess.dtype).tiny), 0)
        guess = guess + step * direction
        residual = residual - step * image
        before, square = square, torch.where(going, (residual * residual).sum((2, 3), keepdim=True), square)
        direction = residual + square / before.clamp(min=torch.finfo(guess.dtype).tiny) * direction
    return guess


def _neighbours(values: Tensor) -> Tensor:
    """Sum of the eight neighbours, direct ones weighing 1/6, diagonal ones 1/12; nothing beyond the edge."""
    both = _one_two_one(_one_two_one(values, 2), 3)
    return (both - 4 * values) / 12


def _one_two_one(values: Tensor, axis: int) -> Tensor:
    length = values.shape[axis]
    found = 2 * values
    found.narrow(axis, 1, length - 1).add_(values.narrow(axis, 0, length - 1))
    found.narrow(axis, 0, length - 1).add_(values.narrow(axis, 1, length - 1))
    return found
