"""The rules of relevance propagation: each gives an operation's own value with a backward that shares relevance out.

In all of them the gradient that arrives at a unit, times the unit, is the unit's relevance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from auditor.errors import ModelError
from auditor.visualizers import RelevanceRule

__all__ = [
    "activation",
    "attention",
    "group_norm",
    "halved",
    "layer_norm",
    "multi_head_attention",
    "normalize",
    "of_linear",
    "product",
    "weighted",
]


def of_linear(rule: RelevanceRule) -> RelevanceRule:
    """Linear layers always take epsilon."""
    return replace(rule, convolutions="epsilon")


class _Value(torch.autograd.Function):
    """The value of one tensor with the history of another."""

    @staticmethod
    def forward(ctx: Any, history: Tensor, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0], None


class _Half(torch.autograd.Function):
    """The same value, half the gradient."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0] / 2


def _with_value(history: Tensor, value: Tensor) -> Tensor:
    found: Tensor = _Value.apply(history, value.detach())
    return found


def halved(first: Any, second: Any) -> tuple[Any, Any]:
    """Both factors, each with half the relevance where both depend on the input (AttnLRP, proposition 3.3)."""
    if all(isinstance(one, Tensor) and one.requires_grad for one in (first, second)):
        return _Half.apply(first), _Half.apply(second)
    return first, second


def _ratio(above: Tensor, below: Tensor, epsilon: float = 0.0) -> Tensor:
    """above / (below ± epsilon), 0 where that is 0 / 0; a constant to the backward."""
    above, below = above.detach(), below.detach()
    below = below + torch.where(below < 0, -epsilon, epsilon)
    return torch.where(below == 0, 0.0, above / torch.where(below == 0, 1.0, below))


def weighted(
    func: Callable[..., Tensor], rule: RelevanceRule, given: Tensor, weight: Tensor, bias: Tensor | None = None,
    *args: Any, **kwargs: Any,
) -> Tensor:  # fmt: skip
    """A convolution or a linear layer.

    epsilon: Rᵢ = Σₖ aᵢwᵢₖ / (zₖ + ε sign zₖ) · Rₖ. gamma: positive contributions count 1 + γ times in the share of
    units above 0, negative ones in the share of units below. zplus: positive contributions alone.
    """
    if weight.requires_grad:
        raise ModelError("relevance propagation has no rule for a layer whose weights depend on the input")

    def run(values: Tensor, weights: Tensor) -> Tensor:
        return func(values, weights, None, *args, **kwargs)

    if rule.convolutions == "epsilon":
        plain = run(given, weight)
        value = func(given.detach(), weight, bias, *args, **kwargs) if bias is not None else plain.detach()
        return _with_value(plain * _ratio(value, value, rule.epsilon), value)
    value = func(given.detach(), weight, bias, *args, **kwargs)
    raising, lowering = weight.clamp(min=0), weight.clamp(max=0)
    above = given.clamp(min=0)
    below = given.clamp(max=0) if bool((given < 0).any()) else None

    def contributions(of_above: Tensor, of_below: Tensor) -> Tensor:
        return run(above, of_above) if below is None else run(above, of_above) + run(below, of_below)

    if rule.convolutions == "zplus":
        positive = contributions(raising, lowering)
        return _with_value(positive * _ratio(value, positive, rule.epsilon), value)
    up, down = weight + rule.gamma * raising, weight + rule.gamma * lowering
    positive, negative = contributions(up, down), contributions(down, up)
    total_up, total_down = positive.detach(), negative.detach()
    if bias is not None:
        # the bias is one more contribution: what it adds to the plain value, and γ times that where it has the sign
        share = bias.detach().view(-1, *[1] * (value.ndim - 2))
        total_up = total_up + share + rule.gamma * share.clamp(min=0)
        total_down = total_down + share + rule.gamma * share.clamp(max=0)
    history = positive * _ratio(value.clamp(min=0), total_up, rule.epsilon) + negative * _ratio(
        value.clamp(max=0), total_down, rule.epsilon
    )
    return _with_value(history, value)


