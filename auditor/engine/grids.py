"""How a layer's output lies over the image: maps, channels-last maps, or tokens in patch order.

Clips and volumes are images with one more axis in front of the rows: their grids have a depth, and a class token or
registers are told by the patch embedding alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from auditor.engine.integrity import parts_of

__all__ = ["Grid", "Surroundings", "grid_of", "surroundings"]

MOST_PREFIX_TOKENS = 16
"""Class and register tokens in front of the patches, where the patch embedding tells how many patches there are."""
MOST_GUESSED_TOKENS = 8
"""The same where the number of patches is inferred from the aspect ratio alone."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A layout of one layer's output.

    Attributes:
        order: Meaning of the axes; tokens are (batch, tokens, units), tokens_first (tokens, batch, units).
        rows, columns: Size of the grid.
        prefix: Class and register tokens in front, which lie nowhere in the image.
        depth: Size along time or depth; None for images.
    """

    order: Literal["channels_first", "channels_last", "tokens", "tokens_first"]
    rows: int
    columns: int
    prefix: int = 0
    depth: int | None = None

    @property
    def extent(self) -> tuple[int, ...]:
        """(rows, columns), of clips and volumes (depth, rows, columns)."""
        return (self.rows, self.columns) if self.depth is None else (self.depth, self.rows, self.columns)

    def lay_out(self, output: Tensor) -> Tensor:
        """The output as (batch, units, (depth,) rows, columns); a view where that is possible."""
        if self.order == "channels_first":
            return output
        if self.order == "channels_last":
            return output.movedim(-1, 1)
        tokens = output.transpose(0, 1) if self.order == "tokens_first" else output
        patches = tokens[:, self.prefix :].transpose(1, 2)
        return patches.reshape(*patches.shape[:2], *self.extent)

    def put_back(self, values: Tensor, output: Tensor) -> Tensor:
        """The inverse of `lay_out`: an output with these values, as `lay_out` gives them, on its grid.

        Args:
            values: What the grid is to hold.
            output: Gives the tokens that lie nowhere in the image, and the type.
        """
        values = values.to(output.dtype)
        if self.order == "channels_first":
            return values
        if self.order == "channels_last":
            return values.movedim(1, -1)
        tokens = values.flatten(2).transpose(1, 2)
        if self.order == "tokens_first":
            return torch.cat((output[: self.prefix], tokens.transpose(0, 1)))
        return torch.cat((output[:, : self.prefix], tokens), dim=1)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a layer's shape is read against.

    Attributes:
        count: Images in the batch.
        height, width: Of the model's input, pixels.
        patches: (rows, columns) of the convolutions that read the input: the patch embedding is one of them.
        layer_norms: Whether the model normalises over the last axis anywhere; without that nothing is channels last.
        depth: Frames or slices of the input; None for images.
        cubes: (depth, rows, columns) of the 3-D convolutions that read the input.
    """

    count: int
    height: int
    width: int
    patches: tuple[tuple[int, int], ...]
    layer_norms: bool
    depth: int | None = None
    cubes: tuple[tuple[int, int, int], ...] = ()


def surroundings(module: nn.Module, inputs: Tensor) -> Surroundings:
    """Gather what `grid_of` needs, from the model's parts and its inputs' shape."""
    count, channels, *depth, height, width = inputs.shape
    parts = parts_of(module)
    reading: list[nn.Conv2d | nn.Conv3d] = [
        part for part in parts if isinstance(part, nn.Conv3d if depth else nn.Conv2d) and part.in_channels == channels
    ]
    sizes = [_output_size(part, (*depth, height, width)) for part in reading]
    patches = [] if depth else [(rows, columns) for rows, columns in sizes]
    norms = any("LayerNorm" in type(part).__name__ or "RMSNorm" in type(part).__name__ for part in parts)
    if not depth:
        return Surroundings(count, height, width, tuple(patches), norms)
    return Surroundings(count, height, width, (), norms, depth[0], tuple((d, r, c) for d, r, c in sizes))


def grid_of(shape: Sequence[int], around: Surroundings, *, tokens_first: bool = False) -> Grid | None:
    """Infer how an output of that shape lies over the image.

    Args:
        shape: Of the layer's output.
        around: The model and batch it came from.
        tokens_first: The layer is known to take (tokens, batch, units); decides only where both readings fit.

    Returns:
        None where it is no grid of more than one cell: pooled features, windows, class tokens alone.
    """
    if around.depth is not None:
        return _cube(shape, around, around.depth)
    if len(shape) == 4 and shape[0] == around.count:
        return _map_grid(shape, around)
    if len(shape) != 3 or around.count not in shape[:2]:
        return None
    first = shape[0] != around.count or (tokens_first and shape[1] == around.count)
    found = _token_grid(shape[0] if first else shape[1], around)
    if found is None:
        return None
    rows, columns, prefix = found
    return Grid("tokens_first" if first else "tokens", rows, columns, prefix)


