"""A report of more images than one process should lay out: parts in child processes, then one file.

WeasyPrint keeps about a megabyte for every image until its process ends. So the report proper, up to the first group
of images, is one part, and each further group is another. Each is laid out once, without running header; when the
number of pages is known, headers and page numbers are laid out by themselves and put over all pages.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from multiprocessing import get_context

from auditor.errors import RenderError
from auditor.reports import RenderOptions
from auditor.reports._archive import VARIANT
from auditor.reports._holding import Holder
from auditor.reports._layout import Laid, lay_out, require_fonts
from auditor.reports._merging import Merged, merged
from auditor.reports._pages import PAGE, render_page
from auditor.reports._view import ReportView

FURTHER = "images.html.j2"
RUNNING = "running.html.j2"
MOST_PROCESSES = 4
_NAME = re.compile(r'\bid="([^"]+)"')
_LINK = re.compile(r'\bhref="#([^"]+)"')
_CONTENTS = re.compile(r"<nav\b.*?</nav>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """One page of HTML, and the anchors that it links to and other parts hold."""

    html: str
    elsewhere: tuple[str, ...]


def further_pages(view: ReportView, options: RenderOptions, holder: Holder) -> list[str]:
    """What the template prints behind the report for further groups of images; a template may print nothing."""
    pages = []
    for group in view.annex.groups[1:]:
        context = {"report": view, "media": "print", "group": group}
        pages.append(render_page(FURTHER, context, options, holder.embed, media="part", brand=view.brand))
    return [page for page in pages if page.strip()]


def lay_out_parts(
    view: ReportView, further: Sequence[str], options: RenderOptions, holder: Holder, finished: datetime
) -> Merged:
    """The whole report from parts.

    Args:
        further: What `further_pages` gave.

    Raises:
        RenderError: A part could not be rendered completely, or the contents name an anchor behind the first part.
        SystemPackageError: Pango is missing, or a font.
    """
    context = {"report": view, "media": "print"}
    brand = view.brand
    pages = [render_page(PAGE, context, options, holder.embed, media="part", brand=brand), *further]
    for html in pages:
        require_fonts(html)
    parts = linked(pages)
    laid = _in_processes([part.html for part in parts], holder, finished, VARIANT)
    numbers = {**context, "pages": sum(part.pages for part in laid)}
    running = render_page(RUNNING, numbers, options, holder.embed, media="print", brand=brand)
    header = lay_out(running, holder.used_in(running), finished, None)  # small: not worth a process of its own
    return merged(laid, [frozenset(part.elsewhere) for part in parts], header.data)


def linked(pages: Sequence[str]) -> list[Part]:
    """Parts whose links to one another hold: each names, at its end, the anchors that lie in other parts.

    Raises:
        RenderError: The contents would print the page of such an anchor, which is not known yet.
    """
    names = [set(_NAME.findall(html)) for html in pages]
    everywhere = set().union(*names)
    parts = []
    for html, own in zip(pages, names, strict=True):
        elsewhere = tuple(dict.fromkeys(n for n in _LINK.findall(html) if n in everywhere and n not in own))
        printed = {name for contents in _CONTENTS.findall(html) for name in _LINK.findall(contents)}
        if unknown := sorted(printed.intersection(elsewhere)):
            raise RenderError(
                f"the contents name #{unknown[0]}, which lies among the images behind the report; "
                "name an anchor of report.html.j2 instead"
            )
        anchors = "".join(f'<div id="{name}"></div>' for name in elsewhere)
        parts.append(Part(html.replace("</main>", f"{anchors}</main>", 1), elsewhere))
    return parts


def _in_processes(pages: Sequence[str], holder: Holder, finished: datetime, variant: str | None) -> list[Laid]:
    """Each page in a process of its own, which ends with it: memory that layout took is given back only then."""
    workers = max(1, min(len(pages), os.cpu_count() or 1, MOST_PROCESSES))
    held = [holder.used_in(html) for html in pages]
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
            # a function of `_layout`, which loads little: each process begins from nothing
            return list(pool.map(lay_out, pages, held, repeat(finished), repeat(variant)))
    except BrokenProcessPool as error:
        raise RenderError(
            "report.pdf was not written: a process that lays out images was ended from outside; is memory short?"
        ) from error
