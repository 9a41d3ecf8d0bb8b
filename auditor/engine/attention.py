"""Records attention weights while a model runs, fused or not, without editing the model.

Fused attention never forms its weights. While a recorder is active, scaled_dot_product_attention is computed as
softmax(QKᵀ·scale + mask)·V instead, and F.multi_head_attention_forward is looked into. Any other softmax over keys
whose result is then matrix-multiplied is attention that is written out, and is recorded as it is. Invisible are
kernels of other packages (flash-attn, xformers), flex_attention and TorchScript.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from auditor.attention import Attention, AttentionLayer
from auditor.engine import grids, scoring
from auditor.errors import ModelError

__all__ = ["Recorder", "attention_of"]

PRODUCTS = frozenset({"matmul", "__matmul__", "__rmatmul__", "bmm", "baddbmm", "einsum"})
LOOKED_INTO = frozenset({"multi_head_attention_forward", "grad"})
"""Functions during which the recorder stays active: attention is in the one, checkpoints recompute in the other."""
SAME = {torch.float32: 1e-3, torch.float64: 1e-3}
"""Weights of an image in a batch and alone differ by less than this share, or images do not come first in them."""
SAME_HALF = 2e-2
NONE = (
    "the model has no attention that can be seen: no softmax whose weights are multiplied with values; TorchScript and "
    "attention kernels of other packages hide theirs"
)


@dataclass
class _Call:
    """One softmax. `weights` is (…, queries, keys); `source` is where its gradient arrives."""

    name: str
    weights: Tensor
    source: Tensor | GradientEdge | None
    turned: bool = False
    confirmed: bool = False
    gradient: Tensor | None = None
    scores: Tensor | None = None


class Recorder(TorchFunctionMode):
    """Sees every torch function of one forward, and keeps the softmaxes that turn out to be attention.

    Stays active during the backward as well: a checkpoint that recomputes must run the very same operations.
    """

    def __init__(self, *, gradients: bool, scores: bool = False) -> None:
        super().__init__()
        self.calls: list[_Call] = []
        self._gradients = gradients
        self._scores = scores
        self._open = True
        self._names: list[str] = []
        self._pending: dict[int, tuple[Tensor, _Call]] = {}

    @contextmanager
    def watching(self, module: nn.Module) -> Iterator[None]:
        """Record what runs inside; hooks tell in which part of the model, and come off."""
        with ExitStack() as stack:
            for name, part in module.named_modules():
                if not isinstance(part, torch.jit.ScriptModule):
                    stack.callback(part.register_forward_pre_hook(partial(self._enter, name)).remove)
                    stack.callback(part.register_forward_hook(partial(self._leave, name)).remove)
            stack.enter_context(self)
            yield

    def close(self) -> None:
        """Record no more."""
        self._open = False
        self._pending.clear()
        self.calls = [call for call in self.calls if call.confirmed]

    @property
    def sources(self) -> list[Any]:
        """Where gradients of the weights arrive, one a call."""
        return [call.source for call in self.calls if call.source is not None]

    def take(self, gradients: Sequence[Tensor | None]) -> None:
        """Hand in the gradients at `sources`."""
        for call, gradient in zip(self.calls, gradients, strict=True):
            call.gradient = torch.zeros_like(call.weights) if gradient is None else _turn(gradient, call.turned)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if name == "scaled_dot_product_attention":
            return self._attend(*args, **named)
        if name in LOOKED_INTO and isinstance(func, FunctionType):
            with self:
                return _looked_into(func)(*args, **named)
        output = func(*args, **named)
        if name == "softmax":
            dim = named.get("dim", args[1] if len(args) > 1 else None)
            if not (isinstance(output, Tensor) and isinstance(dim, int)):
                return output
            return self._softmax(output, dim, args[0] if args else named["input"])
        if self._pending:
            self._follow(name, [*args, *named.values()], output)
        return output

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        *,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        """Attention with visible weights. Source: torch.nn.functional.scaled_dot_product_attention, reference code."""
        if enable_gqa:
            key = key.repeat_interleave(query.shape[-3] // key.shape[-3], dim=-3)
            value = value.repeat_interleave(query.shape[-3] // value.shape[-3], dim=-3)
        logits = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
        if is_causal:
            attn_mask = torch.ones(logits.shape[-2:], dtype=torch.bool, device=logits.device).tril()
        if attn_mask is not None and attn_mask.dtype is torch.bool:
            logits = logits.masked_fill(~attn_mask, -math.inf)
        elif attn_mask is not None:
            logits = logits + attn_mask
        weights = logits.softmax(dim=-1)
        if attn_mask is not None:
            # a query that may read nothing reads nothing, as in the fused kernels
            weights = weights.masked_fill((logits == -math.inf).all(dim=-1, keepdim=True), 0.0)
        weights = self._softmax(weights, -1, logits, sure=True)
        return F.dropout(weights, dropout_p) @ value if dropout_p > 0 else weights @ value

    def _softmax(self, output: Tensor, dim: int, scores: Tensor, *, sure: bool = False) -> Tensor:
        """Keep a softmax over keys, and hand a copy on, so that later in-place code alters nothing that was kept."""
        axis = dim % output.ndim if output.ndim else 0
        if output.ndim < 3 or output.ndim - axis > 2 or not output.is_floating_point():
            return output
        source: Tensor | GradientEdge | None = None
        kept = output.detach()
        if self._gradients:
            if output.is_inference():
                raise ModelError("no gradient reaches the attention weights: the forward runs under inference_mode")
            if not output.requires_grad:
                output = kept.requires_grad_()
            source = get_gradient_edge(output) if output.grad_fn is not None else output
            with torch.enable_grad():
                handed = output.clone()
        else:
            handed = output.clone()
        if self._open:
            turned = axis == output.ndim - 2
            name = self._names[-1] if self._names else ""
            call = _Call(name, _turn(kept.detach(), turned), source, turned, confirmed=sure)
            if self._scores:
                call.scores = _turn(scores.detach().clone(), turned)
            self.calls.append(call)
            if not sure:
                self._pending[id(handed)] = (handed, call)
        return handed

    def _follow(self, name: str, given: Sequence[Any], output: Any) -> None:
        """A product confirms that weights were weights; what keeps their number (dropout, a cast, a view) is them."""
        flat = [item for one in given for item in (one if isinstance(one, tuple | list) else (one,))]
        found = [self._pending[id(item)][1] for item in flat if isinstance(item, Tensor) and id(item) in self._pending]
        for call in found:
            if name in PRODUCTS:
                call.confirmed = True
                self._pending = {key: entry for key, entry in self._pending.items() if entry[1] is not call}
            elif isinstance(output, Tensor) and output.numel() == call.weights.numel() and output.is_floating_point():
                self._pending[id(output)] = (output, call)

    def _enter(self, name: str, part: nn.Module, args: object) -> None:
        # a softmax that is a module of its own belongs to the part that calls it
        self._names.append(self._names[-1] if isinstance(part, nn.Softmax) and self._names else name)

    def _leave(self, name: str, part: nn.Module, args: object, output: object) -> None:
        if self._names:
            self._names.pop()


def attention_of(recorder: Recorder, module: nn.Module, seen: Tensor) -> Attention:
    """Lay out what was recorded, image by image.

    Where the first axis of some weights is not the batch alone (heads or windows are folded into it, or it could as
    well be heads), the first image runs once more by itself to see whether images come first.

    Args:
        recorder: Closed, after the backward.
        module: That ran, with the pass's settings still on.
        seen: The inputs, shape (batch, channels, height, width).
    """
    if not recorder.calls:
        return Attention((), NONE)
    count = len(seen)
    around = grids.surroundings(module, seen)
    layers = [_laid_out(call, count, around) for call in recorder.calls]
    if any(layer is None for layer in layers):
        odd = next(call for call, layer in zip(recorder.calls, layers, strict=True) if layer is None)
        return Attention((), f"attention '{odd.name}' has weights of shape {tuple(odd.weights.shape)} for {count} "
                             "images, which cannot be told apart by image")  # fmt: skip
    kept = [layer for layer in layers if layer is not None]
    doubtful = [index for index, call in enumerate(recorder.calls) if count > 1 and _doubtful(call, count)]
    if doubtful:
        alone = Recorder(gradients=False)
        with torch.no_grad(), alone.watching(module):
            scoring.output_of(module, seen[:1].clone())
        alone.close()
        for index in doubtful:
            single = _laid_out(alone.calls[index], 1, around) if index < len(alone.calls) else None
            whole = kept[index].weights[:1]
            share = SAME.get(recorder.calls[index].weights.dtype, SAME_HALF)
            if single is None or not _same(single.weights.reshape(-1), whole.reshape(-1), share / whole.shape[-1]):
                return Attention((), f"attention '{kept[index].name}' mixes images and heads in an order that cannot "
                                     "be told apart; audit with chunk: 1")  # fmt: skip
    return Attention(tuple(kept))


def _laid_out(call: _Call, count: int, around: grids.Surroundings) -> AttentionLayer | None:
    """Weights as (batch, heads, queries, keys), with windows (batch, windows, heads, queries, keys)."""
    shape = call.weights.shape
    queries, keys = shape[-2:]
    if shape[0] % count:
        return None
    grid = grids.grid_of((count, keys, 1), replace(around, count=count))
    folded = shape[0] // count
    if len(shape) == 3:
        wanted = (count, folded, queries, keys) if grid or folded == 1 else (count, folded, 1, queries, keys)
    elif len(shape) == 4 and folded == 1:
        wanted = (count, shape[1], queries, keys)
    else:
        wanted = (count, math.prod(shape[:-3]) // count, shape[-3], queries, keys)
    if len(wanted) == 5:
        grid = None  # a window's tokens are no grid over the image, though their number may fit one
    return AttentionLayer(
        call.name,
        call.weights.float().reshape(wanted),
        None if call.gradient is None else call.gradient.float().reshape(wanted),
        None if grid is None else grid.extent,
        0 if grid is None else grid.prefix,
        None if call.scores is None else call.scores.float().expand(shape).reshape(wanted),
    )


def _doubtful(call: _Call, count: int) -> bool:
    shape = call.weights.shape
    return shape[0] != count or (len(shape) > 3 and shape[1] == count)


def _same(first: Tensor, second: Tensor, tolerance: float) -> bool:
    return first.shape == second.shape and bool(((first - second).abs() <= tolerance).all())


def _turn(weights: Tensor, turned: bool) -> Tensor:
    return weights.transpose(-2, -1) if turned else weights


def _looked_into(func: FunctionType) -> FunctionType:
    """The same function without its own check for modes, which would hand it straight back to the recorder."""
    own = {**func.__globals__, "has_torch_function": lambda _: False}
    copied = FunctionType(func.__code__, own, func.__name__, func.__defaults__, func.__closure__)
    copied.__kwdefaults__ = func.__kwdefaults__
    return copied
