"""audit.json: the canonical, versioned record that every other format is rendered from."""

from __future__ import annotations

from pathlib import Path

from auditor.records import Audit
from auditor.reports import RenderOptions, Report
from auditor.runs import write_whole


class Json(Report):
    """The audit itself as canonical JSON: `audit.json`."""

    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        file = run / "audit.json"
        write_whole(file, audit.to_json().encode("utf-8"))
        return [file]
