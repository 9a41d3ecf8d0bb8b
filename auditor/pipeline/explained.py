"""What visualizers and metrics came to, and what did not work, collected for the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditor.engine.maps import MapRun
from auditor.records import Measurement, NullMap, PartFailure, VisualizationRecord

if TYPE_CHECKING:
    from auditor.plan import PlannedPart

__all__ = ["Explained", "record_failures"]


@dataclass
class Explained:
    """Maps, metrics and their figures."""

    metrics: list[Measurement] = field(default_factory=list)
    tables: dict[str, Any] = field(default_factory=dict)
    visualizations: list[VisualizationRecord] = field(default_factory=list)
    null_maps: list[NullMap] = field(default_factory=list)
    trust_rules: dict[str, str] = field(default_factory=dict)
    image_figures: dict[int, list[str]] = field(default_factory=dict)
    failures: list[PartFailure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def record_failures(explained: Explained, made: MapRun, planned: Sequence[PlannedPart]) -> None:
    """What a run gave up or left out; `planned` says which of it the audit cannot be complete without."""
    required = {item.name: item.required for item in planned}
    for name, layer, reason in made.failures:
        place = name if layer is None else f"{name}@{layer}"
        part = PartFailure(part=f"visualizations.{place}", reason=reason, required=required.get(name, True))
        explained.failures.append(part)
        explained.visualizations.append(VisualizationRecord(name=name, layer=layer, status="failed", reason=reason))
    named = {item.name for item in planned if item.preset is None}
    for name, layer, reason in made.skipped:
        # a preset brings what may not fit; who names a method wants to hear that it is missing
        if name in named:
            place = name if layer is None else f"{name}@{layer}"
            part = PartFailure(part=f"visualizations.{place}", reason=reason, required=required.get(name, True))
            explained.failures.append(part)
        explained.visualizations.append(VisualizationRecord(name=name, layer=layer, status="skipped", reason=reason))
