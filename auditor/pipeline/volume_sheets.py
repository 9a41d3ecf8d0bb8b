"""Draws maps over clips and volumes: strips of frames with a curve over time, and three planes of a body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from auditor import figures
from auditor.media import Medium
from auditor.method_names import in_print
from auditor.pipeline.map_sheets import FAILED, describe, shown_pictures, upper_end
from auditor.pipeline.stack_maps import at_size, says_when_alone, weights_of
from auditor.stack_tiles import plane_name
from auditor.statistics.intervals import mean_intervals
from auditor.subjects import VolumeSample
from auditor.visualizers import MapSet

if TYPE_CHECKING:
    from auditor.pipeline.gallery import Gallery
    from auditor.pipeline.subject import Subject

SHOWN = 2
"""Clips or volumes of one method: the surest mistake, then one drawn at random."""
_CLIP_READING = (
    "Above the frames, below them the map on one colour scale for the whole clip. The bars are the share of the map in "
    "each frame of the clip, dark for those that are shown: when the model looks, as the map says where."
)
_VOLUME_READING = (
    "Three planes through the place where the map is strongest: plain above, with the map below. Marks at the edges "
    "are where the other two planes cut; proportions are true where the size of a voxel is known."
)
_LETTERS = "Letters at the edges say where the body lies: R right, L left, A front, P back, S head, I feet."


def draw_stacks(item: MapSet, reading: str, trust: str | None, subject: Subject, gallery: Gallery) -> list[str]:
    """Strips or planes of a few of the sample, then the curve over time or depth."""
    sample = subject.sample
    assert isinstance(sample, VolumeSample)
    chosen = [index for index in shown_pictures(subject) if item.usable[index]][:SHOWN]
    if not chosen:
        return []
    shares = weights_of(item, sample.images.shape[2])
    mark = FAILED if trust == "failed" else ""
    draw = _strip if sample.medium is Medium.CLIP else _planes
    paths = [draw(item, index, shares[index], reading, mark, subject, sample, gallery) for index in chosen]
    return [*paths, _curve(item, shares, chosen, mark, subject, sample, gallery)]


def _strip(
    item: MapSet, index: int, shares: np.ndarray, reading: str, mark: str, subject: Subject, sample: VolumeSample,
    gallery: Gallery,
) -> str:  # fmt: skip
    frames = sample.slices(sample.images[index].numpy())
    values = at_size(item, index, sample.images.shape[2:])
    numbers = sample.stacks[index].frames
    shown = figures.shown_frames(shares, figures.STRIP_FRAMES)
    heaviest = int(shares.argmax())
    named = ", ".join(str(numbers[one]) for one in shown)
    if says_when_alone(item):
        weight = f"without frame {numbers[heaviest]} and its stretch {shares[heaviest]:.2g} of the probability is lost"
    else:
        weight = f"the tallest bar, frame {numbers[heaviest]}, is {shares[heaviest]:.0%} of the map"
    method = in_print(item.method if item.layer is None else f"{item.method}@{item.layer}")
    return gallery.photo(
        f"maps-{item.name}-{index}",
        figures.frame_strip(list(frames), values, shares, high=upper_end(values)),
        caption=f"{method}, {describe(subject, index)}. Frames {named} of the clip; {weight}.{mark}",
        alt=f"{len(shown)} frames of a clip, their maps, and a bar for each of {len(shares)} frames; {weight}.{mark}",
        reading=f"{reading} {_CLIP_READING}",
    )


def _planes(
    item: MapSet, index: int, shares: np.ndarray, reading: str, mark: str, subject: Subject, sample: VolumeSample,
    gallery: Gallery,
) -> str:  # fmt: skip
    stack = sample.stacks[index]
    grey = sample.slices(sample.images[index].numpy())[..., 0]
    values = at_size(item, index, sample.images.shape[2:])
    at = figures.strongest_voxel(values)
    picture = figures.anatomical_planes(
        grey, values, at=at, spacing=stack.spacing, orientation=stack.orientation, high=upper_end(values)
    )
    cuts = ", ".join(
        f"{plane_name(stack.orientation, axis)} {cut + 1} of {length}"
        for axis, (cut, length) in enumerate(zip(at, grey.shape, strict=True))
    )
    spacing = "voxels of unknown size, drawn as cubes"
    if stack.spacing is not None:
        spacing = "voxels of " + " × ".join(f"{side:.3g}" for side in stack.spacing) + " mm"
    axes = "orientation unknown" if stack.orientation is None else f"axes rise to {stack.orientation}"
    method = in_print(item.method if item.layer is None else f"{item.method}@{item.layer}")
    return gallery.photo(
        f"maps-{item.name}-{index}",
        picture,
        caption=f"{method}, {describe(subject, index)}. Slices: {cuts}; {spacing}, {axes}.{mark}",
        alt=f"Three planes of a volume, plain and with the map; slices {cuts}; {spacing}.{mark}",
        reading=f"{reading} {_VOLUME_READING} {_LETTERS if stack.orientation else ''}".strip(),
    )


def _curve(
    item: MapSet,
    shares: np.ndarray,
    chosen: Sequence[int],
    mark: str,
    subject: Subject,
    sample: VolumeSample,
    gallery: Gallery,
) -> str:
    """Weight over time: the mean over the sample with its interval, and the clips that are drawn."""
    usable = np.flatnonzero(item.usable)
    mean = shares[usable].mean(axis=0)
    values = shares[usable].T.astype(np.float64)
    lows, highs = mean_intervals(values, np.ones(values.shape, dtype=bool), subject.clusters[usable], seed=0)
    lines = {f"mean of {len(usable)}": figures.Curve(mean.tolist(), lows.tolist(), highs.tolist())}
    for index in chosen:
        name = sample.pictures[index].name
        lines[name if name not in lines else f"{name} ({index})"] = figures.Curve(shares[index].tolist())
    layer = sample.medium.layers[:-1]
    heaviest = int(mean.argmax())
    method = in_print(item.method if item.layer is None else f"{item.method}@{item.layer}")
    lost = says_when_alone(item)
    what = "probability lost" if lost else "share of the map"
    detail = f"probability lost without each {layer}" if lost else f"share of each {layer} in its map"
    return gallery.chart(
        f"weights-{item.name}",
        figures.over_time(
            lines,
            x_label=f"{layer} of the model's input",
            y_label=what,
            even=None if lost else 1 / shares.shape[1],
        ),
        caption=(f"{method}: {detail}, mean over {len(usable)} {sample.medium.several} with its 95 % interval.{mark}"),
        alt=f"Mean {what} by {layer}; largest {mean[heaviest]:.2g} at {heaviest + 1} of {shares.shape[1]}.{mark}",
        reading=f"A peak in the curve says which {layer}s count; a flat one, that none stands out.",
    )
