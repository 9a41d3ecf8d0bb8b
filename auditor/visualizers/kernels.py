"""Kernels: the filters themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.errors import ModelError
from auditor.media import EVERY
from auditor.shares import percent
from auditor.visualizers import NetworkVisualizer, Sheet

if TYPE_CHECKING:
    from torch import nn

    Convolution = nn.Conv2d | nn.Conv3d

DEAD = 1e-3
"""A filter whose norm is below this share of the layer's median norm is called dead."""
DUPLICATE = 0.999
"""Two filters whose cosine is this or more are called duplicates."""
CONSTANT = 1e-3
"""A filter whose weights differ by less than this share of the largest one is called constant."""
NAMED = 20
"""So many dead filters or pairs are named; the rest is counted."""


class Kernels(NetworkVisualizer):
    """Kernels: the filters of the first convolution and of the target layers' convolutions.

    Filters that read the picture are shown in its colours. A deeper filter has one pattern for each unit it reads;
    shown is the spatial pattern that explains most of it (first singular vector), and how much that is. Of a target
    layer that is a block, its last convolution wider than one pixel is shown; others are shown when their names are
    given. Filters of clips and volumes are laid out slice by slice from left to right; filters of one pixel have no
    pattern, so that all of them are one tile: a row a filter, a column a unit. Dead filters (norm below .1 % of the
    median), constant ones (one weight throughout) and duplicates (cosine from .999) are named: they are capacity that
    the network does not use. What the units answer to in pictures is not in it.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.1.
    """

    shown: int = Field(64, ge=1, le=512, description="How many filters of a layer are shown, largest norm first")
    layers: tuple[str, ...] = Field((), description="Names of further convolutions to show, of any kernel size")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"standard": {}, "full": {"shown": 256}}
    media = EVERY
    reading = (
        "Each tile is one filter. In a trained network the first layer shows edges, colours and blobs; noise there "
        "means that it was trained too little."
    )

    def sheets(self, model: nn.Module, layers: Sequence[str]) -> list[Sheet]:
        every = _convolutions(model)
        unknown = [name for name in self.layers if name not in every]
        if unknown:
            raise ModelError(f"the model has no convolution '{unknown[0]}'")
        wide = [name for name, conv in every.items() if max(conv.kernel_size) > 1]
        chosen = wide[:1]
        for layer in layers:
            chosen += [name for name in wide if name == layer or name.startswith(f"{layer}.")][-1:]
        return [self._sheet(name, every[name]) for name in dict.fromkeys([*chosen, *self.layers])]

    def _sheet(self, name: str, conv: Convolution) -> Sheet:
        raw = conv.weight.detach().float().cpu().numpy()
        weight = np.where(np.isfinite(raw), raw, 0).astype(np.float32)
        count, inputs = weight.shape[:2]
        norms = np.sqrt((weight.reshape(count, -1) ** 2).sum(axis=1))
        notes = _facts(raw, weight, norms)
        size = "×".join(str(side) for side in weight.shape[2:])
        if max(weight.shape[2:]) == 1:
            return Sheet(name, weight.reshape(1, count, inputs), ["all"], f"All {count} filters of {name}, one pixel "
                         f"each: a row a filter, a column each of {inputs} units.", notes)  # fmt: skip
        order = np.argsort(-norms, kind="stable")[: self.shown]
        if inputs in (1, 3):
            tiles = np.moveaxis(_flat(weight[order]), 1, -1)
            tiles = tiles[..., 0] if inputs == 1 else tiles
            detail = "in the input's own channels" if inputs == 3 else "one channel each"
        else:
            tiles, share = _patterns(_flat(weight[order]))
            detail = (
                f"the strongest spatial pattern over {inputs} units each ({percent(share)} of the filter on average)"
            )
        return Sheet(
            layer=name,
            tiles=np.ascontiguousarray(tiles, dtype=np.float32),
            labels=[str(index) for index in order],
            caption=f"{len(order)} of {count} filters of {name}, {size} pixels, largest first: {detail}.",
            notes=notes,
        )


def _convolutions(model: nn.Module) -> dict[str, Convolution]:
    """Convolutions over pictures, clips and volumes, in the order of registration."""
    from torch import nn

    return {
        name.removeprefix("module."): part
        for name, part in model.named_modules()
        if isinstance(part, nn.Conv2d | nn.Conv3d)
    }


def _flat(weight: np.ndarray) -> np.ndarray:
    """Slices of filters with a depth side by side: (count, units, [depth,] rows, columns) → (count, units, rows, …)."""
    if weight.ndim == 4:
        return weight
    count, units, depth, rows, columns = weight.shape
    return weight.transpose(0, 1, 3, 2, 4).reshape(count, units, rows, depth * columns)


def _patterns(weight: np.ndarray) -> tuple[np.ndarray, float]:
    """First right singular vector of each filter, and its mean share of the filter's energy.

    (count, units, rows, columns) → (count, rows, columns). The sign is that of the filter's own sum along the vector,
    so that bright means excitation on the whole.
    """
    count, units, rows, columns = weight.shape
    flat = weight.reshape(count, units, rows * columns)
    left, values, right = np.linalg.svd(flat, full_matrices=False)
    energy = np.maximum((values**2).sum(axis=1), np.finfo(np.float32).tiny)
    signs = np.where(left[:, :, 0].sum(axis=1) < 0, -1.0, 1.0)
    tiles = right[:, 0] * (values[:, 0] * signs)[:, None]
    return tiles.reshape(count, rows, columns), float((values[:, 0] ** 2 / energy).mean())


def _facts(raw: np.ndarray, weight: np.ndarray, norms: np.ndarray) -> tuple[str, ...]:
    """Filters that are broken, dead, constant or duplicates, in words; each is named for the first of these."""
    count = len(weight)
    flat = weight.reshape(count, -1)
    broken = ~np.isfinite(raw).reshape(count, -1).all(axis=1)
    dead = ~broken & (norms <= DEAD * np.median(norms[~broken] if not broken.all() else norms))
    size = np.abs(flat).max(axis=1)
    constant = ~broken & ~dead & (flat.max(axis=1) - flat.min(axis=1) <= CONSTANT * size) & (flat.shape[1] > 1)
    facts = [
        f"{int(which.sum())} of {count} filters are {words}: "
        + _listed([str(index) for index in np.flatnonzero(which)])
        for which, words in (
            (broken, "broken (weights that are not finite)"),
            (dead, f"dead (norm below {percent(DEAD, 1)} of the median)"),
            (constant, "constant (one weight throughout)"),
        )
        if which.any()
    ]
    directions = flat / np.maximum(norms, np.finfo(np.float32).tiny)[:, None]
    directions[broken | dead] = 0
    first, second = np.nonzero(np.triu(directions @ directions.T >= DUPLICATE, k=1))
    if len(first):
        pairs = [f"{a} and {b}" for a, b in zip(first, second, strict=True)]
        facts.append(f"{len(pairs)} {'pair of filters is a duplicate' if len(pairs) == 1 else 'pairs are duplicates'} "
                     f"(cosine from {DUPLICATE}): " + _listed(pairs))  # fmt: skip
    return tuple(facts)


def _listed(items: Sequence[str]) -> str:
    rest = len(items) - NAMED
    return ", ".join(items[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
