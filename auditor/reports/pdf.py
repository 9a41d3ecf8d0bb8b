"""report.pdf: the same report for print and archive, tagged, with the audit inside."""

from __future__ import annotations

from pathlib import Path

from auditor.records import Audit
from auditor.reports import RenderOptions, Report
from auditor.runs import write_whole

MOST_BYTES = 6_800_000
"""Of figures: with typefaces, tags and attachments that makes a file of eight megabytes at most."""


class Pdf(Report):
    """A4 with contents, bookmarks, page numbers and tags for screen readers: PDF/A-3a and PDF/UA-1.

    audit.json, the spec, waivers, SARIF and a manifest of digests are attached.
    """

    embeds = True

    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        from auditor.languages import Language
        from auditor.reports._archive import VARIANT, archived
        from auditor.reports._attachments import attachments_of
        from auditor.reports._holding import Holder
        from auditor.reports._layout import lay_out, require_fonts, require_weasyprint
        from auditor.reports._merging import opened
        from auditor.reports._pages import page
        from auditor.reports._parts import further_pages, lay_out_parts
        from auditor.reports._translation import told_in
        from auditor.reports._view import view_of
        from auditor.reports._words import moment

        require_weasyprint()
        holder = Holder()
        attached = attachments_of(audit, run)
        finished = moment(audit.finished)
        language = Language.of(options.language)
        told = told_in(audit, language)
        with language.spoken():
            view = view_of(told, run, holder.embed, images=options.images, most_bytes=MOST_BYTES, chunk=options.chunk)
            if further := further_pages(view, options, holder):
                whole = lay_out_parts(view, further, options, holder, finished)
            else:
                html = page(view, options, holder.embed, media="print")
                require_fonts(html)
                whole = opened(lay_out(html, holder.used_in(html), finished, VARIANT))
        with whole:
            data = archived(whole.pdf, attached, finished)
        file = run / "report.pdf"
        write_whole(file, data)
        return [file]
