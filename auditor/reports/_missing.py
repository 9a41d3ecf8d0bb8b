"""Why something is not in an audit, in words: it broke, it had nothing to work on, or nobody asked for it."""

from __future__ import annotations

from auditor.languages import noted, say
from auditor.records import Audit, Verdict
from auditor.reports._words import plain, without_stop

NOT_ASKED = noted("not asked for in the spec")


def why_missing(audit: Audit, kind: str, part: str | None = None) -> str:
    """Why there is no answer of a kind of check; no full stop.

    Args:
        kind: Of check.
        part: The probe's name, where it differs from the kind.
    """
    name = part or kind
    for failure in audit.failures:
        if failure.part.rpartition(".")[2] == name:
            return without_stop(say("{part} broke: {reason}", part=name, reason=plain(failure.reason)))
    for check in audit.checks:
        if check.kind == kind and check.class_name is None and check.verdict is Verdict.NOT_TESTED and part is None:
            return without_stop(_lower(plain(check.sentence)))
    for row in audit.not_tested:
        if row.kind == kind and part is None:
            return without_stop(_lower(plain(row.rationale)))
    return say(NOT_ASKED)


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]
