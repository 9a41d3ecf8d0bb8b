"""Measures maps with one metric: where it follows the score that they explain, those of one target at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from auditor.metrics import MapSet, Metric, MetricContext, MetricResult
from auditor.records import Measurement
from auditor.trust.deciding import UNDECIDED

NO_SCALE = "a score of your own has no scale on which what pixels gain or lose could be judged"
NOTHING = "no picture has anything to explain"


def measured(metric: Metric, context: MetricContext) -> MetricResult:
    """What the metric finds; maps that know nothing are told apart by what they are compared for."""
    groups = _by_target(context.maps)
    if not metric.follows_score or not groups:
        return metric.measure(context)
    results = [_of_one(metric, replace(context, maps=group, targets=group[0].targets)) for group in groups]
    first = results[0]
    of_nulls = dict(first.of_nulls)
    for group, result in zip(groups[1:], results[1:], strict=True):
        assert group[0].targets is not None
        of_nulls.update({f"{name} for {group[0].targets.words}": found for name, found in result.of_nulls.items()})
    return replace(
        first,
        measurements=[item for result in results for item in result.measurements],
        of_maps={name: found for result in results for name, found in result.of_maps.items()},
        of_nulls=of_nulls,
        trust={name: verdict for result in results for name, verdict in result.trust.items()},
    )


def _of_one(metric: Metric, context: MetricContext) -> MetricResult:
    own = context.targets is not None and context.targets.own is not None
    if not own and len(context.explained()):
        return metric.measure(context)
    reason = NO_SCALE if own else NOTHING
    nothing = [Measurement(name=name, value=None, count=0, reason=reason) for name in metric.headlines]
    names = [item.name for item in context.maps]
    return MetricResult(of_maps=dict.fromkeys(names, nothing), trust=dict.fromkeys(names, UNDECIDED))


def _by_target(maps: Sequence[MapSet]) -> list[list[MapSet]]:
    """Those of the predicted class first: the charts show them."""
    groups: dict[str, list[MapSet]] = {}
    for item in sorted(maps, key=lambda one: one.targets is not None):
        groups.setdefault("" if item.targets is None else item.targets.words, []).append(item)
    return list(groups.values())
