"""Is a finished audit as it was left? Every digest is computed again, inside the PDF and out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.errors import AuditorError, RunFolderError
from auditor.runs import MANIFEST, digests_in, load_audit, read_manifest, sha256_of
from auditor.signatures import signatures

REPORT = "report.pdf"
COPY = "no-images"
"""Folder of a run folder that holds its copy without pictures."""
GUARDED = ("evidence/", "figures/")
"""Folders in which a file that the manifest does not name is a change and not a note that somebody left."""
_AUDIT = "audit.json"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One file that is not as it was left, and in what way."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared.

    Attributes:
        compared: Digests that were computed again.
        mismatches: Empty where everything is as it was left.
        remarks: What a reader should know beside that: who signed, what could not be checked.
    """

    compared: int
    mismatches: tuple[Mismatch, ...] = ()
    remarks: tuple[str, ...] = ()

    def __add__(self, other: Verification) -> Verification:
        return Verification(
            self.compared + other.compared, self.mismatches + other.mismatches, self.remarks + other.remarks
        )


def verify(path: Path, trusted: Sequence[Path] = ()) -> Verification:
    """A run folder with the report in it, or a report by itself or in its run folder.

    Args:
        trusted: Certificates that are believed; without any, signatures are checked and their signers only named.

    Raises:
        RunFolderError: Neither a run folder nor a report of ours.
        SignatureError: The report is signed and pyHanko is missing.
    """
    if path.is_dir():
        found, report = _folder(path), path / REPORT
        return found + _in_folder(report, path, trusted) if report.is_file() else found
    inside = path.resolve().parent
    run = inside.parent if inside.name == COPY else inside
    return verify_report(path, run if (run / MANIFEST).is_file() else None, trusted)


def _in_folder(report: Path, run: Path, trusted: Sequence[Path]) -> Verification:
    """The report of a run folder, whose manifest has its digest even where an earlier version embedded none."""
    try:
        return verify_report(report, run, trusted)
    except RunFolderError as error:
        return Verification(0, (), (str(error),))


def _folder(run: Path) -> Verification:
    """Every file against manifest.json."""
    files = read_manifest(run)
    mismatches = _against(files, run)
    extra = [name for name in _names(run) if name not in files and name != MANIFEST]
    mismatches += [Mismatch(name, "is not in the manifest") for name in extra if name.startswith(GUARDED)]
    remarks = [f"{name}: is not in the manifest" for name in extra if not name.startswith(GUARDED)]
    return Verification(len(files), tuple(mismatches), tuple(remarks))


def verify_report(report: Path, run: Path | None, trusted: Sequence[Path] = ()) -> Verification:
    """What a PDF embeds, against its own manifest, its run folder where there is one, and its signatures.

    Args:
        run: The run folder whose files are compared with those that the PDF names; None: there is none.

    Raises:
        RunFolderError: Not a PDF, or one that no audit wrote.
        SignatureError: It is signed and pyHanko is missing, or a certificate cannot be read.
    """
    embedded, signed = _read(report)
    if MANIFEST not in embedded:
        raise RunFolderError(f"{report}: embeds no {MANIFEST}; only reports of this program can be verified")
    files, attached, changed = _embedded_manifest(report, embedded[MANIFEST])
    place = report.name
    mismatches = []
    for name, data in sorted(embedded.items()):
        if name == MANIFEST:
            continue
        if name not in attached:
            mismatches.append(Mismatch(f"{place}: {name}", "is embedded and not in the embedded manifest"))
        elif hashlib.sha256(data).hexdigest() != changed.get(name, files.get(attached[name])):
            mismatches.append(Mismatch(f"{place}: {name}", "differs from the digest that was embedded with it"))
    missing = [Mismatch(f"{place}: {name}", "is no longer embedded") for name in attached if name not in embedded]
    mismatches += missing + _spec_of(embedded, attached, changed, place)
    remarks: tuple[str, ...] = ()
    if changed:
        mismatches += _copied(embedded, run, place)
        words = "compared with what the run folder gives" if run is not None else "nothing to compare them with here"
        which = ", ".join(sorted(changed))
        remarks = (f"{place}: a copy with hashed file names in {which}: {words}",)
    if run is not None:
        differing = [Mismatch(item.file, f"{item.what}, as {place} embeds it") for item in _against(files, run)]
        mismatches += differing
    compared = len(embedded) - 1 + (len(files) if run is not None else 0)
    return Verification(compared, tuple(mismatches), remarks) + (
        _signed(report, trusted) if signed else _unsigned(place, trusted)
    )


