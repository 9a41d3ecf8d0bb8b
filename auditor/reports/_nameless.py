"""An audit in which no picture's file name can be read: each stands as a hash, the same one wherever it occurs.

File names say who a picture is of more often than pictures do. They stand in the list of images, in captions, in notes
and in what the spec was read from, so every text of the audit is searched for them. The hash is keyed with what only
the run folder holds, so that nobody can try names out, and whoever has the folder can make the same copy again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from auditor.records import Audit
from auditor.reports._pictures import read_inside

LETTERS = 12
"""Of a hash: among a million names, two share one with a chance of 1 in 500."""
LEAST = 4
"""Letters of a name that is searched for in sentences."""


class Names:
    """The file names of an audit's pictures, and what stands for each."""

    def __init__(self, audit: Audit, run: Path) -> None:
        """Collect them.

        Args:
            run: The run folder, which holds the key.

        Raises:
            RenderError: A picture that the audit names is missing.
        """
        self._key = _key(audit, run)
        words = {audit.name, *audit.model.classes, *audit.sample.per_class, *_labels(audit)}
        whole = set(_names(audit))
        owners: dict[str, set[str]] = {name: {name} for name in whole}
        for name in whole:
            for part in set(_parts(name)) - words - whole:
                owners.setdefault(part, set()).add(name)
        self._owner = {part: names.pop() if len(names) == 1 else part for part, names in owners.items()}
        self._everywhere = _pattern(part for part in owners if _cannot_be_a_word(part) and part not in words)
        self._captions = _pattern(owners.keys() - words)

    def audit(self, audit: Audit) -> Audit:
        """The audit without names."""
        content = audit.model_dump(mode="json", by_alias=True)
        figures = _mapped(content.pop("figures"), self._in(self._captions))
        content = _mapped(content, self.text)
        sample = content["sample"]
        given = audit.sample
        for made, originals in (
            (content["images"], [image.image for image in audit.images]),
            (sample["unreadable"], [item.image for item in given.unreadable]),
            (sample["converted"], [item.image for item in given.converted]),
        ):
            for item, original in zip(made, originals, strict=True):
                item["image"] = self.of(original)
        sample["duplicates"] = [[self.of(name) for name in names] for names in given.duplicates]
        return Audit.from_json(json.dumps({**content, "figures": figures}))

    def text(self, text: str) -> str:
        """Any text without names, as far as they cannot be words of it."""
        return self._in(self._everywhere)(text)

    def of(self, name: str) -> str:
        """What stands for a picture's name."""
        whole = self._owner.get(name, name).encode("utf-8", "surrogatepass")
        return "image-" + hmac.new(self._key, whole, hashlib.sha256).hexdigest()[:LETTERS]

    def _in(self, pattern: re.Pattern[str] | None) -> Callable[[str], str]:
        return lambda text: text if pattern is None else pattern.sub(lambda found: self.of(found.group()), text)


def _key(audit: Audit, run: Path) -> bytes:
    """A digest of the audit with its names and of every kept picture: nothing of it is in the copy."""
    digest = hashlib.sha256(b"names of pictures\0" + audit.to_json().encode("utf-8", "surrogatepass"))
    for image in audit.images:
        if image.thumbnail is not None:
            digest.update(read_inside(run, image.thumbnail))
    return digest.digest()


def _names(audit: Audit) -> Iterable[str]:
    yield from (image.image for image in audit.images)
    yield from (item.image for item in (*audit.sample.unreadable, *audit.sample.converted))
    yield from (name for names in audit.sample.duplicates for name in names)


def _labels(audit: Audit) -> Iterable[str]:
    """Words that a name may be the same as, and that must stay."""
    return (word for image in audit.images for word in (image.label, image.predicted) if word is not None)


def _parts(name: str) -> Iterable[str]:
    """The name without its folders, and without its ending where that cannot be a word or a number."""
    path = PurePosixPath(name.replace("\\", "/"))
    yield path.name
    if path.stem != path.name and re.search(r"[A-Za-z]", path.stem) and re.search(r"\d", path.stem):
        yield path.stem


def _cannot_be_a_word(name: str) -> bool:
    """It holds a dot or a slash, or letters and digits."""
    mixed = re.search(r"[A-Za-z]", name) and re.search(r"\d", name)
    return len(name) >= LEAST and bool(mixed or re.search(r"[./\\]", name))


def _pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    longest_first = sorted((name for name in names if name), key=lambda name: (-len(name), name))
    if not longest_first:
        return None
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\w)")


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """Every text in plain values, keys of mappings among them."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {change(str(key)): _mapped(item, change) for key, item in value.items()}
    return value
