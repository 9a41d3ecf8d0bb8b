"""An audit in a notebook's cell: the verdict, what matters, and each finding with its picture."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from auditor.languages import Language
from auditor.records import Audit, Picture
from auditor.reports import RenderOptions
from auditor.reports._findings import finding_views
from auditor.reports._fitting import Reduction
from auditor.reports._pages import render_page
from auditor.reports._pictures import Pictures
from auditor.reports._pixels import scale_for
from auditor.reports._standing import changed
from auditor.reports._summary import summarise
from auditor.reports._templates import made_in
from auditor.reports._translation import told_in
from auditor.reports._words import plain, short

MOST_BYTES = 1_500_000
"""Of pictures: a notebook keeps what a cell shows."""
MOST_FINDINGS = 6
TEMPLATE = "notebook.html.j2"


def fragment(audit: Audit, run: Path) -> str:
    """HTML for a cell; without pictures where the run folder is gone.

    Raises:
        RenderError: A figure is broken.
    """
    if not (run / "figures").is_dir():
        checks = tuple(check.model_copy(update={"figures": ()}) for check in audit.checks)
        audit = audit.model_copy(update={"checks": checks, "figures": {}, "summary_figures": ()})
    language = Language.of(made_in(audit))
    audit = told_in(audit, language)
    shown = audit.model_copy(update={"figures": _shown(audit)})
    fitting = Reduction(scale=scale_for(shown.figures, run, MOST_BYTES))
    pictures = Pictures(shown, run, _data_address, images=True, reduction=fitting)
    with language.spoken():
        return _cell(audit, shown, run, pictures)


def _cell(audit: Audit, shown: Audit, run: Path, pictures: Pictures) -> str:
    context = {
        "media": "notebook",
        "summary": summarise(audit, changed(audit)),
        "title": plain(audit.title),
        "model": short(" ".join(filter(None, (audit.model.name, audit.model.version))), 80),
        "findings": finding_views(shown, pictures)[:MOST_FINDINGS],
        "charts": pictures.figures(shown.summary_figures[:1]),
        "left_out": max(0, len(audit.findings) - MOST_FINDINGS),
        "folder": str(run),
    }
    return render_page(TEMPLATE, context, RenderOptions(), _data_address, media="notebook", brand=None)


def _shown(audit: Audit) -> dict[str, Picture]:
    """The figures of findings and the causal map: only they are shown, so only they share the bytes."""
    named = {path for check in audit.findings for path in check.figures} | set(audit.summary_figures[:1])
    return {path: picture for path, picture in audit.figures.items() if path in named}


def _data_address(name: str, data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"
