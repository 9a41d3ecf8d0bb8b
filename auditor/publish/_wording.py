"""The comment under a ticket: the summary that was rendered, or a short one from audit.json."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from auditor.findings.words import headline
from auditor.publish._parcels import Parcels
from auditor.records import Audit, Check, Measurement
from auditor.shares import percent

MOST_FINDINGS = 10
MARKER = re.compile(r"<!-- auditor name=(?P<name>\S+) report=(?P<report>\S+) started=(?P<started>\S+)(?P<rest>.*?) -->")
HIDDEN = "\u200b"
"""A space without width: breaks what a service would read as a mention or a command, and nobody sees it."""


@dataclass(frozen=True, slots=True)
class Marker:
    """The first line of a comment that is ours: invisible, and found again by the next publication.

    Attributes:
        name: The audit's name in its spec.
        report: The report id.
        started: When that audit began; an older one never replaces a newer one.
        notes: Words for ourselves: which upload is which.
    """

    name: str
    report: str
    started: str
    notes: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        rest = "".join(f" {_quoted(key)}={_quoted(value)}" for key, value in self.notes)
        name, report, started = map(_quoted, (self.name, self.report, self.started))
        return f"<!-- auditor name={name} report={report} started={started}{rest} -->"

    @classmethod
    def of(cls, audit: Audit, notes: tuple[tuple[str, str], ...] = ()) -> Marker:
        """That of an audit."""
        return cls(audit.name, audit.report_id, audit.started, notes)

    @classmethod
    def read(cls, comment: str) -> Marker | None:
        """The marker that a comment begins with; a quotation of ours has it elsewhere, and is somebody else's."""
        found = MARKER.match(comment)
        if found is None:
            return None
        pairs = (word.partition("=") for word in found["rest"].split())
        notes = tuple((unquote(key), unquote(value)) for key, _, value in pairs)
        return cls(unquote(found["name"]), unquote(found["report"]), unquote(found["started"]), notes)


def markdown_comment(parcels: Parcels, marker: Marker, links: list[str], most: int) -> str:
    """A comment for GitHub or GitLab.

    Args:
        links: Lines in Markdown that say where the files are.
        most: Characters that the service takes.
    """
    summary = parcels.text("summary.md")
    body = _own_summary(parcels.audit) if summary is None else _tame(summary)
    foot = "\n\n" + "\n".join([*links, f"Report {marker.report}"]) + "\n"
    room = most - len(str(marker)) - len(foot) - 1
    if len(body) > room:
        cut = "\n\n_Cut here: the whole summary is longer than a comment may be._"
        kept = body[: room - len(cut)]
        body = kept[: kept.rfind("\n") + 1] + cut
    return f"{marker}\n{body.rstrip()}{foot}"


def wiki_comment(parcels: Parcels, attached: list[str], remarks: list[str], most: int) -> str:
    """A comment for Jira, in its text formatting notation; both Cloud and Data Center take it in version 2."""
    audit = parcels.audit
    lines = [f"*{wiki(headline(audit))}*", ""]
    lines += [f"* {wiki(reason)}" for reason in audit.reasons[:MOST_FINDINGS]]
    findings = audit.findings
    if findings:
        lines += ["", "||Severity||Finding||Status||"]
        rows = [f"|{one.severity or '–'}|{wiki(one.sentence)}|{one.status}|" for one in findings[:MOST_FINDINGS]]
        lines += rows + ([f"… and {len(findings) - MOST_FINDINGS} more"] if len(findings) > MOST_FINDINGS else [])
    lines += ["", wiki(_facts(audit))]
    lines += ["", "Attached: " + ", ".join(f"[^{name}]" for name in attached)] if attached else []
    lines += [f"_{wiki(remark)}_" for remark in remarks]
    foot = f"\nReport {audit.report_id}"
    text = "\n".join(lines)
    if len(text) + len(foot) > most:
        text = text[: most - len(foot) - 8].rpartition("\n")[0] + "\n… (cut)"
    return text + foot


def plain_line(text: str) -> str:
    """Markdown that shows just these characters, in one line; mentions and references stay text."""
    text = re.sub(r"([\\`*_{}\[\]()<>#+!|~&$])", r"\\\1", " ".join(text.split()))
    return re.sub(r"([@#!])(?=\w)", rf"\1{HIDDEN}", text)


def wiki(text: str) -> str:
    """Jira's notation that shows just these characters, in one line."""
    text = re.sub(r"([\\{}\[\]*^~|!]|(?<!\w)[_?+-]|[_?+-](?!\w))", r"\\\1", " ".join(text.split()))
    return text.replace("@", f"@{HIDDEN}")


def measured(item: Measurement) -> str:
    """'accuracy 94.0 % (90.0 to 97.0 %, n = 127)'."""
    if item.value is None:
        return f"{item.name}: {item.reason}"
    share = item.unit == "1" and -1 <= item.value <= 1

    def number(value: float) -> str:
        return percent(value, 1) if share else f"{value:.4g}"

    between = ""
    if item.low is not None and item.high is not None:
        between = f"{number(item.low)} to {number(item.high)}, "
    unit = "" if item.unit == "1" else f" {item.unit}"
    return f"{item.name} {number(item.value)}{unit} ({between}n = {item.count})"


def _quoted(text: str) -> str:
    return quote(text, safe=":/.").replace("-", "%2D") or "%20"


def _own_summary(audit: Audit) -> str:
    lines = [f"### {plain_line(headline(audit))}", ""]
    lines += [f"- {plain_line(reason)}" for reason in audit.reasons[:MOST_FINDINGS]]
    findings = audit.findings
    if findings:
        lines += ["", "| severity | finding | status |", "|---|---|---|", *map(_row, findings[:MOST_FINDINGS])]
        lines += [f"\n… and {len(findings) - MOST_FINDINGS} more"] if len(findings) > MOST_FINDINGS else []
    return "\n".join([*lines, "", plain_line(_facts(audit))])


def _row(check: Check) -> str:
    return f"| {check.severity or '–'} | {plain_line(check.sentence)} | {check.status} |"


def _facts(audit: Audit) -> str:
    model = audit.model.name + (f" {audit.model.version}" if audit.model.version else "")
    facts = [f"Model {model}", f"{audit.sample.readable} images", *(measured(item) for item in audit.metrics[:3])]
    return " · ".join([*facts, f"audited {audit.finished[:10]}"])


def _tame(markdown: str) -> str:
    """A summary made elsewhere: no line of it is a command to GitLab, no name in it calls a person."""
    markdown = re.sub(r"(?m)^(\s*)/(?=\w)", rf"\1{HIDDEN}/", markdown)
    return re.sub(r"(?<![\w/`.])@(?=\w)", f"@{HIDDEN}", markdown)
