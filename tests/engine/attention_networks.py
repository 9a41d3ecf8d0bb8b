"""Small networks with every style of attention, written here after the blocks of the libraries they stand in for.

All read 16×12 pictures in patches of 4×4 (a grid of 4×3) unless they say otherwise. `places` are the dotted names of
their attentions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torchvision.models.swin_transformer import SwinTransformer
from torchvision.models.vision_transformer import VisionTransformer

from tests.engine.networks import CLASSES

WIDE, HEADS, TOKENS = 16, 4, 12


class FusedOrNot(nn.Module):
    """timm's Attention: one linear layer for q, k and v, norms of q and k, fused or written out."""

    def __init__(self, *, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.qkv = nn.Linear(WIDE, 3 * WIDE)
        self.q_norm, self.k_norm = nn.LayerNorm(WIDE // HEADS), nn.LayerNorm(WIDE // HEADS)
        self.attn_drop = nn.Dropout(0.1)
        self.proj = nn.Linear(WIDE, WIDE)

    def forward(self, x: Tensor) -> Tensor:
        count, tokens, wide = x.shape
        q, k, v = self.qkv(x).reshape(count, tokens, 3, HEADS, wide // HEADS).permute(2, 0, 3, 1, 4).unbind(0)
        q, k = self.q_norm(q), self.k_norm(k)
        if self.fused:
            x = F.scaled_dot_product_attention(q, k, v, dropout_p=self.attn_drop.p if self.training else 0.0)
        else:
            x = self.attn_drop((q * (wide // HEADS) ** -0.5 @ k.transpose(-2, -1)).softmax(dim=-1)) @ v
        return self.proj(x.transpose(1, 2).reshape(count, tokens, wide))


class OfHuggingFace(nn.Module):
    """transformers' eager ViT self-attention: softmax in float32, cast back, dropout, a head mask, a tuple returned."""

    def __init__(self, *, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.query, self.key, self.value = (nn.Linear(WIDE, WIDE) for _ in range(3))
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        q, k, v = (
            part(x).view(len(x), -1, HEADS, WIDE // HEADS).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        if self.fused:
            out, probs = F.scaled_dot_product_attention(q, k, v, attn_mask=None, is_causal=False, scale=None), None
        else:
            scores = torch.matmul(q, k.transpose(-1, -2)) * (WIDE // HEADS) ** -0.5
            probs = self.dropout(nn.functional.softmax(scores, dim=-1, dtype=torch.float32).to(q.dtype))
            out = torch.matmul(probs * torch.ones(1, HEADS, 1, 1), v)
        return out.permute(0, 2, 1, 3).contiguous().view(len(x), -1, WIDE), probs


class FoldedHeads(nn.Module):
    """transformers' older CLIP: heads folded into the batch for bmm; images first, or (`heads_first`) heads first."""

    def __init__(self, *, heads_first: bool) -> None:
        super().__init__()
        self.heads_first = heads_first
        self.qkv = nn.Linear(WIDE, 3 * WIDE)

    def forward(self, x: Tensor) -> Tensor:
        count, tokens, _ = x.shape
        order, back = ((3, 2, 0, 1, 4), (1, 2, 0, 3)) if self.heads_first else ((3, 0, 2, 1, 4), (0, 2, 1, 3))
        split = self.qkv(x).view(count, tokens, HEADS, 3, WIDE // HEADS)
        q, k, v = split.permute(*order).reshape(3, count * HEADS, tokens, WIDE // HEADS)
        out = torch.bmm(F.softmax(torch.bmm(q, k.transpose(1, 2)) / 2, dim=-1), v)
        sizes = (HEADS, count) if self.heads_first else (count, HEADS)
        return out.view(*sizes, tokens, WIDE // HEADS).permute(*back).reshape(count, tokens, WIDE)


class Encoder(nn.Module):
    """Pre-norm blocks around any attention; a class token with registers behind it, or an average of all patches."""

    def __init__(
        self, attention: Callable[[], nn.Module], *, layers: int = 3, prefix: int = 1, average: bool = False,
        checkpointed: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.prefix, self.average, self.checkpointed = prefix, average, checkpointed
        self.embed = nn.Conv2d(3, WIDE, 4, 4)
        self.extra = nn.Parameter(torch.randn(1, prefix, WIDE))
        self.places = nn.Parameter(torch.randn(1, TOKENS + prefix, WIDE))
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"norm": nn.LayerNorm(WIDE), "attn": attention(), "mlp": nn.Linear(WIDE, WIDE)})
            for _ in range(layers)
        )
        self.head = nn.Linear(WIDE, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat((self.extra.expand(len(x), -1, -1), tokens), 1) + self.places
        for block in self.blocks:
            tokens = (
                checkpoint(self.step, block, tokens, use_reentrant=False) if self.checkpointed
                else self.step(block, tokens)
            )  # fmt: skip
        return self.head(tokens[:, self.prefix :].mean(1) if self.average else tokens[:, 0])

    def step(self, block: Any, tokens: Tensor) -> Tensor:
        mixed = block["attn"](block["norm"](tokens))
        tokens = tokens + (mixed[0] if isinstance(mixed, tuple) else mixed)
        return tokens + block["mlp"](tokens).tanh()


class AttentionPool(nn.Module):
    """A CNN whose grid is pooled by attention, as CLIP's ResNets: the mean token asks, grid and mean token answer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, WIDE, 4, 4)
        self.pool = nn.MultiheadAttention(WIDE, HEADS)
        self.head = nn.Linear(WIDE, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.conv(x).flatten(2).permute(2, 0, 1)
        tokens = torch.cat((tokens.mean(0, keepdim=True), tokens))
        return self.head(self.pool(tokens[:1], tokens, tokens, need_weights=False)[0][0])


class NonLocalCnn(nn.Module):
    """Wang et al. 2018: an embedded Gaussian non-local block between convolutions, on a grid of 8×6."""

    def __init__(self, *, values_first: bool = False) -> None:
        super().__init__()
        self.values_first = values_first
        self.conv = nn.Conv2d(3, 8, 3, 2, 1)
        self.theta, self.phi, self.g = (nn.Conv2d(8, 8, 1) for _ in range(3))
        self.softmax = nn.Softmax(dim=-1)
        self.last = nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).relu()
        theta, phi, g = (part(x).flatten(2) for part in (self.theta, self.phi, self.g))
        weights = self.softmax(torch.einsum("bcq,bck->bqk", theta, phi))
        if self.values_first:  # as SAGAN writes it
            mixed = torch.bmm(g, weights.permute(0, 2, 1))
        else:
            mixed = (weights @ g.transpose(1, 2)).transpose(1, 2)
        return self.head(self.last(x + mixed.reshape(x.shape)).relu().mean((2, 3)))


class GlobalContextCnn(nn.Module):
    """Cao et al. 2019 (GCNet): one softmax over all positions pools a context vector, which is added everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 2, 1)
        self.mask = nn.Conv2d(8, 1, 1)
        self.transform = nn.Conv2d(8, 8, 1)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).relu()
        weights = F.softmax(self.mask(x).flatten(2), dim=2).unsqueeze(-1)
        context = torch.matmul(x.flatten(2).unsqueeze(1), weights)
        return self.head((x + self.transform(context.view(len(x), 8, 1, 1))).mean((2, 3)))


class SelectiveKernelCnn(nn.Module):
    """Li et al. 2019 (SK): softmax over two branches, multiplied element by element: gating, no attention matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(3, 8, 5, padding=2)
        self.gate = nn.Linear(8, 16)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        branches = torch.stack((self.first(x), self.second(x)), 1).relu()
        gates = self.gate(branches.sum(1).mean((2, 3))).view(len(x), 2, 8).softmax(dim=1)
        return self.head((branches * gates[..., None, None]).sum(1).mean((2, 3))).softmax(-1)


class SpatialReduction(nn.Module):
    """PVT: keys and values from a grid half as fine."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.reduce = nn.Conv2d(3, WIDE, 2, 2), nn.Conv2d(WIDE, WIDE, 2, 2)
        self.attn = nn.MultiheadAttention(WIDE, HEADS, batch_first=True)
        self.second = nn.MultiheadAttention(WIDE, HEADS, batch_first=True)
        self.head = nn.Linear(WIDE, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        grid = self.embed(x)
        fine, coarse = (one.flatten(2).transpose(1, 2) for one in (grid, self.reduce(grid)))
        fine = fine + self.attn(fine, coarse, coarse)[0]
        return self.head((fine + self.second(fine, fine, fine)[0]).mean(1))


@dataclass(frozen=True)
class Case:
    """A network, where its attention is, the shape of its weights for one image, its grid and its prefix."""

    build: Callable[[], nn.Module]
    places: tuple[str, ...]
    shape: tuple[int, ...]
    grid: tuple[int, int] | None = (4, 3)
    prefix: int = 0
    size: tuple[int, int] = (16, 12)


def blocks(name: str = "attn") -> tuple[str, ...]:
    return tuple(f"blocks.{index}.{name}" for index in range(3))


def vit() -> nn.Module:
    """The real one of torchvision, with random weights: a grid of 4×4 and a class token."""
    module = VisionTransformer(32, 8, num_layers=3, num_heads=4, hidden_dim=32, mlp_dim=64, num_classes=CLASSES)
    nn.init.normal_(module.heads.head.weight)  # torchvision starts it at zero: no gradient would pass
    for name, parameter in module.named_parameters():
        if "in_proj" in name:
            nn.init.normal_(parameter, std=0.4)  # matrices far from uniform
    return module


def swin() -> nn.Module:
    """The real one of torchvision: windows of 4×4 on a grid of 8×8, shifted in the second block."""
    return SwinTransformer([4, 4], 16, [2], [2], [4, 4], num_classes=CLASSES)


CASES: dict[str, Case] = {
    "torchvision": Case(
        vit, tuple(f"encoder.layers.encoder_layer_{index}.self_attention" for index in range(3)),
        (4, 17, 17), (4, 4), 1, (32, 32),
    ),
    "timm, fused": Case(lambda: Encoder(lambda: FusedOrNot(fused=True)), blocks(), (4, 13, 13), prefix=1),
    "timm, written out": Case(lambda: Encoder(lambda: FusedOrNot(fused=False)), blocks(), (4, 13, 13), prefix=1),
    "timm, registers": Case(lambda: Encoder(lambda: FusedOrNot(fused=True), prefix=5), blocks(), (4, 17, 17), prefix=5),
    "timm, average": Case(
        lambda: Encoder(lambda: FusedOrNot(fused=True), prefix=0, average=True), blocks(), (4, 12, 12)
    ),
    "hugging face, eager": Case(lambda: Encoder(lambda: OfHuggingFace(fused=False)), blocks(), (4, 13, 13), prefix=1),
    "hugging face, sdpa": Case(lambda: Encoder(lambda: OfHuggingFace(fused=True)), blocks(), (4, 13, 13), prefix=1),
    "folded heads": Case(lambda: Encoder(lambda: FoldedHeads(heads_first=False)), blocks(), (4, 13, 13), prefix=1),
    "checkpointed": Case(
        lambda: Encoder(lambda: FusedOrNot(fused=True), checkpointed=True), blocks(), (4, 13, 13), prefix=1
    ),
    "attention pool": Case(AttentionPool, ("pool",), (4, 1, 13), prefix=1),
    "non-local": Case(NonLocalCnn, ("",), (1, 48, 48), (8, 6)),
    "non-local, values first": Case(lambda: NonLocalCnn(values_first=True), ("",), (1, 48, 48), (8, 6)),
    "global context": Case(GlobalContextCnn, ("",), (1, 1, 48), (8, 6)),
    "swin": Case(swin, ("features.1.0.attn", "features.1.1.attn"), (4, 2, 16, 16), None, 0, (32, 32)),
}  # fmt: skip
