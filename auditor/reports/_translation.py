"""An audit as a report tells it: its own English sentences in the language of the page, everything else as it is."""

from __future__ import annotations

from auditor.errors import LanguageError
from auditor.languages import CATALOGUES, DEFAULT, Language
from auditor.records import Audit


def told_in(audit: Audit, language: Language) -> Audit:
    """The audit with what it says in that language, where the catalogue knows it; what people wrote stays.

    Raises:
        LanguageError: The catalogue cannot be read.
    """
    if language.code == DEFAULT:
        return audit
    from auditor.languages.prose import in_language
    from auditor.languages.recorded import CatalogueError, Phrases

    try:
        return in_language(audit, Phrases.read(CATALOGUES / f"{language.code}.po"))
    except CatalogueError as error:
        raise LanguageError(str(error)) from error
