"""Pictures of a SARIF log: artifacts with their digests, and attachments with the regions that they outline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from auditor.records import (
    Audit,
    Check,
)
from auditor.reports._results import Result
from auditor.reports._words import plain
from auditor.runs import sha256_of

_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".svg": "image/svg+xml"}


def pictures_of(audit: Audit, run: Path, results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """Figures that results attach, as artifacts with their digests, by path."""
    paths = (path for result in results if isinstance(result.source, Check) for path in result.source.figures)
    found: dict[str, dict[str, Any]] = {}
    for path in dict.fromkeys(paths):
        if path not in audit.figures or "\0" in path:
            continue
        file = (run / path).resolve()
        if not file.is_relative_to(run.resolve()) or not file.is_file():
            continue
        artifact: dict[str, Any] = {"location": {"uri": quote(path, safe="/")}, "roles": ["attachment"]}
        if file.suffix.lower() in _TYPES:
            artifact["mimeType"] = _TYPES[file.suffix.lower()]
        found[path] = {**artifact, "hashes": {"sha-256": sha256_of(file)}}
    return found


def attachments_of(audit: Audit, check: Check, pictures: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    order = {path: index for index, path in enumerate(pictures, start=1)}
    attached = []
    for path in check.figures:
        if path not in pictures:
            continue
        picture = audit.figures[path]
        location = {"uri": pictures[path]["location"]["uri"], "index": order[path]}
        one: dict[str, Any] = {
            "description": {"text": plain(picture.caption) or plain(picture.alt) or "A figure of the check."},
            "artifactLocation": location,
        }
        if picture.outlines:
            words = {"text": plain(check.region.name)} if check.region and plain(check.region.name) else {}
            one["rectangles"] = [
                {"left": x1, "top": y1, "right": x2, "bottom": y2, **({"message": words} if words else {})}
                for x1, y1, x2, y2 in picture.outlines
            ]
        attached.append(one)
    return attached
