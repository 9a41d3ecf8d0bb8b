"""What changed between two audits beside their findings: the model, the data, the spec, the tools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.records import Audit

SHOWN = 60
AHEAD = 20
"""Letters of a long text that are shown before the first that is another."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was; values as a person can read them."""

    what: str
    where: str
    before: str
    after: str


def changes(first: Audit, second: Audit, folders: tuple[Path, Path]) -> list[Change]:
    """In order of weight: model, data, spec, what findings are held against, environment."""
    found = [*_model(first, second), *_data(first, second)]
    if first.spec_sha256 != second.spec_sha256:
        keys = list(_spec(first, second, folders))
        found += keys or [Change("spec", "sha256", first.spec_sha256[:12], second.spec_sha256[:12])]
    found += _standing(first, second)
    for key in ("auditor", "torch", "torchvision", "device", "precision", "seed"):
        found += _pair("environment", key, first.environment.get(key), second.environment.get(key))
    return found


def _pair(what: str, where: str, before: object, after: object) -> Iterator[Change]:
    if before != after:
        yield Change(what, where, *_shown(before, after))


def _model(first: Audit, second: Audit) -> Iterator[Change]:
    a, b = first.model, second.model
    yield from _pair("model", "version", a.version, b.version)
    yield from _pair("model", "weights and flags (SHA-256)", a.sha256_before[:12], b.sha256_before[:12])
    yield from _pair("model", "weights file (SHA-256)", (a.file_sha256 or "")[:12], (b.file_sha256 or "")[:12])
    for key in ("source", "name", "architecture", "parameters", "output"):
        yield from _pair("model", key, getattr(a, key), getattr(b, key))
    yield from _pair("model", "classes", _classes(a.classes, b.classes), _classes(b.classes, a.classes))
    for key in sorted({*a.preprocessing, *b.preprocessing}):
        yield from _pair("model", f"preprocessing.{key}", a.preprocessing.get(key), b.preprocessing.get(key))


def _classes(these: tuple[str, ...], others: tuple[str, ...]) -> str:
    """How many classes, and the first that the other model does not have."""
    own = [name for name in these if name not in others]
    return f"{len(these)}" + (f", of which {own[0]} here alone" if own else "") + ("" if own else _order(these, others))


def _order(these: tuple[str, ...], others: tuple[str, ...]) -> str:
    reordered = set(these) == set(others) and these != others
    return f", beginning with {these[0]}" if reordered else ""


def _data(first: Audit, second: Audit) -> Iterator[Change]:
    a, b = first.sample, second.sample
    yield from _pair("data", "sample (digest)", a.digest[:12], b.digest[:12])
    for key in ("source", "path", "available", "size", "readable", "labelled", "with_masks", "with_boxes", "rule"):
        yield from _pair("data", key, getattr(a, key), getattr(b, key))


def _spec(first: Audit, second: Audit, folders: tuple[Path, Path]) -> Iterator[Change]:
    """Keys of the specs that differ, those given by --set included."""
    trees = [_flat(_tree(folder / audit.spec_file)) for folder, audit in zip(folders, (first, second), strict=True)]
    for key in sorted({*trees[0], *trees[1]}):
        yield from _pair("spec", key, trees[0].get(key), trees[1].get(key))
    given = [audit.runtime.get("overrides") or [] for audit in (first, second)]
    yield from _pair("spec", "--set", ", ".join(given[0]) or None, ", ".join(given[1]) or None)


def _tree(path: Path) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError):
        return {}


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted key → value; lists of plain values stay together."""
    if isinstance(node, dict):
        return {k: v for key, item in node.items() for k, v in _flat(item, f"{prefix}{key}.").items()}
    return {prefix.rstrip("."): node}


def _standing(first: Audit, second: Audit) -> Iterator[Change]:
    waivers = [{item.id: item for item in audit.waivers} for audit in (first, second)]
    for name in sorted({*waivers[0], *waivers[1]}):
        states = [item[name].state.value if name in item else None for item in waivers]
        yield from _pair("waiver", name, states[0], states[1])
    digests = [audit.baseline.sha256[:12] if audit.baseline is not None else None for audit in (first, second)]
    yield from _pair("baseline", "file (SHA-256)", digests[0], digests[1])


def _shown(before: object, after: object) -> tuple[str, str]:
    """Both in short; long texts from a little before the letter in which they differ."""
    texts = ["–" if value is None or value == "" else str(value) for value in (before, after)]
    same = next((n for n, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), min(map(len, texts)))
    start = 0 if same < SHOWN - AHEAD else same - AHEAD
    one, other = (_cut(text, start) for text in texts)
    return one, other


def _cut(text: str, start: int) -> str:
    if start:
        text = f"…{text[start:].lstrip()}"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
