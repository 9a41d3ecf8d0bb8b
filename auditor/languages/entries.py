"""The entries of a catalogue that say what audits hold, and the sentences and clauses that they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from auditor.languages.patterns import PLACE, sentences
from auditor.languages.seams import SEAM

__all__ = ["CONTEXT", "gap", "parts_of", "read_entries"]

CONTEXT = "recorded"
"""msgctxt of the entries in the catalogues."""


def read_entries(path: Path) -> dict[str, str]:
    """The entries of a catalogue (.po) that are about recorded texts, and `SEAM`; without those not translated yet.

    Raises:
        LanguageError: The file is not a catalogue.
    """
    from auditor.languages.language import read_catalogue

    return {
        str(message.id): str(message.string)
        for message in read_catalogue(path)
        if (message.context == CONTEXT or message.id == SEAM) and message.id and message.string and not message.fuzzy
    }


def gap(entries: Mapping[str, str]) -> str:
    """What stands between sentences in the other language: what follows the stop in ". "."""
    return entries.get(". ", ". ").removeprefix(entries.get(".", "."))


def parts_of(entries: Mapping[str, str]) -> dict[str, str]:
    """Sentences and clauses of the entries by themselves, where the other language has as many of them.

    Audits put sentences together, and those of other versions put them together otherwise.
    """
    found: dict[str, str] = {}
    for text, said in entries.items():
        for part, told in _pairs(text, said, entries):
            same = set(PLACE.findall(part)) == set(PLACE.findall(told))
            if part != text and same and any(map(str.isalpha, PLACE.sub("", part))):
                found.setdefault(part, told)
    return found


def _pairs(text: str, said: str, entries: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    whole = _side_by_side(sentences(text), _sentences_of(said, entries)) or [(text, said)]
    half = entries.get("; ", "; ")
    for one, other in whole:
        yield one, other
        yield from _side_by_side(one.split("; "), other.split(half))


def _side_by_side(ours: list[str], theirs: list[str]) -> list[tuple[str, str]]:
    return list(zip(ours, theirs, strict=True)) if len(ours) == len(theirs) > 1 else []


def _sentences_of(said: str, entries: Mapping[str, str]) -> list[str]:
    if gap(entries):
        return sentences(said)
    stop = entries.get(".", ".")
    return [part + stop for part in said.split(stop)[:-1]]
