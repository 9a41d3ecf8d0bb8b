"""What travels inside the PDF: the audit, its spec, and the digest of everything that they rest on."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from auditor.records import Audit
from auditor.reports._pictures import inside, read_inside
from auditor.runs import MANIFEST, MANIFEST_SCHEMA, sha256_of

FOLDERS = ("evidence", "figures")
"""Whose files the embedded manifest covers beside those that are embedded."""
READ_ALONG = {
    "waivers.yaml": "The waivers as they were read",
    "baseline.json": "The baseline as it was read",
    "audit.sarif": "The findings as SARIF 2.1.0",
}
"""Files that a run folder may hold beside the audit and its spec."""
_TYPES = {
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".sarif": "application/sarif+json",
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file inside the PDF.

    Attributes:
        name: As viewers list it; letters, digits, dots, dashes and underscores alone.
        path: Where the run folder has it, with slashes.
        relationship: To the document. Source: ISO 19005-3, annex E.
    """

    name: str
    path: str
    data: bytes
    description: str
    relationship: str

    @property
    def media_type(self) -> str:
        """From the name's ending; never from what a system happens to know."""
        return _TYPES.get(Path(self.name).suffix.lower(), "application/octet-stream")


def attachments_of(audit: Audit, run: Path, originals: Path | None = None) -> tuple[Attachment, ...]:
    """The files of a run folder that its PDF embeds, the manifest last.

    Args:
        originals: The run folder that `run` is a changed copy of. The manifest then holds the digests of its files and,
            as `changed`, those of the files that are embedded in their place or beside them.

    Raises:
        RenderError: The spec is missing, or lies outside the run folder.
    """
    spec = read_inside(run, audit.spec_file)
    files = [
        Attachment("audit.json", "audit.json", _audit_bytes(audit, run), "The audit that this report shows", "Data"),
        Attachment(attached_name(audit.spec_file), audit.spec_file, spec, "The spec as it was read", "Source"),
    ]
    for name, words in READ_ALONG.items():
        if (run / name).is_file():
            files.append(Attachment(name, name, read_inside(run, name), words, "Supplement"))
    return (*files, _manifest(files, run, originals))


def _audit_bytes(audit: Audit, run: Path) -> bytes:
    """The file of the run folder where it is this very audit, so that its digest is the same inside and outside."""
    file = run / "audit.json"
    if file.is_file():
        data = file.read_bytes()
        try:
            if Audit.from_json(data) == audit:
                return data
        except ValueError:
            pass  # a file of another version: what is rendered is what is embedded
    return audit.to_json().encode("utf-8")


def _manifest(files: list[Attachment], run: Path, originals: Path | None) -> Attachment:
    digests = {file.path: hashlib.sha256(file.data).hexdigest() for file in files}
    changed = {}
    if originals is not None:
        for file in files:
            if not (originals / file.path).is_file():
                changed[file.name] = digests.pop(file.path)
            elif (digest := sha256_of(inside(originals, file.path))) != digests[file.path]:
                changed[file.name], digests[file.path] = digests[file.path], digest
    for folder in FOLDERS:
        for path in sorted((run / folder).rglob("*")):
            if path.is_file() and not path.name.startswith(".writing-"):
                name = path.relative_to(run).as_posix()
                inside(run, name)
                digests[name] = sha256_of(path)
    content = {"schema": MANIFEST_SCHEMA, "attached": {file.name: file.path for file in files}, "files": digests}
    if changed:
        content["changed"] = changed
    data = (json.dumps(content, indent=1, sort_keys=True) + "\n").encode("utf-8")
    words = "SHA-256 of the attached files, the evidence and the figures of the run"
    return Attachment(MANIFEST, MANIFEST, data, words, "Supplement")


def attached_name(name: str) -> str:
    """A file name that can do no harm where somebody extracts it: no folder, no leading dot, no odd letter."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", Path(name.replace("\\", "/")).name).lstrip(".") or "spec.yaml"
    return f"spec-{safe}" if safe in ("audit.json", MANIFEST, *READ_ALONG) else safe
