"""report.html: one file that opens anywhere and reaches for nothing."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.records import Audit
from auditor.reports import RenderOptions, Report
from auditor.runs import write_whole

if TYPE_CHECKING:
    from auditor.reports._fitting import Reduction

ORDINARY_BYTES = 10_000_000
"""Of a report of an ordinary sample, whatever its figures weigh."""
GALLERY_BYTES = 3_600_000
"""Of pictures and maps of an ordinary sample: 20 methods at four layers each on 128 pictures fit."""


class Html(Report):
    """One self-contained page: pictures, typefaces and one script inside, nothing fetched; light, dark and on paper."""

    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        from auditor.languages import Language
        from auditor.reports._fitting import fitted, limit_of
        from auditor.reports._translation import told_in

        language = Language.of(options.language)
        told = told_in(audit, language)

        def draft(reduction: Reduction) -> _Page:
            return _Page(_page(told, run, options, reduction))

        limit = limit_of(options.max_size, ORDINARY_BYTES, len(audit.images))
        file = run / "report.html"
        with language.spoken():
            data = fitted(file.name, draft, limit)
        write_whole(file, data)
        return [file]


@dataclass(frozen=True, slots=True)
class _Page:
    """Written already: nothing has to be laid out to know what it weighs."""

    data: bytes

    @property
    def weight(self) -> int:
        return len(self.data)

    def finish(self) -> bytes:
        return self.data


def _page(audit: Audit, run: Path, options: RenderOptions, reduction: Reduction) -> bytes:
    from auditor.reports._pages import page
    from auditor.reports._view import view_of

    view = view_of(
        audit,
        run,
        _data_address,
        images=options.images,
        thumbnails=options.thumbnails,
        reduction=reduction,
        gallery_bytes=GALLERY_BYTES,
    )
    return page(view, options, _data_address, media="screen").encode("utf-8")


def _data_address(name: str, data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"
