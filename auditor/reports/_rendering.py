"""A finished run in further formats, in its folder or as a copy elsewhere.

In its folder the manifest is taken away first and written last. A copy without pictures of the sample has no file name
of a picture either, in any of its formats or in what they embed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from auditor import registry
from auditor.errors import PartError
from auditor.records import Audit
from auditor.reports import RenderOptions, Report
from auditor.runs import MANIFEST, RunFolder, write_whole

READ_TEXTS = ("waivers.yaml", "baseline.json")
"""What a run folder keeps beside its spec, as it was read."""
RENDERED = ("report.*", "*.sarif", "*.md", "*.xml", "*.csv", "*.parquet", "attestation.json", "log.txt", MANIFEST)
"""What a copy is rendered without: it is made anew, or not at all."""
COPY = "no-images"
"""Folder in the run folder for a copy without pictures."""


def render(audit: Audit, run: Path, formats: Sequence[str], options: RenderOptions) -> list[Path]:
    """Write the formats into the run folder, those that embed others last; returns the files.

    Raises:
        PartError: No such format.
        RenderError: A format could not be rendered completely.
    """
    parts = sorted((_report(name) for name in formats), key=lambda part: part.embeds)
    folder = RunFolder(run)
    written: list[Path] = []
    before = folder.unfinish()
    try:
        for part in parts:
            written += part.write(audit, run, options)
    finally:
        fresh = {path.relative_to(run).as_posix() for path in written}
        folder.finish(keeping={name: digest for name, digest in before.items() if name not in fresh})
    return written


def render_copy(
    audit: Audit, run: Path, formats: Sequence[str], options: RenderOptions, folder: Path
) -> tuple[Audit, list[Path]]:
    """Write the formats into another folder and leave the run's own files as they are.

    Args:
        folder: Where they go; made where it is missing.

    Returns:
        The audit as the copy shows it, and its files.

    Raises:
        PartError: No such format.
        RenderError: A format could not be rendered completely; then the folder gets none.
    """
    parts = sorted((_report(name) for name in formats), key=lambda part: part.embeds)
    with TemporaryDirectory(prefix="auditor-copy-") as temporary:
        copy = Path(temporary) / "run"
        # links stay links: what leads out of the folder is refused wherever it is read
        shutil.copytree(run, copy, symlinks=True, copy_function=_linked, ignore=partial(_made_anew, run))
        shown = audit
        if not options.images:
            shown, options = _without_names(audit, copy), replace(options, originals=run)
        if any(part.embeds for part in parts) and (run / "audit.sarif").is_file() and "sarif" not in formats:
            _report("sarif").write(shown, copy, options)
        made = [file for part in parts for file in part.write(shown, copy, options)]
        written = []
        for file in made:
            written.append(folder / file.relative_to(copy))
            write_whole(written[-1], file.read_bytes())
    return shown, written


def _without_names(audit: Audit, copy: Path) -> Audit:
    """The audit without names of pictures, and the texts that it rests on."""
    from auditor.reports._nameless import Names
    from auditor.reports._pictures import read_inside

    names = Names(audit, copy)
    for name in (audit.spec_file, *(name for name in READ_TEXTS if (copy / name).is_file())):
        text = read_inside(copy, name).decode("utf-8", errors="surrogateescape")
        if (changed := names.text(text)) != text:
            write_whole(copy / name, changed.encode("utf-8", errors="surrogateescape"))
    return names.audit(audit)


def _made_anew(run: Path, folder: str, names: list[str]) -> set[str]:
    """Of the run folder itself, not of those in it."""
    return shutil.ignore_patterns(*RENDERED, COPY)(folder, names) if Path(folder) == run else set()


def _linked(source: str, copy: str) -> None:
    """A hard link where the file system has them: files are written beside one and moved over it, not into it."""
    try:
        os.link(source, copy)
    except OSError:
        shutil.copy2(source, copy)


def _report(name: str) -> Report:
    part = registry.load("reports", name)()
    if not isinstance(part, Report):
        raise PartError(f"{name} is not a report format")
    return part