def _copied(embedded: Mapping[str, bytes], run: Path | None, place: str) -> list[Mismatch]:
    """Hashed file names are made again from the run folder, which alone holds their key."""
    from auditor.reports._nameless import Names

    if run is None:
        return []
    try:
        audit = load_audit(run)
        whole = Names(audit, run).audit(audit).to_json().encode("utf-8")
    except AuditorError as error:
        return [Mismatch(f"{place}: {_AUDIT}", f"cannot be made again from the run folder: {error}")]
    if embedded.get(_AUDIT) != whole:
        return [Mismatch(f"{place}: {_AUDIT}", "is not the run folder's audit with its file names hashed")]
    return []


def _spec_of(
    embedded: Mapping[str, bytes], attached: Mapping[str, str], changed: Mapping[str, str], place: str
) -> list[Mismatch]:
    """The audit names the digest of its spec by itself: whoever changes the spec must change the audit."""
    try:
        audit = json.loads(embedded.get(_AUDIT, b"{}"))
        wanted, path = audit["spec_sha256"], audit.get("spec_file", "spec.yaml")
    except (ValueError, KeyError, TypeError, AttributeError):
        return [Mismatch(f"{place}: {_AUDIT}", "is not an audit")]
    name = next((name for name, where in attached.items() if where == path), None)
    data = embedded.get(name) if name is not None else None
    if data is None:
        return [Mismatch(f"{place}: {path}", "is not embedded, although the audit names it as its spec")]
    if name not in changed and hashlib.sha256(data).hexdigest() != wanted:
        return [Mismatch(f"{place}: {name}", "is not the spec whose digest the embedded audit names")]
    return []


def _signed(report: Path, trusted: Sequence[Path]) -> Verification:
    found = signatures(report.read_bytes(), trusted)
    mismatches = tuple(
        Mismatch(report.name, f"signature of {item.signer}: {item.fault}") for item in found if item.fault
    )
    remarks = []
    for item in found:
        if item.fault:
            continue
        when = (
            f", {item.signed} ({'time stamp' if item.stamped else 'by the signer’s own clock'})" if item.signed else ""
        )
        whose = "" if item.trusted else "; no certificate was given to judge the signer by (--trust)"
        remarks.append(f"{report.name}: signed by {item.signer}{when}{whose}")
    return Verification(len(found), mismatches, tuple(remarks))


def _unsigned(place: str, trusted: Sequence[Path]) -> Verification:
    """Who names a certificate expects a signature: taking it away must not pass."""
    if trusted:
        return Verification(0, (Mismatch(place, "is not signed, although a signature was asked for (--trust)"),))
    return Verification(0, (), (f"{place}: not signed, so its pages rest on the run folder's manifest alone",))


def _against(files: Mapping[str, str], run: Path) -> list[Mismatch]:
    """Files of a run folder that are missing or other than their digests say."""
    found = []
    for name, digest in sorted(files.items()):
        path = run / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            found.append(Mismatch(name, "lies outside the run folder"))
        elif not path.is_file():
            found.append(Mismatch(name, "is missing"))
        elif sha256_of(path) != digest:
            found.append(Mismatch(name, "differs from its digest"))
    return found


def _names(run: Path) -> list[str]:
    files = (path for path in sorted(run.rglob("*")) if path.is_file() and not path.name.startswith(".writing-"))
    return [path.relative_to(run).as_posix() for path in files]


def _read(report: Path) -> tuple[dict[str, bytes], bool]:
    """Attached files by name, and whether there is a signature field with a signature in it."""
    import pikepdf

    try:
        with pikepdf.open(report) as pdf:
            files = {name: item.get_file().read_bytes() for name, item in pdf.attachments.items()}
            form = pdf.Root.get("/AcroForm")
            fields: list[Any] = [] if form is None else list(form.get("/Fields", []))
            return files, any(field.get("/FT") == "/Sig" and "/V" in field for field in fields)
    except FileNotFoundError:
        raise RunFolderError(f"{report}: no such run folder or report") from None
    except (pikepdf.PdfError, OSError) as error:
        raise RunFolderError(f"{report}: is not a PDF that can be read: {error}") from None


def _embedded_manifest(report: Path, data: bytes) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Digests by path, attachments by name, and digests by name of those that a copy changed.

    Raises:
        RunFolderError: It is not a manifest.
    """
    try:
        content = json.loads(data)
        attached = {str(name): str(path) for name, path in content["attached"].items()}
        changed = {str(name): str(digest) for name, digest in content.get("changed", {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RunFolderError(f"{report}: its embedded {MANIFEST} cannot be read") from None
    return digests_in(data, f"{report}: {MANIFEST}"), attached, changed
