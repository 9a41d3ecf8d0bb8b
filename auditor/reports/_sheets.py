"""Sheets with the maps of single images: what each row shows stands beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from auditor.languages import spoken_number
from auditor.records import Audit, ImageRecord
from auditor.reports._drawings import Key
from auditor.reports._pictures import Figure, Pictures
from auditor.reports._words import plain, short

HEAD = 41
"""Pixels over the first row of a sheet that does not say where its rows are, as older ones: names on two lines."""
GAP = 6
"""Pixels under each row of such a sheet."""
WIDEST = 77.0
"""Percent of the text width that a sheet takes; the rest is for its words."""
TALLEST = 1.15
"""Height of the tallest sheet, in text widths."""
NAME_LETTERS, CLASS_LETTERS = 54, 40
_PART = re.compile(r"[^/_-]+[/_-]*|[/_-]+")
_LAST_SENTENCE = re.compile(r"(?<=[.。])[^.。]*\Z")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One image of a sheet.

    Attributes:
        number: As it stands before the row.
        place: Of the image in the sample, from 1.
        name_parts: Of its file, below the folder of all, cut where a line may break.
        label: "" where there is none.
        predicted, score: The model's answer.
        wrong: Whether it is another than the label.
        half: "A" or "B"; "" where the sample has no halves.
        top, height: Of the row, in percent of the sheet's height.
    """

    number: int
    place: int
    name_parts: tuple[str, ...]
    label: str
    predicted: str
    score: str
    wrong: bool
    half: str
    top: float
    height: float


@dataclass(frozen=True, slots=True)
class ImageSheet:
    """A sheet with the maps of several images, one a row.

    Attributes:
        figure: The sheet; its caption names columns only, and is "" where the sheet before has the same.
        rows: Its images.
        share: Percent of the text width that it takes, so that all sheets of the same columns have one scale.
    """

    figure: Figure
    rows: tuple[SheetRow, ...]
    share: float


@dataclass(frozen=True, slots=True)
class SheetRun:
    """Sheets of the same columns: on paper their rows go on from page to page under one head.

    Attributes:
        head: The sheet whose head stands over all rows.
        sheets: In their order, `head` first.
        legend: What the marks and colours of all of them are.
    """

    head: ImageSheet
    sheets: tuple[ImageSheet, ...]
    legend: tuple[Key, ...]


def images_by_sheet(images: Iterable[ImageRecord]) -> dict[str, list[ImageRecord]]:
    """Path of a sheet → the images on it, in the order of its rows."""
    found: dict[str, list[ImageRecord]] = {}
    for image in images:
        for path in image.figures:
            found.setdefault(path, []).append(image)
    return found


def sheets_of(
    paths: Sequence[str], shown: Mapping[str, Sequence[ImageRecord]], audit: Audit, pictures: Pictures
) -> tuple[ImageSheet, ...]:
    """Sheets with their rows; those that are left out are missing.

    Args:
        shown: As `images_by_sheet` gives it for the whole sample.
    """
    tallest: dict[int, int] = {}
    for path in shown:
        if (picture := audit.figures.get(path)) is not None:
            tallest[picture.width] = max(picture.height, tallest.get(picture.width, 0))
    sheets: list[ImageSheet] = []
    folder, before = folder_of(audit.images), ""
    in_sample = {image.image: place for place, image in enumerate(audit.images, start=1)}
    for figure in pictures.figures(paths):
        images = shown[figure.path]
        columns = _columns(figure.caption, images[0])
        share = _share(figure.width, tallest[figure.width])
        caption = "" if columns == before else columns
        sheets.append(
            ImageSheet(
                replace(figure, caption=caption),
                _rows(images, _places(figure, len(images)), folder, in_sample),
                round(share, 2),
            )
        )
        before = columns
    return tuple(sheets)


def runs_of(sheets: Iterable[ImageSheet]) -> tuple[SheetRun, ...]:
    """Neighbours under the same head together."""
    runs: list[list[ImageSheet]] = []
    for sheet in sheets:
        if runs and not sheet.figure.caption and _head(sheet) == _head(runs[-1][0]):
            runs[-1].append(sheet)
        else:
            runs.append([sheet])
    return tuple(
        SheetRun(run[0], tuple(run), tuple(dict.fromkeys(key for sheet in run for key in sheet.figure.legend)))
        for run in runs
    )


def _head(sheet: ImageSheet) -> tuple[object, ...]:
    """Shape and words of what stands over its rows."""
    first = sheet.rows[0].top
    return sheet.share, sheet.figure.width, *(word.text for word in sheet.figure.words if word.top < first)


def folder_of(images: Sequence[ImageRecord]) -> str:
    """The folder that all files lie in, with the slash at its end; "" for none."""
    names = [image.image for image in images]
    if len(names) < 2:
        return ""
    # what the first and the last in order share, all share
    first, last = (name.split("/")[:-1] for name in (min(names), max(names)))
    shared = takewhile(lambda two: two[0] == two[1], zip(first, last, strict=False))
    return "".join(f"{part}/" for part, _ in shared)


def breakable(name: str) -> tuple[str, ...]:
    """A file's name, cut behind slashes, hyphens and underscores."""
    return tuple(_PART.findall(name))


def _share(width: int, tallest: int) -> float:
    """Percent of the text width that sheets of that width take, the tallest of which is so tall."""
    return min(WIDEST, 100 * TALLEST * width / tallest)


def _columns(caption: str, first: ImageRecord) -> str:
    """The caption without its last sentence, which names the rows."""
    parts = plain(first.image).split("/")
    # names of files stand there with the folder that they lie in, or with all
    rows = max(caption.find(f"1. {'/'.join(parts[start:])}") for start in range(len(parts)))
    return caption if rows < 0 else _LAST_SENTENCE.sub("", caption[:rows]).strip()


def _places(figure: Figure, count: int) -> Sequence[tuple[float, float]]:
    """Where each row begins and how tall it is, in percent of the sheet's height."""
    if len(figure.rows) == count:
        return figure.rows
    step = (figure.height + GAP - HEAD) / count
    return [
        (round(100 * (HEAD + row * step) / figure.height, 3), round(100 * (step - GAP) / figure.height, 3))
        for row in range(count)
    ]


def _rows(
    images: Sequence[ImageRecord], places: Sequence[tuple[float, float]], folder: str, in_sample: Mapping[str, int]
) -> tuple[SheetRow, ...]:
    return tuple(
        SheetRow(
            number=number,
            place=in_sample[image.image],
            name_parts=breakable(short(image.image.removeprefix(folder), NAME_LETTERS)),
            label=short(image.label or "", CLASS_LETTERS),
            predicted=short(image.predicted, CLASS_LETTERS),
            score=spoken_number(f"{image.score:.2f}"),
            wrong=image.label is not None and image.label != image.predicted,
            half=plain(image.half or ""),
            top=top,
            height=height,
        )
        for number, (image, (top, height)) in enumerate(zip(images, places, strict=True), start=1)
    )
