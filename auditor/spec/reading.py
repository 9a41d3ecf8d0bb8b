"""Reads a YAML spec so that every mistake can be told with its line, all at once.

`${VAR}` in a string reads the environment; such values are masked wherever the spec is shown.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from auditor.errors import Problem, SpecError
from auditor.spec.audit_spec import AuditSpec

Location = tuple[str | int, ...]
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MASK = "***"


@dataclass(frozen=True)
class SpecFile:
    """A spec as it was read: the text, the tree of values, and where each value stands.

    Attributes:
        path: The file; relative paths in the spec start in its folder.
        text: The file as read, `${VAR}` not replaced.
        tree: Values with variables replaced and overrides applied.
        lines: Location → 1-based line.
        masked: Locations whose value came from the environment.
        overrides: `--set` texts, in order.
    """

    path: Path
    text: str
    tree: dict[str, Any]
    lines: Mapping[Location, int]
    masked: frozenset[Location] = frozenset()
    overrides: tuple[str, ...] = ()
    shown_path: str = field(default="")

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return self.path.resolve().parent

    @property
    def repository_path(self) -> str:
        """The file by its path in the repository around it (.git), else in the working folder, else its name alone.

        Never absolute: what is made from it is the same on every machine.
        """
        file = self.path.resolve()
        folders = [folder for folder in file.parents if (folder / ".git").exists()][:1]
        for folder in (*folders, Path.cwd()):
            if file.is_relative_to(folder):
                return file.relative_to(folder).as_posix()
        return file.name

    @property
    def sha256(self) -> str:
        """Digest of the text and the overrides."""
        return hashlib.sha256("\n".join((self.text, *self.overrides)).encode()).hexdigest()

    def line(self, location: Location) -> int | None:
        """The line of a value, or of the nearest thing around it."""
        for end in range(len(location), 0, -1):
            if location[:end] in self.lines:
                return self.lines[location[:end]]
        return 1 if self.lines else None

    def problem(self, location: Location, what: str) -> Problem:
        """A mistake at a location."""
        dotted = ".".join(str(part) for part in location)
        return Problem(self.shown_path, self.line(location), f"{dotted}: {what}" if dotted else what)

    def masked_tree(self) -> dict[str, Any]:
        """The tree with every value that came from the environment replaced by ***."""
        return self.masked_as(self.tree)

    def masked_as(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """Values that stand as the spec's do, with every one that came from the environment replaced by ***."""
        return {key: _masked(value, (key,), self.masked) for key, value in tree.items()}


def read_spec_file(path: Path, overrides: Sequence[str] = ()) -> SpecFile:
    """Read YAML with lines, replace variables, apply `--set a.b=value`.

    Raises:
        SpecError: No such file, not YAML, a variable is not set, an override is malformed.
    """
    absent = "no such file; `auditor init` writes a spec to start from"
    wanted = "a spec is a mapping with version, name, model and dataset"
    return read_yaml_file(path, overrides, shown=str(path), absent=absent, wanted=wanted)


def read_yaml_file(path: Path, overrides: Sequence[str] = (), *, shown: str, absent: str, wanted: str) -> SpecFile:
    """Read a mapping with the line of everything in it.

    Args:
        shown: The path as the user wrote it.
        absent: What to say where there is no such file.
        wanted: What to say where it is no mapping.

    Raises:
        SpecError: As `read_spec_file`.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpecError([Problem(shown, None, absent)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError([Problem(shown, None, f"cannot be read as UTF-8 text: {error}")]) from None
    try:
        loaded = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise SpecError([Problem(shown, mark.line + 1 if mark else None, f"not valid YAML: {what}")]) from None
    except YAMLError as error:
        raise SpecError([Problem(shown, None, f"not valid YAML: {error}")]) from None
    if not isinstance(loaded, dict):
        raise SpecError([Problem(shown, 1, wanted)])
    lines = dict(_lines(loaded, ()))
    problems: list[Problem] = []
    masked: set[Location] = set()

    def expand(value: Any, location: Location) -> Any:
        if isinstance(value, dict):
            return {str(key): expand(item, (*location, str(key))) for key, item in value.items()}
        if isinstance(value, list):
            return [expand(item, (*location, index)) for index, item in enumerate(value)]
        if isinstance(value, str) and _VARIABLE.search(value):
            masked.add(location)
            return _VARIABLE.sub(lambda match: _variable(match, location), str(value))
        return str(value) if isinstance(value, str) else value

    def _variable(match: re.Match[str], location: Location) -> str:
        name = match.group(1)
        if name not in os.environ:
            where = ".".join(str(part) for part in location)
            problems.append(
                Problem(shown, lines.get(location), f"{where}: the environment variable {name} is not set; export it")
            )
        return os.environ.get(name, "")

    tree = expand(loaded, ())
    for override in overrides:
        problem = _apply_override(tree, override)
        if problem:
            problems.append(Problem(f"--set {override}", None, problem))
    if problems:
        raise SpecError(problems)
    return SpecFile(path, text, tree, lines, frozenset(masked), tuple(overrides), shown)


def validate(spec_file: SpecFile) -> tuple[AuditSpec | None, list[Problem]]:
    """Check the fields. Every mistake, each at its line; the spec only when there is none."""
    try:
        return AuditSpec.model_validate(spec_file.tree), []
    except ValidationError as error:
        return None, list(problems_of(error, spec_file, (), AuditSpec))


def problems_of(
    error: ValidationError, spec_file: SpecFile, prefix: Location, model: type[BaseModel]
) -> Iterator[Problem]:
    """Pydantic's errors as ours: one a location, with the line and what would be right."""
    seen: set[Location] = set()
    for item in error.errors(include_url=False):
        location = prefix + _real_location(item["loc"], spec_file.tree, prefix)
        if location in seen:
            continue
        seen.add(location)
        yield spec_file.problem(location, _words(item, _fields_at(model, item["loc"][:-1])))


