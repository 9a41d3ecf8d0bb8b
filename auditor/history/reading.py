"""Finds finished audits: in a folder and all below it, or on an MLflow tracking server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from auditor.errors import RunFolderError
from auditor.findings.fingerprints import fingerprinted
from auditor.records import Audit, Check, Measurement, Record
from auditor.runs import MANIFEST

MLFLOW = "mlflow:"
DEPTH = 4
"""How far below a folder audits are looked for: audits/NAME/TIME, and a folder or two around."""


class _Model(Record):
    sha256_before: str
    version: str | None = None


class _Sample(Record):
    digest: str
    readable: int = 0


class _Limit(Record):
    name: str
    breached: bool = False


class Past(Record):
    """What the history needs of an audit; reads what any version wrote, and what later ones will."""

    name: str
    title: str = ""
    report_id: str
    verdict: str
    exit_code: int
    started: str
    spec_sha256: str
    question_sha256: str = ""
    model: _Model
    sample: _Sample
    environment: Mapping[str, Any] = {}
    checks: tuple[Check, ...] = ()
    limits: tuple[_Limit, ...] = ()
    metrics: tuple[Measurement, ...] = ()
    address: str = ""
    """Where it lies: the run folder, or the run's address on the server."""

    def asks_the_same(self, other: Past) -> bool:
        """Whether both were asked the same by their specs; audits of older versions know only the spec's own digest."""
        if self.question_sha256 and other.question_sha256:
            return self.question_sha256 == other.question_sha256
        return self.spec_sha256 == other.spec_sha256

    def at(self, address: str) -> Self:
        """The same audit with its address, and with fingerprints where it has none."""
        missing = any(check.fingerprint is None for check in self.checks)
        checks = tuple(fingerprinted(self.name, self.checks)) if missing else self.checks
        return self.model_copy(update={"address": address, "checks": checks})


@dataclass(frozen=True)
class Found:
    """Audits of a source, oldest first, and what could not be read."""

    source: str
    audits: tuple[Past, ...]
    warnings: tuple[str, ...] = field(default=())

    def of(self, name: str) -> list[Past]:
        """Those of one name."""
        return [audit for audit in self.audits if audit.name == name]

    @property
    def names(self) -> list[str]:
        """Every name, that of the newest audit first."""
        return list(dict.fromkeys(audit.name for audit in reversed(self.audits)))


def past_of(audit: Audit, address: str) -> Past:
    """An audit that was made just now."""
    return Past.model_validate_json(audit.to_json()).at(address)


def read(source: str) -> Found:
    """All finished audits of a source.

    Args:
        source: A folder, or mlflow:EXPERIMENT; the server is MLflow's own setting (MLFLOW_TRACKING_URI).

    Raises:
        RunFolderError: No such folder, no such experiment, or MLflow is not installed.
    """
    if source.startswith(MLFLOW):
        from auditor.history.tracking import read_experiment

        return read_experiment(source.removeprefix(MLFLOW))
    return read_folder(Path(source))


def read_folder(folder: Path, depth: int = DEPTH) -> Found:
    """Every finished run folder in a folder; half-done ones are left out.

    Args:
        depth: 1 looks at the folders right in it.

    Raises:
        RunFolderError: No such folder.
    """
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: no such folder of audits")
    audits, warnings = [], []
    for place, inside, files in os.walk(folder):
        if len(Path(place).relative_to(folder).parts) >= depth:
            inside.clear()
        if MANIFEST not in files or "audit.json" not in files:
            continue
        inside.clear()
        path = Path(place, "audit.json")
        try:
            audits.append(parse(path.read_bytes(), Path(place).relative_to(folder).as_posix()))
        except (OSError, ValueError) as error:
            warnings.append(f"{path}: left out of the history, it cannot be read: {_first_line(error)}")
    return Found(str(folder), ordered(audits), tuple(sorted(warnings)))


def parse(content: bytes, address: str) -> Past:
    """One audit.json.

    Raises:
        ValueError: It is not an audit.
    """
    return Past.model_validate_json(content).at(address)


def ordered(audits: list[Past]) -> tuple[Past, ...]:
    """Oldest first; of one audit that lies in two places the first."""
    unique: dict[tuple[str, str], Past] = {}
    for audit in sorted(audits, key=lambda item: (item.started, item.report_id, item.address)):
        unique.setdefault((audit.name, audit.report_id), audit)
    return tuple(unique.values())


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error).splitlines()[0]
