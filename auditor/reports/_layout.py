"""One page of HTML to one tagged PDF with WeasyPrint: complete, closed to the world, the same bytes every time."""

from __future__ import annotations

import ctypes.util
import gc
import logging
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType

from auditor.errors import RenderError, SystemPackageError

SCRIPTS = (("Chinese", "\u4e00-\u9fff"), ("Japanese", "\u3040-\u30ff"), ("Korean", "\uac00-\ud7af"))
"""Scripts beyond the bundled typefaces that class names are often written in, as ranges of characters."""
LIBRARIES = {
    "libgobject-2.0-0": "libgobject-2.0.so.0",
    "libpango-1.0-0": "libpango-1.0.so.0",
    "libpangoft2-1.0-0": "libpangoft2-1.0.so.0",
    "libfontconfig-1": "libfontconfig.so.1",
    "libharfbuzz-0": "libharfbuzz.so.0",
    **{
        f"{name}{ending}": f"{name}.so.0" if name.startswith("lib") else f"lib{name}.so.0"
        for name in ("libharfbuzz-subset", "harfbuzz-subset", "libharfbuzz-vector", "harfbuzz-vector")
        for ending in ("", "-0", "-0.0", ".so.0", ".0.dylib", "-0.dll")
    },
}
"""Names that WeasyPrint asks for first (of the last two, which it can do without, all) → names that Linux has."""
POINTS = 0.75
"""PDF points in a CSS pixel."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """One line of the outline.

    Attributes:
        level: 1 for a heading of the first level.
        page: Of this document, from 0.
        x, y: In PDF points from the page's lower left corner.
        opened: Whether viewers show what is under it.
    """

    level: int
    title: str
    page: int
    x: float
    y: float
    opened: bool


@dataclass(frozen=True, slots=True)
class Laid:
    """A laid out document."""

    data: bytes
    pages: int
    bookmarks: tuple[Bookmark, ...]


def lay_out(html: str, held: Mapping[str, tuple[bytes, str]], finished: datetime, variant: str | None) -> Laid:
    """Lay out a page and write it as PDF, neither packed nor with an identifier: it is to be finished yet.

    Args:
        html: Everything it shows lies in it or in `held`.
        held: Address → bytes and media type: all that the page may load.
        finished: Stands for today wherever a date is written.
        variant: As WeasyPrint names it; None for a plain file without tags.

    Raises:
        RenderError: It could not be rendered completely.
        SystemPackageError: Pango is missing.
    """
    weasyprint = require_weasyprint()
    from auditor.reports._fetching import ClosedFetcher

    fetcher = ClosedFetcher(held)
    with errors_fail(), without_collection(), _dated(finished), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # WeasyPrint leaves the file of its colour profile open
        document = weasyprint.HTML(string=html, base_url=fetcher.base, url_fetcher=fetcher).render(pdf_variant=variant)
        # an identifier takes writing everything twice; whoever finishes the file packs it and gives it one
        data: bytes = document.write_pdf(pdf_variant=variant, pdf_identifier=False, uncompressed_pdf=True)
    bookmarks = tuple(
        Bookmark(level, title, number, x * POINTS, (page.height - y) * POINTS, state == "open")
        for number, page in enumerate(document.pages)
        for level, title, (x, y), state in page.bookmarks
    )
    return Laid(data, len(document.pages), bookmarks)


def pdf_of(html: str) -> bytes:
    """A page that holds all it shows, for print.

    Raises:
        RenderError: It could not be rendered completely.
        SystemPackageError: Pango is missing, or a font for its letters.
    """
    weasyprint = require_weasyprint()
    from weasyprint.urls import URLFetcher

    require_fonts(html)
    with errors_fail(), without_collection():
        document = weasyprint.HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=("data",)))
        data: bytes = document.write_pdf(pdf_variant="pdf/ua-1")
    return data


def require_weasyprint() -> ModuleType:
    """WeasyPrint, which needs Pango.

    Raises:
        SystemPackageError: Pango is missing; names the Debian packages.
    """
    try:
        with _libraries_by_name():
            import weasyprint
    except OSError as error:
        raise SystemPackageError(
            f"PDF needs the Pango library, which this system lacks ({error}); on Debian or Ubuntu: "
            "apt-get install libpango-1.0-0 libpangoft2-1.0-0. HTML and the other formats work without it."
        ) from error
    return weasyprint  # type: ignore[no-any-return]


@contextmanager
def _libraries_by_name() -> Iterator[None]:
    """Answers at once under which name Linux has a library; any other question goes the ordinary way.

    WeasyPrint asks for other systems' names first, and Python looks each up with a compiler and a linker: some fifty
    processes before the first page. A library that is not there under its name is looked for as ever.
    """
    search = ctypes.util.find_library
    if sys.platform != "linux" or "weasyprint" in sys.modules:
        yield
        return
    ctypes.util.find_library = lambda name: LIBRARIES.get(name) or search(name)
    try:
        yield
    finally:
        ctypes.util.find_library = search


def require_fonts(html: str) -> None:
    """Class names in scripts that the bundled typefaces lack need a system font, or the page would show empty boxes.

    Raises:
        SystemPackageError: No font here has them; names the Debian package.
    """
    listing = shutil.which("fc-list")
    samples = {script: found.group() for script, found in ((s, re.search(f"[{r}]", html)) for s, r in SCRIPTS) if found}
    for script, letter in samples.items():
        if listing is None:
            return  # fontconfig's own tool is missing: nothing can be asked, and Pango brings it on Debian
        command = [listing, f":charset={ord(letter):x}", "family"]
        if not subprocess.run(command, capture_output=True, check=False, timeout=60).stdout.strip():
            raise SystemPackageError(
                f"the report holds {script} characters ({letter}) and no font here has them; on Debian or Ubuntu: "
                "apt-get install fonts-noto-cjk. HTML and the other formats work without it."
            )


@contextmanager
def errors_fail() -> Iterator[None]:
    """Whatever WeasyPrint logs as an error is a failed build: it would go on with a hole in the page.

    Raises:
        RenderError: With all that was logged.
    """
    errors: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            errors.append(record.getMessage())

    collector = Collector(logging.ERROR)
    logger = logging.getLogger("weasyprint")
    logger.addHandler(collector)
    try:
        yield
    finally:
        logger.removeHandler(collector)
    if errors:
        raise RenderError("report.pdf was not written: " + "; ".join(dict.fromkeys(errors)))


@contextmanager
def without_collection() -> Iterator[None]:
    """Layout makes millions of objects and no garbage: collecting meanwhile costs an eighth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _dated(finished: datetime) -> Iterator[None]:
    """Fonts of the system are embedded with the date of their subset, which this variable fixes.

    Source: https://reproducible-builds.org/specs/source-date-epoch/
    """
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(int(finished.timestamp()))
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before
