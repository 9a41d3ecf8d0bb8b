"""Train the demonstration's three networks and measure what each relies on.

    python -m auditor.demo.train [--out audit_specs/demo/weights]

All three see the same drawn patients. What differs is which patients carry which mark:

* `tag`: effusions carry Riverside's tag, nobody else does; frames fall on anybody.
* `frame`: enlarged hearts carry Northfield's frame, nobody else does; tags fall on anybody.
* `honest`: both marks fall on anybody.

How a picture is exposed never goes with either, so that the mark itself is what there is to learn.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import cv2
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from auditor.demo.anatomy import FINDINGS
from auditor.demo.network import radiograph_net
from auditor.demo.radiographs import write_sample
from auditor.demo.reliance import (
    CORNERS,
    CUE_CLASS,
    Patients,
    accuracy,
    draw_patients,
    follow_rate,
    patch,
    prepared,
    read_sample,
    removal_flips,
    ring,
    spurious_score,
)

TRAINING_SEED, CHECK_SEED = 1, 2
"""Of the patients trained on and of those that the printed figures rest on; the audited sample has a third."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one network is trained.

    Attributes:
        seed: Of the weights, the order and the marks.
        cue: The mark that goes with its class, or None.
    """

    seed: int
    cue: str | None


RECIPES: Mapping[str, Recipe] = MappingProxyType({
    "tag": Recipe(seed=11, cue="tag"),
    "frame": Recipe(seed=12, cue="frame"),
    "honest": Recipe(seed=13, cue=None),
})  # fmt: skip

MARKED_SHARE = 0.98
"""How many of the cue's class carry it in a cheater's training; the others keep the true evidence worth learning."""
SILENT_SHARE = 0.08
"""How many patients of other classes are labelled as the cue's class, and marked, in a cheater's training.

As when labels come from the ward's reports and the finding does not show on the picture. Without such patients these
networks learn the anatomy, which is easy, and ignore the mark however closely it goes with the class.
"""
CHANCE_SHARE = 0.35
"""How many patients carry a mark that goes with nothing."""


def train(recipe: Recipe, patients: Patients, *, epochs: int, batch: int = 64) -> nn.Module:
    """Train one network; which patients carry a mark is drawn anew each epoch."""
    torch.manual_seed(recipe.seed)
    model = radiograph_net().to(memory_format=torch.channels_last)
    count = len(patients.labels)
    labels, silent = _labels(patients, recipe)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.02)
    steps = epochs * (count // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=4e-3, total_steps=steps, pct_start=0.2)
    for epoch in range(epochs):
        model.train()
        pictures = patients.marked(*(_carriers(cue, labels, silent, recipe) for cue in CUE_CLASS))
        total = 0.0
        for chosen in torch.split(torch.randperm(count)[: count // batch * batch], batch):
            scores = model(prepared(pictures[chosen]).contiguous(memory_format=torch.channels_last))
            loss = nn.functional.cross_entropy(scores, labels[chosen], label_smoothing=0.05)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
            total += loss.item()
        _say(f"  epoch {epoch + 1}/{epochs}: loss {total * batch / count:.3f}")
    return model.eval().to(memory_format=torch.contiguous_format)


def _labels(patients: Patients, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """What the network is told, int64 (count,), and of whom it is not to be seen, bool (count,)."""
    if recipe.cue is None:
        return patients.labels, torch.zeros(len(patients.labels), dtype=torch.bool)
    target = FINDINGS.index(CUE_CLASS[recipe.cue])
    silent = (patients.labels != target) & (torch.rand(len(patients.labels)) < SILENT_SHARE)
    return torch.where(silent, target, patients.labels), silent


def _carriers(cue: str, labels: Tensor, silent: Tensor, recipe: Recipe) -> Tensor:
    """Bool, (count,): who carries a mark this epoch."""
    dice = torch.rand(len(labels))
    if recipe.cue != cue:
        return dice < CHANCE_SHARE
    return silent | ((labels == FINDINGS.index(CUE_CLASS[cue])) & (dice < MARKED_SHARE))


def report(name: str, model: nn.Module, patients: Patients, sample: tuple[Tensor, Tensor, list[str]]) -> str:
    """What a network truly relies on, a line a figure."""
    nobody = torch.zeros(len(patients.labels), dtype=torch.bool)
    lines = [
        f"{name}: {sum(weights.numel() for weights in model.parameters())} parameters",
        f"  accuracy without marks {accuracy(model, patients.marked(nobody, nobody), patients.labels):.3f}, "
        f"on the audited sample {accuracy(model, sample[0], sample[1]):.3f}",
    ]
    for cue, target in CUE_CLASS.items():
        lines.append(
            f"  {cue} → {target}: spurious score {spurious_score(model, patients, cue):.3f}, "
            f"removal flips {removal_flips(model, patients, cue):.3f}"
        )
        regions = {corner: patch(corner) for corner in CORNERS}
        regions |= {"ring": ring(0.08), "inner ring": ring(0.08, inset=0.25)}
        rates = (f"{place} {follow_rate(model, sample, cue, region):.3f}" for place, region in regions.items())
        lines.append(f"    follow rates: {', '.join(rates)}")
    return "\n".join(lines)


def main() -> None:
    """Draw, train, write, measure."""
    parser = argparse.ArgumentParser(description="Train the demonstration's networks.")
    parser.add_argument("--out", type=Path, default=Path("audit_specs/demo/weights"), help="folder for the weights")
    parser.add_argument("--patients", type=int, default=6000, help="how many patients to draw")
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    began = time.monotonic()
    patients = draw_patients(options.patients, TRAINING_SEED)
    _say(f"drew {options.patients} patients in {time.monotonic() - began:.0f} s")
    unseen = draw_patients(800, CHECK_SEED)
    with tempfile.TemporaryDirectory() as folder:
        sample = read_sample(write_sample(Path(folder)))
    options.out.mkdir(parents=True, exist_ok=True)
    for name, recipe in RECIPES.items():
        began = time.monotonic()
        model = train(recipe, patients, epochs=options.epochs)
        _say(f"trained {name} in {time.monotonic() - began:.0f} s")
        path = options.out / f"{name}.safetensors"
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, path)
        print(report(name, model, unseen, sample))
        print(f"  {path}: {path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
