"""How much a demonstration network truly relies on each mark, measured with the marks themselves in hand.

An audit has to find this out without knowing the marks; here they are drawn in and left out on the same patients.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import InterpolationMode, functional

from auditor.demo.anatomy import FINDINGS
from auditor.demo.network import DEVIATION, MEAN, SIDE
from auditor.demo.radiographs import HOSPITALS, burn_frame, burn_tag, draw_bare

CUE_CLASS: Mapping[str, str] = MappingProxyType({"tag": "effusion", "frame": "cardiomegaly"})
"""The finding that each mark went with when its cheater was trained."""
CORNERS: Mapping[str, tuple[slice, slice]] = MappingProxyType({
    "top left": (slice(0, 24), slice(0, 24)),
    "top right": (slice(0, 24), slice(72, 96)),
    "bottom left": (slice(72, 96), slice(0, 24)),
    "bottom right": (slice(72, 96), slice(72, 96)),
    "inner top left": (slice(24, 48), slice(24, 48)),
})  # fmt: skip
"""Patches of a quarter of the side, as rows and columns of the network's input."""


@dataclass(frozen=True, slots=True)
class Patients:
    """Drawn patients, each in four versions.

    Attributes:
        pictures: Byte, (count, 4, 96, 96); the second axis is tag + 2 · frame.
        labels: Int64, (count,), indices into `FINDINGS`.
    """

    pictures: Tensor
    labels: Tensor

    def marked(self, tag: Tensor, frame: Tensor) -> Tensor:
        """The version of each patient that carries the marks asked for; both bool, (count,)."""
        return self.pictures[torch.arange(len(self.labels)), tag.long() + 2 * frame.long()]


def draw_patients(count: int, seed: int) -> Patients:
    """Draw patients with findings in turn, each in a hospital's style at random, whatever their marks."""
    rng = np.random.default_rng(seed)
    styles = list(HOSPITALS.values())
    pictures, labels = [], torch.arange(count) % len(FINDINGS)
    for label in labels.tolist():
        style = styles[rng.integers(len(styles))]
        bare = draw_bare(rng, FINDINGS[label], style, sex="FM"[rng.integers(2)]).pixels
        versions = np.stack([bare] * 4)
        burn_frame(versions[2])
        burn_frame(versions[3])
        burn_tag(versions[1])
        burn_tag(versions[3])
        pictures.append(resized(torch.from_numpy(versions)))
    return Patients(torch.stack(pictures), labels)


def read_sample(table: Path) -> tuple[Tensor, Tensor, list[str]]:
    """Pictures (byte, (count, 96, 96)), labels and hospitals of a written sample."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    pictures = []
    for row in rows:
        pixels = cv2.imread(str(table.parent / row["image"]), cv2.IMREAD_GRAYSCALE)
        if pixels is None:
            raise OSError(f"{table.parent / row['image']}: not a picture that OpenCV can read")
        pictures.append(resized(torch.from_numpy(pixels)[None])[0])
    labels = torch.tensor([FINDINGS.index(row["label"]) for row in rows])
    return torch.stack(pictures), labels, [row["hospital"] for row in rows]


def resized(pictures: Tensor) -> Tensor:
    """Bytes of any size (count, height, width) to bytes (count, 96, 96), as the audit resizes them."""
    small: Tensor = functional.resize(pictures, [SIDE, SIDE], InterpolationMode.BILINEAR, antialias=True)
    return small


def prepared(pictures: Tensor) -> Tensor:
    """Bytes (batch, 96, 96) to the network's input, float (batch, 1, 96, 96)."""
    return ((pictures.float() / 255 - MEAN) / DEVIATION)[:, None]


@torch.no_grad()
def predicted(model: nn.Module, pictures: Tensor) -> Tensor:
    """The class index of each picture, int64 (count,); puts the model into evaluation mode."""
    model.eval()
    return torch.cat([model(prepared(chunk)).argmax(dim=1) for chunk in torch.split(pictures, 128)])


def spurious_score(model: nn.Module, patients: Patients, cue: str) -> float:
    """P(the cue's class is predicted once the cue is drawn in | it was not before), over patients of other classes."""
    target = FINDINGS.index(CUE_CLASS[cue])
    without = torch.zeros(len(patients.labels), dtype=torch.bool)
    bare = predicted(model, patients.marked(without, without))
    burned = predicted(model, patients.marked(without | (cue == "tag"), without | (cue == "frame")))
    eligible = (patients.labels != target) & (bare != target)
    return share(burned[eligible] == target)


def removal_flips(model: nn.Module, patients: Patients, cue: str) -> float:
    """P(another class is predicted once the cue is left out), over patients of the cue's class recognised with it."""
    target = FINDINGS.index(CUE_CLASS[cue])
    without = torch.zeros(len(patients.labels), dtype=torch.bool)
    bare = predicted(model, patients.marked(without, without))
    burned = predicted(model, patients.marked(without | (cue == "tag"), without | (cue == "frame")))
    eligible = (patients.labels == target) & (burned == target)
    return share(bare[eligible] != target)


def accuracy(model: nn.Module, pictures: Tensor, labels: Tensor) -> float:
    """Share of pictures whose class is predicted."""
    return share(predicted(model, pictures) == labels)


def follow_rate(
    model: nn.Module, sample: tuple[Tensor, Tensor, list[str]], cue: str, region: Tensor, *, donors: int = 5
) -> float:
    """P(the cue's class is predicted once a region comes from a marked picture of that class).

    Args:
        model: The network.
        sample: As `read_sample` gives it.
        cue: "tag" or "frame".
        region: Bool, (96, 96), true where the donor's pixels go.
        donors: How many donors each recipient meets, drawn with a fixed seed.

    Returns:
        The share over pairs; recipients are of other classes, unmarked by this cue and not predicted as its class.
    """
    pictures, labels, hospitals = sample
    target = FINDINGS.index(CUE_CLASS[cue])
    home = {"tag": "Riverside", "frame": "Northfield"}[cue]
    marked = torch.tensor([hospital == home for hospital in hospitals])
    givers = torch.nonzero((labels == target) & marked)[:, 0]
    takers = torch.nonzero((labels != target) & ~marked & (predicted(model, pictures) != target))[:, 0]
    takers = takers.repeat(donors)
    chosen = givers[torch.randint(len(givers), (len(takers),), generator=torch.Generator().manual_seed(0))]
    swapped = torch.where(region, pictures[chosen], pictures[takers])
    return share(predicted(model, swapped) == target)


def patch(name: str) -> Tensor:
    """Bool, (96, 96), true inside one of `CORNERS`."""
    region = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    region[CORNERS[name]] = True
    return region


def ring(width: float, *, inset: float = 0.0) -> Tensor:
    """Bool, (96, 96), true on a rim `width` wide that starts `inset` from the edge, both as shares of the side."""
    start, stop = round(inset * SIDE), round((inset + width) * SIDE)
    region = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    region[start : SIDE - start, start : SIDE - start] = True
    region[stop : SIDE - stop, stop : SIDE - stop] = False
    return region


def share(hits: Tensor) -> float:
    """The share of true entries; 0 when there are none to count."""
    return float(hits.double().mean()) if len(hits) else 0.0
