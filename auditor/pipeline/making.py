"""Makes the maps of a plan: what explains the same, and for the same pictures, in one shared pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.engine.maps import MapRun, make_maps
from auditor.metrics import MapMaker
from auditor.pipeline.map_sheets import shown_pictures
from auditor.spec.target import PREDICTED
from auditor.trust.deciding import DECIDABLE
from auditor.visualizers import (
    ChannelSet,
    ChannelVisualizer,
    MapSet,
    MapVisualizer,
    SampleVisualizer,
    StudyVisualizer,
)

if TYPE_CHECKING:
    from torch import Tensor

    from auditor.pipeline.subject import Subject
    from auditor.plan import Plan, PlannedPart
    from auditor.progress import Progress
    from auditor.spec.target import TargetSpec
    from auditor.targets import Targets

OF_PASS = MapVisualizer | ChannelVisualizer | SampleVisualizer


@dataclass(frozen=True, slots=True)
class Order:
    """What is made together.

    Attributes:
        targets: What is explained of each picture of the sample.
        rows: The pictures that it is made for, ascending.
        parts: Of one name each.
        few: Whether it is made for some pictures only, and for fewer than a check can be decided on.
    """

    targets: Targets
    rows: np.ndarray
    parts: Sequence[PlannedPart]
    few: bool = False


@dataclass
class AllMaps:
    """Every map of a plan, with what each came from.

    Attributes:
        run: Sets over the whole sample; where a picture was left out its map is blank and not usable.
        planned: `MapSet.name` → the part that made it.
        few: Names of sets that are made for too few pictures to be checked.
    """

    run: MapRun = field(default_factory=MapRun)
    planned: dict[str, PlannedPart] = field(default_factory=dict)
    few: set[str] = field(default_factory=set)

    @property
    def checked(self) -> list[MapSet]:
        """What the metrics are given."""
        return [item for item in self.run.maps if item.name not in self.few]


def orders_of(plan: Plan, subject: Subject) -> list[Order]:
    """The plan's maps, in as few passes as its targets allow."""
    grouped: dict[tuple[TargetSpec, int | None], list[PlannedPart]] = {}
    for item in plan.visualizers:
        if isinstance(item.part, OF_PASS) or _observes(item.part):
            grouped.setdefault((_target(item, plan), item.most_images), []).append(item)
    orders = []
    for (target, most), parts in grouped.items():
        targets = subject.targets(target)
        known = targets.known.numpy()
        if most is None or most >= known.sum():
            orders.append(Order(targets, np.flatnonzero(known), parts))
            continue
        rows = np.sort(np.array(shown_pictures(subject, most, known), dtype=np.int64))
        orders.append(Order(targets, rows, parts, few=len(rows) < DECIDABLE))
    return orders


def _observes(part: Any) -> bool:
    """A study that needs something of the shared pass."""
    return isinstance(part, StudyVisualizer) and bool(part.needs)


def _target(item: PlannedPart, plan: Plan) -> TargetSpec:
    """What the pass explains that an item takes part in; studies look at every picture, labelled or not."""
    if isinstance(item.part, StudyVisualizer) and plan.spec.target.kind == "label":
        return PREDICTED
    return item.target(plan.spec.target)


def make_all(orders: Sequence[Order], subject: Subject, progress: Progress) -> AllMaps:
    """One shared pass an order, over all its pictures."""
    made = AllMaps()
    every = np.arange(len(subject.sample))
    notes: list[str] = []
    for number, order in enumerate(orders, start=1):
        what = "maps: one shared pass" if len(orders) == 1 else f"maps: shared pass {number} of {len(orders)}"
        found = _run(order, subject, subject.model.module, every, None, progress, what)
        made.run.maps.extend(found.maps)
        made.run.channels.extend(found.channels)
        made.run.profiles.update(found.profiles)
        made.run.observed.update(found.observed)
        made.run.failures.extend(found.failures)
        made.run.skipped.extend(found.skipped)
        notes.extend(found.notes)
        if left_out := int((~order.targets.known).sum()):
            notes.append(f"maps for {order.targets.words}: {left_out} pictures without a label were skipped")
        parts = {item.name: item for item in order.parts}
        made.planned.update({item.name: parts[item.method] for item in found.maps})
        made.few.update(item.name for item in found.maps if order.few)
    made.run = replace(made.run, notes=tuple(dict.fromkeys(notes)))
    return made


def remaker(orders: Sequence[Order], subject: Subject) -> MapMaker:
    """Makes the same maps again for the metrics, on another module or on changed pictures."""

    def again(module: Any, indices: np.ndarray, images: Tensor | None = None) -> list[MapSet]:
        checked = [order for order in orders if not order.few]
        return [item for order in checked for item in _run(order, subject, module, indices, images).maps]

    return again


def _run(
    order: Order,
    subject: Subject,
    module: Any,
    indices: np.ndarray,
    images: Tensor | None,
    progress: Progress | None = None,
    what: str = "",
) -> MapRun:
    """One order on some pictures of the sample, as sets over all of those."""
    import torch

    places = np.flatnonzero(np.isin(indices, order.rows))
    rows = indices[places]
    parts = [item.part for item in order.parts if progress is not None or isinstance(item.part, MapVisualizer)]
    found = make_maps(
        subject.model,
        module,
        subject.sample,
        parts,
        list(subject.layers.names),
        device=subject.device,
        chunk=subject.map_chunk,
        targets=order.targets[torch.from_numpy(rows)],
        indices=rows,
        images=images if images is None or len(places) == len(indices) else images[torch.from_numpy(places)],
        predictor=subject.predictor,
        precision=subject.precision,
        progress=None if progress is None else lambda done, total: progress.step(done, total, what),
    )
    targets = None if order.targets.is_predicted else order.targets[torch.from_numpy(indices)]
    same_for_all = {item.name for item in order.parts if not getattr(item.part, "of_class", True)}
    return replace(
        found,
        maps=[
            replace(_over(item, places, len(indices)), targets=None if item.method in same_for_all else targets)
            for item in found.maps
        ],
        channels=[_channels_over(item, places, len(indices)) for item in found.channels],
    )


def _over(item: MapSet, places: np.ndarray, count: int) -> MapSet:
    """A set over all pictures asked for: blank where none was made."""
    if len(places) == count:
        return item
    made, usable = np.zeros(count, bool), np.zeros(count, bool)
    made[places], usable[places] = True, item.usable
    return replace(item, maps=_spread(item.maps, places, count), usable=usable, made=made)


def _channels_over(item: ChannelSet, places: np.ndarray, count: int) -> ChannelSet:
    if len(places) == count:
        return item
    return replace(item, maps=_spread(item.maps, places, count), units=_spread(item.units, places, count))


def _spread(values: np.ndarray, places: np.ndarray, count: int) -> np.ndarray:
    whole = np.zeros((count, *values.shape[1:]), values.dtype)
    whole[places] = values
    return whole
