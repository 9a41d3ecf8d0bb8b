"""report.pdf: the same report for print and archive, tagged, with the audit inside."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.records import Audit
from auditor.reports import RenderOptions, Report
from auditor.runs import write_whole

if TYPE_CHECKING:
    from auditor.reports._attachments import Attachment
    from auditor.reports._fitting import Reduction
    from auditor.reports._holding import Holder
    from auditor.reports._view import ReportView

ORDINARY_BYTES = 8_000_000
"""Of a report of an ordinary sample, whatever its figures weigh."""
TYPEFACES = 150_000
"""Bytes of what every report embeds: typefaces and a colour profile."""


class Pdf(Report):
    """A4 with contents, bookmarks, page numbers and tags for screen readers: PDF/A-3a and PDF/UA-1.

    audit.json, the spec, waivers, SARIF and a manifest of digests are attached.
    """

    embeds = True

    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        from auditor.languages import Language
        from auditor.reports._attachments import attachments_of
        from auditor.reports._fitting import fitted, limit_of
        from auditor.reports._layout import require_weasyprint
        from auditor.reports._translation import told_in

        require_weasyprint()
        attached = attachments_of(audit, run, options.originals)
        language = Language.of(options.language)
        told = told_in(audit, language)

        def draft(reduction: Reduction) -> _Draft:
            return _draft(told, run, options, reduction, attached)

        limit = limit_of(options.max_size, ORDINARY_BYTES, len(audit.images))
        beside = TYPEFACES + sum(len(zlib.compress(item.data)) for item in attached)
        file = run / "report.pdf"
        with language.spoken():
            data = fitted(file.name, draft, limit, beside=beside)
        write_whole(file, data)
        return [file]


@dataclass(frozen=True, slots=True)
class _Draft:
    """The pages before they are laid out.

    Attributes:
        html: The report, without what `further` prints.
    """

    audit: Audit
    options: RenderOptions
    view: ReportView
    holder: Holder
    html: str
    further: list[str]
    attached: tuple[Attachment, ...]

    @property
    def weight(self) -> int:
        """Pictures pass into the file as they are, each once."""
        held = self.holder.used_in("".join([self.html, *self.further]))
        return sum(len(data) for data, kind in held.values() if kind in ("image/jpeg", "image/png"))

    def finish(self) -> bytes:
        from auditor.reports._archive import VARIANT, archived
        from auditor.reports._layout import lay_out, require_fonts, without_collection
        from auditor.reports._margins import silence_margins
        from auditor.reports._merging import opened
        from auditor.reports._parts import lay_out_parts
        from auditor.reports._words import moment

        finished = moment(self.audit.finished)
        with without_collection():
            if self.further:
                whole = lay_out_parts(self.view, self.further, self.options, self.holder, finished)
            else:
                require_fonts(self.html)
                whole = opened(lay_out(self.html, self.holder.used_in(self.html), finished, VARIANT))
                silence_margins(whole.pdf)
            with whole:
                return archived(whole.pdf, self.attached, finished)


def _draft(
    audit: Audit, run: Path, options: RenderOptions, reduction: Reduction, attached: tuple[Attachment, ...]
) -> _Draft:
    from auditor.reports._holding import Holder
    from auditor.reports._pages import page
    from auditor.reports._parts import further_pages
    from auditor.reports._view import view_of

    holder = Holder()
    view = view_of(
        audit,
        run,
        holder.embed,
        images=options.images,
        thumbnails=options.thumbnails,
        reduction=reduction,
        chunk=options.chunk,
    )
    further = further_pages(view, options, holder)
    return _Draft(audit, options, view, holder, page(view, options, holder.embed, media="print"), further, attached)
