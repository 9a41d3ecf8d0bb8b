"""From a model's raw output to the number that is explained or counted."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from auditor.engine.chunking import is_out_of_memory
from auditor.engine.outputs import logits_of
from auditor.errors import AuditorError, ModelError
from auditor.targets import OwnScore, Targets, as_targets

__all__ = [
    "Output",
    "forward",
    "holds_probabilities",
    "output_of",
    "predicted",
    "probabilities",
    "scores_of",
    "target_logits",
    "weights_dtype",
]

Output = Literal["softmax", "sigmoid", "logit", "embedding"]


def weights_dtype(module: nn.Module) -> torch.dtype:
    """The floating-point type that a model's inputs must have: that of its first floating-point parameter."""
    return next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)


def forward(module: nn.Module, inputs: Tensor, own: OwnScore | None = None) -> Tensor:
    """Raw scores, float32, shape (batch, classes); (batch, 1) of a score of one's own.

    Raises:
        ModelError: The model's own code fails on such inputs, or its output is no row of scores an image.
    """
    return scores_of(output_of(module, inputs), len(inputs), own)


def output_of(module: nn.Module, inputs: Tensor) -> Any:
    """What the model returns, whatever it is.

    Raises:
        ModelError: The model's own code fails on such inputs.
    """
    try:
        return module(inputs.to(weights_dtype(module)))
    except AuditorError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise ModelError(
            f"the model fails on inputs of shape {tuple(inputs.shape)}: {type(error).__name__}: {error}"
        ) from error


def scores_of(output: Any, count: int, own: OwnScore | None = None) -> Tensor:
    """Raw scores in a model's output, float32, shape (count, classes); (count, 1) of a score of one's own.

    Raises:
        ModelError: Nothing there is a row of scores an image, or the score of one's own fails on it.
    """
    if own is None:
        return logits_of(output, count).float()
    try:
        return own.column(output, count).float()
    except AuditorError:
        raise
    except Exception as error:  # the user's code: it may raise anything
        if is_out_of_memory(error):
            raise
        raise ModelError(f"target {own.name} fails: {type(error).__name__}: {error}") from error


def probabilities(logits: Tensor, output: Output, *, given: bool = False) -> Tensor:
    """Probabilities from raw scores.

    Args:
        logits: Shape (batch, classes).
        output: How the model's scores are meant.
        given: The model ends in its own softmax or sigmoid.

    Returns:
        Shape (batch, classes); a single logit gives two columns, 1 − p and p.

    Raises:
        ModelError: An embedding has no classes.
    """
    if output == "embedding":
        raise ModelError("model.output: embedding: an embedding has no class probabilities; audit a classifier")
    if output == "softmax" and logits.shape[1] > 1:
        return logits if given else logits.softmax(dim=1)
    positive = logits if given else logits.sigmoid()
    return torch.cat((1 - positive, positive), dim=1) if logits.shape[1] == 1 else positive


def holds_probabilities(module: nn.Module, logits: Tensor, output: Output) -> bool:
    """Whether the output is probabilities already.

    Softmax shows by itself: no value below 0 and rows that sum to 1. A sigmoid does not, so the model's last part
    must be one as well.
    """
    if bool((logits < 0).any()):
        return False
    if output == "softmax" and logits.shape[1] > 1:
        return bool(((logits.sum(dim=1) - 1).abs() < 1e-3).all())
    last = list(module.modules())[-1]
    return isinstance(last, nn.Sigmoid) and bool((logits <= 1).all())


def predicted(logits: Tensor) -> Tensor:
    """The class that each image is explained for where nobody named one, int64 (batch,)."""
    return (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)


def target_logits(logits: Tensor, targets: Tensor | Targets) -> Tensor:
    """Each image's logit for its target, shape (batch,).

    A single logit speaks for class 1; for class 0 it is taken with the opposite sign.

    Raises:
        ModelError: A target is no class of this model.
    """
    wanted = as_targets(targets)
    if wanted.own is not None:
        return wanted.of(logits)
    classes = max(2, logits.shape[1])
    for named in (wanted.classes,) if wanted.against is None else (wanted.classes, wanted.against):
        if len(named) != len(logits) or bool(((named < 0) | (named >= classes)).any()):
            raise ModelError(
                f"targets must be {len(logits)} class indices from 0 to {classes - 1}, got {named.tolist()}"
            )
    return wanted.of(logits)
