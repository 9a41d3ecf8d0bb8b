"""Saying things in the language that is spoken, see `Language.spoken`; what is said goes into catalogues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from string import Formatter

from auditor.languages.language import SPOKEN, Language
from auditor.languages.seams import joined


def speaking() -> Language:
    """The language that is spoken."""
    return SPOKEN.get()


def noted(words: str) -> str:
    """The words as they are; they go into catalogues, and are said later by `say`."""
    return words


def say(words: str, /, **values: object) -> str:
    """Words with their {gaps} filled in: whole sentences, since languages order them each in its own way."""
    return _filled(SPOKEN.get().translate(words), values)


def say_in(context: str, words: str, /, **values: object) -> str:
    """The same for words that mean different things in different places."""
    return _filled(SPOKEN.get().in_context(context, words), values)


def say_many(one: str, many: str, amount: int, /, **values: object) -> str:
    """The form for that amount, which stands at {n}: '1 finding', '3 findings', '1,024 images'."""
    return _filled(SPOKEN.get().plural(one, many, amount), {"n": grouped(amount), **values})


def side_by_side(pieces: Iterable[str]) -> str:
    """Pieces of one text, with room between Han and a Latin letter or a digit where the language wants some."""
    return joined(pieces, SPOKEN.get().room)


def _filled(said: str, values: Mapping[str, object]) -> str:
    room = SPOKEN.get().room
    if not values or not room:
        return said.format(**values) if values else said
    pieces = []
    for literal, place, form, conversion in Formatter().parse(said):
        pieces.append(literal)
        if place is not None:
            gap = f"{{{place}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}}}"
            pieces.append(gap.format(**values))
    return joined(pieces, room)


def grouped(amount: int) -> str:
    """'1,024'."""
    return SPOKEN.get().number(str(amount))


def spoken_number(digits: str, *, groups: bool = True) -> str:
    """See `Language.number`."""
    return SPOKEN.get().number(digits, groups=groups)


def spoken_moment(at: datetime) -> str:
    """See `Language.moment`."""
    return SPOKEN.get().moment(at)


def spoken_day(at: datetime) -> str:
    """See `Language.day`."""
    return SPOKEN.get().day(at)


def listed(items: Iterable[str]) -> str:
    """See `Language.listed`."""
    return SPOKEN.get().listed(items)
