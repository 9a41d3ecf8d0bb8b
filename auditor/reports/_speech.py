"""What templates say: texts of the catalogue with their gaps filled in, put together as Python's own are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jinja2 import pass_context
from markupsafe import Markup, escape

from auditor.languages import side_by_side, speaking
from auditor.languages.language import PATTERN

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.runtime import Context

_GAP = re.compile(r"%\((\w+)\)s")
_ONE, _NEXT = "\N{MODIFIER LETTER SMALL A}", "\N{MODIFIER LETTER SMALL B}"
"""Two sentences that no language writes."""


def teach(environment: Environment) -> None:
    """Let templates speak the language that is spoken: `{% trans %}`, `_`, `pgettext`, and `gap`.

    `gap` is what stands between two sentences: nothing where full stops bring their own room.
    """
    environment.install_gettext_translations(speaking().words, newstyle=True)  # type: ignore[attr-defined]
    # jinja2's own fill gaps with no regard to what meets there
    environment.globals.update(gettext=_gettext, ngettext=_ngettext, gap=gap())


def gap() -> str:
    """What stands between two sentences."""
    said = speaking().in_context(PATTERN, "{first} {next}").format(first=_ONE, next=_NEXT)
    return said[said.index(_ONE) + 1 : said.index(_NEXT)]


@pass_context
def _gettext(_context: Context, said: str, /, **values: Any) -> Markup:
    return _filled(speaking().translate(said), values)


@pass_context
def _ngettext(_context: Context, one: str, many: str, amount: int, /, **values: Any) -> Markup:
    return _filled(speaking().plural(one, many, amount), {"num": amount, **values})


def _filled(said: str, values: dict[str, Any]) -> Markup:
    """Markup of the catalogue with values in its gaps, escaped; "%%" is a percent sign, as jinja2 has it."""
    parts = _GAP.split(said)
    pieces = (str(escape(values[part])) if index % 2 else part.replace("%%", "%") for index, part in enumerate(parts))
    # Markup: catalogues are ours, and every value was escaped
    return Markup(side_by_side(pieces))
