"""The bundled typeface for what is drawn, and what the system lends for scripts that it lacks."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.shipped import shipped_folder

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

FAMILY = "Inter"
FALLBACKS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "Noto Sans",
    "DejaVu Sans",
)
"""Tried in this order for characters that the bundled family lacks."""


def font_file(weight: int = 400) -> Path:
    """The bundled TrueType file, 400 or 600."""
    return shipped_folder("templates") / "default" / "fonts" / f"inter-{weight}.ttf"


@cache
def typeface(pixels: int) -> FreeTypeFont:
    """The bundled face at that size, for the few words inside pictures."""
    from PIL import ImageFont

    return ImageFont.truetype(str(font_file()), pixels)


@cache
def chart_families() -> tuple[str, ...]:
    """Families for charts: ours, then those of `FALLBACKS` that this system has."""
    from matplotlib import font_manager

    # The semibold stands in for bold, so that the fallbacks' bold is found at the same weight.
    for file, weight in ((400, 400), (600, 700)):
        entry = font_manager.FontEntry(fname=str(font_file(file)), name=FAMILY, style="normal", variant="normal",
                                       weight=weight, stretch="normal", size="scalable")  # fmt: skip
        font_manager.fontManager.ttflist.insert(0, entry)
    known = {entry.name for entry in font_manager.fontManager.ttflist}
    return (FAMILY, *(family for family in FALLBACKS if family in known))


def drawable(text: str) -> str:
    """The text with characters that no family of `chart_families` holds replaced by the replacement character."""
    covered = _covered()
    return "".join(letter if ord(letter) in covered else "\N{REPLACEMENT CHARACTER}" for letter in text)


@cache
def _covered() -> frozenset[int]:
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    files = {font_manager.findfont(family) for family in chart_families()}
    return frozenset(code for file in files for code in FT2Font(file).get_charmap())
