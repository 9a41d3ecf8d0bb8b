"""Builds the made-up audit and renders it for looking at: python -m tests.reports.preview OUT [images] [hostile]."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

from auditor.reports import RenderOptions
from auditor.reports.html import Html
from auditor.reports.json import Json
from auditor.reports.pdf import Pdf
from tests.reports.sample_audit import build


def main(folder: Path, images: int, hostile: bool) -> None:
    """Write the run and its reports, and print what each took."""
    audit = build(folder, images=images, hostile=hostile)
    for report in (Json(), Html(), Pdf()):
        started = perf_counter()
        for file in report.write(audit, folder, RenderOptions()):
            print(f"{file}  {file.stat().st_size / 1e6:.2f} MB  {perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 24, "hostile" in sys.argv)
