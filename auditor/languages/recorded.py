"""The English sentences that audits hold, said in another language.

An audit's record stays English, whatever the reader speaks. A catalogue's entries of the context "recorded" are whole
texts, or patterns with named places: "a border ring {width} px wide". What stands in such a place is said in the other
language too where the catalogue knows it, and kept where not: names, files, numbers.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Self

__all__ = ["CONTEXT", "CatalogueError", "Pattern", "Phrases", "read_entries"]

CONTEXT = "recorded"
"""msgctxt of the entries in the catalogues."""
NAMES = frozenset({"class_name", "name", "names", "file", "layer", "picture", "source"})
"""Places that hold somebody's names, so that they are kept even where they are words that the catalogue knows."""
OTHERS_WORDS = frozenset({"error", "own_words"})
"""Places that may hold what a person or another library said: said in the language where known, else kept uncounted."""
LISTS = frozenset({"words", "listed", "units", "cuts", "sizes", "about", "methods", "own_words", "reason", "why"})
"""Places that may hold several parts of a sentence."""
NUMBER = "n_"
"""Beginning of the names of places that hold a number only."""
LIGHT = 8
"""A pattern of fewer letters is taken only where everything in its places is known: it fits too much."""
JOINTS = ("; ", " · ", ": ", ", ", " and ")
"""What joins the parts of a text, tried in this order; each is an entry of the catalogue."""
ALIGNMENTS = 60
"""Ways to lay a pattern over a text that are looked at."""
LOOKS = 3_000
"""Parts of one text that are looked up before the rest is left as it is: a text made to be hard costs no more."""
LONGEST = 20_000
"""Letters of the longest text that is looked into; no sentence of ours is that long."""
_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_WORD = re.compile(r"\w+")
_LETTER = re.compile(r"[^\W\d_]")
_SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[^a-z\W]|[“\"'(])")
_NO_END = re.compile(r"(?:^|[:;,(] )\d+\.$|\b[A-Z][a-z]?\.$")
"""A number in a list ("1."), and an initial or a title ("A.", "Dr.")."""
_PROSE = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
_SEVERAL = re.compile(r"; |[a-z)][.!?] ")
_NUMBER = re.compile(r"[−+-]?\d[\d.,]*(?: ?%)?|–")


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
        parts, other = _PLACE.split(text), _PLACE.split(said)
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
    def words(self) -> frozenset[str]:
        """Whole words that every text has which it fits."""
        found = set()
        for index, literal in enumerate(self.literals):
            for word in _WORD.finditer(literal):
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

    def filled(self, values: Mapping[str, str]) -> str:
        """The other language's text with what stands in its places."""
        return "".join(values[part] if index % 2 else part for index, part in enumerate(self.said))


@dataclass(frozen=True, slots=True)
class _Said:
    """A text in the other language.

    Attributes:
        unknown: What in it stayed English although it looks like prose.
        strained: Places that were given more than one part of a sentence: another reading may be better.
        kept: No entry was used.
    """

    text: str
    unknown: tuple[str, ...] = ()
    strained: int = 0
    kept: bool = False

    @property
    def certain(self) -> bool:
        """Nothing can be better."""
        return not self.unknown and not self.strained


