"""Draws clips and volumes whose classes are known, and the networks that read them: `python -m auditor.demo.depth DIR`.

A square moves to the left or to the right; a ball of tissue holds a bright lesion, or none. The networks are built by
hand and not trained, so that what they read is known: one reads motion, one a tag that goes with motion to the right,
one the lesion.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from auditor.shipped import shipped_folder

if TYPE_CHECKING:
    from torch import nn

__all__ = ["DIRECTIONS", "STATES", "lesion_net", "motion_net", "prepare", "tag_net", "write_clips", "write_volumes"]

DIRECTIONS = ("left", "right")
STATES = ("healthy", "lesion")
FRAMES, HEIGHT, WIDTH = 8, 24, 32
STEP = 3
"""Pixels that the square moves from frame to frame."""
SIDE = 6
TAG = 5
"""Side of the tag in the top-left corner."""
SLICES, ROWS, COLUMNS = 16, 28, 24
SPACING = (4.0, 2.0, 2.0)
"""Millimetres, as the spec says: an .npy file does not."""
TISSUE, LESION, AIR = 40.0, 200.0, -900.0
"""Hounsfield units."""


def prepare(folder: Path, *, clips: int = 80, volumes: int = 40) -> None:
    """Specs and data side by side, ready to run."""
    shutil.copytree(shipped_folder("audit_specs") / "depth", folder, dirs_exist_ok=True)
    write_clips(folder / "clips", clips)
    write_volumes(folder / "volumes", volumes)


def write_clips(folder: Path, count: int) -> None:
    """`count` clips as folders of frames, half of each class; a red tag goes with most that move to the right."""
    import cv2

    for number in range(count):
        label = number % 2
        draw = np.random.default_rng([7, number])
        place = folder / DIRECTIONS[label] / f"clip{number:03d}"
        place.mkdir(parents=True, exist_ok=True)
        ground = draw.integers(20, 60, (HEIGHT, WIDTH, 3))
        top = int(draw.integers(8, HEIGHT - SIDE - 1))
        tagged = bool(draw.random() < (0.9 if label else 0.1))
        for frame in range(FRAMES):
            picture = ground.copy()
            left = frame * STEP if label else WIDTH - SIDE - frame * STEP
            picture[top : top + SIDE, max(0, left) : max(0, left) + SIDE] = (0, 220, 0)
            if tagged:
                picture[:TAG, :TAG] = (230, 30, 30)
            cv2.imwrite(str(place / f"frame{frame}.png"), picture[:, :, ::-1].astype(np.uint8))


def write_volumes(folder: Path, count: int) -> None:
    """`count` volumes as .npy, half of each class."""
    axes = np.meshgrid(*(np.linspace(-1, 1, side) for side in (SLICES, ROWS, COLUMNS)), indexing="ij")
    radius = axes[0] ** 2 + axes[1] ** 2 + axes[2] ** 2
    for number in range(count):
        label = number % 2
        draw = np.random.default_rng([8, number])
        values = np.where(radius < 0.8, TISSUE, AIR) + draw.normal(0, 15, radius.shape)
        if label:
            slice_, row, column = (int(draw.integers(*ends)) for ends in ((5, 9), (9, 16), (8, 13)))
            values[slice_ : slice_ + 3, row : row + 5, column : column + 5] = LESION
        (folder / STATES[label]).mkdir(parents=True, exist_ok=True)
        np.save(folder / STATES[label] / f"volume{number:03d}.npy", values.round().astype(np.int16))


def motion_net() -> nn.Module:
    """Left and right, by where the green square is a frame later, whatever else is in the clip.

    Each unit adds the square in one frame to the square `STEP` pixels further in the next, and answers above what one
    of the two could give.
    """
    import torch
    from torch import nn

    reads = nn.Conv3d(3, 2, (2, 1, 2 * STEP + 1), padding=(0, 0, STEP))
    head = nn.Linear(2, 2)
    with torch.no_grad():
        reads.weight.zero_()
        for unit, step in enumerate((-STEP, STEP)):
            reads.weight[unit, :, 0, 0, STEP] = torch.tensor([-0.5, 1.0, -0.5])
            reads.weight[unit, :, 1, 0, STEP + step] = torch.tensor([-0.5, 1.0, -0.5])
        assert reads.bias is not None
        reads.bias.fill_(-0.9)
        head.weight.copy_(torch.tensor([[80.0, -80.0], [-80.0, 80.0]]))
        head.bias.zero_()
    return nn.Sequential(reads, nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), head)


def tag_net() -> nn.Module:
    """Right where there is red, which is the tag; left where there is none; time is not used."""
    import torch
    from torch import nn

    reads = nn.Conv3d(3, 2, 1)
    head = nn.Linear(2, 2)
    with torch.no_grad():
        reads.weight.copy_(torch.tensor([[-0.5, 1.0, -0.5], [1.0, -0.5, -0.5]])[:, :, None, None, None])
        assert reads.bias is not None
        reads.bias.copy_(torch.tensor([-0.2, -0.2]))
        head.weight.copy_(torch.tensor([[60.0, -400.0], [0.0, 400.0]]))
        head.bias.copy_(torch.tensor([0.0, -4.0]))
    return nn.Sequential(reads, nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), head)


def lesion_net() -> nn.Module:
    """Lesion where a few voxels side by side are brighter than tissue; healthy by the tissue itself."""
    import torch
    from torch import nn

    smooth, units = nn.Conv3d(1, 1, 3, padding=1), nn.Conv3d(1, 2, 1)
    head = nn.Linear(2, 2)
    with torch.no_grad():
        smooth.weight.fill_(1 / 27)
        units.weight.fill_(1.0)
        assert smooth.bias is not None
        assert units.bias is not None
        smooth.bias.zero_()
        units.bias.copy_(torch.tensor([-0.25, -0.65]))  # above air, above tissue
        head.weight.copy_(torch.tensor([[20.0, -6000.0], [-20.0, 6000.0]]))
        head.bias.copy_(torch.tensor([0.0, 0.0]))
    return nn.Sequential(smooth, units, nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), head)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
