"""How long report.html takes to load in Chromium, at many pictures.

    python -m benchmarks.browser [--pictures 500 2000] [--methods 6] [--layers 2] [--json FILE]

Renders made-up audits with drawn photos and maps, and opens each in a window of its own: seconds from the navigation
to the load event, and to the first maps that are coloured after a jump to the gallery; the median of several visits.
Seconds count on a quiet machine only; the load over the last minute is printed beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import figures
from auditor.records import (
    Audit,
    AuditVerdict,
    Check,
    ImageRecord,
    Measurement,
    ModelRecord,
    SampleRecord,
    Severity,
    Verdict,
    VisualizationRecord,
)
from auditor.reports import RenderOptions
from auditor.reports.html import Html

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TARGETS = {500: 1.5, 2000: 4.5}
"""Pictures → seconds to the load event."""
ROOM = {500: 500 * 70_000, 2000: 2000 * 70_000, 128: 10_000_000}
"""Pictures → bytes of the file at most."""
VISITS = 5
CLASSES = 10
SIDE, CELLS = 160, 28


def build(folder: Path, *, pictures: int, methods: int, layers: int) -> Path:
    """Write a made-up run and render it."""
    random = np.random.default_rng(0)
    (folder / "evidence/pictures").mkdir(parents=True)
    (folder / "evidence/maps").mkdir()
    (folder / "spec.yaml").write_text("version: 1\nname: load\n", encoding="utf-8")
    audit = Audit(
        name="load",
        title="A report of many pictures",
        report_id="AUD-00000000-00000000",
        verdict=AuditVerdict.FAIL,
        exit_code=1,
        started="2026-01-01T00:00:00Z",
        finished="2026-01-01T00:00:00Z",
        spec_sha256="0" * 64,
        model=ModelRecord(
            source="python",
            name="none",
            architecture="none",
            parameters=0,
            sha256_before="0",
            sha256_after="0",
            layers=(),
        ),
        sample=SampleRecord(
            source="drawn", path="", available=pictures, size=pictures, readable=pictures, digest="0", rule="all"
        ),
        checks=tuple(_check(number) for number in range(max(60, pictures // 5))),
        images=tuple(_image(folder, number, random) for number in range(pictures)),
        visualizations=tuple(
            _maps(folder, f"method_{method}", f"layer{layer}", pictures, random)
            for method in range(methods)
            for layer in range(layers)
        ),
    )
    return Html().write(audit, folder, RenderOptions())[0]


def _check(number: int) -> Check:
    found = number < CLASSES
    value = 0.9 - number / 400
    return Check(
        id=f"corner.top-left.class-{number}",
        kind="corner",
        class_name=str(number),
        verdict=Verdict.CONFIRMED if found else Verdict.NO_EVIDENCE,
        severity=Severity.HIGH if found else None,
        measurements=(Measurement(name="follow_rate", value=value, low=value - 0.1, high=value + 0.1, count=64),),
        sentence=f"For class {number}, the model relies on the top-left corner.",
    )


def _image(folder: Path, number: int, random: np.random.Generator) -> ImageRecord:
    """A picture with about the detail, and so the bytes, of a photo."""
    import cv2

    path = f"evidence/pictures/{number + 1:04d}.jpg"
    layers = [cv2.resize(random.random((side, side, 3)), (SIDE, SIDE)) for side in (4, 12, 40, 80)]
    photo = sum(share * layer for share, layer in zip((0.4, 0.3, 0.15, 0.15), layers, strict=True))
    (folder / path).write_bytes(figures.encode_jpeg((np.asarray(photo) * 255).astype(np.uint8)))
    label, predicted = str(number % CLASSES), str(number % CLASSES if number % 9 else 0)
    return ImageRecord(image=f"{label}/{number:05d}.png", label=label, predicted=predicted, score=0.9, thumbnail=path)


def _maps(folder: Path, name: str, layer: str, pictures: int, random: np.random.Generator) -> VisualizationRecord:
    import cv2

    path = f"evidence/maps/{name}@{layer}.npz"
    coarse = random.random((pictures, 7, 7)).astype(np.float32) ** 3
    maps = np.stack([cv2.resize(one, (CELLS, CELLS), interpolation=cv2.INTER_LINEAR) for one in coarse])
    np.savez_compressed(
        folder / path, maps=maps.astype(np.float16), peaks=np.ones(pictures, np.float32), usable=np.ones(pictures, bool)
    )
    return VisualizationRecord(name=name, layer=layer, status="ok", maps=path, images=pictures, trust="passed")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window.

    Raises:
        SystemExit: There is none.
    """
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("no Chromium here; on Debian or Ubuntu: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def visit(browser: Browser, file: Path) -> tuple[float, float]:
    """Seconds to the load event, and from a jump to the gallery to its first coloured map."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(300_000)
    page = context.new_page()
    page.goto(file.as_uri())
    loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd / 1000")
    before = time.perf_counter()
    page.evaluate("document.getElementById('gallery').scrollIntoView({behavior: 'instant'})")
    page.locator(".card canvas[width]").first.wait_for()
    coloured = time.perf_counter() - before
    context.close()
    return float(loaded), coloured


def main() -> None:
    """Print a table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, nargs="+", default=[500, 2000])
    parser.add_argument("--methods", type=int, default=6)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--visits", type=int, default=VISITS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with chromium() as browser:
        for pictures in arguments.pictures:
            with tempfile.TemporaryDirectory() as folder:
                file = build(Path(folder), pictures=pictures, methods=arguments.methods, layers=arguments.layers)
                visits = [visit(browser, file) for _ in range(arguments.visits)]
                size = file.stat().st_size
            row = {
                "pictures": pictures,
                "maps": pictures * arguments.methods * arguments.layers,
                "bytes": size,
                "most_bytes": ROOM.get(pictures),
                "load_seconds": statistics.median(loaded for loaded, _ in visits),
                "load_target": TARGETS.get(pictures),
                "coloured_seconds": statistics.median(coloured for _, coloured in visits),
                "machine_load": os.getloadavg()[0],
            }
            rows.append(row)
            print(
                f"{pictures:6} pictures {row['maps']:7} maps {size / 1e6:6.1f} MB: load {row['load_seconds']:.2f} s "
                f"(target {row['load_target']}), first maps {row['coloured_seconds']:.2f} s; "
                f"machine load {row['machine_load']:.1f}"
            )
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