def activation(func: Callable[..., Tensor], name: str, given: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Relevance goes on as it is: the gradient is the quotient of value and input."""
    before = given.detach().clone()
    value = func(given.detach().clone(), *args, **kwargs)
    result = _with_value(given * _ratio(value, before), value)
    in_place = name.endswith("_") or kwargs.get("inplace") is True
    return given.copy_(result) if in_place else result


def product(func: Callable[..., Tensor], first: Any, second: Any, **kwargs: Any) -> Tensor:
    """A gate, the factor with fewer values, is held; equal factors get half each.

    Source: Arras et al., "Explaining Recurrent Neural Network Predictions in Sentiment Analysis", 2017, section 3.1
    """
    if isinstance(first, Tensor) and isinstance(second, Tensor) and first.requires_grad and second.requires_grad:
        if first.numel() < second.numel():
            return func(first.detach(), second, **kwargs)
        if second.numel() < first.numel():
            return func(first, second.detach(), **kwargs)
    return func(*halved(first, second), **kwargs)


def layer_norm(
    rule: RelevanceRule, given: Tensor, shape: Any, weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """The spread is held, the rest is affine (AttnLRP, proposition 3.4)."""
    over = tuple(range(-len(tuple(shape)), 0))
    centred = given - given.mean(over, keepdim=True)
    spread = (given.detach().var(over, keepdim=True, correction=0) + eps).sqrt()
    history = centred / spread if weight is None else centred / spread * weight
    return _with_value(history, F.layer_norm(given.detach(), list(shape), weight, bias, eps))


def group_norm(
    rule: RelevanceRule, given: Tensor, groups: int, weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """As `layer_norm`, over groups of channels."""
    grouped = given.reshape(len(given), groups, -1)
    history = layer_norm(rule, grouped, grouped.shape[-1:], eps=eps).view_as(given)
    if weight is not None:
        history = history * weight.view(-1, *[1] * (given.ndim - 2))
    return _with_value(history, F.group_norm(given.detach(), groups, weight, bias, eps))


def normalize(
    rule: RelevanceRule, given: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, **kwargs: Any
) -> Tensor:
    """The norm is held."""
    norm: Tensor = given.detach().norm(p, dim, keepdim=True).clamp_min(eps)
    return given / norm


def attention(
    rule: RelevanceRule, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None,
    dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None, **kwargs: Any,
) -> Tensor:  # fmt: skip
    """Products are halved, softmax keeps its gradient (AttnLRP, propositions 3.1 and 3.3)."""
    if attn_mask is not None or is_causal or kwargs.get("enable_gqa"):
        raise ModelError("relevance propagation has no rule for masked attention, which the model uses")
    query, key = halved(query * (scale or 1 / math.sqrt(query.shape[-1])), key)
    weights, value = halved((query @ key.transpose(-2, -1)).softmax(-1), value)
    mixed: Tensor = weights @ value
    return mixed


def multi_head_attention(
    rule: RelevanceRule, query: Tensor, key: Tensor, value: Tensor, embedding: int, heads: int,
    in_weight: Tensor | None, in_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None,
    add_zero_attn: bool, dropout_p: float,
    out_weight: Tensor, out_bias: Tensor | None, **kwargs: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """What `nn.MultiheadAttention` calls, for tokens first: (tokens, batch, embedding)."""
    masks = [kwargs.get(name) for name in ("key_padding_mask", "attn_mask")]
    odd = [bias_k, bias_v, *masks]
    if query.ndim != 3 or in_weight is None or add_zero_attn or any(one is not None for one in odd):
        raise ModelError("relevance propagation has no rule for this form of nn.MultiheadAttention")
    biases = in_bias.chunk(3) if in_bias is not None else (None, None, None)
    split: list[Tensor] = []
    for given, weight, bias in zip((query, key, value), in_weight.chunk(3), biases, strict=True):
        projected = weighted(F.linear, of_linear(rule), given, weight, bias)
        tokens, batch = projected.shape[:2]
        split.append(projected.reshape(tokens, batch * heads, -1).transpose(0, 1))
    mixed = attention(rule, split[0], split[1], split[2]).transpose(0, 1).reshape(*query.shape[:2], embedding)
    return weighted(F.linear, of_linear(rule), mixed, out_weight, out_bias), None
