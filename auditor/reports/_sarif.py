"""The SARIF log of an audit.

GitHub refuses a whole file where one result has no place in a file, shows a result of any kind as an alert, and reads
`security-severity` as a score of vulnerability: so each result stands at its line of the spec, the file for upload has
no passes, and nothing has a security severity.

Source: OASIS, SARIF 2.1.0; GitHub, "SARIF support for code scanning" and "SARIF results exceed one or more limits".
"""

from __future__ import annotations

import uuid
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
from auditor.reports._kinds import KINDS, MEANS
from auditor.reports._names import label
from auditor.reports._results import ASKS, FINGERPRINT, LIMITS, PARTS, Outcome, Result, results_of
from auditor.reports._words import VERDICTS, measured, moment, plain, short
from auditor.runs import sha256_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "SRCROOT"
MOST_RESULTS = 5_000
"""Results of a run that GitHub shows; above 25,000 it refuses the file."""
MOST_TAGS = 10
"""Tags of a rule that GitHub keeps; above 20 it refuses the file."""
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
_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".svg": "image/svg+xml"}
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://pypi.org/project/auditor/")


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
    rules = _rules(audit, results)
    clauses = _clauses(results)
    pictures = _pictures(audit, run, results) if whole and images else {}
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


def rule_of(result: Result) -> str:
    """The rule that a result belongs to: the kind of check, or the limit."""
    return result.key if result.family == LIMITS else result.family


def _rules(audit: Audit, results: Sequence[Result]) -> list[dict[str, Any]]:
    """One for each kind of check and each limit; texts come from the test plan, which was fixed before the run."""
    rows = {row.kind: row for row in audit.test_plan}
    rules: dict[str, dict[str, Any]] = {}
    for result in results:
        name = rule_of(result)
        if name in rules:
            continue
        if result.family == LIMITS:
            title, what = f"Limit {name.removeprefix('limits.')}", "A bound that the spec sets on a measurement."
            why = "The owner fixed this bound in the spec, under policy.limits, before the run."
            steps = "It is breached when the whole 95 % interval lies beyond it."
        else:
            row = rows.get(name)
            title = f"{KINDS.get(name, name.replace('_', ' ').capitalize())}: the prediction follows the cue"
            what = plain(row.what) if row else title
            why = plain(row.rationale) if row else ""
            control = f"Control: {plain(row.control)}. Limit: {plain(row.limit)}. " if row else ""
            steps = f"{control}{MEANS.get(name, '')}".strip()
        advice = next((words for r in results if rule_of(r) == name and (words := _advice(r))), "")
        act = advice or "Read the finding's section of the report, which shows the pictures and the numbers."
        rules[name] = {
            "id": name,
            "name": "".join(word.capitalize() for word in name.replace(".", "_").split("_")) or "Check",
            "shortDescription": {"text": short(title, 200)},
            "fullDescription": {"text": short(f"{what}. {why}".replace("..", "."), 1000)},
            "help": {
                "text": f"{what}. {why} {steps} What to do: {act}",
                "markdown": f"**What is tested.** {_escaped(what)}\n\n{_escaped(why)}\n\n{_escaped(steps)}\n\n"
                f"**What to do.** {_escaped(act)}",
            },
            "defaultConfiguration": {"level": "warning"},
            "properties": {"tags": ["model-audit", "limit" if result.family == LIMITS else name][:MOST_TAGS]},
        }
    return list(rules.values())


def _advice(result: Result) -> str:
    return plain(result.source.recommendation) if isinstance(result.source, Check) else ""


def _escaped(text: str) -> str:
    from auditor.reports._markdown import escaped

    return escaped(text)


def _clauses(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Clauses that the findings support evidence for, as one taxonomy."""
    named = dict.fromkeys(
        clause for r in results if r.outcome in ASKS and isinstance(r.source, Check) for clause in r.source.clauses
    )
    if not named:
        return []
    return [
        {
            "name": "clauses",
            "shortDescription": {"text": "Clauses of law and standards that a finding is evidence for."},
            "isComprehensive": False,
            "taxa": [{"id": plain(clause), "shortDescription": {"text": plain(clause)}} for clause in named],
        }
    ]


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
        text = f"{text} {_advice(result)}".strip()
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
        attached = _attachments(audit, result.source, pictures)
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


def _pictures(audit: Audit, run: Path, results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """Figures that results attach, as artifacts with their digests, by path."""
    paths = (path for result in results if isinstance(result.source, Check) for path in result.source.figures)
    found: dict[str, dict[str, Any]] = {}
    for path in dict.fromkeys(paths):
        if path not in audit.figures or "\0" in path:
            continue
        file = (run / path).resolve()
        if not file.is_relative_to(run.resolve()) or not file.is_file():
            continue
        artifact: dict[str, Any] = {"location": {"uri": quote(path, safe="/")}, "roles": ["attachment"]}
        if file.suffix.lower() in _TYPES:
            artifact["mimeType"] = _TYPES[file.suffix.lower()]
        found[path] = {**artifact, "hashes": {"sha-256": sha256_of(file)}}
    return found


def _attachments(audit: Audit, check: Check, pictures: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    order = {path: index for index, path in enumerate(pictures, start=1)}
    attached = []
    for path in check.figures:
        if path not in pictures:
            continue
        picture = audit.figures[path]
        location = {"uri": pictures[path]["location"]["uri"], "index": order[path]}
        one: dict[str, Any] = {
            "description": {"text": plain(picture.caption) or plain(picture.alt) or "A figure of the check."},
            "artifactLocation": location,
        }
        if picture.outlines:
            words = {"text": plain(check.region.name)} if check.region and plain(check.region.name) else {}
            one["rectangles"] = [
                {"left": x1, "top": y1, "right": x2, "bottom": y2, **({"message": words} if words else {})}
                for x1, y1, x2, y2 in picture.outlines
            ]
        attached.append(one)
    return attached


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
