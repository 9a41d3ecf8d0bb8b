"""A text with named places: laid over a text of an audit, it says what stands in each place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from auditor.languages.seams import joined

__all__ = ["PLACE", "SEVERAL", "WORD", "CatalogueError", "Pattern", "sentences"]

PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
WORD = re.compile(r"\w+")
SEVERAL = re.compile(r"; |[a-z)][.!?] ")
"""Between two parts of a sentence, or two sentences."""
_SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[^a-z\W]|[“\"'(])")
_NO_END = re.compile(r"(?:^|[:;,(] )\d+\.$|\b[A-Z][a-z]?\.$")
"""A number in a list ("1."), and an initial or a title ("A.", "Dr.")."""


class CatalogueError(ValueError):
    """An entry that cannot be used, with its text."""


@dataclass(frozen=True)
class Pattern:
    """A text with named places, and what it is in the other language.

    Attributes:
        literals: What stands before, between and after the places; one more than there are places.
        places: Their names, in order; each once.
        said: The other language's text: literals at even indices, names of places at odd ones.
    """

    literals: tuple[str, ...]
    places: tuple[str, ...]
    said: tuple[str, ...]

    @classmethod
    def of(cls, text: str, said: str) -> Self:
        """Read an entry.

        Raises:
            CatalogueError: Two places touch, one occurs twice, or the translation has other ones.
        """
        parts, other = PLACE.split(text), PLACE.split(said)
        literals, places = tuple(parts[::2]), tuple(parts[1::2])
        if len(set(places)) < len(places):
            raise CatalogueError(f"a place occurs twice in {text!r}")
        if set(other[1::2]) != set(places):
            raise CatalogueError(f"the translation of {text!r} has other places: {said!r}")
        if any(not literal for literal in literals[1:-1]):
            raise CatalogueError(f"nothing stands between two places in {text!r}")
        if not any(literals):
            raise CatalogueError(f"{text!r} would fit every text")
        return cls(literals, places, tuple(other))

    @cached_property
    def weight(self) -> int:
        """How specific it is: its letters outside of places."""
        return sum(map(len, self.literals))

    @cached_property
    def several(self) -> bool:
        """Whether it has several parts of a sentence, or several sentences."""
        return bool(SEVERAL.search("7".join(self.literals)))

    @cached_property
    def spaced(self) -> bool:
        """Whether it is more than one word; a single word's places hold no blanks."""
        return any(" " in literal for literal in self.literals)

    @cached_property
    def words(self) -> frozenset[str]:
        """Whole words that every text has which it fits."""
        found = set()
        for index, literal in enumerate(self.literals):
            for word in WORD.finditer(literal):
                cut = (word.start() == 0 and index > 0) or (
                    word.end() == len(literal) and index < len(self.literals) - 1
                )
                if not cut:
                    found.add(word.group())
        return frozenset(found)

    def captures(self, text: str) -> Iterator[tuple[str, ...]]:
        """What stands in its places, for every way to lay it over the text; shorter captures first."""
        first, last = self.literals[0], self.literals[-1]
        if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
            return
        yield from self._from(text, len(first), 1)

    def _from(self, text: str, start: int, index: int) -> Iterator[tuple[str, ...]]:
        if index == len(self.literals) - 1:
            yield (text[start : len(text) - len(self.literals[index])],)
            return
        literal, stop = self.literals[index], len(text) - len(self.literals[-1])
        at = text.find(literal, start, stop)
        while at >= 0:
            for rest in self._from(text, at + len(literal), index + 1):
                yield (text[start:at], *rest)
            at = text.find(literal, at + 1, stop)

    def filled(self, values: Mapping[str, str], *, room: str = "") -> str:
        """The other language's text with what stands in its places; `room` as in `seams.joined`."""
        return joined((values[part] if index % 2 else part for index, part in enumerate(self.said)), room)


def sentences(text: str) -> list[str]:
    """The sentences of a text, each with its full stop."""
    found, begin = [], 0
    for end in _SENTENCE_END.finditer(text):
        if not _NO_END.search(text, begin, end.start()):
            found.append(text[begin : end.start()])
            begin = end.end()
    return [*found, text[begin:]]
