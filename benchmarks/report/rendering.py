"""Renders one run folder in one format and prints what it took: python -m benchmarks.report.rendering WHAT RUN CHUNK.

In a process of its own, so that memory and CPU time are those of this work alone.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

A4 = (8.27, 11.69)
ROWS_A_PAGE = 45
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def main(what: str, run: Path, chunk: int) -> None:
    """Render, and print CPU seconds, peak MiB of the largest process, pages and bytes as JSON."""
    works: dict[str, Callable[[Path], Path]] = {
        "pdf": partial(_pdf, chunk=chunk),
        "html": _html,
        "matplotlib": _matplotlib,
        "chromium": _chromium,
    }
    work = works[what]
    before = _seconds()
    file = work(run)
    usage = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    taken = {
        "cpu": _seconds() - before,
        "peak_mib": max(one.ru_maxrss for one in usage) / 1024,
        "bytes": file.stat().st_size,
        "pages": _pages(file) if file.suffix == ".pdf" else 0,
    }
    print(json.dumps(taken))


def browser() -> str | None:
    """Where Chromium is; None where it is not installed."""
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


def _seconds() -> float:
    usage = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in usage)


def _pages(file: Path) -> int:
    import pikepdf

    with pikepdf.open(file) as pdf:
        return len(pdf.pages)


def _pdf(run: Path, *, chunk: int) -> Path:
    from auditor.reports import RenderOptions
    from auditor.reports.pdf import Pdf
    from auditor.runs import load_audit

    return Pdf().write(load_audit(run), run, RenderOptions(chunk=chunk))[0]


def _html(run: Path) -> Path:
    from auditor.reports import RenderOptions
    from auditor.reports.html import Html
    from auditor.runs import load_audit

    return Html().write(load_audit(run), run, RenderOptions())[0]


def _matplotlib(run: Path) -> Path:
    """The same pictures with their captions, a page each, then the same rows of images; no tags, no links."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.image
    from matplotlib import pyplot
    from matplotlib.backends.backend_pdf import PdfPages

    from auditor.runs import load_audit

    audit = load_audit(run)
    file = run / "matplotlib.pdf"
    with PdfPages(file) as pages:

        def page(draw: Callable[[], object]) -> None:
            figure = pyplot.figure(figsize=A4)
            draw()
            pages.savefig(figure)
            pyplot.close(figure)

        for picture in audit.figures.values():
            pixels = matplotlib.image.imread(run / picture.path)

            def shown(pixels: Any = pixels, words: str = picture.caption) -> None:
                axes = pyplot.gca()
                axes.imshow(pixels)
                axes.set_axis_off()
                pyplot.figtext(0.1, 0.05, "\n".join(textwrap.wrap(words, 100)), fontsize=7)

            page(shown)
        rows = [f"{image.image}   {image.label}   {image.predicted}   {image.score:.2f}" for image in audit.images]
        rows += [f"{check.id}   {check.verdict.value}   {check.sentence}" for check in audit.checks]
        for start in range(0, len(rows), ROWS_A_PAGE):
            lines = "\n".join(rows[start : start + ROWS_A_PAGE])
            page(partial(pyplot.figtext, 0.1, 0.1, lines, fontsize=8, family="monospace"))
    return file


def _chromium(run: Path) -> Path:
    """The HTML report printed by the browser; no PDF/A, no outline, no attachments."""
    program = browser()
    assert program is not None, "Chromium is not installed"
    file = run / "chromium.pdf"
    command: Sequence[str] = (
        program, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
        f"--user-data-dir={run / '.chromium'}", f"--print-to-pdf={file}", (run / "report.html").resolve().as_uri(),
    )  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    return file


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
