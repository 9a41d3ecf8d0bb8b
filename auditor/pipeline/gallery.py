"""Collects figures: each is written whole, and known by its path with caption, alternative text and reading."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from auditor.figures import decode_png, encode_jpeg, svg_size
from auditor.records import Picture

if TYPE_CHECKING:
    from auditor.runs import RunFolder, safe_name

LONGEST_SIDE = 1800
"""Pictures are averaged down to this many pixels on their longer side: enough for print at the width of a page."""


class Gallery:
    """The figures of one run."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self.pictures: dict[str, Picture] = {}

    def saved(self, path: str) -> np.ndarray:
        """A picture that a probe kept in the run folder: uint8 (height, width, 3)."""
        return decode_png((self._folder.path / path).read_bytes())

    def photo(
        self,
        name: str,
        rgb: np.ndarray,
        *,
        caption: str,
        alt: str,
        reading: str | None = None,
        outlines: Iterable[tuple[int, int, int, int]] = (),
    ) -> str:
        """Save a picture as JPEG; returns its path in the run folder.

        Args:
            outlines: Where a region is drawn in it, in its pixels.
        """
        scale = min(1.0, LONGEST_SIDE / max(rgb.shape[:2]))
        if scale < 1:
            size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
            rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        path = self._keep(f"{safe_name(name)}.jpg", encode_jpeg(rgb), rgb.shape[1], rgb.shape[0], caption, alt, reading)
        drawn = tuple(tuple(round(edge * scale) for edge in box) for box in outlines)
        if drawn:
            self.pictures[path] = self.pictures[path].model_copy(update={"outlines": drawn})
        return path

    def chart(self, name: str, svg: bytes, *, caption: str, alt: str, reading: str | None = None) -> str:
        """Save a chart as SVG; returns its path in the run folder."""
        width, height = svg_size(svg)
        return self._keep(f"{safe_name(name)}.svg", svg, round(width), round(height), caption, alt, reading)

    def _keep(
        self, name: str, content: bytes, width: int, height: int, caption: str, alt: str, reading: str | None
    ) -> str:
        path = f"figures/{name}"
        self._folder.write(path, content)
        self.pictures[path] = Picture(path=path, caption=caption, alt=alt, reading=reading, width=width, height=height)
        return path
