"""The run folder: everything is written whole or not at all, and the manifest comes last."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from auditor.errors import RunFolderError
from auditor.records import Audit, Record

if TYPE_CHECKING:
    import numpy as np

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = "auditor/manifest@1"
RecordT = TypeVar("RecordT", bound=Record)


def default_folder(name: str, now: datetime) -> Path:
    """audits/<name>/<UTC time>."""
    return Path("audits") / name / now.astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole or not at all.

    Raises:
        RunFolderError: The folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).chmod(0o666 & ~_umask())
            os.replace(temporary, path)  # noqa: PTH105 - atomic on one file system
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be written: {error.strerror or error}") from None


def _umask() -> int:
    """The user's mask; temporary files ignore it and are private."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


class RunFolder:
    """One audit's folder. Evidence appears part by part, so that a run that broke off can go on."""

    def __init__(self, path: Path) -> None:
        """Open or create.

        Raises:
            RunFolderError: It is a file, or cannot be created.
        """
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise RunFolderError(f"{path}: is a file; name a folder with -o") from None
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be created: {error.strerror}") from None

    @property
    def finished(self) -> bool:
        """Whether the manifest is there."""
        return (self.path / MANIFEST).is_file()

    @property
    def started(self) -> bool:
        """Whether an earlier run left something here."""
        return any(self.path.iterdir())

    def write(self, name: str, content: bytes | str) -> Path:
        """One file, by its path inside the folder."""
        path = self.path / name
        write_whole(path, content.encode() if isinstance(content, str) else content)
        return path

    def save_record(self, name: str, record: Record) -> None:
        """evidence/<name>.json."""
        self.write(f"evidence/{name}.json", record.model_dump_json(by_alias=True, indent=1) + "\n")

    def load_record(self, name: str, kind: type[RecordT]) -> RecordT | None:
        """What `save_record` left, or None."""
        path = self.path / "evidence" / f"{name}.json"
        return kind.model_validate_json(path.read_bytes()) if path.is_file() else None

    def save_json(self, name: str, value: Any) -> None:
        """evidence/<name>.json, plain values."""
        self.write(f"evidence/{name}.json", json.dumps(value, indent=1, allow_nan=False) + "\n")

    def load_json(self, name: str) -> Any:
        """What `save_json` left, or None."""
        path = self.path / "evidence" / f"{name}.json"
        return json.loads(path.read_text()) if path.is_file() else None

    def save_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """evidence/<name>.npz, compressed; raw numbers that pictures are drawn from."""
        import io

        import numpy as np

        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **dict(arrays))
        self.write(f"evidence/{name}.npz", buffer.getvalue())

    def load_arrays(self, name: str) -> dict[str, np.ndarray] | None:
        """What `save_arrays` left, or None."""
        import numpy as np

        path = self.path / "evidence" / f"{name}.npz"
        if not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}

    def finish(self, keeping: Mapping[str, str] | None = None) -> Path:
        """Write the manifest over every file; last, after every run and every render.

        Args:
            keeping: Path → digest of what an earlier manifest named and nobody wrote since: kept as it was, so that
                writing the manifest again never hides a change.
        """
        files = {
            str(path.relative_to(self.path).as_posix()): sha256_of(path)
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and path.name != MANIFEST and not path.name.startswith(".writing-")
        }
        content = {"schema": MANIFEST_SCHEMA, "files": {**files, **(keeping or {})}}
        return self.write(MANIFEST, json.dumps(content, indent=1, sort_keys=True) + "\n")

    def unfinish(self) -> dict[str, str]:
        """Take the manifest away before anything changes, so that nothing half-done looks finished; returns it."""
        files = read_manifest(self.path) if self.finished else {}
        (self.path / MANIFEST).unlink(missing_ok=True)
        return files


def read_manifest(folder: Path) -> dict[str, str]:
    """Path → SHA-256 of every file of a finished run.

    Raises:
        RunFolderError: Not a run folder, unfinished, or the manifest is damaged.
    """
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: no such run folder")
    file = folder / MANIFEST
    if not file.is_file():
        raise RunFolderError(f"{folder}: no finished audit here ({MANIFEST} is missing); finish it with --resume")
    return digests_in(file.read_bytes(), str(file))


def digests_in(manifest: bytes, place: str) -> dict[str, str]:
    """Path → SHA-256, as a manifest holds them.

    Raises:
        RunFolderError: It is not a manifest of a version that is known; names the place.
    """
    try:
        content = json.loads(manifest)
        if content["schema"] == MANIFEST_SCHEMA:
            return {str(name): str(digest) for name, digest in content["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise RunFolderError(f"{place}: is not a manifest of this version ({MANIFEST_SCHEMA})")


def sha256_of(path: Path) -> str:
    """Digest of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def load_audit(folder: Path) -> Audit:
    """The audit of a finished run.

    Raises:
        RunFolderError: Not a run folder, unfinished, or audit.json is not an audit.
    """
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: no such run folder")
    if not (folder / MANIFEST).is_file():
        raise RunFolderError(f"{folder}: no finished audit here (manifest.json is missing); finish it with --resume")
    path = folder / "audit.json"
    try:
        return Audit.from_json(path.read_bytes())
    except FileNotFoundError:
        raise RunFolderError(f"{path}: is missing although the manifest is there; run the audit again") from None
    except ValueError as error:
        raise RunFolderError(f"{path}: is not an audit of this version: {error}") from None


def newest_unfinished(name: str, spec_sha256: str) -> Path | None:
    """The newest folder under audits/<name> that was begun with this spec and never finished."""
    folders = sorted((Path("audits") / name).glob("*/"), reverse=True)
    for folder in folders:
        begun = folder / "evidence" / "begun.json"
        if (folder / MANIFEST).exists() or not begun.is_file():
            continue
        if json.loads(begun.read_text()).get("spec_sha256") == spec_sha256:
            return folder
    return None


def earlier_audits(folder: Path, question_sha256: str, model_sha256: str) -> int:
    """How many finished audits that were asked the same of the same model lie beside this folder."""
    count = 0
    for other in folder.resolve().parent.glob("*/audit.json"):
        if other.parent == folder.resolve() or not (other.parent / MANIFEST).is_file():
            continue
        try:
            audit = json.loads(other.read_text())
        except ValueError:
            continue
        same = audit.get("question_sha256") == question_sha256
        count += same and audit.get("model", {}).get("sha256_before") == model_sha256
    return count


def safe_name(name: str) -> str:
    """A file name of letters, digits, dots and dashes; what had to change is told apart by a digest."""
    clean = re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.")[:80]
    return clean if clean == name else f"{clean}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
