"""What can be sent of a run folder: its reports, each as the manifest knows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from auditor.errors import RunFolderError
from auditor.records import Audit
from auditor.reports._rendering import render_copy
from auditor.reports._templates import as_made
from auditor.runs import MANIFEST, load_audit, sha256_of

KINDS = {
    "report.pdf": "application/pdf",
    "report.html": "text/html",
    "summary.md": "text/markdown",
    "audit.json": "application/json",
    "audit.sarif": "application/sarif+json",
    "upload.sarif": "application/sarif+json",
    "junit.xml": "application/xml",
    "attestation.json": "application/vnd.in-toto+json",
}
"""What is published where it is there, in the order of a list for people, and its media type."""
WITH_PICTURES = ("report.pdf", "report.html")
FORMATS = {
    "summary.md": "markdown",
    "audit.sarif": "sarif",
    "upload.sarif": "sarif",
    "junit.xml": "junit",
    "attestation.json": "attestation",
}
"""File → report format, where the ending does not say it."""
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".npz", ".npy", ".zip")


@dataclass(frozen=True, slots=True)
class Parcel:
    """One file as it would be sent."""

    name: str
    path: Path
    media_type: str
    sha256: str
    size: int
    pictures: bool

    @property
    def size_words(self) -> str:
        """'2.4 MB'."""
        return f"{self.size / 1e6:.1f} MB" if self.size >= 1e5 else f"{self.size / 1e3:.1f} kB"


@dataclass(frozen=True, slots=True)
class Parcels:
    """An audit and its files.

    Attributes:
        folder: The run folder that was named.
        files: What is there to be sent.
        left_out: What is not sent although it is there, and why; a sentence each.
        images: Whether pictures of the sample are among the files.
    """

    audit: Audit
    folder: Path
    files: tuple[Parcel, ...]
    left_out: tuple[str, ...]
    images: bool

    def file(self, name: str) -> Parcel | None:
        """The file of that name, or None."""
        return next((one for one in self.files if one.name == name), None)

    def text(self, name: str) -> str | None:
        """What the file of that name says, or None where there is none."""
        file = self.file(name)
        return None if file is None else file.path.read_text(encoding="utf-8")

    def chosen(self, names: tuple[str, ...]) -> list[Parcel]:
        """Those of `names` that are there, in that order."""
        return [file for file in map(self.file, names) if file is not None]

    def absent(self, names: tuple[str, ...]) -> list[str]:
        """What of `names` is not sent, why, and how to get it; a sentence each."""
        unknown = [name for name in names if name not in KINDS]
        lines = [f"{name} is not among what is published: {', '.join(KINDS)}" for name in unknown]
        for name in names:
            said = [line for line in self.left_out if line.startswith(name)]
            if self.file(name) is None and name in KINDS:
                fix = f"`auditor render {self.folder} -f {FORMATS.get(name, name.rpartition('.')[2])}` writes it"
                lines += said or [f"{name} is not in the run folder; {fix}"]
        return lines


@contextmanager
def parcels_of(run: Path, *, images: bool) -> Iterator[Parcels]:
    """Read a finished run folder; without `images`, all is rendered again elsewhere, without pictures and their names.

    Raises:
        RunFolderError: Not a finished run, or a file is not what the manifest says.
        RenderError: The reports without pictures could not be rendered.
    """
    audit = load_audit(run)
    known = json.loads((run / MANIFEST).read_text(encoding="utf-8"))["files"]
    names = [name for name in KINDS if name in known]
    for name in names:
        if not (run / name).is_file() or sha256_of(run / name) != known[name]:
            raise RunFolderError(
                f"{run / name}: is not the file that {MANIFEST} knows; nothing was published. "
                "`auditor render` writes it anew"
            )
    if images:
        files = tuple(_parcel(run, name, name in WITH_PICTURES) for name in names)
        yield Parcels(audit, run, files, (), images=True)
        return
    with TemporaryDirectory(prefix="auditor-publish-") as temporary:
        copy = Path(temporary)
        formats = {FORMATS.get(name, name.rpartition(".")[2]): name for name in names}
        shown, _ = render_copy(audit, run, list(formats), as_made(audit, images=False), copy)
        kept: list[Parcel] = []
        left_out: list[str] = []
        for name in names:
            if name == "report.pdf" and (inside := _pictures_inside(copy / name)):
                left_out.append(f"{name} was left out: without its pictures it still carries {inside[0]}")
                continue
            kept.append(_parcel(copy, name, False))
        yield Parcels(shown, run, tuple(kept), tuple(left_out), images=False)


def _parcel(folder: Path, name: str, pictures: bool) -> Parcel:
    path = folder / name
    return Parcel(name, path, KINDS[name], sha256_of(path), path.stat().st_size, pictures)


def _pictures_inside(pdf: Path) -> list[str]:
    """Embedded files of a PDF that hold pictures of the sample, or could."""
    import pikepdf

    with pikepdf.open(pdf) as document:
        return [name for name in document.attachments if name.lower().endswith(PICTURE_ENDINGS)]
