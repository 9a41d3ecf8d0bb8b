"""Annex: every image, every check, the spec as it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.languages import grouped, say, say_many
from auditor.records import Audit, ImageRecord
from auditor.reports._evidence import check_table, unjudged
from auditor.reports._pictures import Pictures
from auditor.reports._sheets import ImageSheet, SheetRun, folder_of, images_by_sheet, runs_of, sheets_of
from auditor.reports._subject import in_words
from auditor.reports._tables import Cell, Column, Table, numeric, table
from auditor.reports._words import NONE, bare, plain, short

SPEC_LETTERS = 60_000
"""A longer spec is cut here in print; the whole file is attached to the PDF and in the run folder."""


@dataclass(frozen=True, slots=True)
class ImageGroup:
    """Images of the sample that are printed together.

    Attributes:
        title: "Images 251 to 500 of 1,000"; "" where one group holds them all.
        folder: Where all files lie, which `sheets` leave out of names; "" for none.
        sheets: Their maps, each sheet once, with what its rows show.
        runs: The same for paper, where sheets of the same columns are one table.
        images: Every image with its label and prediction.
        others: Those of them that no sheet shows.
        empty: Why there are no sheets, where there are none.
    """

    title: str
    folder: str
    sheets: tuple[ImageSheet, ...]
    runs: tuple[SheetRun, ...]
    images: Table
    others: Table
    empty: str = ""


def image_groups(audit: Audit, pictures: Pictures, chunk: int | None) -> tuple[ImageGroup, ...]:
    """All images in their order, at most `chunk` in a group; a sheet goes with the first image on it."""
    total = len(audit.images)
    size = chunk or max(total, 1)
    by_sheet = images_by_sheet(audit.images)
    seen: set[str] = set()
    shown: set[str] = set()
    groups = []
    folder = plain(folder_of(audit.images))
    for start in range(0, max(total, 1), size):
        images = audit.images[start : start + size]
        paths = [path for path in dict.fromkeys(p for image in images for p in image.figures) if path not in seen]
        seen.update(paths)
        sheets = sheets_of(paths, by_sheet, audit, pictures)
        shown.update(sheet.figure.path for sheet in sheets)
        first, last = grouped(start + 1), grouped(start + len(images))
        title = ""
        if total > size:
            title = say("Images {first} to {last} of {total}", first=first, last=last, total=grouped(total))
        others = [image for image in images if shown.isdisjoint(image.figures)]
        empty = "" if sheets else _why_none(paths, pictures)
        groups.append(
            ImageGroup(title, folder, sheets, runs_of(sheets), image_table(images), image_table(others), empty)
        )
    return tuple(groups)


def thinned(audit: Audit, every: int) -> frozenset[str]:
    """Sheets that the annex leaves out where it shows one in so many; 0: all of them."""
    sheets = list(dict.fromkeys(path for image in audit.images for path in image.figures))
    return frozenset(sheets) - frozenset(sheets[::every] if every else ())


def _why_none(paths: Sequence[str], pictures: Pictures) -> str:
    if not pictures.shown:
        return say("Pictures of the sample were left out of this copy on request.")
    if paths:
        return say("Maps of these images were left out to save room.")
    return say("No maps of single images were drawn.")


def image_table(images: Sequence[ImageRecord]) -> Table:
    """Images with their labels and predictions; wrong ones are marked."""
    rows = []
    for image in images:
        wrong = image.label is not None and image.label != image.predicted
        rows.append(
            (
                short(image.image, 70),
                short(image.label, 40) if image.label is not None else NONE,
                Cell(short(image.predicted, 40), "✗" if wrong else "", "high" if wrong else ""),
                bare(f"{image.score:.2f}"),
                image.half or NONE,
            )
        )
    columns = (
        Column(say("Image"), "name"),
        Column(say("Label"), "name"),
        Column(say("Predicted"), "name"),
        numeric(say("Score")),
        say("Half"),
    )
    caption = say_many("{n} image", "{n} images", len(rows))
    return table(caption, columns, rows, empty=say("No images are recorded."))


def full_check_table(audit: Audit) -> Table:
    """Every check that audit.json holds, judged ones first."""
    ordered = sorted(audit.checks, key=unjudged)
    return check_table(say_many("All {n} check", "All {n} checks", len(ordered)), ordered)


def option_table(audit: Audit) -> Table:
    """The options that every part ran with."""
    options = audit.runtime.get("options") or {}
    rows = [(plain(name), _options(values)) for name, values in options.items()]
    rows += [(f"{item.name}@{item.layer}" if item.layer else item.name, _options(item.options))
             for item in audit.visualizations if item.options]  # fmt: skip
    empty = say("No part recorded options of its own.")
    columns = (Column(say("Part"), "mono"), Column(say("Options"), "mono"))
    return table(say("Options of every part"), columns, rows, empty=empty)


def _options(values: object) -> str:
    if not isinstance(values, Mapping):
        return in_words(values)
    return "; ".join(f"{plain(key)}: {_value(value)}" for key, value in values.items()) or "none"


def _value(value: object) -> str:
    """As a spec writes it, or that there is none."""
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None or value in ("", (), [], {}) else in_words(value)


def spec_text(text: str) -> str:
    """The spec's own words, line by line, safe to show."""
    lines = [_line(line) for line in text[:SPEC_LETTERS].splitlines()]
    if len(text) > SPEC_LETTERS:
        lines.append(say("… {n} more letters: see the attached file", n=grouped(len(text) - SPEC_LETTERS)))
    return "\n".join(lines)


def _line(line: str) -> str:
    body = line.lstrip(" \t")
    indent = line[: len(line) - len(body)].replace("\t", "    ")
    return indent + "".join(plain(letter) or letter for letter in body)
