"""Which way each pixel must change so that a class loses to the others."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from auditor.attacks import margin
from auditor.engine import scoring
from auditor.engine.capture import recording
from auditor.engine.predictor import Predictor
from auditor.errors import ModelError
from auditor.visualizers import PASS

__all__ = ["margin_gradient"]

CHUNK = {4: 16, 5: 4}
"""How many a gradient takes at once: of pictures (four axes), and of clips and volumes (five), which are larger."""


def margin_gradient(predictor: Predictor, images: Tensor, classes: np.ndarray) -> Tensor:
    """d m / d pixel of the margin m of each picture's class; each picture counts as `PASS` forwards.

    Args:
        predictor: Whose original model is asked; its parameters get no gradients.
        images: float 0..255, shape (n, channels, height, width); clips and volumes with a depth in front of the height.
        classes: int (n,).

    Returns:
        float32 on the CPU, same shape; not finite values are 0.

    Raises:
        ModelError: The model allows no gradients.
    """
    module = predictor.original()
    parts = []
    chunk = CHUNK[images.ndim]
    for start in range(0, len(images), chunk):
        wanted = torch.as_tensor(classes[start : start + chunk], dtype=torch.int64, device=predictor.device)
        with recording(module, predictor.device), torch.enable_grad():
            pixels = images[start : start + chunk].to(predictor.device).detach().clone().requires_grad_()
            margins = margin(scoring.forward(module, predictor.model.preprocessing.to_input(pixels)), wanted)
            if not margins.requires_grad:
                raise ModelError("no gradient reaches the scores, so adversarial examples cannot be looked for")
            (gradient,) = torch.autograd.grad(margins.sum(), pixels)
        predictor.forwards += PASS * len(pixels)
        parts.append(gradient.nan_to_num(0, 0, 0).cpu())
    return torch.cat(parts)
