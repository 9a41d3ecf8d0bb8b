"""Puts an audit beside the earlier ones of its name: attempts, changes, trends, and their chart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import RunFolderError
from auditor.history.drawing import alt_words, draw_history
from auditor.history.reading import MLFLOW, past_of, read, read_folder
from auditor.history.trends import history_of
from auditor.records import Audit

if TYPE_CHECKING:
    from auditor.pipeline.gallery import Gallery

CHART = "trends"
MOST_AUDITS = 200
"""Earlier audits that an audit keeps; a nightly one would otherwise carry all nights."""


def with_history(audit: Audit, source: str | None, folder: Path, spec_folder: Path, gallery: Gallery) -> Audit:
    """The audit with its history, its attempt counted in it, and a chart of trends.

    A history that cannot be read costs no audit; a note says so.

    Args:
        source: A folder, relative to the spec's, or mlflow:EXPERIMENT; None: the folder that the run folder is in.
    """
    try:
        if source is None:
            found = read_folder(folder.resolve().parent, depth=1)
        else:
            found = read(source if source.startswith(MLFLOW) else str(spec_folder / source))
    except RunFolderError as error:
        return audit.model_copy(update={"notes": (f"The history could not be read: {error}", *audit.notes)})
    own = past_of(audit, folder.name)
    # a run that goes on, or is audited again in its place, is not its own past
    earlier = [item for item in found.of(audit.name) if item.report_id != audit.report_id]
    earlier = [item for item in earlier if item.started <= own.started]
    notes = (*found.warnings, *audit.notes)
    if not earlier:
        return audit.model_copy(update={"notes": notes})
    if len(earlier) > MOST_AUDITS:
        notes = (f"The history keeps the last {MOST_AUDITS} of {len(earlier)} earlier audits.", *notes)
    history = history_of([*earlier[-MOST_AUDITS:], own], source or "..")
    attempt = max(audit.attempt, history.audits[-1].attempt)
    chart = draw_history(history)
    if chart is not None:
        gallery.chart(
            CHART,
            chart,
            caption="Each number from audit to audit, with its 95 % interval; newest at the right.",
            alt=alt_words(history),
            reading="Filled triangles mark audits in which it was a confirmed finding. Words above say what changed "
            "before an audit: the model, the data, the spec. Intervals that overlap widely show no difference.",
        )
    return audit.model_copy(
        update={
            "history": history,
            "attempt": attempt,
            "notes": (*history.notes, *notes),
            "figures": dict(gallery.pictures),
        }
    )
