"""Rules of a SARIF log, with their help texts, and the clauses that its results are evidence for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.records import (
    Audit,
    Check,
)
from auditor.reports._kinds import KINDS, MEANS
from auditor.reports._results import ASKS, LIMITS, Result
from auditor.reports._words import plain, short

MOST_TAGS = 10
"""Tags of a rule that GitHub keeps; above 20 it refuses the file."""


def rule_of(result: Result) -> str:
    """The rule that a result belongs to: the kind of check, or the limit."""
    return result.key if result.family == LIMITS else result.family


def rules_of(audit: Audit, results: Sequence[Result]) -> list[dict[str, Any]]:
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
        advice = next((words for r in results if rule_of(r) == name and (words := advice_of(r))), "")
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


def advice_of(result: Result) -> str:
    """What to do about a finding; "" where nobody says."""
    return plain(result.source.recommendation) if isinstance(result.source, Check) else ""


def _escaped(text: str) -> str:
    from auditor.reports._markdown import escaped

    return escaped(text)


def clauses_of(results: Sequence[Result]) -> list[dict[str, Any]]:
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
