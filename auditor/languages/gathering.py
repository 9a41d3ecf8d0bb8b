"""What catalogues have to hold: `python -m auditor.languages.gathering` brings all of them up to date.

It reads the sources of a checkout: what the code of reports and history says, what templates and style sheets print.
Entries in the context `RECORDED` translate what audits record; they are kept by who writes these sentences.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.languages.language import BETWEEN, CATALOGUES, DAY, MOMENT, PATTERN, read_catalogue
from auditor.languages.seams import SEAM
from auditor.method_names import METHODS

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

__all__ = ["RECORDED", "gathered", "update"]

ROOT = CATALOGUES.parent.parent
SOURCES = (("auditor/reports/*.py", "python"), ("auditor/history/*.py", "python"), ("templates/**/*.j2", "jinja2"))
SHEETS = "templates/**/*.css"
"""Style sheets print words too: `content: say("Page {page} of {pages}")`."""
KEYWORDS = {
    "say": None,
    "noted": None,
    "say_in": ((1, "c"), 2),
    "say_many": (1, 2),
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
"""How words are said → which arguments are the words; (1, "c") is their context."""
RECORDED = "recorded"


def gathered(root: Path = ROOT) -> Catalog:
    """Everything that is said, without translations."""
    from babel.messages.catalog import Catalog

    catalogue = Catalog()
    for pattern, method in SOURCES:
        for file in sorted(root.glob(pattern)):
            for words, context in _said(file, method):
                catalogue.add(words, context=context)
    for file in sorted(root.glob(SHEETS)):
        for words in re.findall(r"say\(\"([^\"\n]+)\"\)", file.read_text(encoding="utf-8")):
            catalogue.add(words)
    for pattern in (MOMENT, DAY, BETWEEN, SEAM):
        catalogue.add(pattern, context=PATTERN)
    for name in METHODS.values():
        catalogue.add(name)
    return catalogue


def _said(file: Path, method: str) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    from babel.messages.extract import extract

    options = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
    with file.open("rb") as opened:
        for _, words, _, context in extract(method, opened, KEYWORDS, (), options):
            yield words, context


def update(file: Path, wanted: Catalog) -> list[Message]:
    """Bring a catalogue up to date; what is no longer said is left out, and what is new is empty.

    Returns:
        What it has to translate.
    """
    catalogue = read_catalogue(file)
    kept = [message for message in catalogue if message.context == RECORDED]
    catalogue.update(wanted, no_fuzzy_matching=True, update_creation_date=False, keep_user_comments=True)
    catalogue.obsolete.clear()
    for message in kept:
        catalogue.add(
            message.id,
            message.string,
            context=message.context,
            auto_comments=message.auto_comments,
            user_comments=message.user_comments,
            flags=message.flags,
        )
    file.write_bytes(written(catalogue))
    return [message for message in catalogue if message.id and not any(_forms(message))]


def written(catalogue: Catalog) -> bytes:
    """The catalogue as a file: the comment at its head, the least that a header must say, and the entries."""
    from babel.messages.pofile import write_po

    fields = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Language": catalogue.locale_identifier,
        "Plural-Forms": catalogue.plural_forms,
    }
    lines = [*catalogue.header_comment.splitlines(), 'msgid ""', 'msgstr ""']
    lines += [f'"{name}: {value}\\n"' for name, value in fields.items()]
    entries = io.BytesIO()
    write_po(entries, catalogue, width=0, no_location=True, omit_header=True, ignore_obsolete=True)
    return "\n".join(lines).encode() + b"\n\n" + entries.getvalue()


def _forms(message: Message) -> tuple[str, ...]:
    """The translations of an entry: one, or one a plural form."""
    forms = message.string
    return (forms,) if isinstance(forms, str) else tuple(forms or ())


def main() -> int:
    """Update every catalogue; 1 where something has to be translated."""
    wanted, missing = gathered(), 0
    for file in sorted(CATALOGUES.glob("*.po")):
        for message in update(file, wanted):
            print(f"{file.name}: {message.id}", file=sys.stderr)
            missing += 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
