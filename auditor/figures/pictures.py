"""Photos, maps over photos, and pairs of photos; as arrays, without words."""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np

from auditor.figures.colours import PAPER, Rgb, Values, colourise, overlay
from auditor.figures.fonts import typeface

Pixels = tuple[int, int, int, int]
"""[x1, y1, x2, y2] in pixels of the photo, end exclusive."""

SHORT_SIDE = 224
"""Photos smaller than this are enlarged for display, by whole factors so that each pixel stays a crisp square."""


def enlarge(rgb: Rgb, *, short_side: int = SHORT_SIDE) -> Rgb:
    """The picture enlarged by the largest whole factor that keeps its short side within `short_side`.

    Nearest neighbour: a 30-pixel photo shows its 30 pixels. Pictures that are larger already come back as they are.
    """
    factor = enlargement(rgb.shape[0], rgb.shape[1], short_side=short_side)
    return rgb if factor == 1 else np.repeat(np.repeat(rgb, factor, axis=0), factor, axis=1)


def enlargement(height: int, width: int, *, short_side: int = SHORT_SIDE) -> int:
    """The whole factor by which `enlarge` enlarges."""
    return max(1, short_side // max(1, min(height, width)))


def outline_region(rgb: Rgb, box: Pixels, *, hole: Pixels | None = None, factor: int = 1) -> Rgb:
    """A copy with the region's edge drawn in white between black: visible on anything.

    Args:
        rgb: uint8, shape (height, width, 3).
        box: The region in pixels before enlargement.
        hole: What a ring leaves out.
        factor: By how much `rgb` was enlarged.
    """
    drawn = np.ascontiguousarray(rgb).copy()
    thickness = max(1, round(min(rgb.shape[:2]) / 160))
    for rectangle in (box, hole):
        if rectangle is None:
            continue
        x1, y1, x2, y2 = (edge * factor for edge in rectangle)
        for step, shade in enumerate((0, PAPER, 0)):
            inset = step * thickness
            _frame(drawn, (x1 + inset, y1 + inset, x2 - inset, y2 - inset), thickness, shade)
    return drawn


def _frame(rgb: Rgb, box: Pixels, thickness: int, shade: int) -> None:
    """Paints the box's own outermost pixels, where it has room for them."""
    x1, y1, x2, y2 = box
    if min(x2 - x1, y2 - y1) < thickness:
        return
    rgb[y1 : y1 + thickness, x1:x2] = shade
    rgb[y2 - thickness : y2, x1:x2] = shade
    rgb[y1:y2, x1 : x1 + thickness] = shade
    rgb[y1:y2, x2 - thickness : x2] = shade


def map_triptych(
    photo: Rgb,
    values: Values,
    *,
    low: float = 0.0,
    high: float | None = None,
    box: Pixels | None = None,
    hole: Pixels | None = None,
    scale: bool = False,
    palette: str = "viridis",
) -> Rgb:
    """Photo | map | overlay at the same size, with thin gaps.

    Args:
        photo: uint8, shape (height, width, 3), as the model saw it.
        values: The map, float, shape (rows, columns), of any resolution.
        low, high: Ends of the colour scale; `high` None takes the map's maximum.
        box, hole: A region to outline on all three, in the photo's pixels.
        scale: Whether a scale bar with its two numbers stands at the right.
    """
    factor = enlargement(*photo.shape[:2])
    large = enlarge(photo)
    top = float(np.fmax.reduce(values, axis=None, initial=low)) if high is None else high
    spread = _spread(values, photo.shape[:2], large.shape[:2])
    panels = [large, colourise(spread, low, top, palette=palette), overlay(large, spread, low, top, palette=palette)]
    if box is not None:
        panels = [outline_region(panel, box, hole=hole, factor=factor) for panel in panels]
    if scale:
        panels.append(_scale_bar(large.shape[0], low, top, palette))
    return side_by_side(panels, gap=gap_beside(large.shape[1]))


def before_after(
    original: Rgb, changed: Rgb, box: Pixels | None, hole: Pixels | None = None, *, donor: Rgb | None = None
) -> Rgb:
    """The picture before | (where the swapped region came from) | after, the region outlined, an arrow between.

    Args:
        original, changed, donor: uint8, same shape (height, width, 3).
        box: The region that was changed, in their pixels; None where the whole picture was.
        hole: What a ring leaves out.
    """
    factor = enlargement(*original.shape[:2])
    pictures = [picture for picture in (original, donor, changed) if picture is not None]
    panels = [enlarge(picture) for picture in pictures]
    if box is not None:
        panels = [outline_region(panel, box, hole=hole, factor=factor) for panel in panels]
    height, width = panels[0].shape[:2]
    arrow = _arrow(height, _arrow_room(width))
    row = panels[0]
    for index, panel in enumerate(panels[1:], start=1):
        last = index == len(panels) - 1
        between = arrow if last else np.full((height, gap_beside(width), 3), PAPER, np.uint8)
        row = np.hstack([row, between, panel])
    return row


def outlines(photo: tuple[int, ...], box: Pixels, panels: int) -> tuple[Pixels, ...]:
    """Where `before_after` draws the region, once a panel, in pixels of what it returns.

    Args:
        photo: Height and width of the picture before enlargement.
        box: The region in its pixels.
        panels: 2, or 3 with a donor.
    """
    factor = enlargement(*photo[:2])
    width = photo[1] * factor
    starts = [0, width + _arrow_room(width)] if panels == 2 else [0, width + gap_beside(width)]
    if panels == 3:
        starts.append(starts[1] + width + _arrow_room(width))
    x1, y1, x2, y2 = (edge * factor for edge in box)
    return tuple((start + x1, y1, start + x2, y2) for start in starts)


def _arrow_room(width: int) -> int:
    """Of the arrow between panels of that width, pixels."""
    return max(18, width // 9)


def side_by_side(panels: list[Rgb], *, gap: int) -> Rgb:
    """Panels of one height in a row on white."""
    space = np.full((panels[0].shape[0], gap, 3), PAPER, np.uint8)
    parts = [part for panel in panels for part in (space, panel)]
    return np.hstack(parts[1:])


def gap_beside(width: int) -> int:
    """The thin gap between panels of that width, pixels."""
    return max(3, width // 56)


def fit(rgb: Rgb, height: int, width: int) -> Rgb:
    """The picture resized to a cell: whole factors up (crisp), then area averages down; padded with white."""
    factor = min(height / rgb.shape[0], width / rgb.shape[1])
    whole = max(1, ceil(factor - 1e-6))
    shown = rgb if whole == 1 else np.repeat(np.repeat(rgb, whole, axis=0), whole, axis=1)
    size = (max(1, round(rgb.shape[1] * factor)), max(1, round(rgb.shape[0] * factor)))
    if size != (shown.shape[1], shown.shape[0]):
        shown = np.asarray(cv2.resize(shown, size, interpolation=cv2.INTER_AREA), np.uint8)
    cell = np.full((height, width, 3), PAPER, np.uint8)
    top, left = (height - shown.shape[0]) // 2, (width - shown.shape[1]) // 2
    cell[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
    return cell


def _spread(values: Values, photo: tuple[int, ...], shown: tuple[int, ...]) -> Values:
    """The map at the shown size: pixel maps stay crisp, coarse maps are interpolated."""
    crisp = values.shape == photo
    given = values.astype(np.float32, copy=False)
    if crisp and photo == shown:
        return given
    method = cv2.INTER_NEAREST if crisp else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(given, (shown[1], shown[0]), interpolation=method))


def _scale_bar(height: int, low: float, high: float, palette: str) -> Rgb:
    from PIL import Image, ImageDraw

    size = max(11, height // 18)
    font = typeface(size)
    words = [f"{high:.2g}", f"{low:.2g}"]
    bar = max(8, height // 24)
    room = bar + size // 2 + int(max(font.getlength(word) for word in words))
    canvas = Image.new("RGB", (room, height), (PAPER, PAPER, PAPER))
    ramp = colourise(np.linspace(high, low, height, dtype=np.float32)[:, None].repeat(bar, axis=1), low, high,
                     palette=palette)  # fmt: skip
    canvas.paste(Image.fromarray(ramp), (0, 0))
    draw = ImageDraw.Draw(canvas)
    ink = (22, 24, 29)
    draw.text((bar + size // 2, 0), words[0], fill=ink, font=font, anchor="lt")
    draw.text((bar + size // 2, height - 1), words[1], fill=ink, font=font, anchor="lb")
    return np.asarray(canvas, np.uint8)


def _arrow(height: int, width: int) -> Rgb:
    field = np.full((height, width, 3), PAPER, np.uint8)
    middle, reach = height // 2, width // 4
    points = np.array([[width // 2 - reach // 2, middle - reach], [width // 2 + reach // 2 + 1, middle],
                       [width // 2 - reach // 2, middle + reach]], np.int32)  # fmt: skip
    cv2.polylines(field, [points], False, (91, 100, 112), max(2, width // 12), cv2.LINE_AA)
    return field
