"""Draws maps over clips and volumes: strips of frames with a curve over time, and three planes of a body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from auditor import figures
from auditor.media import Medium
from auditor.method_names import in_print
from auditor.pipeline.map_sheets import FAILED, describe, shown_pictures, upper_end
from auditor.pipeline.stack_maps import at_size, says_when_alone, says_where_alone, weights_of
from auditor.shares import percent
from auditor.stack_tiles import plane_name
from auditor.statistics.intervals import mean_intervals
from auditor.subjects import VolumeSample
from auditor.visualizers import MapSet

if TYPE_CHECKING:
    from auditor.pipeline.gallery import Gallery
    from auditor.pipeline.subject import Subject

SHOWN = 2
"""Clips or volumes of one method: the surest mistake, then one drawn at random."""


def draw_stacks(
    item: MapSet, reading: str, trust: str | None, subject: Subject, gallery: Gallery
) -> tuple[list[str], list[str]]:
    """Strips or planes of a few of the sample, then the curve over time or depth.

    Returns:
        Paths of the figures, and why there is no curve where there is none.
    """
    sample = subject.sample
    assert isinstance(sample, VolumeSample)
    chosen = [index for index in shown_pictures(subject) if item.usable[index]][:SHOWN]
    if not chosen:
        return [], []
    shares = weights_of(item, sample.images.shape[2])
    mark = FAILED if trust == "failed" else ""
    draw = _strip if sample.medium is Medium.CLIP else _planes
    paths = [draw(item, index, shares[index], reading, mark, subject, sample, gallery) for index in chosen]
    if why := _no_curve(item, shares, sample):
        return paths, [why]
    return [*paths, _curve(item, shares, chosen, mark, subject, sample, gallery)], []


def _no_curve(item: MapSet, shares: np.ndarray, sample: VolumeSample) -> str:
    """Why a curve would say nothing; "" where it does."""
    layers = sample.medium.layers
    if says_where_alone(item, shares.shape[1]):
        return (
            f"Each place is hidden in all {layers} at once, so that the map is the same in each: it says where alone."
        )
    if not shares[item.usable].any():
        return (
            f"No curve over the {layers}: the map of each {sample.medium.value} sums to nothing in every one of them."
        )
    return ""


def _strip(
    item: MapSet, index: int, shares: np.ndarray, reading: str, mark: str, subject: Subject, sample: VolumeSample,
    gallery: Gallery,
) -> str:  # fmt: skip
    frames = sample.slices(sample.images[index].numpy())
    values = at_size(item, index, sample.images.shape[2:])
    numbers = sample.stacks[index].frames
    shown = figures.shown_frames(shares, figures.STRIP_FRAMES)
    heaviest = int(shares.argmax())
    flat = says_where_alone(item, len(shares))
    if flat:
        weight = "the map is the same in every frame"
    elif says_when_alone(item):
        weight = f"without frame {numbers[heaviest]} and its stretch {shares[heaviest]:.2g} of the probability is lost"
    else:
        weight = f"the tallest bar, frame {numbers[heaviest]}, is {percent(shares[heaviest])} of the map"
    what = f"{len(shown)} frames of a clip, their maps"
    if not flat:
        what = f"{what} and a bar for each of {len(shares)} frames"
    return gallery.photo(
        f"maps-{item.name}-{index}",
        figures.frame_strip(list(frames), values, shares, high=upper_end(values), bars=not flat),
        caption=f"{describe(subject, index)}. Frames {_listed([numbers[one] for one in shown])}; {weight}.{mark}",
        alt=f"{_method(item)}: {what}; {weight}.{mark}",
        reading=reading,
    )


def _method(item: MapSet) -> str:
    return in_print(item.method if item.layer is None else f"{item.method}@{item.layer}")


def _listed(frames: Sequence[int]) -> str:
    """'0 to 7', or '0, 4, 9' where some between them are left out."""
    if len(frames) > 2 and frames[-1] - frames[0] == len(frames) - 1:
        return f"{frames[0]} to {frames[-1]}"
    return ", ".join(str(one) for one in frames)


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
    return gallery.photo(
        f"maps-{item.name}-{index}",
        picture,
        caption=f"{describe(subject, index)}. Slices: {cuts}; {spacing}, {axes}.{mark}",
        alt=f"{_method(item)}: three planes of a volume, plain and with the map; slices {cuts}; {spacing}.{mark}",
        reading=reading,
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
        caption=f"{_method(item)}: {detail}, mean over {len(usable)} {sample.medium.several} with its 95 % interval."
        f"{mark}",
        alt=f"Mean {what} by {layer}; largest {mean[heaviest]:.2g} at {heaviest + 1} of {shares.shape[1]}.{mark}",
    )
