"""The gallery of report.html: every picture with every map, packed small; the page's script colours and blends them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import RenderError
from auditor.languages import listed, say, say_in, say_many, spoken_number
from auditor.media import Medium
from auditor.records import Audit, ImageRecord, VisualizationRecord
from auditor.reports._fitting import ORDINARY, WHOLE, Reduction
from auditor.reports._maps import read_maps
from auditor.reports._methods import WARNINGS
from auditor.reports._names import label
from auditor.reports._pictures import Embed, read_inside
from auditor.reports._pixels import TINY, bare, reduced
from auditor.reports._sheets import breakable, folder_of
from auditor.reports._words import plain, short

if TYPE_CHECKING:
    import numpy as np

    from auditor.figures import Sprite

SIDES = (32, 24, 16, 12, 8)
"""Cells along the longer side of a map: as many as the page has room for."""


@dataclass(frozen=True, slots=True)
class Card:
    """One picture of the sample.

    Attributes:
        name_parts: Its file name, cut where a line may break.
        answer: "right", "wrong" or "no label", for styles.
        said: The answer in the report's language.
        url: Address of its small picture; "" where pictures are left out.
        width, height: Pixels of the small picture, or of a square where there is none.
        anchor: For links.
        label: The true class; "" for none.
        predicted: The model's class.
        score: Of that class.
    """

    anchor: str
    name_parts: tuple[str, ...]
    label: str
    predicted: str
    score: str
    answer: str
    said: str
    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class MapSheet:
    """All maps of one method at one layer, in grey.

    Attributes:
        title: Method and layer.
        url, alt, width, height: Of the picture.
    """

    title: str
    url: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class GalleryView:
    """What the page shows, and what its script reads.

    Attributes:
        cells: How coarse the maps are, in words.
        data: Palette and layout of the sheets, as JSON; words in it are plain text, never markup.
        room: Bytes taken, before they are written as text.
        empty: Why there is none, where cards or sheets are empty.
        cards: One for each picture.
        sheets: One for each method and layer.
    """

    cards: tuple[Card, ...] = ()
    sheets: tuple[MapSheet, ...] = ()
    cells: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    room: int = 0
    empty: str = ""

    @property
    def shown(self) -> bool:
        """Whether there is something to show."""
        return bool(self.cards and self.sheets)


def gallery_view(
    audit: Audit,
    run: Path,
    embed: Embed,
    *,
    images: bool,
    most_bytes: int,
    thumbnails: bool = False,
    reduction: Reduction = WHOLE,
) -> GalleryView:
    """Pack the maps that the run keeps.

    Args:
        images: False leaves the pictures out and shows the maps alone.
        thumbnails: Shows the pictures all the same, tiny.
        most_bytes: What pictures and maps of an ordinary sample may weigh together; maps are made coarser until they
            fit. Room grows with the pictures of a larger sample.
        reduction: How far pictures and maps are reduced before that.

    Raises:
        RenderError: A file of maps or a picture that the audit names is missing or broken.
    """
    kept = [item for item in audit.visualizations if item.maps is not None and item.status == "ok"]
    if not kept or not audit.images:
        return GalleryView(empty=say("This run keeps no maps of single pictures."))
    if not reduction.every:
        return GalleryView(empty=say("Maps of single pictures were left out to save room."))
    kept = kept[:: reduction.every]
    cards, taken = _cards(audit.images, run, embed, images=images, thumbnails=thumbnails, reduction=reduction)
    room = round(most_bytes * max(1.0, len(audit.images) / ORDINARY)) - taken
    deep = audit.sample.medium != Medium.PICTURE
    packed = _packed([read_maps(item, run, len(audit.images), deep=deep) for item in kept], room, reduction.cells)
    sheets = tuple(_sheet(item, sprite, embed) for item, (sprite, _) in zip(kept, packed, strict=True))
    from auditor.figures import lookup

    return GalleryView(
        cards=cards,
        sheets=sheets,
        cells=_cells([sprite for sprite, _ in packed]),
        data={
            "palette": lookup().tobytes().hex(),
            "sets": [_layout(item, *found) for item, found in zip(kept, packed, strict=True)],
        },
        room=taken + sum(len(sprite.content) for sprite, _ in packed),
    )


def replaced(gallery: GalleryView, audit: Audit) -> frozenset[str]:
    """Figures that the gallery shows better: the sheets with rows of maps of every picture."""
    return frozenset(path for image in audit.images for path in image.figures) if gallery.shown else frozenset()


def _cards(
    pictures: Sequence[ImageRecord], run: Path, embed: Embed, *, images: bool, thumbnails: bool, reduction: Reduction
) -> tuple[tuple[Card, ...], int]:
    from auditor.figures import jpeg_size

    cards, taken = [], 0
    folder = folder_of(pictures)
    for number, image in enumerate(pictures, start=1):
        url, size = "", (160, 160)
        if (images or thumbnails) and image.thumbnail is not None:
            data = read_inside(run, image.thumbnail)
            try:
                size = jpeg_size(data)
            except ValueError as error:
                raise RenderError(f"{image.thumbnail}: {error}; run the audit again") from error
            tiny = 1.0 if images else min(1.0, TINY / max(size))
            wanted = replace(reduction, scale=min(reduction.scale, tiny))
            data, kind = reduced(bare(data, "image/jpeg"), "image/jpeg", wanted, least=0)
            url = embed(image.thumbnail, data, kind)
            taken += len(data)
        answer, said = _answer(image)
        cards.append(
            Card(
                anchor=f"picture-{number}",
                name_parts=breakable(short(image.image.removeprefix(folder), 48)),
                label="" if image.label is None else short(image.label, 40),
                predicted=short(image.predicted, 40),
                score=spoken_number(f"{image.score:.2f}"),
                answer=answer,
                said=said,
                url=url,
                width=size[0],
                height=size[1],
            )
        )
    return tuple(cards), taken


def _answer(image: ImageRecord) -> tuple[str, str]:
    """For styles, and in words."""
    if image.label is None:
        return "no label", say_in("answer", "no label")
    if image.label == image.predicted:
        return "right", say_in("answer", "right")
    return "wrong", say_in("answer", "wrong")


def _packed(
    read: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], room: int, most_cells: int
) -> list[tuple[Sprite, list[float | None]]]:
    """One sprite a file of maps, at the finest resolution that fits, and what its brightest stands for in each map."""
    from auditor.figures import sprite

    for side in (side for side in SIDES if side <= most_cells):
        packed = [sprite(maps, side=side) for maps, _, _ in read]
        if sum(len(one.content) for one in packed) <= room:
            break
    tops = []
    for one, (_, peaks, usable) in zip(packed, read, strict=True):
        values = zip(one.tops, peaks, usable, strict=True)
        tops.append([float(f"{top * float(peak):.3g}") if good and top > 0 else None for top, peak, good in values])
    return list(zip(packed, tops, strict=True))


def _sheet(item: VisualizationRecord, sprite: Sprite, embed: Embed) -> MapSheet:
    title = listed(filter(None, (_method(item), plain(item.layer or ""))))
    return MapSheet(
        title=title,
        url=embed(item.maps or "", sprite.content, sprite.kind),
        alt=say_many(
            "{title}: {n} grey map, {across} in a row, in the order of the pictures.",
            "{title}: {n} grey maps, {across} in a row, in the order of the pictures.",
            len(sprite.tops),
            title=title,
            across=sprite.across,
        ),
        width=sprite.size[0],
        height=sprite.size[1],
    )


def _layout(item: VisualizationRecord, sprite: Sprite, tops: list[float | None]) -> dict[str, Any]:
    return {
        "method": _method(item),
        "layer": plain(item.layer or ""),
        "warning": say(WARNINGS.get(item.trust or "", "")),
        "failed": item.trust == "failed",
        "across": sprite.across,
        "cell": sprite.cell,
        "tile": sprite.tile,
        "tops": tops,
    }


def _method(item: VisualizationRecord) -> str:
    return " ".join(filter(None, (label(item.name), plain(item.for_words))))


def _cells(sprites: Iterable[Sprite]) -> str:
    wide, high = max((sprite.tile for sprite in sprites), key=lambda tile: tile[0] * tile[1])
    return f"{wide} × {high}"
