"""Activation statistics: what the target layers put out on the whole sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.errors import NotApplicableError
from auditor.media import EVERY
from auditor.visualizers import Captured, LayerNumbers, Need, Observation, Profile, SampleVisualizer

if TYPE_CHECKING:
    from torch import Tensor

DRAWN = 256
"""Values of an image that its layer's histogram is made of, drawn with the image's own seed."""
NEAR = 0.01
"""A value this close to a bound of its function has reached it."""
BOUNDS = (-1.0, 0.0, 1.0, 6.0)
"""Where tanh, sigmoid, and ReLU6 are bounded."""
SATURATED = 0.99
"""A unit is saturated where this share of its values has reached a bound."""
VANISHED = 1e-3
"""A layer whose gradient is this share of the last layer's, or less, is named; so is one with the inverse."""
NAMED = 20


class ActivationStatistics(SampleVisualizer):
    """Activation statistics: how each target layer answers over the whole sample, and how much gradient reaches it.

    A row a layer: histogram of 256 values drawn from each image; mean, standard deviation, share of zeros, smallest and
    largest over all values; dead units; saturated units; gradient = the median over images of ‖∂y/∂A‖₂ divided by that
    of the last target layer, y the score of the explained class. A unit is dead where the layer puts out zeros and
    nothing below, as after a ReLU, and the unit is never above 0 on the sample. A unit is saturated where 99 % of its
    values lie within .01 of a bound that the layer never crosses: ±1, as after tanh; 0 and 1, as after a sigmoid; 6,
    as after ReLU6. The function is told from the values alone, and norms also depend on how many values a layer has. A
    unit that is dead here may answer to other pictures; whether the score uses a unit is not in it.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    2010, sections 3 and 4.2.1; limits are our own.
    """

    bins: int = Field(40, ge=4, le=200, description="Bins of a histogram")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    needs = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS})
    reading = (
        "Each row is one layer; its little hill shows how strongly it answers to the sample. Units that never answer "
        "are capacity that the network does not use on the like of it; marked rows deserve a look."
    )

    def observe(self, captured: Captured) -> Observation:
        return {name: _observed(at) for name, at in captured.layers.items()}

    def profile(self, observed: Sequence[Observation]) -> Profile:
        import torch

        layers = {name: {what: [chunk[name][what] for chunk in observed] for what in observed[0][name]}
                  for name in observed[0]}  # fmt: skip
        if not layers:
            raise NotApplicableError("there is no target layer whose output could be watched")
        norms = {name: torch.cat(parts["norms"]).double().numpy() for name, parts in layers.items()}
        reached = [name for name in layers if norms[name].any()]
        last = norms[reached[-1]] if reached else np.zeros(0)
        rows = [self._row(name, parts, norms[name], last) for name, parts in layers.items()]
        count = len(next(iter(norms.values())))
        return Profile(
            rows, f"What {len(rows)} target layers put out on {count} images, and how much gradient arrives."
        )

    def _row(
        self, name: str, parts: Mapping[str, Sequence[Tensor]], norms: np.ndarray, last: np.ndarray
    ) -> LayerNumbers:
        import torch

        total = {
            what: torch.stack(list(parts[what])).sum(0) for what in ("sums", "squares", "counts", "zeros", "broken")
        }
        near = torch.stack(list(parts["near"])).sum(0)
        low, high = torch.stack(list(parts["low"])).amin(0), torch.stack(list(parts["high"])).amax(0)
        count, zeros, broken = (int(total[what].sum()) for what in ("counts", "zeros", "broken"))
        mean = float(total["sums"].sum()) / count
        deviation = math.sqrt(max(0.0, float(total["squares"].sum()) / count - mean**2))
        smallest, largest = float(low.min()), float(high.max())
        rectified = smallest == 0 and zeros > 0
        dead = (high <= 0).nonzero()[:, 0].tolist() if rectified else []
        bounded = [BOUNDS.index(bound) for bound in _bounds(smallest, largest)]
        share = near[bounded].sum(0) / total["counts"]
        saturated = (share >= SATURATED).nonzero()[:, 0].tolist() if bounded else []
        gradient = _ratio(norms, last)
        units = len(low)
        odd = [f"{broken:,} activations are not finite"] if broken else []
        if dead:
            odd.append(f"{len(dead)} of {units} units never rise above 0: {_listed(dead)}")
        if saturated:
            odd.append(f"{len(saturated)} of {units} units are saturated: {_listed(saturated)}")
        odd += _gradient_words(gradient, any_at_all=len(last) > 0)
        drawn = torch.cat(list(parts["drawn"])).double().numpy()
        ends = (smallest, largest) if largest > smallest else (smallest - 0.5, smallest + 0.5)
        histogram = np.histogram(np.clip(drawn, *ends), bins=self.bins, range=ends)[0].astype(np.int64)
        numbers = {"mean": mean, "sd": deviation, "zeros": zeros / count, "smallest": smallest, "largest": largest,
                   "dead": float(len(dead)) if rectified else math.nan,
                   "saturated": float(len(saturated)) if bounded else math.nan, "gradient": gradient}  # fmt: skip
        return LayerNumbers(name, histogram, *ends, numbers, odd)


