"""A made-up audit to render templates against: every section filled, and marked as a sample on every page.

Pictures, numbers and names are drawn and invented here; no network is run and no file is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from auditor.errors import RunFolderError
from auditor.findings.gate import gate
from auditor.records import Audit, Check, Measurement, PartFailure, Verdict
from auditor.runs import RunFolder
from auditor.sample.base import CLASSES, build
from auditor.sample.checks import POWER, follow
from auditor.sample.sections import full

__all__ = ["VERDICTS", "write_sample"]

VERDICTS = ("fail", "pass", "incomplete")
REPORT_ID = "SAMPLE-0000"
SIZE = 128
IMAGES = 16
"""How many of them are drawn."""
MARK = "Sample: made up, no model was audited"
FOREST = ("figures/findings-forest.svg", "figures/forest.svg")
"""Charts of findings."""
PROFILES = ("claim-2024", "gmlp")


def write_sample(folder: Path, verdict: str = "fail") -> Audit:
    """Write the sample as a run folder without manifest, which rendering adds; an earlier sample is replaced.

    Args:
        verdict: One of `VERDICTS`: findings and a breached limit; nothing confirmed; or a required part that broke.

    Raises:
        RunFolderError: The folder holds anything but an earlier sample, or cannot be written.
    """
    run = RunFolder(folder)
    if run.started and not _holds_a_sample(folder):
        raise RunFolderError(f"{folder}: holds something that is no sample; name another folder with -o")
    run.unfinish()
    for file in [*folder.glob("figures/*"), *folder.glob("evidence/**/*"), *folder.glob("report.*")]:
        if file.is_file():
            file.unlink()
    audit = full(build(folder, images=IMAGES, reliance=1.0 if verdict == "fail" else 0.05), folder, PROFILES)
    if verdict != "fail":
        audit = _without_findings(audit, broken=verdict == "incomplete")
    audit = audit.model_copy(
        update={
            "title": f"SAMPLE: {audit.title}",
            "report_id": REPORT_ID,
            "sample": audit.sample.model_copy(
                update={
                    "size": SIZE,
                    "readable": SIZE - 1,
                    "labelled": SIZE,
                    "per_class": dict.fromkeys(CLASSES, SIZE // 4),
                }
            ),
            "metrics": tuple(item for item in audit.metrics if item.value is not None),
            "notes": (*audit.notes, f"This sample shows {IMAGES} of the {SIZE} pictures that its numbers speak of."),
            "organisation": "Example Hospital Trust (invented)",
            "report_options": {**audit.report_options, "classification": MARK},
        }
    )
    run.write("audit.json", audit.to_json())
    return audit


def _holds_a_sample(folder: Path) -> bool:
    try:
        return Audit.from_json((folder / "audit.json").read_bytes()).report_id == REPORT_ID
    except (OSError, ValueError):
        return False


def _without_findings(audit: Audit, *, broken: bool) -> Audit:
    """The same audit with nothing confirmed; with `broken`, one required probe ended early and one saw too little."""
    own = {path for check in audit.findings for path in check.figures} | set(FOREST)
    checks = [_quiet(check, short=broken) if check.is_finding else check for check in audit.checks]
    limits = tuple(limit.model_copy(update={"breached": False, "measurement": _good(limit.measurement)})
                   for limit in audit.limits)  # fmt: skip
    failures = audit.failures
    if broken:
        checks = [check for check in checks if check.kind != "overlay"]
        failures = (*failures, PartFailure(part="probes.overlay", reason="out of memory", required=True))
    result = gate(checks, limits, failures, ("corner", "border"), audit.fail_on)
    changed: dict[str, Any] = {
        "checks": tuple(checks),
        "limits": limits,
        "failures": failures,
        "verdict": result.verdict,
        "exit_code": result.exit_code,
        "reasons": result.reasons,
        "per_class": tuple(
            {**row, "value": max(row["value"], 0.88), "low": 0.72, "high": 0.99} for row in audit.per_class
        ),
        "figures": {path: picture for path, picture in audit.figures.items() if path not in own},
        "summary_figures": tuple(path for path in audit.summary_figures if path not in own),
        "sign_off": tuple(one.model_copy(update={"decision": "", "date": "", "comment": ""}) for one in audit.sign_off),
        "attempt": 1,
    }
    return audit.model_copy(update=changed)


def _quiet(check: Check, *, short: bool) -> Check:
    """A check that confirmed, as it would read without an effect; with `short`, without pictures enough to tell."""
    where = check.region.name if check.region is not None else check.kind
    words = f"No evidence that the model relies on {where}{POWER}"
    changed: dict[str, Any] = {"verdict": Verdict.NO_EVIDENCE, "measurements": follow(0.01, -0.04, 0.06)}
    if short and check.kind == "border":
        words = f"Not enough to tell whether the model relies on {where}: 5 images can follow it here, 8 are needed."
        changed = {"verdict": Verdict.INSUFFICIENT, "measurements": follow(0.02, -0.3, 0.34, 5)}
    quiet = {"grade": None, "severity": None, "harmful": None, "p": 0.4, "q": 0.6, "figures": (), "recommendation": "",
             "clauses": (), "also": ()}  # fmt: skip
    return check.model_copy(update={**quiet, **changed, "sentence": words})


def _good(item: Measurement | None) -> Measurement | None:
    if item is None:
        return None
    return item.model_copy(update={"value": 0.91, "low": 0.82, "high": 0.96})
