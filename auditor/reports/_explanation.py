"""The page of one explained picture: self-contained, from the same templates and styles as the report."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from auditor.reports import RenderOptions
from auditor.reports._pages import render_page
from auditor.runs import write_whole

TEMPLATE = "explanation.html.j2"


@dataclass(frozen=True, slots=True)
class ExplanationFigure:
    """A picture on the page."""

    title: str
    content: bytes
    kind: str
    caption: str
    alt: str

    @property
    def url(self) -> str:
        """As a data address: the page fetches nothing."""
        return data_address(self.title, self.content, self.kind)


@dataclass(frozen=True, slots=True)
class ExplainedPicture:
    """What the page says.

    Attributes:
        scores: (class, probability), highest first.
        cells: (name, fall, low, high, share of flips) of the strongest cells.
    """

    name: str
    model: str
    title: str
    scores: tuple[tuple[str, float], ...]
    sentence: str
    cells: tuple[tuple[str, float, float, float, float], ...]
    figures: tuple[ExplanationFigure, ...]


def write_explanation(picture: ExplainedPicture, path: Path) -> Path:
    """Write the page, whole or not at all."""
    html = render_page(TEMPLATE, {"picture": picture}, RenderOptions(), data_address, media="screen", accent=None)
    write_whole(path, html.encode("utf-8"))
    return path


def data_address(name: str, data: bytes, kind: str) -> str:
    """A data: address; `name` is not part of it."""
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"
