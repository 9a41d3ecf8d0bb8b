"""What a report costs to render and how large it is, beside matplotlib and Chromium.

    python -m benchmarks.report --json report.json
    python -m benchmarks.report --images 10 --many 20 --chunk 10 --runs 1      a quick look

Every rendering runs in a process of its own; CPU seconds are those of all its processes, memory is that of the largest.
The pictures are made up: smooth noise with grain, in the sizes and numbers of an audit with six methods.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from auditor.reports import RenderOptions
from benchmarks.report import encoding
from benchmarks.report.made_up import MadeUp
from benchmarks.report.rendering import browser
from benchmarks.report.rows import Row, as_records, table

MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Taken:
    """What one rendering took."""

    cpu: float
    peak_mib: float
    bytes: int
    pages: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, write JSON where asked."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        rows = measured(Path(folder), options.images, options.many, options.chunk, options.runs)
    print(table(rows))
    if options.json is not None:
        machine = _machine()
        records = [{**record, "machine": machine} for record in as_records(rows)]
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measured(folder: Path, images: int, many: int, chunk: int, runs: int) -> list[Row]:
    """Every figure.

    Args:
        images: Of the report that is rendered in one process.
        many: Of the one that is rendered in several.
        chunk: Images that one process lays out.
    """
    run = _finished(folder / "one", images)
    html = [_rendered("html", run, chunk) for _ in range(runs)]  # first: Chromium prints it
    pdf = [_rendered("pdf", run, chunk) for _ in range(runs)]
    theirs = [_rendered("matplotlib", run, chunk) for _ in range(runs)]
    printed = [_rendered("chromium", run, chunk) for _ in range(runs)] if browser() else []
    large = _finished(folder / "many", many)
    parts = [_rendered("pdf", large, chunk) for _ in range(runs)]
    peers = {"matplotlib": theirs, "Chromium": printed}
    what = f"{images} images, {pdf[0].pages} pages"

    def rates(taken: Sequence[Taken]) -> list[float]:
        return [one.pages / one.cpu for one in taken]

    def beside(figure: str, divisor: float = 1.0) -> dict[str, float | None]:
        return {
            name: median(getattr(one, figure) / divisor for one in taken) if taken else None
            for name, taken in peers.items()
        }

    def row(name: str, unit: str, values: Sequence[float], target: float | None, **more: object) -> Row:
        return Row(name, unit, median(values), target, values=tuple(values), **{"at_least": False, **more})  # type: ignore[arg-type]

    speed = {name: median(rates(taken)) if taken else None for name, taken in peers.items()}
    encoded = [encoding.ours() for _ in range(runs)]
    slow = {"matplotlib": median(encoding.matplotlibs() for _ in range(runs))}
    untagged = "matplotlib: no tags, links or attachments; Chromium: no PDF/A, no attachments"
    return [
        row("pages of PDF/A-3a and PDF/UA-1", "pages a CPU second", rates(pdf), 9, at_least=True, peers=speed,
            notes=(what, untagged)),
        row("the same in parts", "pages a CPU second", rates(parts), 9, at_least=True,
            notes=(f"{many} images, {parts[0].pages} pages",)),
        row("memory of the largest process, PDF", "MiB", [one.peak_mib for one in pdf], 450, peers=beside("peak_mib"),
            notes=(what,)),
        row("memory of the largest process, PDF in parts", "MiB", [one.peak_mib for one in parts], 450,
            notes=(f"{many} images",)),
        row("PDF, an image", "MB", [one.bytes / MEGABYTE / images for one in pdf], 0.055,
            peers=beside("bytes", MEGABYTE * images), notes=(what,)),
        row("HTML, an image", "MB", [one.bytes / MEGABYTE / images for one in html], 0.07, notes=(what,)),
        row("PDF", "MB", [one.bytes / MEGABYTE for one in pdf], 8, peers=beside("bytes", MEGABYTE), notes=(what,)),
        row("HTML", "MB", [one.bytes / MEGABYTE for one in html], 10, notes=(what,)),
        row("HTML, rendering", "CPU seconds", [one.cpu for one in html], None, notes=(what,)),
        row("photo, map, overlay encoded", "samples a core second", encoded, 500, at_least=True, peers=slow,
            notes=("224 pixels, one JPEG a sample",)),
    ]  # fmt: skip


def _finished(path: Path, images: int) -> Path:
    made = MadeUp(path, images)
    made.write()
    made.folder.finish()
    return path


def _rendered(what: str, run: Path, chunk: int) -> Taken:
    print(f"{what} of {run.name}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks.report.rendering", what, str(run), str(chunk)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Taken(**json.loads(done.stdout.splitlines()[-1]))


def _machine() -> dict[str, str]:
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{package: version(package) for package in ("weasyprint", "pikepdf", "matplotlib")},
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--images", type=int, default=128, help="in the report that one process renders")
    parser.add_argument("--many", type=int, default=600, help="in the report that is rendered in parts")
    parser.add_argument("--chunk", type=int, default=RenderOptions().chunk, help="images that one process lays out")
    parser.add_argument("--runs", type=int, default=3, help="renderings of each kind; figures are medians")
    return parser


if __name__ == "__main__":
    main()
