"""Keeps what a report shows of every picture: its maps at a low resolution, and the picture itself, small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from auditor import figures
from auditor.media import shown_layers
from auditor.pipeline.stack_maps import small_volumes
from auditor.runs import safe_name
from auditor.subjects import VolumeSample
from auditor.visualizers import MapSet

if TYPE_CHECKING:
    from auditor.engine.maps import MapRun
    from auditor.pipeline.subject import Subject
    from auditor.runs import RunFolder

EVIDENCE_SIDE = 64
"""Maps are kept as evidence at this resolution at most, as half floats: enough to draw and to compare them again."""
SMALL = 160
"""Longer side of a kept picture in pixels, at most."""


def save_maps(made: MapRun, folder: RunFolder) -> None:
    """Every map: its shares of its own maximum as half floats, and these maxima beside them.

    Half floats alone would lose maps of tiny gradients, and cut off large scores.
    """
    for item in made.maps:
        axes = tuple(range(1, item.maps.ndim))
        peaks = np.asarray(item.maps.max(axis=axes), dtype=np.float32)
        small = small_volumes(item.maps) if item.maps.ndim == 4 else _small(item.maps)
        whole = np.where(peaks > 0, peaks, 1)[(...,) + (None,) * len(axes)]
        shares = np.divide(small, whole, dtype=np.float32).astype(np.float16)
        folder.save_arrays(_place(item), {"maps": shares, "peaks": peaks, "usable": item.usable})


def maps_path(item: MapSet) -> str:
    """Where `save_maps` keeps them in the run folder."""
    return f"evidence/{_place(item)}.npz"


def save_pictures(subject: Subject, folder: RunFolder) -> tuple[str, ...]:
    """Every picture of the sample as the model saw it, as small JPEG; of clips and volumes four layers, two by two.

    Returns:
        Paths in the run folder, in the order of the sample.
    """
    paths = []
    for index in range(len(subject.sample)):
        path = f"evidence/pictures/{index + 1:04d}.jpg"
        folder.write(path, figures.encode_jpeg(_reduced(_photo(subject, index))))
        paths.append(path)
    return tuple(paths)


def _place(item: MapSet) -> str:
    # the words of a target may hold anything
    return f"maps/{item.name if item.targets is None else safe_name(item.name)}"


def _small(maps: np.ndarray) -> np.ndarray:
    height, width = maps.shape[1:]
    scale = min(1.0, EVIDENCE_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in maps])


def _photo(subject: Subject, index: int) -> np.ndarray:
    sample = subject.sample
    if not isinstance(sample, VolumeSample):
        return sample.display(index)
    layers = sample.slices(sample.images[index].numpy())
    return figures.two_by_two(np.stack([layers[at] for at in shown_layers(len(layers))]))


def _reduced(photo: np.ndarray) -> np.ndarray:
    longest = max(photo.shape[:2])
    if longest <= SMALL:
        return photo
    size = (max(1, round(photo.shape[1] * SMALL / longest)), max(1, round(photo.shape[0] * SMALL / longest)))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
