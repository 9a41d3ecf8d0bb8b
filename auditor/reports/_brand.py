"""How the organisation is shown: logo, colour, label of classification, footer; and who signs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from auditor.brand import LogoError, read_logo, readable
from auditor.errors import RenderError
from auditor.languages import noted, say, say_in
from auditor.records import Audit, SignOff
from auditor.reports._pictures import MEDIA_TYPES, Embed, read_inside
from auditor.reports._words import day, plain

ACCENT = "#1f4e8c"
DARK_PAPER = (0x15, 0x18, 0x1C)
"""The page's colour where the reader prefers dark screens; as in screen.css."""
DECISIONS = {
    "accept": noted("accept"),
    "accept with conditions": noted("accept with conditions"),
    "reject": noted("reject"),
}


@dataclass(frozen=True, slots=True)
class Brand:
    """What every page of a report carries.

    Attributes:
        accent, accent_dark: The same colour, readable on white and on a dark screen.
        logo: Address of the picture; "" for none.
        classification: Such as "internal"; "" for none.
        footer: Such as the number of a form; "" for none.
    """

    accent: str
    accent_dark: str
    logo: str
    classification: str
    footer: str


@dataclass(frozen=True, slots=True)
class Signature:
    """Somebody who signs; "" where it is still to be filled in by hand.

    Attributes:
        role: Such as "Independent reviewer".
        name, date, comment: As the spec states them.
        decision: accept, accept with conditions or reject, as the spec has it.
        said: The decision in the report's language.
    """

    role: str
    name: str
    decision: str
    said: str
    date: str
    comment: str


def brand_of(audit: Audit, run: Path, embed: Embed) -> Brand:
    """Brand of an audit.

    Raises:
        RenderError: The logo in the run folder is missing, or no longer a picture.
    """
    options = audit.report_options
    accent = _accent(audit)
    return Brand(
        accent=accent,
        accent_dark=readable(accent, DARK_PAPER),
        logo=_logo(str(options.get("logo") or ""), run, embed),
        classification=plain(options.get("classification") or ""),
        footer=plain(options.get("footer") or ""),
    )


def signatures_of(audit: Audit) -> tuple[Signature, ...]:
    """Those that the spec names, or the usual three to be filled in."""
    named = audit.sign_off or tuple(SignOff(role=role) for role in audit.reviewers or _usual())
    return tuple(
        Signature(
            role=plain(one.role),
            name=plain(one.name),
            decision=plain(one.decision),
            said=say(DECISIONS.get(one.decision, plain(one.decision))),
            date=day(one.date) if one.date else "",
            comment=plain(one.comment),
        )
        for one in named
    )


def _usual() -> tuple[str, str, str]:
    return say_in("role", "Auditor"), say_in("role", "Owner of the model"), say_in("role", "Reviewer")


def _accent(audit: Audit) -> str:
    wanted = str(audit.report_options.get("accent") or "")
    return readable(wanted) if re.fullmatch(r"#[0-9a-fA-F]{6}", wanted) else ACCENT


def _logo(name: str, run: Path, embed: Embed) -> str:
    if not name:
        return ""
    read_inside(run, name)  # refuses what lies outside the run folder
    try:
        data, suffix = read_logo(run / name)
    except LogoError as error:
        raise RenderError(f"the run's logo cannot be shown: {error}") from error
    return embed(name, data, MEDIA_TYPES[suffix])
