"""What other libraries say, before they scale their maps to 0..1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from auditor.engine.capture import Pass, capture
from auditor.visualizers import Need


def grad_cam_library(
    method: Callable[..., Any],
    module: nn.Module,
    layer: str,
    x: Tensor,
    targets: Tensor,
    reshape: Callable[[Tensor], Tensor] | None = None,
) -> np.ndarray:
    """Raw maps of pytorch-grad-cam, float (batch, rows, columns)."""
    part = module.get_submodule(layer)
    with method(model=module, target_layers=[part], reshape_transform=reshape) as cam:
        wanted = [ClassifierOutputTarget(int(target)) for target in targets]
        scores = cam.activations_and_grads(x)
        module.zero_grad()
        sum(target(score) for target, score in zip(wanted, scores, strict=True)).backward()
        activations = cam.activations_and_grads.activations[0].numpy()
        gradients = cam.activations_and_grads.gradients[0].numpy()
        maps = cam.get_cam_image(x, part, wanted, activations, gradients, False)
    return np.maximum(np.asarray(maps), 0)


def shared_pass(module: nn.Module, layer: str, x: Tensor, targets: Tensor) -> Pass:
    """Ours."""
    return capture(module, x, layers=[layer], needs=frozenset(Need), targets=targets)


def correlation(a: Tensor | np.ndarray, b: Tensor | np.ndarray) -> float:
    """Pearson, over all values of all maps at once: scale and zeros count, images cannot hide one another."""
    first, second = (np.asarray(torch.as_tensor(value).detach()).ravel() for value in (a, b))
    return float(np.corrcoef(first, second)[0, 1])
