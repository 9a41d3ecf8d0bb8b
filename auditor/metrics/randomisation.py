"""Randomisation: whether maps change when everything that the model learnt is taken away."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.metrics import MapSet, Metric, MetricContext, MetricResult
from auditor.records import Measurement
from auditor.statistics.intervals import mean_interval

if TYPE_CHECKING:
    import torch
    from torch import nn

SAME = 0.5
"""Rank correlation from which two maps count as the same picture: a quarter of the variance of ranks, ρ², is then
shared with a network that has learnt nothing. The source shows curves and gives no limit; this one is our choice."""
LEAST = 4
"""With fewer pairs of usable maps nothing is said."""
HISTOGRAM = 100
"""Bins of the entropy's histogram, from the map's least to its greatest value."""
STATISTICS_IMAGES, STATISTICS_CHUNK = 32, 16
"""Pictures from which the copy's batch-norm statistics are estimated again, and how many at once."""
PASS_FORWARDS = 4
"""Cost of the shared pass for one image, in forwards; perturbation methods add their own."""
EXPECTED_SAMPLE = 128
NAMES = ("rank_correlation", "rank_correlation_other_picture", "efficient_mprt")
NO_PAIRS = "no picture has a usable map on both the model and its re-initialised copy"


class Randomisation(Metric):
    """Whether maps depend on what the model has learnt: the same maps on a copy with re-initialised weights.

    `rank_correlation` is the mean absolute Spearman correlation between the map of the model and that of the copy,
    for the same picture and class. A map that stays the same explains the picture or the network's build, not what
    was learnt, and is marked as failed. `rank_correlation_other_picture` is the same with the copy's map of another
    picture: as high, and it is the build, such as convolutions without padding that see the centre more often; much
    lower, and it is the picture. `efficient_mprt` is (H_copy − H) / H with H the entropy of the map's histogram:
    above zero where the model's own map is more ordered than that of a network that knows nothing.

    The copy draws each module's weights again by its own rule (`reset_parameters`), or shuffles them where it has
    none; batch-norm statistics are estimated again on the sample. One copy can resemble the model by luck, so the
    pictures are dealt out among several. The audited model is only copied.

    Source: Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, section 3 (fully randomised, rank
    correlation); Hedström et al., "Sanity Checks Revisited", 2024 (efficient MPRT).
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"images": 8},
        "standard": {},
        "full": {"images": 32, "draws": 8},
    }

    images: int = Field(16, ge=1, description="Pictures drawn from the sample.")
    draws: int = Field(4, ge=1, le=50, description="Re-initialised copies; the pictures are dealt out among them.")

    def forwards(self) -> float:
        """Upper bound of forwards an image for a sample of 128, apart from what perturbation methods add."""
        return (self.images * PASS_FORWARDS + self.draws * STATISTICS_IMAGES) / EXPECTED_SAMPLE

    def measure(self, context: MetricContext) -> MetricResult:
        if not context.maps:
            return MetricResult()
        draw = np.random.default_rng([context.seed, 1])
        rows = np.sort(draw.permutation(len(context.sample))[: self.images])
        draws = min(self.draws, len(rows))
        on_copies: dict[str, dict[int, np.ndarray]] = {item.name: {} for item in context.maps}
        for number in range(draws):
            context.progress(number, draws, "maps of re-initialised copies")
            seed = int(np.random.default_rng([context.seed, 2, number]).integers(2**31))
            module = reinitialised(context.model.module, seed)
            estimate_statistics(module, context)
            mine = rows[number::draws]
            for item in context.make_maps(module, mine):
                usable = zip(mine.tolist(), item.maps, item.usable, strict=True)
                on_copies.setdefault(item.name, {}).update(
                    {row: heatmap for row, heatmap, ok in usable if ok and _varies(heatmap)}
                )
        context.progress(draws, draws, "maps of re-initialised copies")
        of_maps: dict[str, list[Measurement]] = {}
        trust: dict[str, str] = {}
        for item in context.maps:
            of_maps[item.name] = _compare(item, on_copies[item.name], rows, draws, context)
            trust[item.name] = _verdict(of_maps[item.name][0])
        return MetricResult(of_maps=of_maps, trust=trust)


def reinitialised(module: nn.Module, seed: int) -> nn.Module:
    """A copy with every parameter drawn again, in eval mode; the module itself is not touched.

    Args:
        module: Any network; what offers no `reset_parameters` has its values shuffled, tensor by tensor.
        seed: The same seed gives the same weights.
    """
    import torch

    fresh = copy.deepcopy(module)
    devices = {parameter.device.index or 0 for parameter in fresh.parameters() if parameter.is_cuda}
    with torch.random.fork_rng(devices=sorted(devices)), torch.no_grad():
        torch.manual_seed(seed)
        for part in fresh.modules():
            _draw_again(part)
    for part in fresh.modules():
        part.training = False
    return fresh


def _draw_again(part: nn.Module) -> None:
    """Draw a module's own parameters by its own rule; those that the rule leaves as they were are shuffled."""
    own = dict(part.named_parameters(recurse=False))
    reset = getattr(part, "reset_parameters", None)
    before = {name: parameter.detach().clone() for name, parameter in own.items()}
    if own and callable(reset):
        # some rules want arguments that only their author knows
        with suppress(TypeError):
            reset()
    for name, parameter in own.items():
        if before[name].equal(parameter):
            _shuffle(parameter)


