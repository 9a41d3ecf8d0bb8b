"""The SARIF log of an audit.

GitHub refuses a whole file where one result has no place in a file, shows a result of any kind as an alert, and reads
`security-severity` as a score of vulnerability: so each result stands at its line of the spec, the file for upload has
no passes, and nothing has a security severity.

Source: OASIS, SARIF 2.1.0; GitHub, "SARIF support for code scanning" and "SARIF results exceed one or more limits".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from auditor.records import (
    Audit,
    AuditVerdict,
    BaselineState,
    Check,
    LimitResult,
    Measurement,
    PartFailure,
    Severity,
    Status,
)
from auditor.reports._effects import main_measurement
from auditor.reports._names import label
from auditor.reports._results import ASKS, FINGERPRINT, PARTS, Outcome, Result, results_of
from auditor.reports._sarif_pictures import attachments_of, pictures_of
from auditor.reports._sarif_rules import advice_of, clauses_of, rule_of, rules_of
from auditor.reports._words import VERDICTS, measured, moment, plain, short

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "SRCROOT"
MOST_RESULTS = 5_000
"""Results of a run that GitHub shows; above 25,000 it refuses the file."""
LONGEST = 1_000
"""Letters of a message in the file for upload; GitHub shows its first sentence."""
_LEVELS = {Severity.LOW: "note", Severity.MEDIUM: "warning", Severity.HIGH: "error", Severity.CRITICAL: "error"}
_RANKS = {Severity.LOW: 25.0, Severity.MEDIUM: 50.0, Severity.HIGH: 75.0, Severity.CRITICAL: 100.0}
_KINDS = {
    Outcome.UNDECIDED: "review",
    Outcome.NOT_TESTED: "notApplicable",
    Outcome.PASSED: "pass",
}
_BASELINE_STATES = {
    BaselineState.NEW: "new",
    BaselineState.UNCHANGED: "unchanged",
    BaselineState.WORSE: "updated",
    BaselineState.BETTER: "updated",
}


def log_of(audit: Audit, run: Path, *, whole: bool, images: bool) -> dict[str, Any]:
    """The log with its one run.

    Args:
        run: The run folder, for the digests of attached pictures.
        whole: Every check, limit and part; otherwise findings and breached limits alone, within GitHub's limits.
        images: False attaches no pictures of the sample.
    """
    results = [result for result in results_of(audit) if result.family != PARTS]
    if not whole:
        asked = [result for result in results if result.outcome in ASKS]
        asked.sort(key=lambda result: -_RANKS.get(result.severity or Severity.LOW, 0.0))
        results = asked[:MOST_RESULTS]
    rules = rules_of(audit, results)
    clauses = clauses_of(results)
    pictures = pictures_of(audit, run, results) if whole and images else {}
    order = {rule["id"]: index for index, rule in enumerate(rules)}
    tool = {
        "driver": {
            "name": "auditor",
            "version": str(audit.environment.get("auditor", "")) or "unknown",
            "rules": rules,
            "supportedTaxonomies": [{"name": each["name"], "index": n} for n, each in enumerate(clauses)],
        }
    }
    found: dict[str, Any] = {
        "tool": tool,
        "automationDetails": {
            "id": f"auditor/{quote(audit.name, safe='')}/{quote(audit.report_id, safe='')}",
            "description": {"text": plain(audit.title) or plain(audit.name)},
        },
        "invocations": [_invocation(audit)],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository that holds the spec."}}},
        "artifacts": [_spec(audit), *pictures.values()],
        "taxonomies": clauses,
        "results": [
            *(_result(audit, result, order, clauses, pictures, None if whole else LONGEST) for result in results),
            *(_absent(audit, order) if whole else ()),
        ],
        "columnKind": "unicodeCodePoints",
        "properties": _about(audit),
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [found]}


def _result(
    audit: Audit,
    result: Result,
    order: dict[str, int],
    clauses: Sequence[dict[str, Any]],
    pictures: dict[str, dict[str, Any]],
    longest: int | None,
) -> dict[str, Any]:
    rule = rule_of(result)
    kind = "informational" if _declared(result) else _KINDS.get(result.outcome, "fail")
    text = result.sentence
    if result.outcome in ASKS:
        text = f"{text} {advice_of(result)}".strip()
    made: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": order[rule],
        "kind": kind,
        "level": _LEVELS[result.severity or Severity.LOW] if kind == "fail" else "none",
        "message": {"text": short(text, longest) if longest else text},
        "locations": [_place(audit, result)],
        "partialFingerprints": {
            FINGERPRINT: result.fingerprint,
            "primaryLocationLineHash": f"{result.fingerprint[:16]}:1",
        },
        "properties": _properties(result),
    }
    if result.severity is not None and kind == "fail":
        made["rank"] = _RANKS[result.severity]
    if isinstance(result.source, Check):
        attached = attachments_of(audit, result.source, pictures)
        if attached:
            made["attachments"] = attached
        known = {taxon["id"] for each in clauses for taxon in each["taxa"]}
        taxa = [
            {"id": plain(clause), "toolComponent": {"name": "clauses", "index": 0}}
            for clause in dict.fromkeys(result.source.clauses)
            if plain(clause) in known
        ]
        if taxa:
            made["taxa"] = taxa
    state = _baseline_state(result.source)
    if state is not None and kind == "fail":
        made["baselineState"] = state
    if result.outcome is Outcome.WAIVED:
        made["suppressions"] = [_suppression(audit, result.source)]
    return made


def _baseline_state(source: Check | LimitResult | PartFailure) -> str | None:
    """In SARIF's words; None without a baseline."""
    if not isinstance(source, Check):
        return None
    if source.baseline_state is None:
        return "unchanged" if source.status is Status.BASELINE else None
    return _BASELINE_STATES[source.baseline_state]


