"""Reads clause maps: ours by name, a user's own by path."""

from __future__ import annotations

import datetime as dt
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from auditor.clauses.evidence import problem_of
from auditor.registry import unknown_name

SUFFIXES = (".yaml", ".yml")
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Section = Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "A"]


class MapError(ValueError):
    """No such map, or a file that is none; says what is wrong and what would be right."""


class Clause(BaseModel):
    """One row of a map.

    Attributes:
        clause: As its source numbers it: "Art. 15(4)".
        asks: What it asks, in our own words.
        sections: Of the report, where a reader finds what is there.
        evidence: What of an audit would support it; see `evidence.KNOWN`.
        people: What only people can state, beside the evidence or instead of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clause: Words
    asks: Words
    sections: list[Section] = Field(default_factory=list)
    evidence: list[str] = Field(default_factory=list)
    people: str = ""

    @field_validator("sections", mode="before")
    @classmethod
    def _numbers_are_names(cls, value: object) -> object:
        return [str(item) for item in value] if isinstance(value, list) else value

    @field_validator("evidence")
    @classmethod
    def _known_evidence(cls, value: list[str]) -> list[str]:
        for name in value:
            problem = problem_of(name)
            if problem:
                raise ValueError(problem)
        return value

    @model_validator(mode="after")
    def _asks_for_something(self) -> Clause:
        if not self.evidence and not self.people:
            raise ValueError("a clause names evidence, or what people must state, or both")
        return self


class ClauseMap(BaseModel):
    """A whole map.

    Attributes:
        name: Short, printed before each clause: "EU AI Act".
        version: Of this map; it grows with every change.
        source: The text it was written from, with the amendments that it knows.
        date: Of the state of that text.
        reviewed: When the map was last read against it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Words
    title: Words
    version: Annotated[int, Field(ge=1)]
    source: Words
    date: dt.date
    reviewed: dt.date
    url: str = ""
    note: str = ""
    clauses: Annotated[list[Clause], Field(min_length=1)]
    profile: str = ""
    """As the spec names it; set when it is read."""

    @model_validator(mode="after")
    def _each_clause_once(self) -> ClauseMap:
        numbers = [item.clause for item in self.clauses]
        twice = next((number for number in numbers if numbers.count(number) > 1), None)
        if twice is not None:
            raise ValueError(f"clause {twice} stands there twice")
        return self


@cache
def names() -> tuple[str, ...]:
    """The maps that are shipped."""
    folder = resources.files("auditor.clauses") / "maps"
    return tuple(sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml")))


def read_map(profile: str, folder: Path) -> ClauseMap:
    """A shipped map by its name, or a file.

    Args:
        profile: As the spec names it.
        folder: Where relative paths start.

    Raises:
        MapError: No such map (with a suggestion), or the file is none.
    """
    if profile in names():
        text = (resources.files("auditor.clauses") / "maps" / f"{profile}.yaml").read_text(encoding="utf-8")
        return _parsed(text, profile)
    if not profile.lower().endswith(SUFFIXES):
        raise MapError(unknown_name("profile", profile, names()) + "; a map of your own is named by its .yaml file")
    try:
        text = (folder / profile).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise MapError(f"{profile}: cannot be read as a clause map ({reason}); looked in the spec's folder") from None
    return _parsed(text, profile)


def _parsed(text: str, profile: str) -> ClauseMap:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        tree: Any = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise MapError(f"{profile}: not valid YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(tree, dict):
        raise MapError(f"{profile}: a clause map is a mapping with name, title, version, source, date and clauses")
    try:
        return ClauseMap.model_validate({**tree, "profile": profile})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise MapError(f"{profile}: {where}: {what}" if where else f"{profile}: {what}") from None
