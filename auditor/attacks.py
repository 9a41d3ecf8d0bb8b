"""Pixels changed by at most ε so that a class loses: pure arithmetic on a gradient that is lent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from auditor.targets import as_targets

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

__all__ = ["MarginGradient", "fgsm", "margin", "no_budget", "pgd"]

OWN_TRANSFORM = "the spec's own transform hides which values a pixel may take, so no budget can be kept in pixels"

BEYOND = (
    "voxels may take any value where they are not held between black and white, so no budget can be kept in levels of "
    "255; give dataset.window, or scaling: percentiles"
)
TOLERANCE = 0.5
"""Levels by which interpolation may leave 0 to 255."""

MarginGradient = Callable[["Tensor", "np.ndarray"], "Tensor"]
"""Pixels, float 0..255, shape (n, channels, height, width), of clips and volumes with a depth, and classes, int (n,)
→ d m / d pixel of each, see `margin`."""


def no_budget(images: Tensor, transform: str | None) -> str:
    """Why a change cannot be measured in levels of 255; "" where it can.

    Args:
        images: Of the sample, as `Sample.images`.
        transform: The spec's own, which makes inputs in its own way.
    """
    if transform is not None:
        return OWN_TRANSFORM
    low, high = float(images.min()), float(images.max())
    return "" if low >= -TOLERANCE and high <= 255 + TOLERANCE else BEYOND


def margin(logits: Tensor, classes: Tensor) -> Tensor:
    """m = z_t − log Σ exp z_j over the other classes j, shape (n,); of a single logit, its score for the class.

    The cross-entropy is log(1 + exp(−m)), so both gradients point the same way, and that of m does not vanish where the
    model is sure.

    Args:
        logits: Shape (n, classes).
        classes: int64 (n,), t.
    """
    import torch

    own_score = as_targets(classes).of(logits)
    if logits.shape[1] < 2:
        return own_score
    own = torch.nn.functional.one_hot(classes, logits.shape[1]).bool()
    return own_score - logits.masked_fill(own, -torch.inf).logsumexp(dim=1)


def fgsm(clean: Tensor, gradient: Tensor, epsilon: float) -> Tensor:
    """One step of ε against the gradient's sign, within 0 to 255.

    Args:
        clean: float 0..255, shape (n, channels, height, width), of clips and volumes with a depth.
        gradient: d m / d pixel at `clean`.
        epsilon: Change of a value, in levels of 255.

    Source: Goodfellow et al., "Explaining and Harnessing Adversarial Examples", ICLR 2015, section 4
    """
    return (clean - epsilon * gradient.sign()).clamp(0, 255)


def pgd(
    gradient: MarginGradient, clean: Tensor, start: Tensor, classes: np.ndarray, epsilon: float, *, steps: int
) -> Tensor:
    """Projected gradient descent on the margin: `steps` steps of 2.5 ε / steps, each followed by a projection.

    Args:
        gradient: Of the model that is attacked.
        clean: float 0..255, shape (n, channels, height, width), of clips and volumes with a depth.
        start: Where to begin, within epsilon of `clean`.
        classes: int (n,), whose margin falls.
        epsilon: Largest change of a value, in levels of 255.
        steps: How many.

    Returns:
        float, same shape, within epsilon of `clean` and 0 to 255.

    Source: Madry et al., "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR 2018, section 2.1
    """
    low, high = (clean - epsilon).clamp(min=0), (clean + epsilon).clamp(max=255)
    changed = start
    for _ in range(steps):
        changed = (changed - 2.5 * epsilon / steps * gradient(changed, classes).sign()).clamp(low, high)
    return changed
