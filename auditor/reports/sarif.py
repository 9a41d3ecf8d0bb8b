"""audit.sarif and upload.sarif: findings where code review shows them, each at its line of the spec."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from auditor.records import Audit
from auditor.reports import RenderOptions, Report
from auditor.runs import write_whole

ARCHIVE, UPLOAD = "audit.sarif", "upload.sarif"


class Sarif(Report):
    """SARIF 2.1.0: `audit.sarif` holds every check, `upload.sarif` what code scanning may take: findings alone.

    Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
    """

    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        from auditor.reports._sarif import log_of

        written = []
        for name, whole in ((ARCHIVE, True), (UPLOAD, False)):
            log: dict[str, Any] = log_of(audit, run, whole=whole, images=options.images)
            write_whole(run / name, (json.dumps(log, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))
            written.append(run / name)
        return written
