"""Class activation maps, through `make_maps`: the way that every audit takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from auditor.engine.maps import MapRun, make_maps
from auditor.visualizers import Visualizer
from auditor.visualizers.ablation_cam import AblationCam
from auditor.visualizers.eigen_cam import EigenCam
from auditor.visualizers.grad_cam import GradCam
from auditor.visualizers.grad_cam_plus_plus import GradCamPlusPlus
from auditor.visualizers.hires_cam import HiResCam
from auditor.visualizers.layer_cam import LayerCam
from auditor.visualizers.xgrad_cam import XGradCam
from benchmarks.speed import peers
from benchmarks.speed.bench import Bench
from benchmarks.speed.rows import OURS, PEERS, Row, row_of
from benchmarks.speed.timing import Work, ratios

__all__ = ["ablation", "grad_cam", "gradient_cams", "maps_of"]

GRADIENT_CAMS = (GradCam, GradCamPlusPlus, XGradCam, HiResCam, LayerCam)
SLOW = 2
"""Runs of what takes long."""


def maps_of(
    bench: Bench, visualizers: Sequence[Visualizer], layers: Sequence[str], count: int, *, chunk: int | None = None
) -> Callable[[], MapRun]:
    """All maps of the first pictures, as an audit makes them."""
    targets = np.asarray(bench.classes(count))
    bench.predictor.prepared(bench.inputs[:count])

    def run() -> MapRun:
        made = make_maps(
            bench.model,
            bench.module,
            bench.sample,
            visualizers,
            layers,
            device=bench.device,
            chunk=chunk or "auto",
            targets=targets,
            indices=np.arange(count),
            predictor=bench.predictor,
            precision="auto",
        )
        if made.failures or made.skipped:
            raise RuntimeError(f"these maps were not made: {made.failures or made.skipped}")
        return made

    return run


def grad_cam(bench: Bench, runs: int) -> Iterator[Row]:
    """One Grad-CAM at the last block."""
    count, other = len(bench.sample), 8
    works = {
        OURS: Work(maps_of(bench, [GradCam()], bench.layers[-1:], count), count / other),
        **{name: Work(run) for name, run in peers.grad_cam(bench, other).items()},
    }
    found = ratios(bench.forward(other), works, runs=runs, device=bench.device)
    target = 1.2 if bench.name.startswith("mobilenet") else 1.05
    notes = [f"{count} pictures in chunks of 8; peers: one batch of {other}"]
    yield row_of("one Grad-CAM, last block", bench.name, found, target, peer_notes=peers.missing(*PEERS), notes=notes)


def gradient_cams(bench: Bench, runs: int) -> Iterator[Row]:
    """Five gradient CAMs and EigenCAM at four layers: 24 maps a picture."""
    count, other = len(bench.sample), 2
    every = [method() for method in (*GRADIENT_CAMS, EigenCam)]
    theirs = peers.gradient_cams(bench, other)
    works = {
        OURS: Work(maps_of(bench, every, bench.layers, count), count / other),
        **{name: Work(run, most_runs=SLOW) for name, (run, _) in theirs.items()},
    }
    found = ratios(bench.forward(other), works, runs=runs, device=bench.device)
    words = {name: f"{what}; {SLOW} runs" for name, (_, what) in theirs.items()}
    notes = [f"{len(every) * len(bench.layers)} maps a picture; {count} pictures in chunks of 8"]
    name = "five gradient CAMs and EigenCAM, four layers"
    yield row_of(name, bench.name, found, 2.1, peer_notes=peers.missing(*PEERS) | words, notes=notes)


def ablation(bench: Bench, runs: int) -> Iterator[Row]:
    """Ablation-CAM of all units of the last block."""
    count = 4
    # a network of thousands of units takes a peer minutes
    theirs = {} if bench.name == "resnet50" else peers.ablation_cam(bench, 1)
    works = {
        OURS: Work(maps_of(bench, [AblationCam(most_forwards=2048)], bench.layers[-1:], count), count),
        **{name: Work(run, most_runs=1) for name, run in theirs.items()},
    }
    found = ratios(bench.forward(1), works, runs=runs, device=bench.device)
    words = dict.fromkeys(theirs, "one picture, one run") or {PEERS[0]: "left out: thousands of forwards"}
    words = words | peers.missing(PEERS[0])
    notes = [f"{count} pictures"]
    yield row_of("Ablation-CAM, last block, all units", bench.name, found, 2.0, peer_notes=words, notes=notes)
