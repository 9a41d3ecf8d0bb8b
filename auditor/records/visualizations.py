"""What visualizers made, and how far their maps may be believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from auditor.records.measurements import Measurement
from auditor.records.record import Record


class TrustCheck(Record):
    """What one metric says of one method's maps.

    Attributes:
        metric: Its name in the spec.
        verdict: passed, failed, or not enough data; None where the metric compares and decides nothing.
        headlines: The measurements that stand for it in a table.
    """

    metric: str
    verdict: str | None = None
    headlines: tuple[str, ...] = ()


class NullMap(Record):
    """A map that knows nothing of the model (noise, edges, the centre), measured as the methods were."""

    name: str
    measurements: tuple[Measurement, ...] = ()


class VisualizationRecord(Record):
    """What one visualizer made on one layer. status: ok, failed (with the reason) or skipped."""

    name: str
    layer: str | None = None
    status: str
    reason: str | None = None
    figures: tuple[str, ...] = ()
    maps: str | None = None
    """Path in the run folder of its maps at a low resolution, in the order of `Audit.images`."""
    images: int = 0
    target: str | None = None
    """What the maps explain, in words; None where that makes no difference to them."""
    blank: int = 0
    """Maps that were constant or zero; excluded from scores."""
    trust: str | None = None
    """passed, failed, or not enough data: whether its maps may be believed on this model."""
    trust_checks: tuple[TrustCheck, ...] = ()
    """What that verdict was made of."""
    measurements: tuple[Measurement, ...] = ()
    remarks: tuple[str, ...] = ()
    """What is out of the ordinary in it, each in one sentence."""
    options: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def for_words(self) -> str:
        """'for cat minus dog'; "" where the maps explain the predicted class, or nothing."""
        return "" if self.target in (None, "the predicted class") else f"for {self.target}"
