"""What a model or a layer returned, reduced to the one tensor that is meant, or refused in words."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from auditor.errors import ModelError

__all__ = ["logits_of", "replaced", "tensor_of", "unwrapped"]

SCORE_NAMES = ("logits", "scores", "out", "output")
LAYER_NAMES = ("last_hidden_state", "hidden_states", "feature_maps", "out", "output")


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside DataParallel, DistributedDataParallel and torch.compile, in any order."""
    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        elif hasattr(model, "_orig_mod"):
            inner = model._orig_mod
            assert isinstance(inner, nn.Module)
            model = inner
        else:
            return model


def logits_of(output: object, count: int) -> Tensor:
    """The class scores in what a model returned.

    Args:
        output: A tensor; or a tuple, dict or dataclass that holds one as `logits` or in first place.
        count: Images that went in.

    Returns:
        Shape (batch, classes); a single score (batch,) becomes (batch, 1).

    Raises:
        ModelError: Nothing there is one row of scores an image.
    """
    found = _named(output, SCORE_NAMES)
    scores = found if isinstance(found, Tensor) else _first_tensor(output)
    if scores is None:
        raise ModelError(
            f"the model returns {_kind(output)} without a tensor of scores; wrap it so that it returns logits of "
            "shape (batch, classes)"
        )
    if scores.ndim == 1 and len(scores) == count:
        scores = scores[:, None]
    if scores.ndim == 4 and scores.shape[2:] == (1, 1):
        scores = scores.flatten(1)
    if scores.ndim != 2 or len(scores) != count or not scores.is_floating_point():
        raise ModelError(
            f"the model's output has shape {tuple(scores.shape)} and dtype {scores.dtype} for {count} images; "
            "expected floating-point logits of shape (batch, classes): only classification models can be audited"
        )
    return scores


def tensor_of(output: object, *, layer: str) -> Tensor:
    """The tensor that a layer returned, alone or in first place of a tuple, dict or dataclass.

    Raises:
        ModelError: There is none.
    """
    found = _named(output, LAYER_NAMES)
    tensor = found if isinstance(found, Tensor) else _first_tensor(output)
    if tensor is None:
        raise ModelError(f"layer '{layer}' returns {_kind(output)} without a tensor; take another layer")
    return tensor


def replaced(output: Any, old: Tensor, new: Tensor) -> Any:
    """`output` with `new` in the place of `old`; the container is copied, never changed."""
    if output is old:
        return new
    if isinstance(output, tuple):
        items = [new if item is old else item for item in output]
        return type(output)(*items) if hasattr(output, "_fields") else type(output)(items)
    if isinstance(output, list):
        return [new if item is old else item for item in output]
    if isinstance(output, Mapping):
        changed = copy.copy(output)
        for key, value in output.items():
            if value is old:
                changed[key] = new  # type: ignore[index]
        return changed
    names = [field.name for field in dataclasses.fields(output) if getattr(output, field.name) is old]
    return dataclasses.replace(output, **dict.fromkeys(names, new))


def _named(output: object, names: tuple[str, ...]) -> object:
    for name in names:
        found = output.get(name) if isinstance(output, Mapping) else getattr(output, name, None)
        if isinstance(found, Tensor) and not isinstance(output, Tensor):
            return found
    return None


def _first_tensor(output: object) -> Tensor | None:
    if isinstance(output, Tensor):
        return output
    items: list[object] = []
    if isinstance(output, tuple | list):
        items = list(output)
    elif isinstance(output, Mapping):
        items = list(output.values())
    elif dataclasses.is_dataclass(output) and not isinstance(output, type):
        items = [getattr(output, field.name) for field in dataclasses.fields(output)]
    return next((item for item in items if isinstance(item, torch.Tensor)), None)


def _kind(output: object) -> str:
    return f"a {type(output).__name__}"