class Phrases:
    """Says recorded English in another language."""

    def __init__(self, entries: Mapping[str, str], *, names: Collection[str] = ()) -> None:
        """Sort the entries for look-up.

        Args:
            entries: English text or pattern → the same in the other language.
            names: Classes, files, layers and the like of the audit: kept wherever they stand alone.

        Raises:
            CatalogueError: An entry cannot be used.
        """
        self.names = frozenset(names)
        self.unknown: Counter[str] = Counter()
        """Passages that stayed English, each with how often."""
        self._whole = {text: said for text, said in entries.items() if not _PLACE.search(text)}
        patterns = [Pattern.of(text, said) for text, said in entries.items() if text not in self._whole]
        self._patterns = sorted(patterns, key=lambda item: -item.weight)
        self._by_word, self._wordless = _indexed(self._patterns)
        self._known: dict[str, _Said] = {}
        self._looks = LOOKS

    @classmethod
    def read(cls, path: Path) -> Self:
        """The catalogue of one language (.po)."""
        return cls(read_entries(path))

    def among(self, names: Iterable[str]) -> Phrases:
        """The same catalogue for an audit with these names, with nothing unknown yet."""
        other = object.__new__(Phrases)
        other.__dict__.update(self.__dict__)
        other.names, other.unknown, other._known = frozenset(names), Counter(), {}
        return other

    def translated(self, text: str) -> str:
        """The text in the other language; what is not known stays and is counted in `unknown`."""
        self._looks = LOOKS
        said = self._said(text)
        self.unknown.update(said.unknown)
        return said.text

    def unknown_in(self, text: str) -> tuple[str, ...]:
        """What of a text would stay English, without counting it."""
        self._looks = LOOKS
        return self._said(text).unknown

    def fitting(self, text: str) -> list[Pattern]:
        """Every pattern that fits a whole text, the most specific first."""
        return [item for item in self._candidates(text) if next(item.captures(text), None) is not None]

    def _candidates(self, text: str) -> Iterator[Pattern]:
        """Patterns whose rarest word is in the text, the most specific first."""
        by_word = self._by_word
        found = {place for word in set(_WORD.findall(text)) if word in by_word for place in by_word[word]}
        return (self._patterns[place] for place in sorted(found.union(self._wordless)))

    def _said(self, text: str) -> _Said:
        known = self._known.get(text)
        if known is None:
            if self._looks <= 0:
                return self._kept(text)
            self._looks -= 1
            known = self._found(text)
            if self._looks > 0:
                self._known[text] = known
        return known

    def _found(self, text: str) -> _Said:
        if text in self.names or not _LETTER.search(text):
            return _Said(text, kept=True)
        if len(text) > LONGEST:
            return _Said(text, (text,))
        if text in self._whole:
            return _Said(self._whole[text])
        best = None
        ways = [self._recognised, self._recapitalised, self._in_parts]
        if _SEVERAL.search(text):  # short texts fit few patterns
            ways = [self._in_parts, self._recognised, self._recapitalised]
        for way in ways:
            found = way(text)
            if found is not None and found.certain:
                return found
            best = _better(found, best)
        return best or self._kept(text)

    def _kept(self, text: str) -> _Said:
        return _Said(text, (text,) if text not in self.names and _PROSE.search(text) else (), kept=True)

    def _recognised(self, text: str) -> _Said | None:
        """By an entry for the whole text: the exact one, else the most specific pattern that leaves least unknown."""
        if text in self._whole:
            return _Said(self._whole[text])
        best = None
        for pattern in self._candidates(text):
            for captured in islice(pattern.captures(text), ALIGNMENTS):
                said = self._filled(pattern, captured)
                if said is not None and said.certain:
                    return said
                best = _better(said, best)
        return best

    def _filled(self, pattern: Pattern, captured: tuple[str, ...]) -> _Said | None:
        """The pattern with what stands in its places; None where something stands there that cannot."""
        values: dict[str, str] = {}
        unknown: list[str] = []
        strained = 0
        for place, value in zip(pattern.places, captured, strict=True):
            if place.startswith(NUMBER) and not _NUMBER.fullmatch(value):
                return None
            kind = place.rstrip("_0123456789")
            said = self._kept(value) if kind in NAMES else self._said(value)
            if pattern.weight < LIGHT and (said.unknown or (said.kept and " " in value and value not in self.names)):
                return None
            values[place] = said.text
            unknown += () if kind in OTHERS_WORDS else said.unknown
            strained += said.strained + (kind not in LISTS and self._is_several(value, named=kind in NAMES))
        return _Said(pattern.filled(values), tuple(unknown), strained)

    def _is_several(self, value: str, *, named: bool) -> bool:
        """Whether it is more than one part of a sentence; a name has no part at all."""
        if value in self.names:
            return False
        return bool(_SEVERAL.search(value)) or (named and ": " in value)

    def _recapitalised(self, text: str) -> _Said | None:
        """A sentence of ours may begin with a phrase that is small elsewhere, and the other way round."""
        first = text[0]
        other = first.lower() if first.isupper() else first.upper()
        if other == first or len(other) > 1:
            return None
        said = self._recognised(other + text[1:])
        if said is None or said.text == "":
            return said
        begin = said.text[0].upper() if first.isupper() else said.text[0].lower()
        return replace(said, text=begin + said.text[1:])

    def _in_parts(self, text: str) -> _Said | None:
        """Sentence by sentence; without its full stop; or part by part, where that leaves less English than before."""
        best = None
        sentences = _sentences(text)
        if len(sentences) > 1:
            best = self._joined(sentences, " ")
        elif text.endswith(".") and "." in self._whole and len(text) > 1:
            core = self._said(text[:-1])
            if core.text != text[:-1]:
                best = replace(core, text=core.text + self._whole["."])
        for joint in JOINTS:
            if best is not None and best.certain:
                return best
            if joint in text and joint in self._whole:
                found = self._joined(text.split(joint), joint)
                if joint == "; " or not found.unknown:
                    best = _better(found, best)
        return best

    def _joined(self, parts: list[str], joint: str) -> _Said:
        said = [self._said(part) for part in parts]
        whole = all(item.kept for item in said)
        return _Said(
            (joint if whole else self._joint(joint)).join(item.text for item in said),
            tuple(item for one in said for item in one.unknown),
            sum(item.strained for item in said),
            whole,
        )

    def _joint(self, joint: str) -> str:
        """In the other language; what stands between sentences is what follows the stop in ". "."""
        if joint != " ":
            return self._whole.get(joint, joint)
        return self._whole.get(". ", ". ").removeprefix(self._whole.get(".", "."))


def read_entries(path: Path) -> dict[str, str]:
    """The entries of a catalogue (.po) that are about recorded texts; without those that are not translated yet.

    Raises:
        CatalogueError: The file is not a catalogue.
    """
    from babel.messages.pofile import PoFileError, read_po

    try:
        with path.open("rb") as file:
            catalogue = read_po(file, abort_invalid=True)
    except PoFileError as error:
        raise CatalogueError(f"{path.name}: {error}") from None
    return {
        str(message.id): str(message.string)
        for message in catalogue
        if message.context == CONTEXT and message.id and message.string and not message.fuzzy
    }


def _better(one: _Said | None, other: _Said | None) -> _Said | None:
    """What leaves less unknown, then what is less strained; the second where both are alike."""
    if one is None or other is None:
        return one or other
    return one if (len(one.unknown), one.strained) < (len(other.unknown), other.strained) else other


def _sentences(text: str) -> list[str]:
    found, begin = [], 0
    for end in _SENTENCE_END.finditer(text):
        if not _NO_END.search(text, begin, end.start()):
            found.append(text[begin : end.start()])
            begin = end.end()
    return [*found, text[begin:]]


def _indexed(patterns: Sequence[Pattern]) -> tuple[dict[str, list[int]], list[int]]:
    """Places of patterns by the rarest of their words; those without a whole word apart."""
    frequency = Counter(word for item in patterns for word in item.words)
    by_word: dict[str, list[int]] = defaultdict(list)
    wordless = []
    for place, item in enumerate(patterns):
        if item.words:
            by_word[min(item.words, key=lambda word: (frequency[word], word))].append(place)
        else:
            wordless.append(place)
    return dict(by_word), wordless
