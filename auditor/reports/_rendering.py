"""A finished run in further formats: the manifest is taken away first and written last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from auditor import registry
from auditor.errors import PartError
from auditor.records import Audit
from auditor.reports import RenderOptions, Report
from auditor.runs import RunFolder


def render(audit: Audit, run: Path, formats: Sequence[str], options: RenderOptions) -> list[Path]:
    """Write the formats into the run folder; returns the files.

    Raises:
        PartError: No such format.
        RenderError: A format could not be rendered completely.
    """
    parts = [_report(name) for name in formats]
    folder = RunFolder(run)
    folder.unfinish()
    try:
        return [file for part in parts for file in part.write(audit, run, options)]
    finally:
        folder.finish()


def _report(name: str) -> Report:
    part = registry.load("reports", name)()
    if not isinstance(part, Report):
        raise PartError(f"{name} is not a report format")
    return part
