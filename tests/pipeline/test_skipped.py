"""A method that means nothing on a model: skipped where a preset brought it, missed where it was named."""

from __future__ import annotations

import pytest

from auditor.engine.maps import MapRun
from auditor.pipeline.explained import Explained, record_failures
from auditor.plan import PlannedPart
from auditor.visualizers.cam import Cam


@pytest.mark.parametrize(("preset", "missed"), [("full", []), (None, [True])])
def test_only_who_named_the_method_misses_it(preset: str | None, missed: list[bool]) -> None:
    explained = Explained()
    made = MapRun(skipped=[("cam", "encoder.layers.1", "no pooling there")])

    record_failures(explained, made, [PlannedPart("cam", Cam(), True, preset, None)])

    (record,) = explained.visualizations
    assert (record.name, record.layer, record.status, record.reason) == (
        "cam", "encoder.layers.1", "skipped", "no pooling there",
    )  # fmt: skip
    assert [failure.required for failure in explained.failures] == missed