def _shuffle(parameter: torch.Tensor) -> None:
    import torch

    order = torch.randperm(parameter.numel()).to(parameter.device)
    parameter.copy_(parameter.detach().reshape(-1)[order].view_as(parameter))


def estimate_statistics(module: nn.Module, context: MetricContext) -> None:
    """Estimate the copy's batch-norm statistics again, as plain averages over up to 32 pictures of the sample."""
    import torch
    from torch.nn.modules.batchnorm import _BatchNorm

    from auditor.engine.scoring import forward

    norms = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.running_mean is not None]
    count = min(len(context.sample), STATISTICS_IMAGES)
    # one picture alone has no variance after global pooling
    starts = [start for start in range(0, count, STATISTICS_CHUNK) if count - start > 1]
    if not norms or not starts:
        return
    device = next(module.parameters()).device
    momenta = [part.momentum for part in norms]
    for part in norms:
        part.reset_running_stats()
        part.training, part.momentum = True, None
    try:
        with torch.no_grad():
            for start in starts:
                images = context.sample.images[start : min(count, start + STATISTICS_CHUNK)].to(device)
                forward(module, context.model.preprocessing.to_input(images))
    finally:
        for part, momentum in zip(norms, momenta, strict=True):
            part.training, part.momentum = False, momentum


def histogram_entropy(heatmap: np.ndarray) -> float:
    """Entropy in nats of the map's histogram over 100 bins between its least and greatest value."""
    from scipy.stats import entropy

    return float(entropy(np.histogram(heatmap, bins=HISTOGRAM)[0]))


def _compare(
    item: MapSet, on_copies: Mapping[int, np.ndarray], rows: np.ndarray, draws: int, context: MetricContext
) -> list[Measurement]:
    """Rank correlations and efficient MPRT over pictures whose maps are usable on the model and on its copy."""
    compared = [row for row in rows.tolist() if row in on_copies and item.usable[row] and _varies(item.maps[row])]
    if not compared:
        return [Measurement(name=name, value=None, count=0, reason=NO_PAIRS) for name in NAMES]
    same = {row: _correlation(item.maps[row], on_copies[row]) for row in compared}
    across = {}
    for number in range(draws):
        mine = [row for row in rows[number::draws].tolist() if row in same]
        for row, other in zip(mine, mine[1:] + mine[:1], strict=True):
            if row != other:
                across[row] = _correlation(item.maps[row], on_copies[other])
    changes = {row: histogram_entropy(on_copies[row]) / histogram_entropy(item.maps[row]) - 1 for row in compared}
    left_out = len(rows) - len(compared)
    copies = "copy" if draws == 1 else "copies"
    note = f"against {draws} re-initialised {copies}; {left_out} pictures left out, blank on one side"
    return [
        _mean("rank_correlation", same, context, note),
        _mean("rank_correlation_other_picture", across, context, note),
        _mean("efficient_mprt", changes, context, note, lower=-1.0, upper=max(1.0, *changes.values())),
    ]


def _varies(heatmap: np.ndarray) -> bool:
    return bool(np.ptp(heatmap) > 0)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Absolute Spearman correlation over pixels."""
    from scipy.stats import spearmanr

    return abs(float(spearmanr(one, other, axis=None).statistic))


def _mean(
    name: str, of_rows: Mapping[int, float], context: MetricContext, note: str, lower: float = 0.0, upper: float = 1.0
) -> Measurement:
    """Mean over pictures with its bootstrap interval."""
    if not of_rows:
        return Measurement(name=name, value=None, count=0, reason="no copy explains two pictures with usable maps")
    values = list(of_rows.values())
    clusters = context.clusters_of(np.array(list(of_rows)))
    low, high = mean_interval(values, clusters, seed=context.seed, lower=lower, upper=upper)
    value = float(np.mean(values))
    return Measurement(name=name, value=value, low=min(low, value), high=max(high, value), count=len(values), note=note)


def _verdict(correlation: Measurement) -> str:
    """Failed when the maps stay the same, passed when they surely do not."""
    low, high = correlation.low, correlation.high
    if low is None or high is None or correlation.count < LEAST:
        return "not enough data"
    if low >= SAME:
        return "failed"
    return "passed" if high < SAME else "not enough data"
