"""Lets only positive gradients back through ReLUs, without a hook on, or an edit of, the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

__all__ = ["GuidedBackward"]

RELUS = frozenset({"relu", "relu_", "relu6"})
CLAMPS = frozenset({"clamp", "clamp_", "clip", "clip_", "clamp_min", "clamp_min_", "hardtanh", "hardtanh_"})


class GuidedBackward(TorchFunctionMode):
    """Inside, whatever works as a ReLU (module, function, method, clamp at 0) passes back ReLU(gradient).

    The hook sits on the tensor that the ReLU returned and dies with it.

    Attributes:
        relus: How many ran.

    Source: Springenberg et al., "Striving for Simplicity", ICLR workshop 2015, section 3.4
    """

    def __init__(self) -> None:
        super().__init__()
        self.relus = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if isinstance(result, Tensor) and result.requires_grad and _is_relu(func, args, kwargs):
            self.relus += 1
            result.register_hook(_positive)  # type: ignore[no-untyped-call]
        return result


def _positive(gradient: Tensor) -> Tensor:
    return gradient.clamp(min=0)


def _is_relu(func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    name = getattr(func, "__name__", "")
    if name in RELUS:
        return True
    if name not in CLAMPS:
        return False
    least = args[1] if len(args) > 1 else kwargs.get("min", kwargs.get("min_val"))
    return not isinstance(least, torch.Tensor) and least == 0