def _observed(at: Captured) -> dict[str, Tensor]:
    """What a chunk adds at one layer: of each unit, (units,); `near` (bounds, units); `norms` and `drawn` of images."""
    import torch

    assert at.activations is not None
    assert at.gradients is not None
    finite = at.activations.isfinite()
    images = at.activations.where(finite, 0.0)
    values = images.transpose(0, 1).flatten(1)
    flat = images.flatten(1)
    places = torch.stack([torch.randint(flat.shape[1], (DRAWN,), generator=each) for each in at.generators()])
    found = {
        "low": values.amin(1),
        "high": values.amax(1),
        "sums": values.double().sum(1),
        "squares": values.double().square().sum(1),
        "counts": torch.full((len(values),), values.shape[1]),
        "zeros": (values == 0).sum(1),
        "broken": (~finite).transpose(0, 1).flatten(1).sum(1),
        "near": torch.stack([((values - bound).abs() <= NEAR).sum(1) for bound in BOUNDS]),
        "drawn": flat.gather(1, places.to(flat.device)).flatten(),
        "norms": torch.linalg.vector_norm(at.gradients.flatten(1), dim=1),
    }
    return {what: tensor.cpu() for what, tensor in found.items()}


def _bounds(smallest: float, largest: float) -> list[float]:
    """Bounds that the layer's function seems to have: those that it never crosses."""
    if smallest < 0:
        return [-1.0, 1.0] if smallest >= -1 and largest <= 1 else []
    if largest <= 1:
        # exact zeros are those of a ReLU or a hard sigmoid, and told as dead
        return [0.0, 1.0] if smallest > 0 else [1.0]
    return [6.0] if largest <= 6 else []


def _ratio(norms: np.ndarray, last: np.ndarray) -> float:
    """Median over the images that have a gradient at the last layer; nan where none has."""
    usable = np.flatnonzero(np.isfinite(last) & (last > 0)) if len(last) else np.zeros(0, dtype=np.int64)
    return float(np.median(norms[usable] / last[usable])) if len(usable) else math.nan


def _gradient_words(gradient: float, *, any_at_all: bool) -> list[str]:
    if not any_at_all:
        return ["no gradient arrives"]
    if gradient == 0:
        return ["no gradient arrives in most images"]
    if gradient <= VANISHED:
        return [f"its gradient is {gradient:.1e} of the last layer's: it vanishes on the way"]
    if gradient >= 1 / VANISHED:
        return [f"its gradient is {gradient:.0f} times the last layer's: it explodes on the way"]
    return []


def _listed(units: Sequence[int]) -> str:
    rest = len(units) - NAMED
    return ", ".join(str(unit) for unit in units[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