def _map_grid(shape: Sequence[int], around: Surroundings) -> Grid | None:
    channels_first = _distortion(shape[2], shape[3], around)
    channels_last = _distortion(shape[1], shape[2], around) if around.layer_norms else math.inf
    if channels_last + 0.1 < channels_first:
        grid = Grid("channels_last", shape[1], shape[2])
    else:
        grid = Grid("channels_first", shape[2], shape[3])
    return grid if grid.rows * grid.columns > 1 else None


def _cube(shape: Sequence[int], around: Surroundings, depth: int) -> Grid | None:
    """Of a clip or a volume: maps with a depth, or tokens that a 3-D patch embedding explains."""
    if len(shape) == 5 and shape[0] == around.count:
        first = _distortion(shape[3], shape[4], around) + _stretch(shape[2], depth)
        last = _distortion(shape[2], shape[3], around) + _stretch(shape[1], depth) if around.layer_norms else math.inf
        order: Literal["channels_first", "channels_last"] = "channels_last" if last + 0.1 < first else "channels_first"
        d, rows, columns = shape[2:] if order == "channels_first" else shape[1:4]
        return Grid(order, rows, columns, depth=d) if d * rows * columns > 1 else None
    if len(shape) != 3 or shape[0] != around.count:
        return None
    found = _fewest_before(shape[1], around.cubes, MOST_PREFIX_TOKENS)
    if found is None:
        # hierarchical models merge neighbours within a frame, and keep their class token
        halved = [(d, -(-rows // 2**k), -(-columns // 2**k)) for d, rows, columns in around.cubes for k in range(1, 6)]
        found = _fewest_before(shape[1], halved, 1)
    if found is None:
        return None
    prefix, d, rows, columns = found
    return Grid("tokens", rows, columns, prefix, depth=d)


def _fewest_before(tokens: int, grids: Sequence[tuple[int, int, int]], most: int) -> tuple[int, int, int, int] | None:
    """Prefix tokens and the cube that with the fewest of them explains the number of tokens."""
    extra = [(tokens - d * rows * columns, d, rows, columns) for d, rows, columns in grids]
    return min((one for one in extra if 0 <= one[0] <= most and tokens - one[0] > 1), default=None)


def _stretch(slices: int, depth: int) -> float:
    """Infinite where a grid would be finer than the input's own slices; any coarser depth is as good."""
    return math.inf if slices > 2 * depth else 0.0


def _distortion(rows: int, columns: int, around: Surroundings) -> float:
    """How far a grid is from the input's aspect ratio, as a logarithm; infinite where it is finer than pixels."""
    if rows > 2 * around.height or columns > 2 * around.width:
        return math.inf
    return abs(math.log((around.height / rows) / (around.width / columns)))


def _token_grid(tokens: int, around: Surroundings) -> tuple[int, int, int] | None:
    """Rows, columns, prefix tokens: by the patch embedding, its halvings (hierarchical models), or any patch size."""
    known = _fewest_extra(tokens, around.patches, MOST_PREFIX_TOKENS)
    if known is not None:
        return known
    halved = [(-(-r // 2**k), -(-c // 2**k)) for r, c in around.patches for k in range(1, 6)]
    return _fewest_extra(tokens, halved, 0) or _fewest_extra(tokens, _any_patches(around), MOST_GUESSED_TOKENS)


def _fewest_extra(tokens: int, grids: Sequence[tuple[int, int]], most: int) -> tuple[int, int, int] | None:
    fitting = [(rows, columns, tokens - rows * columns) for rows, columns in grids if rows * columns > 1]
    fitting = [grid for grid in fitting if 0 <= grid[2] <= most]
    return min(fitting, key=lambda grid: grid[2]) if fitting else None


def _any_patches(around: Surroundings) -> list[tuple[int, int]]:
    def sizes() -> Iterator[tuple[int, int]]:
        for patch in range(1, min(around.height, around.width) + 1):
            yield around.height // patch, around.width // patch
            yield -(-around.height // patch), -(-around.width // patch)

    return list(sizes())


def _output_size(conv: nn.Conv2d | nn.Conv3d, extent: Sequence[int]) -> tuple[int, ...]:
    """Source: torch.nn.Conv2d and Conv3d, formula of the output's shape."""
    sizes = []
    for axis, side in enumerate(extent):
        span = conv.dilation[axis] * (conv.kernel_size[axis] - 1) + 1
        if conv.padding == "same":
            sizes.append(side)
            continue
        padding = 0 if isinstance(conv.padding, str) else int(conv.padding[axis])
        sizes.append(max(0, (side + 2 * padding - span) // conv.stride[axis] + 1))
    return tuple(sizes)
