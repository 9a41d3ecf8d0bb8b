"""Runs the studies of the plan, and draws what they bring home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from auditor import figures
from auditor.engine.studying import lend
from auditor.errors import NotApplicableError
from auditor.records import VisualizationRecord
from auditor.studies import PictureSheet, PointChart, Study, Tile
from auditor.visualizers import Observation, StudyVisualizer

if TYPE_CHECKING:
    import numpy as np

    from auditor.pipeline.gallery import Gallery
    from auditor.pipeline.subject import Subject
    from auditor.progress import Progress

__all__ = ["Refusal", "study"]

Refusal = tuple[str, str, bool]
"""Visualizer, reason, whether it means nothing on this model rather than broke."""


def study(
    parts: Mapping[str, Any],
    observed: Mapping[str, Sequence[Observation]],
    given_up: set[str],
    subject: Subject,
    seed: int,
    gallery: Gallery,
    progress: Progress,
) -> tuple[list[VisualizationRecord], list[Refusal]]:
    """One record a study and layer, and what did not work; one that breaks leaves the others alone.

    Args:
        parts: Name → visualizer, of the whole plan.
        observed: What the shared pass brought each of them.
        given_up: Names of those that the shared pass gave up already.
    """
    studies = {name: part for name, part in parts.items() if isinstance(part, StudyVisualizer) and name not in given_up}
    records: list[VisualizationRecord] = []
    refusals: list[Refusal] = []
    audited = lend(
        subject.predictor,
        subject.sample,
        subject.layers.names,
        classes=subject.classes,
        predicted=subject.predicted,
        clusters=subject.clusters,
        seed=seed,
    )
    for number, (name, part) in enumerate(studies.items()):
        progress.step(number, len(studies), f"looking inside: {name}")
        try:
            found = part.study(audited, observed.get(name, ()))
            records += [_drawn(name, one, part, subject, gallery) for one in found]
        except MemoryError:
            raise
        except NotApplicableError as error:
            refusals.append((name, str(error), True))
        except Exception as error:
            refusals.append((name, f"{type(error).__name__}: {error}", False))
    return records, refusals


def _drawn(name: str, found: Study, part: Any, subject: Subject, gallery: Gallery) -> VisualizationRecord:
    paths: list[str] = []
    for exhibit in found.exhibits:
        title = "-".join(filter(None, (name, found.layer, exhibit.name)))
        paths += _sheet(title, exhibit, part.reading, gallery) if isinstance(exhibit, PictureSheet) else [
            _points(title, exhibit, part.reading, gallery)
        ]  # fmt: skip
    return VisualizationRecord(
        name=name,
        layer=found.layer,
        status="ok",
        figures=tuple(paths),
        images=len(subject.sample),
        measurements=tuple(found.measurements),
        remarks=tuple(found.remarks),
        options=part.model_dump(mode="json"),
    )


def _sheet(title: str, sheet: PictureSheet, reading: str, gallery: Gallery) -> list[str]:
    """Rows of pictures; several rows take several charts, the last of which has the caption."""
    rows = [
        figures.TileRow(row.heading, [figures.RowTile(_shown(t), t.words, t.box, t.marked) for t in row.tiles])
        for row in sheet.rows
    ]
    charts = figures.picture_rows(rows)
    paths = []
    for number, chart in enumerate(charts, start=1):
        part = "" if len(charts) == 1 else f" Part {number} of {len(charts)}."
        paths.append(
            gallery.chart(
                title if number == 1 else f"{title}-{number}",
                chart,
                caption=sheet.caption if number == len(charts) else "",
                alt=f"{sheet.alt}{part}",
                reading=reading,
            )
        )
    return paths


def _shown(tile: Tile) -> np.ndarray:
    return tile.picture if tile.heat is None else figures.overlay(tile.picture, tile.heat, 0.0, float(tile.heat.max()))


def _points(title: str, points: PointChart, reading: str, gallery: Gallery) -> str:
    chart = figures.point_chart(
        [
            figures.PointPanel(f"{one.title}, {points.colouring.title}", one.points, one.axes)
            for one in points.projections
        ],
        points.colouring.names,
        points.colouring.groups,
        wrong=points.colouring.wrong,
        rest=points.colouring.rest,
    )
    return gallery.chart(title, chart, caption=points.caption, alt=points.alt, reading=reading)
