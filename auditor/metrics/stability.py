"""Stability: whether a map stays the same when the picture changes by less than anyone would see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.media import EVERY
from auditor.metrics import USUAL, MapSet, Metric, MetricContext, MetricResult, Workload
from auditor.records import Measurement
from auditor.trust.deciding import DECIDABLE, above_zero, mean_of

if TYPE_CHECKING:
    from torch import Tensor

NAMES = ("stability", "stability_of_shape", "stability_other_picture", "stability_above_other_picture")
NOTHING = "no picture keeps its class under the noise and has a usable map"


class Stability(Metric):
    """Whether a map stays the same when the picture changes by less than anyone would see.

    Noise too weak to matter is put on the pictures, and the maps are made again for the same class. `stability` is
    1 − ‖A(x) − A(x + e)‖ / ‖A(x)‖ with the Euclidean norm over pixels: 1 for a map that does not change, 0 for one
    that changes by as much as it holds, below zero for more; what is below −1 counts as −1, so that one map of next to
    nothing does not drown the others. `stability_of_shape` is the same with the second map brought to the strength of
    the first, as maps are drawn. Pictures whose class changes are left out, as their maps may well change.
    `stability_other_picture` puts the map of another picture, brought to the same strength, in place of the noisy one:
    a map whose shape is no closer to itself than to that says nothing of the picture.

    Source: Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", NeurIPS 2019, definition 2.2, with the
    mean over draws for the maximum, as in their section 5; relative to the map's own norm.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {},
        "standard": {},
        "full": {"images": 32, "draws": 3},
    }
    media = EVERY
    rule = (
        "Passed where the shape of the map under weak noise is closer to that without it than another picture's map "
        "is: the 95 % interval of the difference lies above zero. Failed where it lies below, or holds zero on "
        f"{DECIDABLE} pictures or more."
    )
    of_classes = False
    headlines = ("stability_of_shape",)

    images: int = Field(8, ge=1, description="Pictures drawn from the sample.")
    draws: int = Field(1, ge=1, le=50, description="Times that noise is drawn for each picture.")
    noise: float = Field(0.02, gt=0, le=0.5, description="Standard deviation of the noise, as a share of the range.")

    def forwards(self, work: Workload = USUAL) -> float:
        return work.share(self.images) * self.draws * (1 + work.map_forwards)

    def measure(self, context: MetricContext) -> MetricResult:
        if not context.maps:
            return MetricResult()
        draw = np.random.default_rng([context.seed, 10])
        rows = np.sort(draw.permutation(len(context.sample))[: self.images])
        changed: dict[str, list[np.ndarray]] = {item.name: [] for item in context.maps}
        same = np.ones((self.draws, len(rows)), bool)
        for number in range(self.draws):
            context.progress(number, self.draws, "maps of pictures with weak noise")
            noisy = with_noise(context.sample.images, rows, self.noise, [context.seed, 11, number])
            same[number] = context.predictor.scores(noisy).argmax(axis=1) == context.predicted[rows]
            for item in context.make_maps(context.model.module, rows, noisy):
                changed.setdefault(item.name, []).append(item.maps)
        context.progress(self.draws, self.draws, "maps of pictures with weak noise")
        of_maps: dict[str, list[Measurement]] = {}
        trust: dict[str, str] = {}
        for item in context.maps:
            found, kept = self._compare(item, changed[item.name], same, rows, context)
            of_maps[item.name], trust[item.name] = found, above_zero(found[-1], context.units(kept))
        return MetricResult(of_maps=of_maps, trust=trust)

    def _compare(
        self, item: MapSet, changed: list[np.ndarray], same: np.ndarray, rows: np.ndarray, context: MetricContext
    ) -> tuple[list[Measurement], np.ndarray]:
        """Over pictures that keep their class in at least one draw; each is compared with the next one's map.

        Returns:
            The measurements, and the rows that they rest on.
        """
        own = item.maps[rows].reshape(len(rows), -1).astype(np.float64)
        usable = np.flatnonzero(item.usable[rows])
        kept = [index for index in usable.tolist() if len(changed) == self.draws and same[:, index].any()]
        chosen = rows[kept]
        if not kept:
            return [Measurement(name=name, value=None, count=0, reason=NOTHING) for name in NAMES], chosen
        after = np.stack(changed).reshape(self.draws, len(rows), -1).astype(np.float64)
        pairs = [[(own[i], after[draw, i]) for draw in np.flatnonzero(same[:, i])] for i in kept]
        values = np.array([np.mean([closeness(one, other) for one, other in found]) for found in pairs])
        shapes = np.array(
            [np.mean([closeness(one, _as_strong(other, one)) for one, other in found]) for found in pairs]
        )
        clusters, seed = context.clusters_of(chosen), context.seed
        left_out = len(rows) - len(kept)
        note = (
            f"noise of {100 * self.noise:g} % of the range, {self.draws} drawn for each picture; {left_out} pictures "
            "left out, blank or of another class under the noise"
        )
        found = [
            mean_of(NAMES[0], values, clusters, seed=seed, lower=-1.0, note=note),
            mean_of(NAMES[1], shapes, clusters, seed=seed, lower=-1.0, note=note),
        ]
        if len(usable) < 2:
            reason = "no other picture has a usable map"
            nothing = [Measurement(name=name, value=None, count=0, reason=reason) for name in NAMES[2:]]
            return [*found, *nothing], chosen
        following = dict(zip(usable.tolist(), np.roll(usable, -1).tolist(), strict=True))
        others = np.array([closeness(own[i], _as_strong(own[following[i]], own[i])) for i in kept])
        found += [
            mean_of(NAMES[2], others, clusters, seed=seed, lower=-1.0, note="brought to the same strength"),
            mean_of(NAMES[3], shapes - others, clusters, seed=seed, lower=-2.0, upper=2.0, note=note),
        ]
        return found, chosen


def with_noise(images: Tensor, rows: np.ndarray, share: float, seed: list[int]) -> Tensor:
    """Some pictures of a sample with Gaussian noise; pictures in bytes stay bytes, rounded and within 0 to 255.

    Args:
        images: uint8 or float, (n, channels, height, width).
        share: Standard deviation as a share of the range: 255, or that of the whole sample for floats.
        seed: A picture's noise depends on this and its row.
    """
    import torch

    chosen = images[torch.from_numpy(rows)]
    noise = torch.from_numpy(
        np.stack([np.random.default_rng([*seed, int(row)]).normal(size=chosen.shape[1:]) for row in rows])
    ).float()
    if chosen.is_floating_point():
        return chosen + share * float(images.max() - images.min()) * noise
    return (chosen + share * 255 * noise).round().clamp(0, 255).to(chosen.dtype)


def closeness(one: np.ndarray, other: np.ndarray) -> float:
    """1 − ‖one − other‖ / ‖one‖, at least −1."""
    return max(-1.0, float(1 - np.linalg.norm(one - other) / np.linalg.norm(one)))


def _as_strong(one: np.ndarray, as_that: np.ndarray) -> np.ndarray:
    """The first map with the norm of the second; an empty one stays empty."""
    norm = np.linalg.norm(one)
    return np.asarray(one * (np.linalg.norm(as_that) / norm)) if norm > 0 else one
