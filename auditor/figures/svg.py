"""Charts on paper and screen: one style, numbers and names as paths, the same bytes for the same numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from auditor.figures.fonts import chart_families, typeface

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 6.85
"""Inches: the text width of the A4 report, so that nothing is scaled in print."""
INK = "#16181d"
MUTED = "#5b6470"
RULE = "#d5d9df"
ACCENT = "#1f4e8c"
SEVERITY_COLOURS = {"low": "#4f97cf", "medium": "#c97b00", "high": "#b8301c", "critical": "#4f0f35"}
SEVERITY_MARKERS = {"low": "o", "medium": "s", "high": "^", "critical": "D"}
"""Shape and colour both tell the severity, for colour-blind readers and grey print."""
_DARK = {INK: "#e8eaed", MUTED: "#a7afba", RULE: "#454c56", ACCENT: "#8db9ef", "#4f0f35": "#e58fc0",
         "#b8301c": "#f0735c", "#c97b00": "#eda63a", "#4f97cf": "#7fbcea"}  # fmt: skip
"""What each colour becomes where the reader prefers dark screens; print keeps the light ones."""


@contextmanager
def chart(width: float = WIDTH, height: float = 2.5) -> Iterator[Figure]:
    """A figure of that size in inches, in the report's style; draw on it, then `to_svg` it inside the block."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: Any = {
        "font.family": list(chart_families()),
        "font.size": 8,
        "text.parse_math": False,
        "text.color": INK,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": MUTED,
        "axes.labelsize": 8,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "axes.unicode_minus": True,
        "svg.fonttype": "path",
        "svg.hashsalt": "auditor",
        "image.interpolation": "nearest",
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height))
        FigureCanvasSVG(figure)
        yield figure


def to_svg(figure: Figure) -> bytes:
    """SVG without date, creator or document type; follows the reader's wish for dark screens."""
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue().decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    rules = "".join(
        f'[style*="fill: {light}"]{{fill:{dark} !important}}[style*="stroke: {light}"]{{stroke:{dark} !important}}'
        for light, dark in _DARK.items()
    )
    style = f"<style>@media screen and (prefers-color-scheme: dark){{{rules}}}</style>"
    return text.replace("<defs>", style + "<defs>", 1).encode("utf-8")


def svg_size(svg: bytes) -> tuple[int, int]:
    """Width and height in CSS pixels of a chart made here.

    Raises:
        ValueError: No size in points is stated.
    """
    opening = svg[: svg.find(b">") + 1]
    points = [re.search(rb'\b%s="([\d.]+)pt"' % name, opening) for name in (b"width", b"height")]
    if points[0] is None or points[1] is None:
        raise ValueError("the SVG states no width and height in points")
    return round(float(points[0].group(1)) * 4 / 3), round(float(points[1].group(1)) * 4 / 3)


def bare(axes: Axes, *, left: bool = False, bottom: bool = True) -> None:
    """Only the spines that carry a scale."""
    axes.spines["left"].set_visible(left)
    axes.spines["bottom"].set_visible(bottom)
    if not left:
        axes.tick_params(axis="y", length=0)
    if not bottom:
        axes.tick_params(axis="x", length=0)


def shorten(text: str, inches: float, size: float = 8) -> str:
    """What fits into that width, the middle left out: ends of file names and classes tell them apart.

    Args:
        text: A label.
        inches: Room for it.
        size: Of its letters, in points.
    """
    room = inches * 72
    if text_width(text, size) <= room:
        return text
    for letters in range(len(text) - 1, 2, -1):
        head = (letters - 1) * 2 // 3
        shortened = f"{text[:head]}…{text[-(letters - 1 - head) :]}"
        if text_width(shortened, size) <= room:
            return shortened
    return "…"


def text_width(text: str, size: float) -> float:
    """Points; characters of East Asian scripts count as full squares."""
    wide = sum(letter >= "\u2e80" for letter in text)
    narrow = "".join(letter for letter in text if letter < "\u2e80")
    return typeface(100).getlength(narrow) * size / 100 + wide * size
