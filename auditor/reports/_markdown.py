"""Text from outside made safe to stand in Markdown, as GitHub and GitLab read it."""

from __future__ import annotations

import html
import re

from auditor.reports._words import plain

_BREAK = "\N{ZERO WIDTH SPACE}"
_MARKS = re.compile(r"([\\`*_\[\]{}|~])")
_LIVE = re.compile(r"@(?=\w)|[#!&](?=\d)|[~%](?=[\w\"])|\$(?=\S)|\bGH-(?=\d)|:(?=//)|\bwww(?=\.)", re.IGNORECASE)
"""What servers turn into mentions, references, formulas and addresses although it is escaped."""
_START = re.compile(r"^([-+=>:]|\d+(?=[.)]))")


def escaped(text: object) -> str:
    """One line in which nothing is markup, a mention, a reference or a link."""
    line = _START.sub(lambda found: f"{_BREAK}{found.group()}", plain(text))
    line = _LIVE.sub(lambda found: f"{found.group()}{_BREAK}", line)
    return _MARKS.sub(r"\\\1", html.escape(line, quote=False))


def code(text: object) -> str:
    """A name or digest in the typeface of code."""
    line = plain(text).replace("|", "\N{BROKEN BAR}")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") or not line else ""
    return f"{fence}{space}{line}{space}{fence}"


def row(cells: list[str]) -> str:
    """A row of a table; the cells are finished Markdown."""
    return f"| {' | '.join(cells)} |"
