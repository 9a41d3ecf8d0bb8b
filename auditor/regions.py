"""Regions of the model's input, and the control regions that are matched to them. Pixels; ends exclusive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from auditor.records import Box

FEATHER = 0.03
"""Width of the soft seam as a share of the shorter side; never more than half of the region's own thickness."""

RING_WIDTHS = (0.02, 0.03, 0.05, 0.07, 0.10, 0.13, 0.17, 0.22)
"""Border rings as shares of the shorter side."""

CORNER = 0.25
"""Side of a corner patch as a share of the picture's side."""


@dataclass(frozen=True, slots=True)
class Region:
    """A box, a ring (a box with a hole), or a free-form mask.

    Attributes:
        name: Stable and readable: "top-left", "ring-7", "cell-r1c4".
        box: (x1, y1, x2, y2).
        hole: The box left out, for a ring.
        strokes: bool (height, width) of the whole picture, for a free-form region; inside `box`.
    """

    name: str
    box: tuple[int, int, int, int]
    hole: tuple[int, int, int, int] | None = None
    strokes: np.ndarray | None = None

    @property
    def thickness(self) -> int:
        """The smallest extent, pixels: of a ring its width."""
        x1, y1, x2, y2 = self.box
        if self.hole is None:
            return min(x2 - x1, y2 - y1)
        hx1, hy1, hx2, hy2 = self.hole
        return max(1, min((side for side in (hx1 - x1, hy1 - y1, x2 - hx2, y2 - hy2) if side > 0), default=1))

    def record(self) -> Box:
        """For audit.json."""
        return Box(name=self.name, box=self.box, hole=self.hole)

    def mask(self, height: int, width: int) -> np.ndarray:
        """bool (height, width)."""
        if self.strokes is not None:
            return self.strokes
        mask = np.zeros((height, width), dtype=bool)
        x1, y1, x2, y2 = self.box
        mask[y1:y2, x1:x2] = True
        if self.hole is not None:
            x1, y1, x2, y2 = self.hole
            mask[y1:y2, x1:x2] = False
        return mask

    def weights(self, height: int, width: int) -> np.ndarray:
        """float32 (height, width) in [0, 1]: 1 inside, a soft seam, 0 outside."""
        mask = self.mask(height, width).astype(np.float32)
        feather = min(round(FEATHER * min(height, width)), self.thickness // 2)
        if feather < 1:
            return mask
        import cv2

        size = 2 * feather + 1
        return np.asarray(cv2.blur(mask, (size, size), borderType=cv2.BORDER_REPLICATE), dtype=np.float32)

    def overlap(self, objects: np.ndarray) -> np.ndarray:
        """Share of the region that the object covers, for each picture.

        Args:
            objects: bool (n, height, width).

        Returns:
            float (n,).
        """
        mask = self.mask(*objects.shape[1:])
        return np.asarray(objects[:, mask].mean(axis=1))


def border_rings(height: int, width: int, shares: Sequence[float] = RING_WIDTHS) -> list[tuple[Region, Region]]:
    """Rings along the border, each with the ring of the same width a quarter of the side in, as its control.

    Widths that round to the same pixel count appear once.
    """
    side = min(height, width)
    pixels = sorted({min(max(1, round(share * side)), side // 4) for share in shares})
    inset_y, inset_x = height // 4, width // 4
    return [
        (
            Region(f"ring-{w}", (0, 0, width, height), (w, w, width - w, height - w)),
            Region(
                f"inner-ring-{w}",
                (inset_x, inset_y, width - inset_x, height - inset_y),
                _hole(inset_x + w, inset_y + w, width - inset_x - w, height - inset_y - w),
            ),
        )
        for w in pixels
    ]


def side_bands(name: str, height: int, width: int, widths: Mapping[str, int]) -> tuple[Region, Region]:
    """Bands along some sides of the picture, and as their control the same bands right inside them.

    Args:
        name: Of the region.
        height: Of the picture.
        width: Of the picture.
        widths: "top", "right", "bottom" and "left" → pixels; sides left out have none.
    """
    top, right, bottom, left = (widths.get(side, 0) for side in ("top", "right", "bottom", "left"))
    inner = (left, top, width - right, height - bottom)
    innermost = _hole(2 * left, 2 * top, width - 2 * right, height - 2 * bottom)
    return Region(name, (0, 0, width, height), inner), Region(f"inside-{name}", inner, innermost)


def _hole(x1: int, y1: int, x2: int, y2: int) -> tuple[int, int, int, int] | None:
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


CORNERS = ("top-left", "top-right", "bottom-left", "bottom-right")


def corners(height: int, width: int, share: float = CORNER) -> dict[str, Region]:
    """The four corner patches by name."""
    h, w = max(1, round(share * height)), max(1, round(share * width))
    tops = {"top": 0, "bottom": height - h}
    lefts = {"left": 0, "right": width - w}
    return {
        f"{v}-{s}": Region(f"{v}-{s}", (lefts[s], tops[v], lefts[s] + w, tops[v] + h))
        for v in ("top", "bottom")
        for s in ("left", "right")
    }


def inward_patches(height: int, width: int, share: float = CORNER) -> dict[str, Region]:
    """For each corner the patch of the same size just inward on its diagonal."""
    found = {}
    for name, region in corners(height, width, share).items():
        x1, y1, x2, y2 = region.box
        w, h = x2 - x1, y2 - y1
        x = min(w, width // 2 - w) if "left" in name else max(width - 2 * w, width // 2)
        y = min(h, height // 2 - h) if "top" in name else max(height - 2 * h, height // 2)
        x, y = max(0, x), max(0, y)
        found[name] = Region(f"inward-{name}", (x, y, x + w, y + h))
    return found


def opposite(corner: str) -> str:
    """The corner at the other end of the diagonal."""
    vertical, side = corner.split("-")
    return f"{'bottom' if vertical == 'top' else 'top'}-{'right' if side == 'left' else 'left'}"


def mirrored(corner: str) -> str:
    """The corner on the other side, same height."""
    vertical, side = corner.split("-")
    return f"{vertical}-{'right' if side == 'left' else 'left'}"


def grid(height: int, width: int, count: int) -> list[Region]:
    """count × count cells, row by row; they tile the picture."""
    ys = np.linspace(0, height, count + 1).round().astype(int)
    xs = np.linspace(0, width, count + 1).round().astype(int)
    return [
        Region(f"cell-r{r + 1}c{c + 1}", (int(xs[c]), int(ys[r]), int(xs[c + 1]), int(ys[r + 1])))
        for r in range(count)
        for c in range(count)
    ]


def same_distance_cells(index: int, count: int) -> list[int]:
    """The other cells of a count × count grid at the same distance from the centre (mirrored and transposed)."""
    row, column = divmod(index, count)
    images = {
        (r, c)
        for a, b in ((row, column), (column, row))
        for r in (a, count - 1 - a)
        for c in (b, count - 1 - b)
    }  # fmt: skip
    return sorted(r * count + c for r, c in images if (r, c) != (row, column))


def displaced(region: Region, height: int, width: int) -> list[Region]:
    """The same shape elsewhere at the same distance from the centre: mirrored left-right, top-bottom, and both.

    A copy that overlaps the original by more than a tenth is left out.
    """
    x1, y1, x2, y2 = region.box
    boxes = {
        "mirrored-x": (width - x2, y1, width - x1, y2),
        "mirrored-y": (x1, height - y2, x2, height - y1),
        "mirrored-xy": (width - x2, height - y2, width - x1, height - y1),
    }
    copies = []
    for how, box in boxes.items():
        if intersection(box, region.box) > 0.1:
            continue
        strokes = None
        if region.strokes is not None:
            strokes = np.zeros_like(region.strokes)
            strokes[box[1] : box[3], box[0] : box[2]] = region.strokes[y1:y2, x1:x2]
        copies.append(Region(f"{region.name}-{how}", box, strokes=strokes))
    return copies


def intersection(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> float:
    """Area of the common part as a share of the smaller box."""
    w = min(first[2], second[2]) - max(first[0], second[0])
    h = min(first[3], second[3]) - max(first[1], second[1])
    if w <= 0 or h <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return w * h / min(areas)
