"""Methods of many passes: what one step, one window, one point costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from auditor.engine.precision import gate_of
from auditor.metrics import MapSet, MetricContext
from auditor.metrics.insertion_deletion import InsertionDeletion
from auditor.visualizers.integrated_gradients import IntegratedGradients
from auditor.visualizers.occlusion import Occlusion
from benchmarks.speed import peers
from benchmarks.speed.bench import Bench
from benchmarks.speed.cams import maps_of
from benchmarks.speed.rows import OURS, Row, row_of
from benchmarks.speed.timing import Work, ratios

__all__ = ["curves", "integrated_gradients", "occlusion"]

STEPS = 16
WINDOW, STRIDE = 0.25, 0.125


def integrated_gradients(bench: Bench, runs: int) -> Iterator[Row]:
    """Integrated gradients, a gradient on the way; the shared pass gives one of them."""
    count = 4
    works = {
        OURS: Work(maps_of(bench, [IntegratedGradients(steps=STEPS)], (), count), STEPS + 1),
        **{name: Work(run, STEPS) for name, run in peers.integrated_gradients(bench, count, STEPS).items()},
    }
    found = ratios(bench.forward(count), works, runs=runs, device=bench.device)
    target, words = _precision(bench, "integrated_gradients", fp32=2.0, bf16=1.1)
    notes = [f"{count} pictures, {STEPS} steps", *words]
    absent = peers.missing("captum")
    yield row_of("integrated gradients, a step", bench.name, found, target, peer_notes=absent, notes=notes)


def occlusion(bench: Bench, runs: int) -> Iterator[Row]:
    """Occlusion, a window."""
    count, side = 2, bench.inputs.shape[-1]
    method = Occlusion(window=WINDOW, stride=STRIDE)
    windows = method.forwards(side, side)
    sides = round(WINDOW * side), round(STRIDE * side)
    works = {
        # the shared pass of a method without gradients is one forward
        OURS: Work(maps_of(bench, [method], (), count), windows + 1),
        # one window in each direction more than fit, and the picture itself
        **{
            name: Work(run, _captums_windows(side, *sides))
            for name, run in peers.occlusion(bench, count, *sides).items()
        },
    }
    found = ratios(bench.forward(count), works, runs=runs, device=bench.device)
    target, words = _precision(bench, "occlusion", fp32=0.85, bf16=0.42)
    notes = [f"{count} pictures, {windows - 1} windows", *words]
    absent = peers.missing("captum")
    yield row_of("occlusion, a window", bench.name, found, target, peer_notes=absent, notes=notes)


def curves(bench: Bench, runs: int) -> Iterator[Row]:
    """Insertion and deletion, a point of the curves."""
    count = 4
    run = _curves(bench, count)
    before = bench.predictor.forwards
    run()
    evaluations = bench.predictor.forwards - before
    found = ratios(bench.forward(count), {OURS: Work(run, evaluations / count)}, runs=runs, device=bench.device)
    notes = [
        f"{count} pictures, one map and three that know nothing, {evaluations} pictures scored; metrics stay in fp32"
    ]
    absent = peers.missing()
    yield row_of("insertion and deletion, a point", bench.name, found, 0.85, peer_notes=absent, notes=notes)


def _curves(bench: Bench, count: int) -> Callable[[], object]:
    """The metric on a random map of the first pictures."""
    side = bench.inputs.shape[-1]
    scores = bench.predictor.scores(bench.sample.images)
    heat = np.random.default_rng(0).random((len(bench.sample), side, side), dtype=np.float32)
    context = MetricContext(
        model=bench.model,
        sample=bench.sample,
        predictor=bench.predictor,
        scores=scores,
        predicted=scores.argmax(axis=1),
        maps=[MapSet("random", None, heat, np.ones(len(heat), dtype=bool))],
        make_maps=lambda module, rows, images=None, /: [],
        seed=0,
        progress=lambda done, total, what: None,
    )
    return lambda: InsertionDeletion(images=count, steps=10).measure(context)


def _captums_windows(side: int, window: int, stride: int) -> int:
    along = -(-(side - window) // stride) + 1
    return along * along + 1


def _precision(bench: Bench, method: str, *, fp32: float, bf16: float) -> tuple[float, list[str]]:
    """The target of the precision that the method has earned, and what was decided."""
    decided = [note for note in gate_of(bench.predictor).notes if note.startswith(f"{method} ran in ")]
    earned = any(not note.startswith(f"{method} ran in fp32") for note in decided)
    return bf16 if earned else fp32, decided
