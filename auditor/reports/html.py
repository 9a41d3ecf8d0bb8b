"""report.html: one file that opens anywhere and reaches for nothing."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from auditor.records import Audit
from auditor.reports import RenderOptions, Report
from auditor.runs import write_whole

MOST_BYTES = 6_600_000
"""Of figures and gallery: four thirds of it, as text, leave room for the rest in a page of ten megabytes."""
GALLERY_BYTES = 3_600_000
"""Of pictures and maps of an ordinary sample: 20 methods at four layers each on 128 pictures fit."""


class Html(Report):
    """One self-contained page: pictures, typefaces and one script inside, nothing fetched; light, dark and on paper."""

    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        from auditor.languages import Language
        from auditor.reports._pages import page
        from auditor.reports._translation import told_in
        from auditor.reports._view import view_of

        language = Language.of(options.language)
        told = told_in(audit, language)
        with language.spoken():
            view = view_of(
                told, run, _data_address, images=options.images, most_bytes=MOST_BYTES, gallery_bytes=GALLERY_BYTES
            )
            html = page(view, options, _data_address, media="screen")
        file = run / "report.html"
        write_whole(file, html.encode("utf-8"))
        return [file]


def _data_address(name: str, data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"
