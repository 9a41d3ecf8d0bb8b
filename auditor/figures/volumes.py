"""Clips and volumes on paper: frames in a row over their weights, and three planes through one voxel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.figures.colours import PAPER, Rgb, Values, overlay
from auditor.figures.fonts import typeface
from auditor.figures.pictures import gap_beside, side_by_side
from auditor.figures.planes import cut, sized

Volume = NDArray[np.floating] | NDArray[np.integer]
"""Shape (depth, height, width)."""
Voxel = tuple[int, int, int]
"""Indices along depth, height and width."""

INK, DEEP, PALE = (22, 24, 29), (31, 78, 122), (190, 196, 204)
STRIP_FRAMES = 8
"""Frames of a clip that are shown side by side."""
LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
"""Millimetres that a scale bar may stand for."""
OPPOSITE = {"R": "L", "L": "R", "A": "P", "P": "A", "S": "I", "I": "S"}
BAR_SHARE = 0.25
"""Height of the heaviest bar, as a share of a frame's height."""
WIDEST_BAR = 20
"""Pixels: bars under the middle of their frames read as bars, as wide as the frames as black boxes."""


def shown_frames(weights: Values, most: int) -> list[int]:
    """Frames for a strip: spread evenly over the clip, the heaviest among them in the place of its neighbour.

    Args:
        weights: Shape (frames,).
        most: Frames that fit.

    Raises:
        ValueError: No frames, or no room.
    """
    count = len(weights)
    if count == 0 or most < 1:
        raise ValueError(f"a strip needs frames and room for one, got {count} frames and room for {most}")
    places = min(most, count)
    # the middle of each of `places` equal stretches
    chosen = [(2 * index + 1) * count // (2 * places) for index in range(places)]
    heaviest = int(np.argmax(weights))
    if heaviest not in chosen:
        chosen[int(np.argmin([abs(one - heaviest) for one in chosen]))] = heaviest
    return sorted(chosen)


def frame_strip(
    frames: Sequence[Rgb],
    maps: Values,
    weights: Values,
    *,
    most: int = STRIP_FRAMES,
    low: float = 0.0,
    high: float | None = None,
    side: int = 112,
    palette: str = "viridis",
    bars: bool = True,
) -> Rgb:
    """Frames in a row, their maps over them in a second row, and below a bar for each frame of the whole clip.

    Bars are in proportion to the frames' weights; dark ones are the frames that are shown, in order. All maps share
    one scale, so a frame that is dark beside a bright one weighs less.

    Args:
        frames: uint8 (height, width, 3) each, all of one size.
        maps: Float (frames, height, width).
        weights: Float (frames,), none negative.
        most: Frames that are shown; `shown_frames` says which.
        low, high: Ends of the colour scale; `high` None takes the clip's maximum.
        side: Short side of a frame, pixels.
        bars: False leaves them out, of weights that are all the same.

    Raises:
        ValueError: Numbers of frames, maps and weights differ; or sizes do.
    """
    if not len(frames) == len(maps) == len(weights):
        raise ValueError(f"{len(frames)} frames, {len(maps)} maps and {len(weights)} weights do not belong together")
    if any(frame.shape[:2] != maps.shape[1:] for frame in frames):
        raise ValueError(f"frames of {frames[0].shape[:2]} and maps of {maps.shape[1:]} pixels differ")
    chosen = shown_frames(weights, most)
    top = float(np.nanmax(maps, initial=low)) if high is None else high
    scale = side / min(frames[0].shape[:2])
    size = (round(frames[0].shape[1] * scale), round(frames[0].shape[0] * scale))
    gap = gap_beside(size[0])
    plain = side_by_side([sized(frames[index], size) for index in chosen], gap=gap)
    over = side_by_side(
        [sized(overlay(frames[index], maps[index], low, top, palette=palette), size) for index in chosen], gap=gap
    )
    space = np.full((gap, plain.shape[1], 3), PAPER, np.uint8)
    if not bars:
        return np.vstack([plain, space, over])
    drawn = _bars(weights, frozenset(chosen), round(size[1] * BAR_SHARE), plain.shape[1])
    return np.vstack([plain, space, over, space, drawn])


def heaviest_voxel(values: Values) -> Voxel:
    """The slice with the largest sum along each axis: where the planes are laid through a map.

    A blank map gives the middle.
    """
    finite = np.where(np.isfinite(values), values, 0.0)
    if not finite.any():
        return (values.shape[0] // 2, values.shape[1] // 2, values.shape[2] // 2)
    sums = (finite.sum(axis=tuple(other for other in range(3) if other != axis)) for axis in range(3))
    depth, row, column = (int(np.argmax(one)) for one in sums)
    return depth, row, column


def strongest_voxel(values: Values) -> Voxel:
    """Where a map is largest; of several such voxels, as of a block, the one nearest to their middle.

    A blank map gives the middle of the volume.
    """
    finite = np.where(np.isfinite(values), values, 0.0)
    if not finite.any():
        return heaviest_voxel(values)
    places = np.argwhere(finite >= finite.max() * (1 - 1e-6))
    depth, row, column = places[np.argmin(((places - places.mean(axis=0)) ** 2).sum(axis=1))].tolist()
    return depth, row, column


def three_planes(
    volume: Volume,
    values: Values,
    *,
    at: Voxel | None = None,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    window: tuple[float, float] | None = None,
    low: float = 0.0,
    high: float | None = None,
    side: int = 160,
    palette: str = "viridis",
) -> Rgb:
    """Three planes through one voxel, plain above and with the map below, in true proportions.

    Left to right: across depth (rows × columns), across height (depth × columns), across width (depth × rows). The
    last slice is on top in the two upright planes; with axes that run to superior, posterior and left (SPL) these are
    the axial, coronal and sagittal plane as radiologists look at them. Thin lines mark where the other planes lie.

    Args:
        volume: Shape (depth, height, width).
        values: The map, same shape.
        at: The voxel; None: `heaviest_voxel` of the map.
        spacing: Size of a voxel along depth, height and width, in any one unit.
        window: Values drawn black and white; None: the 1st and 99th percentile.
        low, high: Ends of the map's colour scale; `high` None takes the map's maximum.
        side: Height of the tallest plane, pixels.

    Raises:
        ValueError: Shapes differ, or the voxel lies outside.
    """
    if volume.ndim != 3 or volume.shape != values.shape:
        raise ValueError(f"a volume of {volume.shape} and a map of {values.shape} voxels do not belong together")
    at = heaviest_voxel(values) if at is None else at
    if any(not 0 <= index < length for index, length in zip(at, volume.shape, strict=True)):
        raise ValueError(f"voxel {at} lies outside a volume of {volume.shape}")
    top = float(np.nanmax(values, initial=low)) if high is None else high
    grey = _grey(volume, window)
    extents = [length * unit for length, unit in zip(volume.shape, spacing, strict=True)]
    scale = side / max(extents[0], extents[1])
    plain: list[Rgb] = []
    over: list[Rgb] = []
    for axis, (shade, heat) in enumerate(zip(cut(grey, at), cut(values, at), strict=True)):
        down, across = (other for other in range(3) if other != axis)
        photo = np.repeat(shade[:, :, None], 3, axis=2)
        mapped = overlay(photo, heat, low, top, palette=palette)
        size = (max(1, round(extents[across] * scale)), max(1, round(extents[down] * scale)))
        for row_of, picture in ((plain, photo), (over, mapped)):
            drawn = _crossed(sized(picture, size), (at[down], at[across]), photo.shape[:2])
            row_of.append(drawn if axis == 0 else drawn[::-1])  # the last slice on top
    tallest = max(picture.shape[0] for picture in plain)
    rows = [side_by_side([_padded(picture, tallest) for picture in one], gap=gap_beside(side)) for one in (plain, over)]
    space = np.full((gap_beside(side), rows[0].shape[1], 3), PAPER, np.uint8)
    return np.vstack([rows[0], space, rows[1]])


def anatomical_planes(
    volume: Volume,
    values: Values,
    *,
    at: Voxel,
    spacing: tuple[float, float, float] | None,
    orientation: str | None,
    high: float | None = None,
    side: int = 200,
) -> Rgb:
    """`three_planes` with a scale bar in mm below, and letters at the edges that say where the body lies.

    Args:
        volume: uint8 grey, shape (depth, height, width).
        values: The map, same shape.
        at: The voxel through which the planes go.
        spacing: Size of a voxel in mm; None draws cubes and no scale bar.
        orientation: Where indices of depth, height and width rise to; None writes no letters.
        high: Upper end of the colour scale; None takes the map's maximum.
        side: Height of the tallest plane, pixels.
    """
    units = spacing or (1.0, 1.0, 1.0)
    planes = three_planes(volume, values, at=at, spacing=units, window=(0, 255), high=high, side=side)
    extents = [length * unit for length, unit in zip(volume.shape, units, strict=True)]
    scale = side / max(extents[0], extents[1])
    if orientation is not None:
        _letter_edges(planes, orientation, [max(1, round(extents[axis] * scale)) for axis in range(3)], side)
    if spacing is None:
        return planes
    return np.vstack([planes, _millimetres(planes.shape[1], scale)])


def _letter_edges(planes: Rgb, orientation: str, sides: Sequence[int], side: int) -> None:
    """Writes on the upper row of planes: left, right, top and bottom of each."""
    from PIL import Image, ImageDraw

    canvas = Image.fromarray(planes)
    draw = ImageDraw.Draw(canvas)
    font = typeface(max(10, side // 16))
    depth, rows, columns = tuple(orientation)
    tallest = max(sides[0], sides[1])
    left = 0
    for across, down, height, width in (
        (columns, OPPOSITE[rows], sides[1], sides[2]),
        (columns, depth, sides[0], sides[2]),
        (rows, depth, sides[0], sides[1]),
    ):
        top, middle = (tallest - height) // 2, left + width // 2
        for place, letter, anchor in (
            ((left + 3, top + height // 2), OPPOSITE[across], "lm"),
            ((left + width - 3, top + height // 2), across, "rm"),
            ((middle, top + 3), down, "mt"),
            ((middle, top + height - 3), OPPOSITE[down], "mb"),
        ):
            draw.text(place, letter, fill=(PAPER,) * 3, font=font, anchor=anchor, stroke_width=2, stroke_fill=(0, 0, 0))
        left += width + gap_beside(side)
    planes[:] = np.asarray(canvas, np.uint8)


def _millimetres(width: int, scale: float) -> Rgb:
    """A strip with a bar of a round length, about a sixth of the width at most.

    Args:
        scale: Pixels a millimetre.
    """
    from PIL import Image, ImageDraw

    length = max((one for one in LENGTHS if one * scale <= width / 6), default=LENGTHS[0])
    size = max(11, width // 60)
    canvas = Image.new("RGB", (width, 2 * size), (PAPER,) * 3)
    draw = ImageDraw.Draw(canvas)
    end = max(2, round(length * scale))
    draw.rectangle((0, size - 2, end, size + 1), fill=INK)
    draw.text((end + size // 2, size), f"{length} mm", fill=INK, font=typeface(size), anchor="lm")
    return np.asarray(canvas, np.uint8)


def _bars(weights: Values, chosen: frozenset[int], height: int, width: int) -> Rgb:
    field = np.full((height, width, 3), PAPER, np.uint8)
    field[-1] = PALE
    most = float(np.max(weights))
    edges = np.linspace(0, width, len(weights) + 1).round().astype(int)
    for index, weight in enumerate(weights):
        tall = round(float(weight) / most * height) if most > 0 else 0
        room = edges[index + 1] - edges[index]
        wide = max(1, min(room - 1, WIDEST_BAR))
        left = edges[index] + (room - wide) // 2
        field[height - tall :, left : left + wide] = DEEP if index in chosen else PALE
    return field


def _grey(volume: Volume, window: tuple[float, float] | None) -> NDArray[np.uint8]:
    values = np.nan_to_num(np.asarray(volume, np.float32))
    low, high = window or (float(np.percentile(values, 1)), float(np.percentile(values, 99)))
    share = (values - low) / (high - low) if high > low else np.zeros_like(values)
    return (np.clip(share, 0, 1) * 255 + 0.5).astype(np.uint8)


def _crossed(rgb: Rgb, cross: tuple[int, int], shape: tuple[int, ...]) -> Rgb:
    """Short marks at the edges where the two other planes lie: the voxel itself stays free."""
    drawn = rgb.copy()
    height, width = drawn.shape[:2]
    row = int((cross[0] + 0.5) / shape[0] * height)
    column = int((cross[1] + 0.5) / shape[1] * width)
    reach_down, reach_across = max(2, height // 10), max(2, width // 10)
    drawn[row, :reach_across] = drawn[row, -reach_across:] = PAPER
    drawn[:reach_down, column] = drawn[-reach_down:, column] = PAPER
    return drawn


def _padded(rgb: Rgb, height: int) -> Rgb:
    padded = np.full((height, rgb.shape[1], 3), PAPER, np.uint8)
    top = (height - rgb.shape[0]) // 2
    padded[top : top + rgb.shape[0]] = rgb
    return padded
