"""Kernels: the filters themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.visualizers import NetworkVisualizer, Sheet

if TYPE_CHECKING:
    from torch import nn

DEAD = 1e-3
"""A filter whose norm is below this share of the layer's median norm is called dead."""
DUPLICATE = 0.999
"""Two filters whose cosine is above this are called duplicates."""
NAMED = 20
"""So many dead filters or pairs are named; the rest is counted."""


class Kernels(NetworkVisualizer):
    """Kernels: the filters of the first convolution and of the target layers' convolutions.

    Filters that read the picture are shown in its colours. A deeper filter has one pattern for each unit it reads;
    shown is the spatial pattern that explains most of it (first singular vector), and how much that is. Of a target
    layer that is a block, its last convolution wider than one pixel is shown. Dead and duplicate filters are named:
    they are capacity that the network does not use.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.1.
    """

    shown: int = Field(64, ge=1, le=512, description="How many filters of a layer are shown, largest norm first")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"standard": {}, "full": {"shown": 256}}
    reading = (
        "Each tile is one filter. In a trained network the first layer shows edges, colours and blobs; noise there "
        "means that it was trained too little."
    )

    def sheets(self, model: nn.Module, layers: Sequence[str]) -> list[Sheet]:
        chosen: dict[str, nn.Conv2d] = {}
        convolutions = _convolutions(model, "")
        for name in list(convolutions)[:1]:
            chosen[name] = convolutions[name]
        for layer in layers:
            inside = _convolutions(model, layer)
            for name in list(inside)[-1:]:
                chosen[name] = inside[name]
        return [self._sheet(name, conv) for name, conv in chosen.items()]

    def _sheet(self, name: str, conv: nn.Conv2d) -> Sheet:
        weight = conv.weight.detach().float().cpu().numpy()
        norms = np.sqrt((weight**2).sum(axis=(1, 2, 3)))
        order = np.argsort(-norms, kind="stable")[: self.shown]
        count, inputs, rows, columns = weight.shape
        if inputs in (1, 3):
            tiles = weight[order].transpose(0, 2, 3, 1)
            tiles = tiles[..., 0] if inputs == 1 else tiles
            detail = "in the picture's own channels" if inputs == 3 else "one channel each"
        else:
            tiles, share = _patterns(weight[order])
            detail = f"the strongest spatial pattern over {inputs} units each ({share:.0%} of the filter on average)"
        return Sheet(
            layer=name,
            tiles=np.ascontiguousarray(tiles, dtype=np.float32),
            labels=[str(index) for index in order],
            caption=f"{len(order)} of {count} filters of {name}, {rows}×{columns} pixels, largest first: {detail}.",
            notes=_facts(name, weight, norms),
        )


def _convolutions(model: nn.Module, under: str) -> dict[str, nn.Conv2d]:
    """Convolutions with a spatial pattern, in the order of registration; none where the name does not exist."""
    from torch import nn

    return {
        name: part
        for name, part in ((name.removeprefix("module."), part) for name, part in model.named_modules())
        if isinstance(part, nn.Conv2d)
        and max(part.kernel_size) > 1
        and (under == "" or name == under or name.startswith(f"{under}."))
    }


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


def _facts(name: str, weight: np.ndarray, norms: np.ndarray) -> tuple[str, ...]:
    """Dead and duplicate filters, in words."""
    facts = []
    dead = np.flatnonzero(norms <= DEAD * np.median(norms))
    if len(dead):
        facts.append(f"{name}: {len(dead)} of {len(norms)} filters are dead (norm below {DEAD:.1%} of the median): "
                     + _listed([str(index) for index in dead]))  # fmt: skip
    flat = weight.reshape(len(weight), -1) / np.maximum(norms, np.finfo(np.float32).tiny)[:, None]
    flat[dead] = 0
    first, second = np.nonzero(np.triu(flat @ flat.T > DUPLICATE, k=1))
    if len(first):
        pairs = [f"{a} and {b}" for a, b in zip(first, second, strict=True)]
        facts.append(f"{name}: {len(pairs)} pairs of filters are duplicates (cosine above {DUPLICATE}): "
                     + _listed(pairs))  # fmt: skip
    return tuple(facts)


def _listed(items: Sequence[str]) -> str:
    rest = len(items) - NAMED
    return ", ".join(items[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
