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
    """Write the formats into the run folder, those that embed others last; returns the files.

    Raises:
        PartError: No such format.
        RenderError: A format could not be rendered completely.
    """
    parts = sorted((_report(name) for name in formats), key=lambda part: part.embeds)
    folder = RunFolder(run)
    written: list[Path] = []
    before = folder.unfinish()
    try:
        for part in parts:
            written += part.write(audit, run, options)
    finally:
        fresh = {path.relative_to(run).as_posix() for path in written}
        folder.finish(keeping={name: digest for name, digest in before.items() if name not in fresh})
    return written


def _report(name: str) -> Report:
    part = registry.load("reports", name)()
    if not isinstance(part, Report):
        raise PartError(f"{name} is not a report format")
    return part
