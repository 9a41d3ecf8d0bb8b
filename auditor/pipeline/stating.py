"""What people state in the spec for the report: who signs, when to audit again, and how the organisation is shown."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from auditor.brand import read_logo
from auditor.records import SignOff
from auditor.runs import RunFolder
from auditor.spec.audit_spec import ReportSpec

MONTHS = {"month": 1, "year": 12}
DAYS = {"day": 1, "week": 7}


def stated(report: ReportSpec, spec_folder: Path, folder: RunFolder, finished: str) -> dict[str, Any]:
    """Fields of the audit that repeat the spec; the logo is copied, made harmless, into the run folder.

    Args:
        spec_folder: Where the spec's relative paths start.
        folder: The run's.
        finished: When the audit ended, as ISO time.
    """
    logo = ""
    if report.logo is not None:
        data, suffix = read_logo(spec_folder / report.logo)
        logo = f"figures/logo{suffix}"
        folder.write(logo, data)
    return {
        "organisation": report.organisation,
        "reviewers": tuple(f"{r.role}: {r.name}" if r.name else r.role for r in report.reviewers),
        "sign_off": tuple(
            SignOff(
                role=r.role,
                name=r.name or "",
                decision=r.decision or "",
                date=r.date.isoformat() if r.date is not None else "",
                comment=r.comment,
            )
            for r in report.reviewers
        ),
        "next_audit": next_audit(report.next_audit, finished),
        "report_options": {
            "language": report.language,
            "template": report.template,
            "accent": report.accent,
            "logo": logo,
            "classification": report.classification,
            "footer": report.footer,
            **({} if report.max_size is None else {"max_size": int(report.max_size)}),
        },
    }


def next_audit(wanted: date | str | None, finished: str) -> str:
    """An ISO date, or "" where none was set: a date as it is, "6 months" counted from the audit's end."""
    if wanted is None:
        return ""
    if isinstance(wanted, date):
        return wanted.isoformat()
    amount, unit = re.sub(r"s$", "", wanted).split(" ")
    ended = datetime.fromisoformat(finished).date()
    if unit in DAYS:
        return (ended + timedelta(days=int(amount) * DAYS[unit])).isoformat()
    months = ended.year * 12 + ended.month - 1 + int(amount) * MONTHS[unit]
    first = date(months // 12, months % 12 + 1, 1)
    last = (date((months + 1) // 12, (months + 1) % 12 + 1, 1) - first).days
    return first.replace(day=min(ended.day, last)).isoformat()
