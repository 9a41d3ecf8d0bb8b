"""An audit as a report tells it: its own English sentences in the language of the page, everything else as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from auditor.errors import LanguageError
from auditor.languages import CATALOGUES, DEFAULT, Language
from auditor.records import Audit

if TYPE_CHECKING:
    from auditor.languages.recorded import Phrases


def told_in(audit: Audit, language: Language) -> Audit:
    """The audit with what it says in that language, where the catalogue knows it; what people wrote stays.

    Raises:
        LanguageError: The catalogue cannot be read.
    """
    if language.code == DEFAULT:
        return audit
    from auditor.languages.prose import in_language

    return in_language(audit, _phrases(language))


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