def _real_location(loc: Sequence[str | int], tree: Any, prefix: Location) -> Location:
    """Pydantic adds the tag of a union's branch to the location; keep what exists in the tree, and the last key."""
    node: Any = tree
    for part in prefix:
        node = node[part]
    real: list[str | int] = []
    for index, part in enumerate(loc):
        if isinstance(node, dict) and part in node:
            node = node[str(part)]
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        elif isinstance(node, dict) and index == len(loc) - 1 and isinstance(part, str):
            real.append(part)
            break
        else:
            continue
        real.append(part)
    return tuple(real)


def _fields_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """Field names of the model that a location leads to."""
    current: type[BaseModel] | None = model
    for part in loc:
        if current is None or not isinstance(part, str) or part not in current.model_fields:
            return []
        annotation = current.model_fields[part].annotation
        candidates = [annotation, *get_args(annotation)]
        current = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
    return list(current.model_fields) if current else []


def _words(item: Mapping[str, Any], known: list[str]) -> str:
    kind, value = item["type"], item.get("input")
    context = item.get("ctx", {})
    if kind == "extra_forbidden":
        key = str(item["loc"][-1])
        close = get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}"
        return f"unknown key; {hint}"
    if kind == "missing":
        return "is missing and has no default"
    if kind == "literal_error":
        expected = context.get("expected", "")
        options = re.findall(r"'([^']*)'", expected)
        close = get_close_matches(str(value), options, n=1, cutoff=0.5)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        return f"{value!r} is not one of {expected}{hint}"
    if kind == "value_error":
        return str(context.get("error", item["msg"]))
    message = item["msg"][0].lower() + item["msg"][1:]
    shown = repr(value) if not isinstance(value, dict | list) else f"a {type(value).__name__}"
    return f"{message}, got {shown[:80]}"


def _lines(node: Any, location: Location) -> Iterator[tuple[Location, int]]:
    if isinstance(node, dict):
        for key, value in node.items():
            here = (*location, str(key))
            yield here, node.lc.key(key)[0] + 1  # type: ignore[attr-defined]
            yield from _lines(value, here)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            here = (*location, index)
            yield here, node.lc.item(index)[0] + 1  # type: ignore[attr-defined]
            yield from _lines(value, here)


def _apply_override(tree: dict[str, Any], override: str) -> str | None:
    """Set one dotted key; returns what is wrong, or None."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    key, equals, text = override.partition("=")
    if not equals or not key:
        return "expected a.b=value"
    try:
        value = YAML(typ="safe").load(text)
    except YAMLError:
        return f"the value {text!r} is not YAML"
    node: Any = tree
    *parents, last = key.split(".")
    for part in parents:
        if isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict):
            if not isinstance(node.get(part), dict | list):
                node[part] = {}
            node = node[part]
        else:
            return f"{part} is not a mapping"
    if isinstance(node, list):
        if not last.isdigit() or int(last) >= len(node):
            return f"{last} is not an index into a list of {len(node)}"
        node[int(last)] = value
    else:
        node[last] = value
    return None


def _masked(value: Any, location: Location, masked: frozenset[Location]) -> Any:
    if location in masked:
        return _MASK
    if isinstance(value, dict):
        return {key: _masked(item, (*location, key), masked) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, (*location, index), masked) for index, item in enumerate(value)]
    return value
