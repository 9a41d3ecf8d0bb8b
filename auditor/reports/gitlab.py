"""gl-code-quality-report.json: findings in a merge request on GitLab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from auditor.records import Audit, Severity
from auditor.reports import RenderOptions, Report
from auditor.runs import write_whole

FILE = "gl-code-quality-report.json"
_SEVERITIES = {
    Severity.LOW: "minor",
    Severity.MEDIUM: "major",
    Severity.HIGH: "critical",
    Severity.CRITICAL: "blocker",
}
BROKEN = "major"


class Gitlab(Report):
    """GitLab code quality: every finding that is not waived, every breached limit and part that broke, at its line.

    Source: GitLab, "Code Quality report format".
    """

    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        file = run / FILE
        write_whole(file, (json.dumps(issues(audit), indent=1, ensure_ascii=False) + "\n").encode("utf-8"))
        return [file]


def issues(audit: Audit) -> list[dict[str, Any]]:
    """The report's entries; GitLab tells those of two branches apart by their fingerprints."""
    from auditor.reports._results import ASKS, Outcome, results_of
    from auditor.reports._words import plain

    shown = (ASKS - {Outcome.WAIVED}) | {Outcome.BROKEN}
    path = plain((audit.spec_path or audit.spec_file).lstrip("/"))
    return [
        {
            "type": "issue",
            "check_name": result.key,
            "description": result.sentence,
            "fingerprint": result.fingerprint,
            "severity": _SEVERITIES[result.severity] if result.severity else BROKEN,
            "categories": ["Bug Risk"],
            "location": {"path": path, "lines": {"begin": result.line}},
        }
        for result in results_of(audit)
        if result.outcome in shown
    ]
