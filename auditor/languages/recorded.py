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
from itertools import islice
from pathlib import Path
from typing import Self

from auditor.languages.entries import gap, parts_of, read_entries
from auditor.languages.patterns import PLACE, SEVERAL, WORD, CatalogueError, Pattern, sentences
from auditor.languages.seams import SEAM, joined, room_of

__all__ = ["CatalogueError", "Phrases"]

NAMES = frozenset({"class_name", "name", "names", "file", "layer", "picture", "source"})
"""Places that hold somebody's names, so that they are kept even where they are words that the catalogue knows."""
OTHERS_WORDS = frozenset({"error", "own_words"})
"""Places that may hold what a person or another library said: kept, uncounted, where no entry fits."""
LISTS = frozenset({"words", "listed", "units", "cuts", "sizes", "about", "methods", "own_words", "reason", "why"})
"""Places that may hold several parts of a sentence."""
NUMBER = "n_"
"""Beginning of the names of places that hold a number only."""
LIGHT = 8
"""A pattern of fewer letters is taken only where everything in its places is known: it fits too much."""
JOINTS = ("; ", " · ", ": ", ", ", " and ")
"""What joins the parts of a text, tried in this order; each is an entry of the catalogue."""
PERCENT = " %"
"""What stands behind a share; an entry of the catalogue too."""
_PERCENT = re.compile(rf"(?<=\d){PERCENT}")
ALIGNMENTS = 60
"""Ways to lay a pattern over a text that are looked at."""
LOOKS = 1_000
"""Parts of one text that are looked up before the rest is left as it is: a text made to be hard costs no more."""
LONGEST = 20_000
"""Letters of the longest text that is looked into; no sentence of ours is that long."""
_LETTER = re.compile(r"[^\W\d_]")
_PROSE = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
_PYTHON = re.compile(r"[A-Z]\w*(?:Error|Exception|Interrupt|Warning): ")
"""How an error of another's code begins: nobody but its author can say it in another language."""
_SMALL = re.compile(r"(?<![\w./@-])[a-z]{3,}(?![\w/@-]|\.\w)")
"""A word that is no part of a path or an identifier."""
_LISTED = re.compile(r", | and ")
_NUMBER = re.compile(r"[−+-]?\.?\d[\d.,]*(?: ?%)?|–")


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
        entries = {**parts_of(entries), **entries}
        self._whole = {text: said for text, said in entries.items() if not PLACE.search(text)}
        patterns = [Pattern.of(text, said) for text, said in entries.items() if text not in self._whole]
        self._patterns = sorted(patterns, key=lambda item: -item.weight)
        self._room = room_of(self._whole.get(SEAM, SEAM))
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
        return _PERCENT.sub(self._whole.get(PERCENT, PERCENT), said.text)

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
        found = {place for word in set(WORD.findall(text)) if word in by_word for place in by_word[word]}
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
        if text in self.names or not _LETTER.search(text) or _PYTHON.match(text):
            return _Said(text, kept=True)
        if len(text) > LONGEST:
            return _Said(text, (text,))
        if text in self._whole:
            return _Said(self._whole[text])
        best = None
        ways = [self._recognised, self._recapitalised, self._in_parts]
        if SEVERAL.search(text):  # patterns of several parts first; then part by part: short texts fit few patterns
            ways = [self._of_several, self._in_parts, *ways[:2]]
        for way in ways:
            found = way(text)
            if found is not None and found.certain:
                return found
            best = _better(found, best)
        return best or self._kept(text)

    def _kept(self, text: str) -> _Said:
        if self._is_named(text):
            return _Said(text, kept=True)
        return _Said(text, (text,) if _PROSE.search(text) else (), int(bool(_SMALL.search(text))), kept=True)

    def _is_named(self, text: str) -> bool:
        """Whether it is a name, or a list of names."""
        return text in self.names or all(part in self.names for part in _LISTED.split(text))

    def _recognised(self, text: str, *, anyhow: bool = True, several: bool = False) -> _Said | None:
        """By an entry for the whole text: the exact one, else the most specific pattern that leaves least unknown."""
        if text in self._whole:
            return _Said(self._whole[text])
        best = None
        for pattern in self._candidates(text):
            if (several and not pattern.several) or not (anyhow or pattern.literals[0]):
                continue
            for captured in islice(pattern.captures(text), ALIGNMENTS):
                said = self._filled(pattern, captured)
                if said is not None and said.certain:
                    return said
                best = _better(said, best)
        return best

    def _of_several(self, text: str) -> _Said | None:
        return self._recognised(text, several=True)

    def _filled(self, pattern: Pattern, captured: tuple[str, ...]) -> _Said | None:
        """The pattern with what stands in its places; None where something stands there that cannot."""
        values: dict[str, str] = {}
        unknown: list[str] = []
        strained = 0
        for place, value in zip(pattern.places, captured, strict=True):
            if place.startswith(NUMBER) and not _NUMBER.fullmatch(value):
                return None
            kind = place.rstrip("_0123456789")
            said = self._named(value) if kind in NAMES else self._said(value)
            if " " in value and not pattern.spaced:
                return None
            if pattern.weight < LIGHT and (said.unknown or (said.kept and " " in value and value not in self.names)):
                return None
            values[place] = said.text
            unknown += () if kind in OTHERS_WORDS else said.unknown
            strained += said.strained + (kind not in LISTS and self._is_several(value, named=kind in NAMES))
        return _Said(pattern.filled(values, room=self._room), tuple(unknown), strained)

    def _named(self, value: str) -> _Said:
        """Names as they are, and what joins two of them."""
        kept = replace(self._kept(value), strained=0)
        if value in self.names or not self._is_named(value):
            return kept
        return replace(kept, text=self._side_by_side(value.split(" and "), self._joint(" and ")))

    def _is_several(self, value: str, *, named: bool) -> bool:
        """Whether it is more than one part of a sentence; a name has no part at all."""
        if value in self.names:
            return False
        return bool(SEVERAL.search(value)) or value.endswith(".") or (named and ": " in value)

    def _recapitalised(self, text: str) -> _Said | None:
        """A sentence of ours may begin with a phrase that is small elsewhere, and the other way round."""
        first = text[0]
        other = first.lower() if first.isupper() else first.upper()
        if other == first or len(other) > 1:
            return None
        said = self._recognised(other + text[1:], anyhow=False)  # the first letter of a name is its own
        if said is None or said.text == "":
            return said
        begin = said.text[0].upper() if first.isupper() else said.text[0].lower()
        return replace(said, text=begin + said.text[1:])

    def _in_parts(self, text: str) -> _Said | None:
        """Sentence by sentence; without its full stop; or part by part, where that leaves less English than before."""
        best = None
        parts = sentences(text)
        if len(parts) > 1:
            best = self._joined(parts, " ")
        elif text.endswith(".") and "." in self._whole and len(text) > 1:
            core = self._said(text[:-1])
            if core.text != text[:-1] or text[:-1] in self.names:
                best = replace(core, text=core.text + self._whole["."])
        for joint in JOINTS:
            if best is not None and best.certain:
                return best
            if joint in text and joint in self._whole:
                # what stands before a colon says what the rest is about, colons and all
                found = self._joined(text.split(joint, 1 if joint == ": " else -1), joint)
                if joint == "; " or not found.unknown:
                    best = _better(found, best)
        return best

    def _joined(self, parts: list[str], joint: str) -> _Said:
        said = [self._said(part) for part in parts]
        whole = all(item.kept for item in said)
        return _Said(
            self._side_by_side([item.text for item in said], joint if whole else self._joint(joint)),
            tuple(item for one in said for item in one.unknown),
            sum(item.strained for item in said),
            whole,
        )

    def _side_by_side(self, texts: Sequence[str], joint: str) -> str:
        pieces = [piece for text in texts for piece in (joint, text)]
        return joined(pieces[1:], self._room)

    def _joint(self, joint: str) -> str:
        return gap(self._whole) if joint == " " else self._whole.get(joint, joint)


def _better(one: _Said | None, other: _Said | None) -> _Said | None:
    """What leaves less unknown, then what is less strained; the second where both are alike."""
    if one is None or other is None:
        return one or other
    return one if (len(one.unknown), one.strained) < (len(other.unknown), other.strained) else other


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
