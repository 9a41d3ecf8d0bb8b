"""Collects figures: each is written whole, and known by its path with caption, alternative text and reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from auditor.figures import Chart, decode_png, encode_jpeg, svg_size
from auditor.records import LegendEntry, Picture, PlacedWords
from auditor.runs import safe_name

if TYPE_CHECKING:
    from auditor.runs import RunFolder

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
        words: Sequence[PlacedWords] = (),
        legend: Sequence[LegendEntry] = (),
        rows: Sequence[tuple[float, float]] = (),
    ) -> str:
        """Save a picture as JPEG; returns its path in the run folder.

        Args:
            outlines: Where a region is drawn in it, in its pixels.
            words: Set over it by the page, such as a line under each of its tiles.
            legend: What its marks and colours are.
            rows: Top and height of each row whose words stand beside it, in percent of its height.
        """
        scale = min(1.0, LONGEST_SIDE / max(rgb.shape[:2]))
        if scale < 1:
            size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
            rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        drawn = tuple(tuple(round(edge * scale) for edge in box) for box in outlines)
        more = {"outlines": drawn, "words": tuple(words), "legend": tuple(legend), "rows": tuple(rows)}
        size = (rgb.shape[1], rgb.shape[0])
        return self._keep(f"{safe_name(name)}.jpg", encode_jpeg(rgb), size, caption, alt, reading, more)

    def chart(self, name: str, chart: Chart, *, caption: str, alt: str, reading: str | None = None) -> str:
        """Save a chart as SVG, and keep the words that belong to it; returns its path in the run folder."""
        more = {"words": chart.words, "legend": chart.legend}
        return self._keep(f"{safe_name(name)}.svg", chart.svg, svg_size(chart.svg), caption, alt, reading, more)

    def _keep(
        self,
        name: str,
        content: bytes,
        size: tuple[int, int],
        caption: str,
        alt: str,
        reading: str | None,
        more: Mapping[str, Any],
    ) -> str:
        path = f"figures/{name}"
        self._folder.write(path, content)
        self.pictures[path] = Picture(
            path=path, caption=caption, alt=alt, reading=reading, width=size[0], height=size[1], **more
        )
        return path