def _suppression(audit: Audit, source: Check | LimitResult | PartFailure) -> dict[str, Any]:
    """The owner's waiver: why, by whom, until when."""
    name = None if isinstance(source, PartFailure) else source.waiver
    waiver = next((waiver for waiver in audit.waivers if waiver.id == name), None)
    made: dict[str, Any] = {"kind": "external", "status": "accepted"}
    if waiver is None:
        return {**made, "justification": "Waived by the owner in the waivers file that the spec names."}
    people = f"owner {waiver.owner}, approved by {waiver.approver}, {waiver.ticket}, until {waiver.expires}"
    made["justification"] = plain(f"{waiver.statement} ({people})")
    made["properties"] = {"waiver": plain(waiver.id), "ticket": plain(waiver.ticket), "expires": waiver.expires}
    return made


def _absent(audit: Audit, order: dict[str, int]) -> list[dict[str, Any]]:
    """Findings of the baseline that are gone; what this audit did not look for is none of them."""
    gone = audit.baseline.absent if audit.baseline is not None else ()
    return [
        {
            "ruleId": plain(item.kind),
            **({"ruleIndex": order[item.kind]} if item.kind in order else {}),
            "kind": "pass",
            "level": "none",
            "message": {"text": plain(item.words) or "Gone since the baseline."},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": spec_uri(audit), "uriBaseId": ROOT}}}],
            "partialFingerprints": {FINGERPRINT: item.fingerprint},
            "baselineState": "absent",
            "properties": {"id": plain(item.id), "severity": item.severity.value},
        }
        for item in gone
        if item.tested
    ]


def _declared(result: Result) -> bool:
    return isinstance(result.source, Check) and result.source.verdict.value == "declared_legitimate"


def _place(audit: Audit, result: Result) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": spec_uri(audit), "uriBaseId": ROOT, "index": 0},
            "region": {"startLine": result.line},
        },
        "logicalLocations": [{"name": result.key, "kind": "check"}],
    }


def spec_uri(audit: Audit) -> str:
    """The spec by its path in the repository, as a relative address."""
    return quote((audit.spec_path or audit.spec_file).lstrip("/"), safe="/")


def _spec(audit: Audit) -> dict[str, Any]:
    return {
        "location": {"uri": spec_uri(audit), "uriBaseId": ROOT},
        "mimeType": "application/yaml",
        "roles": ["analysisTarget"],
    }


def _properties(result: Result) -> dict[str, Any]:
    """What SARIF has no field for: the verdict, and the number that speaks for it."""
    source = result.source
    made: dict[str, Any] = {"outcome": result.outcome.value, "id": result.key}
    if result.severity is not None:
        made["severity"] = result.severity.value
    main: Measurement | None = None
    if isinstance(source, Check):
        made |= {"verdict": VERDICTS[source.verdict], "class": source.class_name and plain(source.class_name)}
        if source.region is not None and source.region.box is not None:
            made["box"] = list(source.region.box)
        main = main_measurement(source)
    elif isinstance(source, LimitResult):
        main = source.measurement
    if main is not None:
        made["effect"] = f"{label(main.name)}: {measured(main)}"
    return {key: value for key, value in made.items() if value is not None}


def _invocation(audit: Audit) -> dict[str, Any]:
    notices = [
        {"level": "error" if failure.required else "warning",
         "message": {"text": plain(f"{failure.part} did not finish: {failure.reason}")}}
        for failure in audit.failures
    ]  # fmt: skip
    return {
        "executionSuccessful": audit.verdict is not AuditVerdict.INCOMPLETE,
        "exitCode": audit.exit_code,
        "startTimeUtc": f"{moment(audit.started):%Y-%m-%dT%H:%M:%SZ}",
        "endTimeUtc": f"{moment(audit.finished):%Y-%m-%dT%H:%M:%SZ}",
        "toolExecutionNotifications": notices,
    }


def _about(audit: Audit) -> dict[str, Any]:
    return {
        "verdict": audit.verdict.value,
        "reportId": plain(audit.report_id),
        "model": {"name": plain(audit.model.name), "stateSha256": audit.model.sha256_before,
                  "fileSha256": audit.model.file_sha256},
        "specSha256": audit.spec_sha256,
        "sampleDigest": audit.sample.digest,
        "checksLeftOut": dict(audit.checks_left_out),
    }  # fmt: skip
