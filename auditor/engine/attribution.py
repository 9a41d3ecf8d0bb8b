"""Attributions of a whole sample in one cheap pass each, for experiments that compare them between pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from auditor.engine.capture import capture
from auditor.engine.chunking import Chunk, in_chunks
from auditor.visualizers import PASS, Need

if TYPE_CHECKING:
    from torch import Tensor, nn

    from auditor.engine.predictor import Predictor

__all__ = ["PASS", "mean_picture", "positive_attribution"]

CHUNK = 32


def positive_attribution(
    predictor: Predictor,
    images: Tensor,
    targets: np.ndarray,
    *,
    module: nn.Module | None = None,
    reference: Tensor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Input gradient of the class's score times the pixel's distance from the mean picture, where it is positive.

    Unlike a map of |gradient| it says which pixels speak *for* the class. The reference is the mean of these pictures
    at each pixel, so that what all pictures share gets nothing. Raw scores, not probabilities: those of sure
    predictions have no gradient.

    Args:
        predictor: Whose preprocessing and device are used; its count of forwards goes up.
        images: uint8 or float (n, channels, height, width), in the sample's units.
        targets: int (n,), the class explained.
        module: Another module of the same architecture on the predictor's device; None: the audited one.
        reference: (1, channels, height, width), in the sample's units; None: the mean of these pictures.
        progress: Called with (done, total).

    Returns:
        float32 (n, height, width), non-negative; a map of zeros where nothing speaks for the class.

    Raises:
        ModelError: The model allows no gradients.

    Source: gradient × (input − reference), Shrikumar et al., "Not Just a Black Box", 2016
    """
    module = predictor.original() if module is None else module
    to_input = predictor.model.preprocessing.to_input
    reference = mean_picture(images) if reference is None else reference

    neutral = reference.to(predictor.device)

    def run(start: int, stop: int) -> Tensor:
        given = images[start:stop].to(predictor.device)
        wanted = torch.as_tensor(targets[start:stop], dtype=torch.int64, device=predictor.device)
        found = capture(module, to_input(given), layers=(), needs=frozenset({Need.INPUT_GRADIENTS}), targets=wanted)
        plain = found[None]
        assert plain.input_gradients is not None
        away = plain.inputs - to_input(neutral)
        predictor.forwards += PASS * len(given)
        return (plain.input_gradients.float() * away).sum(dim=1).clamp(min=0).nan_to_num(0, 0, 0).cpu()

    return torch.cat(in_chunks(len(images), Chunk(CHUNK), run, what="attributions", progress=progress)).numpy()


def mean_picture(images: Tensor) -> Tensor:
    """The mean of all pictures at each pixel: float32 (1, channels, height, width)."""
    total = torch.zeros(images.shape[1:], dtype=torch.float64)
    for start in range(0, len(images), CHUNK):
        total += images[start : start + CHUNK].double().sum(dim=0).cpu()
    return (total / len(images)).float()[None]
