"""Runs the auditor over prepared cases as a user would: the command line, one process an audit.

Results lie under `<cache>/audits/<label>/`: a run folder for each case and, beside it, `<case>.audited.json` with the
digests of the auditor's sources and of the case. An audit is made again when either has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.detection.case_folders import Case
from benchmarks.detection.run_folders import Audited
from benchmarks.detection.scoring import Result

REPOSITORY = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 1800
"""An audit of a small network that takes longer hangs; it is counted as broken."""
_TAIL = 1500
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept beside a run folder.

    Attributes:
        sources: sha256 over the auditor's Python files, before the audit began.
        case: sha256 over the case's network, spec, sample and pictures.
        error: None where it finished; else the exit code and the end of what it said.
        wall: Seconds of the command, start-up included.
    """

    sources: str
    case: str
    error: str | None
    wall: float


@dataclass(frozen=True, slots=True)
class Shelf:
    """The audits of one label.

    Attributes:
        folder: `<cache>/audits/<label>`.
    """

    folder: Path

    def run_folder(self, case: Case) -> Path:
        """Where the auditor writes."""
        return self.folder / case.id

    def record(self, case: Case) -> Record | None:
        """What an earlier audit of this case left, or None."""
        path = self._path(case)
        return Record(**json.loads(path.read_text())) if path.is_file() else None

    def keep(self, case: Case, record: Record) -> None:
        """Write the record whole; it comes last, so that its presence means an ended audit."""
        path = self._path(case)
        temporary = path.with_suffix(".writing")
        temporary.write_text(json.dumps(asdict(record), indent=1) + "\n")
        temporary.replace(path)

    def forget(self, case: Case) -> None:
        """Remove an earlier audit."""
        self._path(case).unlink(missing_ok=True)
        shutil.rmtree(self.run_folder(case), ignore_errors=True)

    def result(self, case: Case) -> Result | None:
        """The case with its audit, finished or broken; None where it was never audited as it is now."""
        record = self.record(case)
        if record is None or record.case != case_sha256(case):
            return None
        if record.error is not None:
            return Result(case, None, error=record.error, wall=record.wall)
        return Result(case, Audited.read(self.run_folder(case)), wall=record.wall)

    def results(self, cases: Iterable[Case]) -> list[Result]:
        """Of the cases that were audited as they are now: a network that was trained again is another one."""
        return [result for case in cases if (result := self.result(case)) is not None]

    def _path(self, case: Case) -> Path:
        return self.folder / f"{case.id}.audited.json"


def audit_all(cases: Sequence[Case], shelf: Shelf, *, workers: int = 2, fresh: bool = False) -> None:
    """Audit every case that has no audit by these sources yet; progress on stderr.

    Args:
        cases: Prepared.
        shelf: Where audits lie.
        workers: Processes at once, each with one thread.
        fresh: Also those that are up to date.
    """
    shelf.folder.mkdir(parents=True, exist_ok=True)
    sources = sources_sha256()
    waiting = [case for case in cases if fresh or not _up_to_date(case, shelf, sources)]
    print(f"{len(waiting)} audits to run, {len(cases) - len(waiting)} are up to date", file=sys.stderr)
    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(audit_one, case, shelf): case for case in waiting}
        for number, future in enumerate(as_completed(futures), start=1):
            record = future.result()
            ended = "finished" if record.error is None else f"BROKE: {record.error.splitlines()[0]}"
            line = f"[{number}/{len(waiting)}] {futures[future].id}: {ended}, {record.wall:.0f} s"
            print(line, file=sys.stderr, flush=True)


def audit_one(case: Case, shelf: Shelf) -> Record:
    """One audit in a process of its own; a crash is recorded like any other end."""
    shelf.forget(case)
    sources = sources_sha256()
    spec = (case.folder / "spec.yaml").resolve()
    folder = shelf.run_folder(case).resolve()
    command = [sys.executable, "-m", "auditor", "run", str(spec), "-o", str(folder), "--exit-zero"]
    began = time.perf_counter()
    error = _run(command)
    if error is None and not ((folder / "manifest.json").is_file() and (folder / "audit.json").is_file()):
        error = "exit code 0, but no finished run folder"
    record = Record(sources, case_sha256(case), error, round(time.perf_counter() - began, 2))
    shelf.keep(case, record)
    return record


def _run(command: Sequence[str]) -> str | None:
    """None where the command ended with 0, else how it ended and the end of what it said."""
    try:
        ended = subprocess.run(
            command,
            cwd=REPOSITORY,
            env={**os.environ, **_ONE_THREAD},
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no end after {LIMIT_SECONDS} s"
    if ended.returncode == 0:
        return None
    return f"exit code {ended.returncode}\n{ended.stderr[-_TAIL:]}"


def _up_to_date(case: Case, shelf: Shelf, sources: str) -> bool:
    record = shelf.record(case)
    return record is not None and record.error is None and (record.sources, record.case) == (sources, case_sha256(case))


def sources_sha256(package: Path = REPOSITORY / "auditor") -> str:
    """Digest of the auditor's Python files, by path."""
    return _sha256(package.rglob("*.py"), package)


def case_sha256(case: Case) -> str:
    """Digest of all that the auditor reads of a case."""
    names = ("spec.yaml", "sample.csv", "weights.pth")
    files = [case.folder / name for name in names if (case.folder / name).is_file()]
    return _sha256([*files, *(case.folder / "images").glob("*")], case.folder)


def _sha256(files: Iterable[Path], folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def sources_used(cases: Iterable[Case], shelf: Shelf) -> dict[str, int]:
    """Digest of the auditor's sources → audits made by them; more than one means that the audits do not compare."""
    found: dict[str, int] = {}
    for case in cases:
        record = shelf.record(case)
        if record is not None:
            found[record.sources] = found.get(record.sources, 0) + 1
    return found
