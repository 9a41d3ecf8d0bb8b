"""An audit as a report tells it: its own English sentences in the language of the page, everything else as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from auditor.errors import LanguageError
from auditor.languages import CATALOGUES, DEFAULT, Language, say_many
from auditor.records import Audit

if TYPE_CHECKING:
    from auditor.languages.recorded import Phrases


def told_in(audit: Audit, language: Language) -> Audit:
    """The audit with what it says in that language, where the catalogue knows it; what people wrote stays.

    A note says how many passages stand in English although they are ours.

    Raises:
        LanguageError: The catalogue cannot be read.
    """
    if language.code == DEFAULT:
        return audit
    from auditor.languages.prose import in_language

    phrases = _phrases(language)
    told = in_language(audit, phrases)
    left = phrases.unknown.total()
    if not left:
        return told
    with language.spoken():
        note = say_many(
            "{n} passage of this audit has no translation and stands in English.",
            "{n} passages of this audit have no translation and stand in English.",
            left,
        )
    return told.model_copy(update={"notes": (*told.notes, note)})


def teller(language: Language, names: Iterable[str] = ()) -> Callable[[str], str]:
    """Tells a recorded sentence in that language.

    Args:
        names: Classes, files and the like: kept wherever they stand alone.

    Raises:
        LanguageError: The catalogue cannot be read.
    """
    if language.code == DEFAULT:
        return str
    return _phrases(language).among(names).translated


def _phrases(language: Language) -> Phrases:
    from auditor.languages.recorded import CatalogueError, Phrases

    try:
        return Phrases.read(CATALOGUES / f"{language.code}.po")
    except CatalogueError as error:
        raise LanguageError(str(error)) from error
