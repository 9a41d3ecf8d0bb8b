"""Recognises a head that is one linear layer on the mean of a layer's output, by what it computes."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["linear_head"]

TOLERANCE = 1e-3
"""Scores without their bias may differ from the linear layer's by this share of the largest: half precision rounds."""


def linear_head(module: nn.Module, activations: Tensor, logits: Tensor) -> Tensor | None:
    """Weights of the linear layer (or 1×1 convolution) that makes the scores from the mean over positions.

    Nothing is read off the code: each layer of fitting size is tried, and taken where it gives the model's own scores.

    Args:
        module: Unwrapped.
        activations: Shape (batch, units, ...): positions behind units.
        logits: Raw scores, shape (batch, scores).

    Returns:
        Float32 (scores, units); None where no layer does.
    """
    means = activations.flatten(2).mean(dim=2)
    wanted = (logits.shape[1], means.shape[1])
    for part in module.modules():
        if not isinstance(part, nn.Linear | nn.Conv2d) or part.weight.numel() != wanted[0] * wanted[1]:
            continue
        if part.weight.shape[:2] != wanted:
            continue
        weight = part.weight.detach().float().view(wanted)
        bias = 0 if part.bias is None else part.bias.detach().float()
        unbiased = logits - bias
        if bool((means @ weight.T - unbiased).abs().max() <= TOLERANCE * unbiased.abs().max()):
            return weight
    return None
