"""Recognises a head that reads nothing but the mean of a layer's output, by what it computes.

Nothing is read off the code: each part of fitting size is tried on the means, and taken where it gives the model's own
scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from auditor.engine import scoring
from auditor.engine.borrowing import alone, pass_settings
from auditor.targets import Targets

__all__ = ["MeanHead", "linear_head", "mean_head"]

TOLERANCE = 1e-3
"""Scores without their bias may differ from the linear layer's by this share of the largest: half precision rounds."""
VALUES_AT_ONCE = 2**24
"""Values of a hidden layer held at one time: 64 MiB in float32."""
IDLE = (nn.Identity, nn.Dropout)
"""Parts that hand on what they get while the model is evaluated."""


def linear_head(module: nn.Module, activations: Tensor, logits: Tensor) -> Tensor | None:
    """Weights of the linear layer (or 1×1 convolution) that makes the scores from the mean over positions.

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


@dataclass(frozen=True, slots=True)
class MeanHead:
    """What makes the scores from the means of a layer's units: a linear layer, and what follows it.

    Attributes:
        module: The model, unwrapped.
        first: The layer that reads the means.
        between: What follows it, up to the last layer.
        last: The linear layer that puts out the scores; None where something else does, or `first` does.
    """

    module: nn.Module
    first: nn.Linear
    between: Sequence[nn.Module] = ()
    last: nn.Linear | None = None

    def logits(self, means: Tensor) -> Tensor:
        """Raw scores, shape (n, scores), from means of shape (n, units)."""
        with alone(self.module), pass_settings(self.module, means.device, gradients=False):
            hidden = self._hidden(_linear(self.first, means))
            return hidden if self.last is None else _linear(self.last, hidden)

    def without_units(self, means: Tensor, target: Targets, units: Tensor) -> Tensor:
        """One image's raw score while one unit puts out zeros, for each of the units: shape (n,).

        What the first layer loses with a unit is a row of its weights, so only what follows it runs for each unit.

        Args:
            means: Float (all units,).
            target: The image's: of classes.
            units: Indices, shape (n,).
        """
        with alone(self.module), pass_settings(self.module, means.device, gradients=False):
            weight = self.first.weight.float()
            whole = _linear(self.first, means[None])
            at_once = max(1, VALUES_AT_ONCE // len(weight))
            found = []
            for group in torch.split(units, at_once):
                lost = weight.index_select(1, group).mul_(means[group])
                found.append(self._scores(lost.neg_().add_(whole.T).T, target))
            return torch.cat(found)

    def _scores(self, first: Tensor, target: Targets) -> Tensor:
        hidden = self._hidden(first)
        if self.last is None:
            return scoring.target_logits(hidden, target.expand(len(hidden)))
        # the wanted score alone: the others would take most of the time
        found = hidden @ target.weights(self.last.weight.float())[0]
        return found if self.last.bias is None else found + target.weights(self.last.bias.float()[:, None])[0]

    def _hidden(self, first: Tensor) -> Tensor:
        for part in self.between:
            first = part(first.to(scoring.weights_dtype(self.module))).float()
        return first


def mean_head(module: nn.Module, activations: Tensor, logits: Tensor) -> MeanHead | None:
    """The linear layer, or the sequence of parts that starts with one, which makes the scores from the means.

    Args:
        module: Unwrapped.
        activations: Shape (batch, units, ...): positions behind units.
        logits: Raw scores, shape (batch, scores).

    Returns:
        None where no part of the model does.
    """
    means = activations.flatten(2).mean(dim=2)
    if not means.any():
        return None  # anything would fit
    for head in _candidates(module, means.shape[1]):
        try:
            found = head.logits(means)
        except (RuntimeError, TypeError, ValueError, IndexError):
            continue  # a sequence that is not for these sizes
        if found.shape == logits.shape and bool((found - logits).abs().max() <= TOLERANCE * logits.abs().max()):
            return head
    return None


def _candidates(module: nn.Module, units: int) -> Iterator[MeanHead]:
    for part in module.modules():
        if isinstance(part, nn.Linear) and part.in_features == units:
            yield MeanHead(module, part)
        if isinstance(part, nn.Sequential):
            parts = [child for child in part if not isinstance(child, IDLE)]
            while parts and isinstance(parts[0], nn.Flatten):
                del parts[0]
            if len(parts) < 2 or not isinstance(parts[0], nn.Linear) or parts[0].in_features != units:
                continue
            if isinstance(parts[-1], nn.Linear):
                yield MeanHead(module, parts[0], parts[1:-1], parts[-1])
            else:
                yield MeanHead(module, parts[0], parts[1:])


def _linear(layer: nn.Linear, inputs: Tensor) -> Tensor:
    return functional.linear(inputs, layer.weight.float(), None if layer.bias is None else layer.bias.float())
