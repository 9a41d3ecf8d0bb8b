"""Gradients of a class score with respect to the pictures: the cheapest look at what a prediction hangs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from auditor.engine import scoring
from auditor.engine.integrity import evaluating

if TYPE_CHECKING:
    from torch import Tensor

    from auditor.engine.predictor import Predictor

CHUNK = 32

__all__ = ["input_attention"]


def input_attention(predictor: Predictor, images: Tensor, targets: np.ndarray) -> np.ndarray:
    """|∂ log-score of the target / ∂ input| · |input − its local mean|, summed over channels.

    Subtracting the local mean makes plain surfaces, whose value alone says nothing, count for little. The model's
    parameters get no gradients and are not changed.

    Args:
        predictor: Whose model and preprocessing are asked.
        images: uint8 or float (n, channels, height, width).
        targets: int (n,).

    Returns:
        float32 (n, height, width), non-negative.

    Source: gradient × input, Shrikumar et al., "Not Just a Black Box", 2016; with the local mean as reference.
    """
    module = predictor.original()
    parts = []
    with evaluating(module), torch.enable_grad(), torch.autocast(predictor.device.type, enabled=False):
        for start in range(0, len(images), CHUNK):
            given = images[start : start + CHUNK].to(predictor.device)
            inputs = predictor.model.preprocessing.to_input(given).detach().clone().requires_grad_(True)
            logits = scoring.forward(module, inputs)
            wanted = torch.as_tensor(targets[start : start + CHUNK], device=logits.device)
            chosen = predictor.probabilities(logits).clamp(min=1e-12).log().gather(1, wanted[:, None])
            (gradient,) = torch.autograd.grad(chosen.sum(), inputs)
            size = 2 * max(1, round(0.05 * min(inputs.shape[-2:]))) + 1
            mean = torch.nn.functional.avg_pool2d(
                inputs.detach(), size, stride=1, padding=size // 2, count_include_pad=False
            )
            parts.append((gradient.abs() * (inputs.detach() - mean).abs()).sum(dim=1).cpu())
            predictor.forwards += 2 * len(given)
    return torch.cat(parts).numpy()
