"""Charts that sum up a section: all findings on one axis, and the accuracy of every group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from auditor import figures
from auditor.findings.grades import steps_of
from auditor.findings.words import place
from auditor.records import Check, Measurement, Severity

if TYPE_CHECKING:
    from auditor.pipeline.gallery import Gallery

FINDINGS = 30
"""Rows of the chart of findings: what fits a page."""
GROUPS = 24
"""Bars of a chart of groups."""
FOREST_READING = (
    "One row a finding, the gravest first; all share one axis, so that effects compare. The point is the effect beyond "
    "its control; shape and colour tell the severity."
)
GROUPS_READING = (
    "A bar whose interval lies below the line is worse than the model as a whole. Groups that are not drawn have "
    "too few pictures: nothing is known of them."
)


def draw_sections(checks: Sequence[Check], overall: float | None, gallery: Gallery) -> list[str]:
    """The charts of sections 9 and 12, as far as there is something to draw; returns their paths.

    Args:
        overall: Accuracy over the whole sample.
    """
    findings = sorted((check for check in checks if check.is_finding), key=_gravity)
    rows = [row for number, check in enumerate(findings, start=1) if (row := _row(check, number)) is not None]
    paths = [_findings(rows, gallery)] if rows else []
    paths += [
        path for check in checks if check.kind == "group" and (path := _groups(check, overall, gallery)) is not None
    ]
    return paths


def _gravity(check: Check) -> tuple[int, float, str]:
    """As the report orders its findings."""
    effect = max((abs(item.value) for item in check.measurements if item.value is not None), default=0.0)
    return (-(check.severity or Severity.LOW).rank, -effect, check.id)


def _findings(rows: Sequence[figures.ForestRow], gallery: Gallery) -> str:
    shown = rows[:FINDINGS]
    more = f"; {len(rows) - len(shown)} lesser ones are in the tables" if len(rows) > len(shown) else ""
    return gallery.chart(
        "findings-forest",
        figures.forest_plot(shown),
        caption=f"Effects of all findings, gravest first{more}.",
        alt="; ".join(f"{row.label}: {row.value:.2f} ({row.severity}), n = {row.count}" for row in shown[:8]),
        reading=FOREST_READING,
    )


def _row(check: Check, number: int) -> figures.ForestRow | None:
    """The effect that reached the highest grade, as the finding itself prints it, under the finding's own number."""
    graded = [item for item in check.measurements if item.value is not None and steps_of(item.name, check.kind)]
    if not graded:
        return None
    main = max(graded, key=lambda item: _standing(item, check.kind))
    assert main.value is not None
    where = f"F{number} {place(check.kind, check.region).removeprefix('a ').removeprefix('the ')}"
    control = check.measurement(f"{main.name}_control")
    return figures.ForestRow(
        label=where if check.class_name is None else f"{where} · {check.class_name}",
        value=main.value,
        low=main.low,
        high=main.high,
        count=main.count,
        severity=(check.severity or Severity.LOW).value,
        verdict=check.grade.value if check.grade is not None else "confirmed",
        steps=tuple(step for step in steps_of(main.name, check.kind) if np.isfinite(step)),
        control=None if control is None else control.value,
    )


def _standing(item: Measurement, kind: str) -> tuple[int, bool, float]:
    value = item.value or 0.0
    return (sum(value >= step for step in steps_of(item.name, kind)), not item.name.startswith("removal"), value)


def _groups(check: Check, overall: float | None, gallery: Gallery) -> str | None:
    """Accuracy of each group of a column, worst first; None for a check within one class, or with fewer than two."""
    if check.class_name is not None or check.region is None:
        return None
    column = check.region.name.partition(":")[0]
    found = [item for item in check.measurements if item.name.startswith("accuracy_") and item.value is not None]
    found.sort(key=lambda item: item.value or 0.0)
    shown = found[:GROUPS]
    if len(shown) < 2:
        return None
    names = [item.name.removeprefix("accuracy_") for item in shown]
    values = [item.value or 0.0 for item in shown]
    lows = [value if item.low is None else item.low for item, value in zip(shown, values, strict=True)]
    highs = [value if item.high is None else item.high for item, value in zip(shown, values, strict=True)]
    counts = [item.count for item in shown]
    return gallery.chart(
        f"groups-{column}",
        figures.per_class_accuracy(names, values, lows, highs, counts, overall=overall),
        caption=f"Accuracy by group of {column}, worst first ({len(shown)} of {len(found)}).",
        alt="; ".join(
            f"{name}: {value:.2f} of {count}" for name, value, count in zip(names, values, counts, strict=True)
        ),
        reading=GROUPS_READING,
    )
