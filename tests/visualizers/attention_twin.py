"""A torchvision transformer by hand, in float64, head by head, with every attention matrix in the open."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor


def slow_twin(
    model: Any, x: Tensor, targets: Tensor, scores: list[Tensor] | None = None
) -> tuple[list[Tensor], list[Tensor]]:
    """Attention matrices and d logit[target] / d matrix, each layer float64 (batch, heads, tokens, tokens).

    What the softmax is taken of is added to `scores`, of the same shape.
    """
    twin = copy.deepcopy(model).double()
    tokens = torch.nn.functional.conv2d(
        x.double(), twin.conv_proj.weight, twin.conv_proj.bias, stride=twin.patch_size
    ).flatten(2).transpose(1, 2)  # fmt: skip
    tokens = torch.cat((twin.class_token.repeat(len(x), 1, 1), tokens), dim=1) + twin.encoder.pos_embedding
    matrices: list[Tensor] = []
    for block in twin.encoder.layers:
        inside, heads = block.self_attention, block.self_attention.num_heads
        normed = block.ln_1(tokens)
        wide = normed.shape[-1]
        each = wide // heads
        weights, biases = inside.in_proj_weight, inside.in_proj_bias
        parts, mixed, products = [], [], []
        for head in range(heads):
            q, k, v = (
                normed @ weights[at + head * each : at + (head + 1) * each].T + biases[at + head * each :][:each]
                for at in (0, wide, 2 * wide)
            )
            products.append(torch.einsum("bqc,bkc->bqk", q, k) / math.sqrt(each))
            powers = torch.exp(products[-1])
            parts.append(powers / powers.sum(dim=2, keepdim=True))
            mixed.append(v)
        if scores is not None:
            scores.append(torch.stack(products, dim=1).detach())
        matrix = torch.stack(parts, dim=1)
        matrix.retain_grad()
        matrices.append(matrix)
        joined = torch.cat([matrix[:, head] @ mixed[head] for head in range(heads)], dim=2)
        tokens = tokens + joined @ inside.out_proj.weight.T + inside.out_proj.bias
        tokens = tokens + block.mlp(block.ln_2(tokens))
    logits = twin.heads(twin.encoder.ln(tokens)[:, 0])
    logits[torch.arange(len(x)), targets].sum().backward()
    return [matrix.detach() for matrix in matrices], [matrix.grad for matrix in matrices if matrix.grad is not None]
