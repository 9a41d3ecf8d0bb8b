"""Whole audits: the forwards that `auditor plan` prints, against those that are made."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from auditor.pipeline import RunRequest, run
from auditor.plan import Plan, make_plan
from auditor.subjects.loading import load_model
from benchmarks.speed.rows import Row

__all__ = ["audits", "forwards_of", "write_spec"]

PICTURES, SIDE = 48, 32
NETWORK = """\
from torch import nn

def make():
    def block(before, after, stride):
        conv = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU())
    body = nn.Sequential(block(3, 16, 1), block(16, 32, 2), block(32, 64, 2), block(64, 64, 1))
    return nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
"""
SPEC = """\
version: 1
name: speed
model:
  source: python
  factory: {factory}
  input: {{size: [{side}, {side}], resize: squash, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]}}
dataset: {{source: csv, path: sample.csv, columns: {{image: image}}, sample: {{size: {count}}}}}
visualizations: {maps}
metrics: {metrics}
probes: {probes}
report: {{formats: [json]}}
"""
PARTS = {
    "maps": ("maps",),
    "maps and metrics": ("maps", "metrics"),
    "probes": ("probes",),
}
"""What a run has → the keys of the spec that take the preset; the others are empty."""


def audits(device: torch.device) -> Iterator[Row]:
    """Counted over planned forwards an image, of each preset."""
    for preset in ("quick", "standard", "full"):
        for name, keys in PARTS.items():
            with tempfile.TemporaryDirectory() as folder:
                planned, counted = forwards_of(Path(folder), dict.fromkeys(keys, preset), device)
            adaptive = "probes" in keys
            yield Row(
                name=f"forwards of a {preset} audit, {name}",
                model="small CNN",
                unit="forwards planned",
                value=counted / planned,
                target=1.0,
                runs=1,
                notes=(
                    f"{counted:.1f} forwards an image counted, {planned:.1f} planned, {PICTURES} images",
                    *(("adaptive: a probe stops where it is sure",) if adaptive else ()),
                ),
            )


def forwards_of(folder: Path, presets: dict[str, str], device: torch.device) -> tuple[float, float]:
    """Forwards an image, planned and counted by floating-point operations."""
    write_spec(folder, presets)
    plan = make_plan(folder / "spec.yaml", [f"runtime.device={device}"])
    one = _operations_of_one(plan, device)
    with FlopCounterMode(display=False) as counter:
        run(plan, RunRequest(folder / "run"))
    planned = sum(cost for kind, _, cost in plan.costs() if kind != "probes") + plan.probe_forwards()
    return planned, counter.get_total_flops() / one / PICTURES


def _operations_of_one(plan: Plan, device: torch.device) -> float:
    model = load_model(plan.spec.model, source=plan.model_source, folder=plan.folder, device=device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.module(torch.zeros(1, 3, SIDE, SIDE, device=device))
    return float(counter.get_total_flops())


def write_spec(folder: Path, presets: dict[str, str], *, model: str | None = None, side: int = SIDE) -> None:
    """A spec with pictures of noise.

    Args:
        presets: "maps", "metrics", "probes" → preset; what is not named is left out of the audit.
        model: A network of torchvision; None: a small one.
        side: Of the pictures, pixels.
    """
    generator = np.random.default_rng(0)
    names = [f"{index}.png" for index in range(PICTURES)]
    for name in names:
        coarse = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / name), cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC))
    (folder / "sample.csv").write_text("\n".join(["image", *names]) + "\n")
    (folder / "network.py").write_text(NETWORK)
    parts = {key: presets.get(key, "[]") for key in ("maps", "metrics", "probes")}
    factory = "network.py:make" if model is None else f"torchvision.models:{model}"
    (folder / "spec.yaml").write_text(SPEC.format(factory=factory, side=side, count=PICTURES, **parts))
