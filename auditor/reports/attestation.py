"""attestation.json: a statement of what was tested, on which bytes, ready to be signed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from auditor.records import Audit, AuditVerdict
from auditor.reports import RenderOptions, Report
from auditor.runs import write_whole

FILE = "attestation.json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
_RESULTS = {
    AuditVerdict.PASS: "PASSED",
    AuditVerdict.PASS_WITH_WAIVERS: "WARNED",
    AuditVerdict.FAIL: "FAILED",
    AuditVerdict.INCOMPLETE: "FAILED",
}
"""Verdict → result; an incomplete audit has not shown that all required tests ran."""


class Attestation(Report):
    """An in-toto test-result statement: its subject is the model's digest, its configuration the spec and the sample.

    Source: in-toto attestation framework, Statement v1 and predicate test-result v0.1.
    """

    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        file = run / FILE
        write_whole(file, (json.dumps(statement(audit, run), indent=1, ensure_ascii=False) + "\n").encode("utf-8"))
        return [file]


def statement(audit: Audit, run: Path) -> dict[str, Any]:
    """The statement.

    Args:
        run: The run folder: the spec's digest is that of the file in it.

    Raises:
        RenderError: The run folder lacks its spec.
    """
    from auditor.reports._pictures import read_inside
    from auditor.reports._results import Outcome, results_of
    from auditor.reports._words import plain

    spec = hashlib.sha256(read_inside(run, audit.spec_file)).hexdigest()
    model = audit.model
    # a weights file's own digest can be checked by anyone; that of the state dict needs the model in memory
    digest = {"sha256": model.file_sha256} if model.file_sha256 else {}
    names: dict[str, list[str]] = {"passedTests": [], "warnedTests": [], "failedTests": []}
    for result in results_of(audit):
        if result.outcome is Outcome.NOT_TESTED:
            continue
        failed = result.outcome in (Outcome.FAILED, Outcome.BROKEN)
        passed = result.outcome is Outcome.PASSED
        names["failedTests" if failed else "passedTests" if passed else "warnedTests"].append(result.key)
    return {
        "_type": STATEMENT,
        "subject": [
            {
                "name": plain(" ".join(filter(None, (model.name, model.version)))),
                "digest": {**digest, "auditorStateDict": model.sha256_before},
            }
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "result": _RESULTS[audit.verdict],
            "configuration": [
                {
                    "name": plain(audit.spec_path or audit.spec_file),
                    "digest": {"sha256": spec},
                    "mediaType": "application/yaml",
                    "annotations": {"overrides": [plain(item) for item in audit.runtime.get("overrides") or ()]},
                },
                {"name": "sample", "digest": {"auditorSample": audit.sample.digest}},
            ],
            **names,
            "reportId": plain(audit.report_id),
            "finishedOn": audit.finished,
        },
    }
