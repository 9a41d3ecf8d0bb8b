"""One language: its words from a catalogue, its numbers and dates from the Unicode locale data that Babel brings."""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import LanguageError
from auditor.languages.seams import SEAM, room_of

if TYPE_CHECKING:
    from babel import Locale
    from babel.messages.catalog import Catalog

CATALOGUES = Path(__file__).resolve().parent
DEFAULT = "en"
"""The language of the code: its words are the keys of every catalogue."""
PATTERN = "pattern"
"""Context of entries that are no words: how numbers, dates and lists are put together."""
MOMENT, DAY, BETWEEN = "d MMMM yyyy, HH:mm 'UTC'", "d MMMM yyyy", ", "
"""Patterns of a date with its time, of a date, and of what stands between items.

Source: https://unicode.org/reports/tr35/tr35-dates.html
"""
_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?")


@dataclass(frozen=True)
class Language:
    """What a report is written in.

    Attributes:
        code: Name of its catalogue, such as "zh".
        tag: As documents state it, such as "zh-Hans". Source: BCP 47.
        words: Its catalogue; English has an empty one.
    """

    code: str
    tag: str
    words: gettext.NullTranslations

    @staticmethod
    def of(code: str) -> Language:
        """The language with that code.

        Raises:
            LanguageError: There is no catalogue for it, or it cannot be read.
        """
        return _language(code)

    def translate(self, words: str) -> str:
        """The words in this language; as they are where the catalogue lacks them."""
        return self.words.gettext(words) if words else words  # the empty entry is the catalogue's header

    def in_context(self, context: str, words: str) -> str:
        """The same for words that mean different things in different places."""
        return self.words.pgettext(context, words)

    def plural(self, one: str, many: str, amount: int) -> str:
        """The form that the amount takes in this language."""
        return self.words.ngettext(one, many, amount)

    def pattern(self, english: str) -> str:
        """How this language puts numbers, dates and lists together, where English does it like that."""
        return self.in_context(PATTERN, english)

    @cached_property
    def room(self) -> str:
        """What stands between Han and a Latin letter or a digit that was filled in; "" for nothing."""
        return room_of(self.pattern(SEAM))

    @cached_property
    def locale(self) -> Locale:
        """Digits, names of months and the rest."""
        from babel import Locale

        return Locale.parse(self.tag, sep="-")

    def number(self, digits: str, *, groups: bool = True) -> str:
        """A finished number with this language's signs.

        Args:
            digits: As Python writes it, such as "-1234.50": as many decimals are kept. With an exponent it
                stays as it is.
            groups: Whether thousands are told apart.
        """
        return _number(self, digits, groups)

    def moment(self, at: datetime) -> str:
        """A date and a time: '11 March 2026, 14:09 UTC'."""
        from babel.dates import format_datetime

        return str(format_datetime(at, self.pattern(MOMENT), locale=self.locale))

    def day(self, at: datetime) -> str:
        """A date: '11 March 2026'."""
        from babel.dates import format_date

        return str(format_date(at, self.pattern(DAY), locale=self.locale))

    def listed(self, items: Iterable[str]) -> str:
        """Items side by side: 'one, two, three'."""
        return self.pattern(BETWEEN).join(items)

    @contextmanager
    def spoken(self) -> Iterator[None]:
        """Whatever is said within is said in this language."""
        token = SPOKEN.set(self)
        try:
            yield
        finally:
            SPOKEN.reset(token)


def codes() -> tuple[str, ...]:
    """The languages that there are: English, and those with a catalogue."""
    return (DEFAULT, *sorted(file.stem for file in CATALOGUES.glob("*.po")))


@cache
def _language(code: str) -> Language:
    if code not in codes():
        raise LanguageError(f"no language is named {code!r}; there are {', '.join(codes())}")
    if code == DEFAULT:
        return ENGLISH
    catalogue = read_catalogue(CATALOGUES / f"{code}.po")
    return Language(code, str(catalogue.locale_identifier or code).replace("_", "-"), _translations(catalogue))


def read_catalogue(file: Path) -> Catalog:
    """The catalogue of a language.

    Raises:
        LanguageError: It is no .po file, or names no language that is known; says which file and line.
    """
    from babel.messages.pofile import PoFileError, read_po

    try:
        with file.open("rb") as opened:
            catalogue = read_po(opened, locale=file.stem, abort_invalid=True)
        if catalogue.locale is None:
            raise LanguageError(f"{file}: its name and its header's Language are of no language that Babel knows")
    except PoFileError as error:
        raise LanguageError(f"{file}:{error.lineno + 1}: {str(error).rpartition(' on ')[0]}") from error
    except (OSError, ValueError) as error:
        raise LanguageError(f"{file}: is no catalogue ({error})") from error
    return catalogue


def _translations(catalogue: Catalog) -> gettext.GNUTranslations:
    from babel.messages.mofile import write_mo

    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def _number(language: Language, digits: str, groups: bool) -> str:
    found = _NUMBER.fullmatch(digits)
    if found is None:
        return digits
    from decimal import Decimal

    from babel.numbers import format_decimal

    decimals = "." + "0" * len(found[3]) if found[3] else ""
    form = f"{'#,##0' if groups else '0'}{decimals}"
    return str(format_decimal(Decimal(digits), format=form, locale=language.locale))


ENGLISH = Language(DEFAULT, DEFAULT, gettext.NullTranslations())
SPOKEN: ContextVar[Language] = ContextVar("language", default=ENGLISH)
"""Of the `with` block that runs: see `Language.spoken`."""
