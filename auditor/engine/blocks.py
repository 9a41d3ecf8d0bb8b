"""Reads a network as a row of blocks, so that "the last" and "half-way" mean the same in every architecture."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from torch import nn

__all__ = ["Block", "half_way", "trunk"]

OPENED_SHARE = 0.4
"""A part that holds this share of the weighted layers is not one block but several."""

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear, nn.MultiheadAttention)
SHAPING = ("torch.nn.modules.activation", "torch.nn.modules.batchnorm", "torch.nn.modules.normalization")
"""Modules of parts that finish a block without weights of their own kind: activations and normalisations."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the network that maps can be made on.

    Attributes:
        name: Dotted module name.
        depth: Weighted layers that have run when it ends.
    """

    name: str
    depth: int


def trunk(module: nn.Module, order: Sequence[str], grid_names: Collection[str]) -> list[Block]:
    """The blocks whose output is a grid of features, in the order in which they end.

    Left out: pooling, dropout and reshaping (they blur or repeat the block before), and a map of class scores at
    the very end, where nothing else is left.

    Args:
        module: The model.
        order: Names of all layers that run, in the order in which they finish.
        grid_names: Those whose output is a grid.
    """
    place = {name: index for index, name in enumerate(order)}
    parts = {name: part for name, part in module.named_modules() if name in place}
    weighted = [place[name] for name, part in parts.items() if isinstance(part, WEIGHTED)]
    last = max(weighted, default=-1)
    found = [
        Block(name, sum(index <= place[name] for index in weighted))
        for name in sorted(_blocks(module, "", len(weighted)), key=lambda name: place.get(name, -1))
        if name in grid_names and _makes_features(parts[name])
    ]
    return [block for block in found if place[block.name] < last] or found


def half_way(found: Sequence[Block], last: Block) -> Block | None:
    """The block that ends nearest to half the depth of `last`; the later of two, None where there is none before."""
    before = [block for block in found if block.depth < last.depth]
    return min(reversed(before), key=lambda block: abs(block.depth - last.depth / 2), default=None)


def _blocks(module: nn.Module, prefix: str, total: int) -> Iterator[str]:
    for name, child in module.named_children():
        if _is_opened(child, total):
            yield from _blocks(child, f"{prefix}{name}.", total)
        else:
            yield f"{prefix}{name}"


def _is_opened(part: nn.Module, total: int) -> bool:
    children = list(part.children())
    if not children or any(_is_attention(name, child) for name, child in part.named_children()):
        return False
    if type(part) in CONTAINERS and any(isinstance(child, WEIGHTED) for child in children):
        return True
    return sum(isinstance(inner, WEIGHTED) for inner in part.modules()) >= OPENED_SHARE * total


def _is_attention(name: str, part: nn.Module) -> bool:
    return isinstance(part, nn.MultiheadAttention) or "attn" in name.lower() or "attention" in name.lower()


def _makes_features(part: nn.Module) -> bool:
    if any(isinstance(inner, WEIGHTED) for inner in part.modules()):
        return True
    is_norm = "Norm" in type(part).__name__
    return not list(part.children()) and (is_norm or type(part).__module__ in SHAPING)
