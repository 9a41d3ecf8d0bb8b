"""Weight distributions: every layer's weights in a few numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.errors import NotApplicableError
from auditor.media import EVERY
from auditor.shares import percent
from auditor.visualizers import LayerNumbers, Profile, ProfileVisualizer

if TYPE_CHECKING:
    from torch import Tensor, nn

MANY_ZEROS = 0.5
"""A layer with this share of zeros or more is named."""
FAR = 50.0
"""A weight this many standard deviations from its layer's mean is named; ten million normal weights reach 5.5."""
OUT_OF_SCALE = 30.0
"""A layer whose scale is this many times the median layer's, or its inverse, is named."""


class WeightDistributions(ProfileVisualizer):
    """Weight distributions: how the weights of every convolution and linear layer are spread.

    A row a layer: histogram from −a to a with a the largest magnitude, mean, standard deviation (divided by n), share
    of zeros, smallest and largest weight, and scale = standard deviation · √(weights that one output reads), which is
    √2 in a freshly initialised layer before a ReLU. Not finite weights are counted and left out of the rest. Named as
    odd: weights that are not finite; half of them zero; all of them equal; a weight more than 50 standard deviations
    away; a scale 30 times above or below that of the median layer. Odd is not wrong: pruned networks have zeros, and a
    normalisation after a layer undoes its scale. Biases and normalisations are not in it, nor what the layers compute.

    Source: the scale is that of He et al., "Delving Deep into Rectifiers", ICCV 2015; numbers and limits are
    our own.
    """

    bins: int = Field(40, ge=4, le=200, description="Bins of a histogram")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    reading = (
        "Each row is one layer; its little hill shows how its weights are spread around zero. Trained layers have one "
        "narrow hill; a single spike with far ends, many zeros or marked rows deserve a look."
    )

    def profile(self, model: nn.Module) -> Profile:
        rows = [self._row(name, weight) for name, weight in _weights(model)]
        if not rows:
            raise NotApplicableError("the model has no convolution and no linear layer whose weights can be read")
        rows = _with_odd_scales(rows)
        weights = sum(int(row.numbers["weights"]) for row in rows)
        odd = sum(bool(row.odd) for row in rows)
        return Profile(
            rows, f"Weights of {len(rows)} layers, {weights:,} in all; {odd or 'none'} of them out of the ordinary."
        )

    def _row(self, name: str, weight: Tensor) -> LayerNumbers:
        import torch

        values = weight.detach().float().flatten()
        finite = values[values.isfinite()]
        broken = values.numel() - finite.numel()
        odd = [f"{broken:,} of {values.numel():,} weights are not finite"] if broken else []
        numbers = dict.fromkeys(("mean", "sd", "zeros", "smallest", "largest", "scale"), math.nan)
        reach = 0.0
        if finite.numel():
            mean, deviation = float(finite.mean()), float(finite.std(correction=0))
            low, high = float(finite.min()), float(finite.max())
            reach = max(abs(low), abs(high))
            zeros = float((finite == 0).float().mean())
            fan_in = weight[0].numel()
            numbers = {"mean": mean, "sd": deviation, "zeros": zeros, "smallest": low, "largest": high,
                       "scale": deviation * math.sqrt(fan_in)}  # fmt: skip
            odd += _oddities(mean, deviation, low, high, zeros, count=finite.numel())
        # equal ends would let histc choose its own
        ends = reach or 1.0
        histogram = torch.histc(finite, self.bins, -ends, ends).long().cpu().numpy()
        numbers["weights"] = values.numel()
        return LayerNumbers(name, histogram.astype(np.int64), -ends, ends, numbers, odd)


def _weights(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The weights of all layers in the order of registration, outputs first."""
    from torch import nn

    convolutions = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    transposed = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    for full_name, part in model.named_modules():
        name = full_name.removeprefix("module.").removeprefix("_orig_mod.")
        if isinstance(part, nn.MultiheadAttention):
            for each in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
                weight = getattr(part, each, None)
                if weight is not None:
                    yield f"{name}.{each}", weight
        elif isinstance(part, (*convolutions, nn.Linear)) and part.weight.numel():
            yield name, part.weight
        elif isinstance(part, transposed) and part.weight.numel():
            yield name, part.weight.transpose(0, 1)


def _oddities(mean: float, deviation: float, low: float, high: float, zeros: float, *, count: int) -> list[str]:
    if low == high:
        return [f"all weights are {low:.3g}"] if count > 1 else []
    odd = []
    if zeros >= MANY_ZEROS:
        odd.append(f"{percent(zeros)} of the weights are zero")
    farthest = max(high - mean, mean - low) / deviation if deviation else 0.0
    if farthest > FAR:
        odd.append(f"its farthest weight lies {farthest:.0f} standard deviations from the mean")
    return odd


def _with_odd_scales(rows: list[LayerNumbers]) -> list[LayerNumbers]:
    """Name layers whose scale is far from that of the others; equal weights have none."""
    scales = [row.numbers["scale"] for row in rows if row.numbers["scale"] > 0]
    if not scales:
        return rows
    usual = median(scales)
    named = []
    for row in rows:
        scale = row.numbers["scale"]
        if scale > OUT_OF_SCALE * usual:
            row = replace(row, odd=[*row.odd, f"its scale is {scale / usual:.0f} times that of the median layer"])
        elif 0 < scale < usual / OUT_OF_SCALE:
            row = replace(row, odd=[*row.odd, f"its scale is {usual / scale:.0f} times below that of the median layer"])
        named.append(row)
    return named
