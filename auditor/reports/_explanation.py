"""The page of one explained picture: self-contained, from the same templates and styles as the report."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, replace
from pathlib import Path

from auditor.languages import DEFAULT, Language
from auditor.method_names import in_print
from auditor.reports import RenderOptions
from auditor.reports._pages import render_page
from auditor.reports._translation import teller
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
class Tile:
    """One small picture among others of its size.

    Attributes:
        content: JPEG; empty where there is nothing to show.
        note: Smaller words under the title.
        method: Its name in a spec, and in words once the page is told.
    """

    title: str
    content: bytes
    note: str
    reading: str
    method: str = ""

    @property
    def url(self) -> str:
        """As a data address; "" for none."""
        return data_address(self.title, self.content, "image/jpeg") if self.content else ""


@dataclass(frozen=True, slots=True)
class ExplainedPicture:
    """What the page says.

    Attributes:
        target: What is explained, in words.
        layers: At which the maps of layers were made.
        scores: (class, probability), highest first.
        cells: (name, fall, low, high, share of flips) of the strongest cells.
    """

    name: str
    model: str
    title: str
    target: str
    scores: tuple[tuple[str, float], ...]
    sentence: str
    cells: tuple[tuple[str, float, float, float, float], ...]
    figure: ExplanationFigure
    tiles: tuple[Tile, ...]
    layers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def readings(self) -> tuple[tuple[str, str], ...]:
        """(method, how to read it), each once."""
        return tuple({tile.method or tile.title: tile.reading for tile in self.tiles[1:]}.items())


def write_explanation(
    picture: ExplainedPicture, path: Path, *, language: str = DEFAULT, pdf: bool = False
) -> list[Path]:
    """Write the page, whole or not at all; with `pdf` the same for print beside it.

    Raises:
        SystemPackageError: PDF needs a system library that is missing.
    """
    spoken = Language.of(language)
    picture = _told(picture, spoken)
    with spoken.spoken():
        pages = {path: _html(picture, "screen").encode("utf-8")}
        if pdf:
            from auditor.reports._layout import pdf_of

            pages[path.with_suffix(".pdf")] = pdf_of(_html(picture, "print"))
    for place, content in pages.items():
        write_whole(place, content)
    return list(pages)


def _told(picture: ExplainedPicture, language: Language) -> ExplainedPicture:
    """Its sentences in that language; names of the picture, its classes and layers stay."""
    tell = teller(language, (picture.name, picture.target, *(name for name, _ in picture.scores), *picture.layers))
    figure = picture.figure
    return replace(
        picture,
        sentence=tell(picture.sentence),
        cells=tuple((tell(cell[0]), *cell[1:]) for cell in picture.cells),
        figure=replace(figure, caption=tell(figure.caption), alt=tell(figure.alt)),
        tiles=tuple(
            replace(
                tile,
                title=tell(tile.title),
                note=tell(tile.note),
                reading=tell(tile.reading),
                method=tell(in_print(tile.method)) if tile.method else "",
            )
            for tile in picture.tiles
        ),
        notes=tuple(tell(note) for note in picture.notes),
    )


def _html(picture: ExplainedPicture, media: str) -> str:
    context = {"picture": picture, "media": media}
    return render_page(TEMPLATE, context, RenderOptions(), data_address, media=media, brand=None)


def data_address(name: str, data: bytes, kind: str) -> str:
    """A data: address; `name` is not part of it."""
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"
