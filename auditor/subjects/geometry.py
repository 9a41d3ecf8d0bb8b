"""Where each pixel of the model's input lies in the picture: one geometry for pictures, masks and boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from auditor.subjects import Preprocessing


LONG = 32
"""Resized pictures of more than this many windows are not computed whole: 1 × 20 000 pixels would take gigabytes."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """A picture resized to (scaled_height, scaled_width), of which a window becomes the model's input.

    Attributes:
        width, height: The picture, pixels.
        scaled_width, scaled_height: The picture after resizing.
        left, top: Where the window starts in the resized picture.
        input_width, input_height: The window.
    """

    width: int
    height: int
    scaled_width: int
    scaled_height: int
    left: int
    top: int
    input_width: int
    input_height: int

    @classmethod
    def of(cls, width: int, height: int, preprocessing: Preprocessing) -> Geometry:
        """The geometry of one picture.

        squash: both sides at once. crop: the picture covers size / crop_ratio (for a square input: its short side is
        that long), the centre is kept.

        Source: torchvision `resize` (long side truncated) and `center_crop` (start rounded half to even).
        """
        input_height, input_width = preprocessing.height, preprocessing.width
        if preprocessing.resize == "squash":
            return cls(width, height, input_width, input_height, 0, 0, input_width, input_height)
        # The small term mends 224 / (224 / 230) = 229.99…, which is meant as 230.
        target_height = int(input_height / preprocessing.crop_ratio + 1e-6)
        target_width = int(input_width / preprocessing.crop_ratio + 1e-6)
        if target_height * width >= target_width * height:
            scaled_height, scaled_width = target_height, target_height * width // height
        else:
            scaled_height, scaled_width = target_width * height // width, target_width
        left = round((scaled_width - input_width) / 2)
        top = round((scaled_height - input_height) / 2)
        return cls(width, height, scaled_width, scaled_height, left, top, input_width, input_height)

    @property
    def window(self) -> tuple[float, float, float, float]:
        """The part of the picture that becomes the input: (x1, y1, x2, y2), pixels of the picture."""
        across, down = self.width / self.scaled_width, self.height / self.scaled_height
        x2, y2 = (self.left + self.input_width) * across, (self.top + self.input_height) * down
        return (self.left * across, self.top * down, min(x2, self.width), min(y2, self.height))

    def resize(self, image: Image.Image, interpolation: str) -> Image.Image:
        """The model's input: bilinear or bicubic, antialiased; bit for bit what torchvision makes of a PIL image.

        Of a very long picture only the window is computed, which may differ by the rounding between Pillow's two
        passes.
        """
        method = Image.Resampling[interpolation.upper()]
        size = (self.input_width, self.input_height)
        if self.scaled_width * self.scaled_height > LONG * self.input_width * self.input_height:
            return image.resize(size, method, box=self.window)
        scaled = image.resize((self.scaled_width, self.scaled_height), method)
        return scaled.crop((self.left, self.top, self.left + self.input_width, self.top + self.input_height))

    def resize_mask(self, mask: np.ndarray) -> np.ndarray:
        """Nearest neighbour by pixel centres: bool (height, width) → bool (input_height, input_width)."""
        columns, rows = self._centres()
        picked = mask[np.ix_(np.floor(rows).astype(int), np.floor(columns).astype(int))]
        return np.ascontiguousarray(picked)

    def box_mask(self, box: tuple[float, float, float, float]) -> np.ndarray:
        """True where the centre of an input pixel lies in the box: bool (input_height, input_width)."""
        columns, rows = self._centres()
        x1, y1, x2, y2 = box
        return np.outer((rows >= y1) & (rows < y2), (columns >= x1) & (columns < x2))

    def _centres(self) -> tuple[np.ndarray, np.ndarray]:
        """Centres of the input's columns and rows, in pixels of the picture."""
        columns = (self.left + np.arange(self.input_width) + 0.5) * self.width / self.scaled_width
        rows = (self.top + np.arange(self.input_height) + 0.5) * self.height / self.scaled_height
        return columns, rows
