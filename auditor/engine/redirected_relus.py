"""Lets a unit that is silent everywhere be woken, without a hook on, or an edit of, the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

__all__ = ["RedirectedRelus"]


class RedirectedRelus(TorchFunctionMode):
    """Inside, a ReLU through which nothing of an image's gradient would pass lets back what asks for more.

    The forward is unchanged. Where some gradient of the image passes, the backward is unchanged as well.

    Source: Mordvintsev et al., lucid (redirected_relu_grad), 2018
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        given = args[0] if args else kwargs.get("input")
        if name not in ("relu", "relu_") or not isinstance(given, Tensor) or not given.requires_grad:
            return func(*args, **kwargs)
        in_place = name == "relu_" or kwargs.get("inplace", len(args) > 1 and args[1])
        if not in_place:
            return _Redirected.apply(given)
        # the model may go on with the tensor that it handed in
        return given.copy_(_Redirected.apply(given.clone()))


class _Redirected(torch.autograd.Function):
    """max(x, 0)."""

    @staticmethod
    def forward(ctx: Any, given: Tensor) -> Tensor:
        ctx.save_for_backward(given > 0)
        return given.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (awake,) = ctx.saved_tensors
        passed = gradient * awake
        blocked = ~passed.flatten(1).ne(0).any(dim=1)
        return torch.where(blocked.view(-1, *[1] * (gradient.ndim - 1)), gradient.clamp(min=0), passed)
