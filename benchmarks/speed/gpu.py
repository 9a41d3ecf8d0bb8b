"""What only a GPU can show: milliseconds an image at two batch sizes, and how busy an audit keeps it."""

from __future__ import annotations

import statistics
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import torch

from auditor.pipeline import RunRequest, run
from auditor.plan import make_plan
from auditor.visualizers.grad_cam import GradCam
from benchmarks.speed.audits import write_spec
from benchmarks.speed.bench import make_bench
from benchmarks.speed.cams import maps_of
from benchmarks.speed.rows import Row
from benchmarks.speed.timing import median_interval, seconds

__all__ = ["gpu"]

MODEL, SIDE = "resnet50", 512
BATCHES = (1, 32)
IMAGES = 64
NAIVE, OPTIMISED = 342.0, 58.0
"""Milliseconds of an RTX 3090 for batch 1, written plainly and optimised."""
INTERVAL = 0.05
"""Seconds between two looks at the GPU."""


def gpu(device: torch.device) -> Iterator[Row]:
    """Nothing without a GPU but rows that say so."""
    absent = None if device.type == "cuda" else "no GPU here"
    for batch in BATCHES:
        name, unit = f"one Grad-CAM, {SIDE} px, batch of {batch}", "ms an image"
        target = OPTIMISED if batch == 1 else None
        if absent is not None:
            yield Row(name, MODEL, unit, None, target, notes=(absent,))
            continue
        yield _milliseconds(name, unit, batch, target, device)
    name, unit = "GPU busy during a standard audit", "share of the time"
    if absent is not None:
        yield Row(name, MODEL, unit, None, notes=(absent,))
        return
    yield Row(
        name, MODEL, unit, _busy(device), runs=1, notes=("mean of nvidia-smi's utilisation, looked at all along",)
    )


def _milliseconds(name: str, unit: str, batch: int, target: float | None, device: torch.device) -> Row:
    bench = make_bench(MODEL, device, count=IMAGES, side=SIDE)
    work = maps_of(bench, [GradCam()], bench.layers[-1:], IMAGES, chunk=batch)
    work()
    found = median_interval([1000 * seconds(work, device) / IMAGES for _ in range(5)])
    notes = (f"{IMAGES} images; an RTX 3090 takes {NAIVE:.0f} ms plainly, {OPTIMISED:.0f} ms optimised, at batch 1",)
    return Row(name, MODEL, unit, found.value, target, found.low, found.high, found.runs, notes=notes)


def _busy(device: torch.device) -> float:
    """Mean share of the time that a kernel ran."""
    looks: list[float] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(INTERVAL):
            looks.append(torch.cuda.utilization(device) / 100)

    with tempfile.TemporaryDirectory() as folder:
        write_spec(Path(folder), dict.fromkeys(("maps", "metrics", "probes"), "standard"), model=MODEL, side=224)
        plan = make_plan(Path(folder) / "spec.yaml", [f"runtime.device={device}"])
        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            run(plan, RunRequest(Path(folder) / "run"))
        finally:
            done.set()
            watcher.join()
    return statistics.mean(looks)
