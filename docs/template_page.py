"""Writes the variables in docs/templates.md, from what the view's classes say: `python -m docs.template_page`."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from pathlib import Path

from auditor.reports._view import ReportView

__all__ = ["MARKERS", "PAGE", "undescribed", "variables", "with_variables"]

PAGE = Path(__file__).resolve().parent / "templates.md"
MARKERS = ("<!-- variables: written by docs/template_page.py -->\n", "<!-- end of variables -->\n")


def with_variables(text: str) -> str:
    """The page with its list of variables as it should be."""
    before, _, rest = text.partition(MARKERS[0])
    return before + MARKERS[0] + variables() + MARKERS[1] + rest.partition(MARKERS[1])[2]


def variables() -> str:
    """A table of every class that a template meets, in the order in which it meets them."""
    return "\n".join(_table(kind) for kind in _reached(ReportView))


def undescribed() -> list[str]:
    """Fields without a word on what they hold."""
    return [
        f"{kind.__name__}.{field.name}"
        for kind in _reached(ReportView)
        for field in dataclasses.fields(kind)
        if not _words(kind).get(field.name)
    ]


def _table(kind: type) -> str:
    name = "report" if kind is ReportView else kind.__name__
    hints = typing.get_type_hints(kind)
    first = (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")
    rows = [
        f"| `{field.name}` | {_shown(hints[field.name])} | {_words(kind).get(field.name, '')} |"
        for field in dataclasses.fields(kind)
    ]
    return "\n".join([f"### {name}", "", first, "", "| name | is | holds |", "|---|---|---|", *rows, ""])


def _words(kind: type) -> dict[str, str]:
    """What the docstring's `Attributes:` say of each field; `a, b: words` says it of both."""
    text = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2]
    found = {}
    for names, words in re.findall(r"^    ([a-z_]+(?:, [a-z_]+)*): ((?:.+\n?)(?:^     +.+\n?)*)", text, re.MULTILINE):
        for name in names.split(", "):
            found[name] = " ".join(words.split()).replace("|", "\\|")
    return found


def _reached(kind: type, known: dict[type, None] | None = None) -> list[type]:
    known = {} if known is None else known
    known[kind] = None
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        for inner in _classes(hints[field.name]):
            if inner not in known:
                _reached(inner, known)
    return list(known)


def _classes(hint: typing.Any) -> list[type]:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return [hint]
    return [found for inner in typing.get_args(hint) for found in _classes(inner)]


def _shown(hint: typing.Any) -> str:
    """'several Figure', 'text', 'Figure or none'."""
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        if inner[-1] is Ellipsis:
            return f"several {_shown(inner[0])}"
        return f"({', '.join(_shown(one) for one in inner)})"
    if type(None) in inner:
        return f"{_shown(next(one for one in inner if one is not type(None)))} or none"
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    return {str: "text", int: "number", float: "number", bool: "true or false"}.get(hint, "mapping")


if __name__ == "__main__":
    PAGE.write_text(with_variables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
