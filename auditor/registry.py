"""Finds parts by name: one file in the kind's folder is one part; other packages add theirs by entry points.

Nothing is filled by import order: names come from file names, and a part is imported when it is asked for.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module, resources
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from auditor.errors import PartError
from auditor.media import PICTURES, Medium

KINDS = {
    "visualizers": "auditor.visualizers",
    "probes": "auditor.probes",
    "metrics": "auditor.metrics",
    "models": "auditor.subjects.models",
    "datasets": "auditor.subjects.datasets",
    "reports": "auditor.reports",
    "publish": "auditor.publish",
}
"""Kind → package. Outside packages register under the entry point group `auditor.<kind>`."""


class Part(BaseModel):
    """A visualizer, probe, metric, source, report format or place to publish to.

    Its fields are its options in the spec: checking, defaults, docs and JSON schema come from them. Its
    docstring is its documentation; the first line is its title.
    """

    # most commands read names and options of many parts and make few: what checks values is built when one is made
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"standard": {}, "full": {}}
    """Which presets (quick, standard, full) the part belongs to, and the option values each one sets."""
    media: ClassVar[frozenset[Medium]] = PICTURES
    """Of visualizers, metrics and probes: what they mean something on. Where a preset brings one that does not fit the
    data set, it is left out in words."""

    @classmethod
    def part_name(cls) -> str:
        """The name in the spec: that of the file."""
        return cls.__module__.rsplit(".", 1)[-1]

    @classmethod
    def summary(cls) -> str:
        """First line of the docstring."""
        return (inspect.getdoc(cls) or "").split("\n", 1)[0]

    @property
    def own_name(self) -> str:
        """The name that the spec gave it, where a part may be planned several times; "" where it may be once."""
        return ""

    def mistakes(self, folder: Path) -> list[tuple[str, str]]:
        """Mistakes in its options that show before anything is run, as (option, what is wrong).

        Args:
            folder: Where the spec's relative paths start.
        """
        return []


@cache
def names(kind: str) -> tuple[str, ...]:
    """All part names of a kind, ours and those of other packages, sorted.

    Raises:
        PartError: The kind is unknown, or two packages claim one name.
    """
    return tuple(sorted(_locations(kind)))


@cache
def load(kind: str, name: str) -> type[Part]:
    """Import one part.

    Raises:
        PartError: No such name (with a suggestion), or the module holds no part.
    """
    locations = _locations(kind)
    if name not in locations:
        raise PartError(unknown_name(kind.rstrip("s"), name, names(kind)))
    location = locations[name]
    if isinstance(location, EntryPoint):
        part = location.load()
        if not (isinstance(part, type) and issubclass(part, Part)):
            raise PartError(f"{location.value}: the entry point {kind} '{name}' is not an auditor Part")
        return part
    module = import_module(location)
    parts = [
        item
        for item in vars(module).values()
        if isinstance(item, type)
        and issubclass(item, Part)
        and item.__module__ == location
        and not inspect.isabstract(item)
    ]
    if len(parts) != 1:
        raise PartError(f"{location}: expected one part in the file, found {len(parts)}")
    return parts[0]


def unknown_name(what: str, name: str, known: tuple[str, ...] | list[str]) -> str:
    """'no probe is named 'boarder'; did you mean 'border'?'"""
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known) or 'none'}"
    return f"no {what} is named '{name}'; {hint}"


def unfit_words(part: type[Part], medium: Medium) -> str:
    """Why a part means nothing on such data."""
    known = " and ".join(sorted(one.several for one in part.media))
    return f"{part.part_name()} is made for {known}: nothing of it carries over to {medium.several} in this version"


@cache
def _of_other_packages() -> Mapping[str, tuple[EntryPoint, ...]]:
    """Kind → entry points. Looking through all packages costs more than the rest of a command, so it is done once."""
    every = entry_points()
    return {kind: tuple(every.select(group=f"auditor.{kind}")) for kind in KINDS}


@cache
def _locations(kind: str) -> dict[str, str | EntryPoint]:
    if kind not in KINDS:
        raise PartError(unknown_name("kind of part", kind, list(KINDS)))
    package = KINDS[kind]
    found: dict[str, str | EntryPoint] = {
        entry.name.removesuffix(".py"): f"{package}.{entry.name.removesuffix('.py')}"
        for entry in resources.files(package).iterdir()
        if entry.name.endswith(".py") and not entry.name.startswith("_")
    }
    for point in _of_other_packages()[kind]:
        if point.name in found:
            other = found[point.name]
            first = other.value if isinstance(other, EntryPoint) else other
            raise PartError(f"two {kind} are named '{point.name}': {first} and {point.value}; uninstall or rename one")
        found[point.name] = point
    return found
