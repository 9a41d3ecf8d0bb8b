"""Memory that one Grad-CAM adds to a plain forward; each in a process of its own.

    python -m benchmarks.speed.memory forward|auditor|pytorch-grad-cam|torchcam|captum [--model NAME]

The child process prints the MiB that its memory rose by while it worked.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import torch

from auditor.engine.device import keep_freed_memory, peak_memory_mib
from auditor.engine.maps import make_maps
from auditor.visualizers.grad_cam import GradCam
from benchmarks.speed import peers
from benchmarks.speed.bench import Bench, make_bench
from benchmarks.speed.rows import OURS, PEERS, Row

__all__ = ["memory"]

FORWARD = "forward"
SIDE, BATCH = 512, 8
ALLOWED = 1.05
RUNS = 5
"""Processes of the auditor's, and of the plain forward; one of each peer's."""


def memory(model: str, device: torch.device) -> Iterator[Row]:
    """One Grad-CAM at the last block, against a forward alone."""
    found = {name: _child(name, model, device) for name in (FORWARD, OURS, *PEERS)}
    for name in (FORWARD, OURS):
        # which pages the C library gives back at once differs from process to process by a fifth
        further = [_child(name, model, device) for _ in range(RUNS - 1)]
        found[name] = median(value for value in (found[name], *further) if value is not None)
    alone = found[FORWARD]
    assert alone is not None
    shares = {name: None if value is None else value / alone for name, value in found.items()}
    yield Row(
        name=f"memory that one Grad-CAM takes, {SIDE} px, batch of {BATCH}",
        model=model,
        unit="memory of a plain forward",
        value=shares[OURS],
        target=ALLOWED,
        runs=RUNS,
        peers={name: shares[name] for name in PEERS},
        peer_notes=peers.missing(*PEERS),
        notes=(
            f"a plain forward takes {alone:.0f} MiB beside the network and the pictures",
            f"medians of {RUNS} processes, peers one",
        ),
    )


def _child(name: str, model: str, device: torch.device) -> float | None:
    if name in peers.missing(*PEERS):
        return None
    command = [sys.executable, "-m", "benchmarks.speed.memory", name, "--model", model, "--device", str(device)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[2:])}: {done.stderr.strip()[-500:]}")
    return float(done.stdout)


def main() -> None:
    """Work once, and print how far the memory rose."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=[FORWARD, OURS, *PEERS])
    parser.add_argument("--model", default="resnet50")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    device = torch.device(options.device)
    # nothing may run before the measurement: memory that was used and freed once would not rise again
    bench = make_bench(options.model, device, count=BATCH, side=SIDE, statistics=False)
    keep_freed_memory()
    works: dict[str, Callable[[], object]] = {FORWARD: bench.forward(BATCH), OURS: partial(_maps, bench)}
    if options.what not in works:
        works |= peers.grad_cam(bench, BATCH, targets=[0] * BATCH)
    before = _reset(device)
    works[options.what]()
    print(_peak(device) - before)


def _maps(bench: Bench) -> object:
    """One Grad-CAM of all pictures, as an audit makes it."""
    return make_maps(bench.model, bench.module, bench.sample, [GradCam()], bench.layers[-1:], device=bench.device)


def _reset(device: torch.device) -> float:
    """Memory now, from which the peak is counted anew, MiB."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device) / 2**20
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmRSS")
    return peak_memory_mib(device)


def _peak(device: torch.device) -> float:
    return _status("VmHWM") if device.type == "cpu" and sys.platform == "linux" else peak_memory_mib(device)


def _status(key: str) -> float:
    """Of this process, MiB. Source: proc_pid_status(5) and proc_pid_clear_refs(5)."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(f"{key}:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
