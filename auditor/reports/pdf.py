"""report.pdf: the same report for print and archive, tagged, with the audit inside."""

from __future__ import annotations

import gc
import logging
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from auditor.errors import RenderError, SystemPackageError
from auditor.records import Audit
from auditor.reports import RenderOptions, Report
from auditor.runs import write_whole

SCRIPTS = (("Chinese", "\u4e00-\u9fff"), ("Japanese", "\u3040-\u30ff"), ("Korean", "\uac00-\ud7af"))
"""Scripts beyond the bundled typefaces that class names are often written in, as ranges of characters."""
MOST_BYTES = 6_800_000
"""Of figures: with typefaces, tags and attachments that makes a file of eight megabytes at most."""


class Pdf(Report):
    """A4 with contents, bookmarks, page numbers and tags for screen readers; audit.json and the spec are attached."""

    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        weasyprint = _weasyprint()
        from auditor.reports._fetching import ClosedFetcher
        from auditor.reports._pages import page
        from auditor.reports._pictures import read_inside
        from auditor.reports._view import view_of
        from auditor.reports._words import moment

        fetcher = ClosedFetcher()
        view = view_of(audit, run, fetcher.embed, images=options.images, most_bytes=MOST_BYTES)
        html = page(view, options, fetcher.embed, media="print")
        _require_fonts(html)
        finished = moment(audit.finished)
        attached = (
            ("audit.json", audit.to_json().encode("utf-8"), "The audit that this report shows", "Data"),
            (Path(audit.spec_file).name, read_inside(run, audit.spec_file), "The spec as it was read", "Source"),
        )
        attachments = [
            weasyprint.Attachment(
                string=data, name=name, description=words, relationship=relationship, created=finished,
                modified=finished, url_fetcher=fetcher,
            )
            for name, data, words, relationship in attached
        ]  # fmt: skip
        with _errors_fail(), _without_collection():
            document = weasyprint.HTML(string=html, base_url=fetcher.base, url_fetcher=fetcher)
            data = document.write_pdf(
                attachments=attachments, pdf_variant="pdf/ua-1", pdf_identifier=audit.report_id.encode("utf-8")
            )
        file = run / "report.pdf"
        write_whole(file, data)
        return [file]


def pdf_of(html: str) -> bytes:
    """A page that holds all it shows, for print.

    Raises:
        RenderError: It could not be rendered completely.
        SystemPackageError: Pango is missing, or a font for its letters.
    """
    weasyprint = _weasyprint()
    from weasyprint.urls import URLFetcher

    _require_fonts(html)
    with _errors_fail(), _without_collection():
        document = weasyprint.HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=("data",)))
        data: bytes = document.write_pdf(pdf_variant="pdf/ua-1")
    return data


def _weasyprint() -> ModuleType:
    """WeasyPrint, which needs Pango.

    Raises:
        SystemPackageError: Pango is missing; names the Debian packages.
    """
    try:
        import weasyprint
    except OSError as error:
        raise SystemPackageError(
            f"PDF needs the Pango library, which this system lacks ({error}); on Debian or Ubuntu: "
            "apt-get install libpango-1.0-0 libpangoft2-1.0-0. HTML and the other formats work without it."
        ) from error
    return weasyprint  # type: ignore[no-any-return]


def _require_fonts(html: str) -> None:
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
def _errors_fail() -> Iterator[None]:
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
def _without_collection() -> Iterator[None]:
    """Layout makes millions of objects and no garbage: collecting meanwhile costs an eighth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
