"""Reads the owner's waivers: which findings are accepted, up to which size, by whom, why, and until when.

version: 1
waivers:
  - id: W-12
    check: corner.top-left.*          # a check's id, or limits.<name>; * stands for anything
    match: {class: "17", model: "2.3"}   # optional; all of them must hold
    max_value: 0.40                   # a larger effect is not waived
    statement: The date stamp is cropped away in the field, see the test report.
    owner: perception team
    approver: Dr. A. Example
    ticket: QA-118
    created: 2026-03-01
    expires: 2026-06-01
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, ValidationError

from auditor.errors import Problem
from auditor.spec.audit_spec import Fields
from auditor.spec.reading import Location, SpecFile, problems_of, read_yaml_file

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_KEYS = ("version", "waivers")


class Match(Fields):
    """What else must hold of a finding, each as the report names it.

    Attributes:
        class_name: The class it leads to.
        region: Its name, which may hold *.
        model: The model's version, or the beginning of its SHA-256.
        fingerprint: Of the finding, as audit.json gives it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    class_name: str | None = Field(default=None, alias="class")
    region: Words | None = None
    model: Words | None = None
    fingerprint: Words | None = None


class Waiver(Fields):
    """One accepted finding. Nobody accepts for ever: `expires` is bounded by the spec's policy.waiver_days."""

    id: Words
    check: Words
    match: Match = Match()
    max_value: float | None = None
    min_value: float | None = None
    statement: Words
    owner: Words
    approver: Words
    ticket: Words
    created: date
    expires: date


@dataclass(frozen=True, slots=True)
class PlacedWaiver:
    """A waiver and the line that it begins on."""

    waiver: Waiver
    file: str
    line: int | None


def read_waivers(path: Path, *, shown: str, days: int, today: date) -> tuple[list[PlacedWaiver], list[Problem]]:
    """Every waiver of a file, and every mistake in it at its line.

    Args:
        shown: The path as the user wrote it, for messages.
        days: The most that may lie between `created` and `expires`.
        today: A waiver cannot be created after it.

    Raises:
        SpecError: No such file, or not YAML.
    """
    absent = "no such file; policy.waivers names it, docs/over-time.md shows one"
    file = read_yaml_file(path, shown=shown, absent=absent, wanted="a waivers file is a mapping with version, waivers")
    problems = [
        file.problem((key,), f"unknown key; known: {', '.join(_KEYS)}") for key in file.tree if key not in _KEYS
    ]
    if file.tree.get("version") != 1:
        problems.append(file.problem(("version",), f"expected 1, got {file.tree.get('version')!r}"))
    items = file.tree.get("waivers")
    if not isinstance(items, list):
        return [], [*problems, file.problem(("waivers",), "expected a list of waivers; [] for none")]
    found: list[PlacedWaiver] = []
    for index, item in enumerate(items):
        location: Location = ("waivers", index)
        try:
            waiver = Waiver.model_validate(item)
        except ValidationError as error:
            problems += problems_of(error, file, location, Waiver)
            continue
        problems += _mistakes(waiver, file, location, days, today)
        if any(other.waiver.id == waiver.id for other in found):
            problems.append(file.problem((*location, "id"), f"'{waiver.id}' is given to two waivers"))
        found.append(PlacedWaiver(waiver, shown, file.line(location)))
    return found, problems


def _mistakes(waiver: Waiver, file: SpecFile, location: Location, days: int, today: date) -> Iterator[Problem]:
    def wrong(key: str, what: str) -> Problem:
        return file.problem((*location, key), what)

    if waiver.created > today + timedelta(days=1):  # somewhere on earth it is tomorrow already
        yield wrong("created", f"{waiver.created} lies in the future")
    if waiver.expires <= waiver.created:
        yield wrong("expires", f"{waiver.expires} does not lie after created, {waiver.created}")
    elif (waiver.expires - waiver.created).days > days:
        latest = waiver.created + timedelta(days=days)
        yield wrong("expires", f"{waiver.expires} is more than policy.waiver_days, {days} days, away; at most {latest}")
    if waiver.check.replace("*", "").strip(".") == "":
        yield wrong("check", "would waive everything; name a check, or begin with its kind: corner.*")
    if waiver.min_value is not None and not waiver.check.startswith("limits."):
        yield wrong("min_value", "belongs to limits from below (check: limits.metrics.accuracy); write max_value")


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern names a text; * stands for anything, and nothing else is special."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text, re.DOTALL) is not None


def shown_match(match: Match) -> dict[str, Any]:
    """What else must hold, without what is left open."""
    return match.model_dump(by_alias=True, exclude_none=True)
