"""The data source `csv`."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from auditor.errors import DataError
from auditor.subjects import PictureInfo
from auditor.subjects.datasets import DatasetSource

SHOWN = 10
"""Mistakes that one message lists."""

BOX_COLUMNS = ("x1", "y1", "x2", "y2")


class Columns(BaseModel):
    """Which column holds what; only those that are named are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = "image"
    label: str | None = None
    box: Annotated[list[str], Field(min_length=4, max_length=4)] | None = None
    mask: str | None = None
    groups: list[str] = Field(default_factory=list)
    cluster: str | None = None

    def named(self) -> list[tuple[str, str]]:
        """(key, column) of all columns that are read."""
        single = [("image", self.image), ("label", self.label), ("mask", self.mask), ("cluster", self.cluster)]
        several = [("box", name) for name in self.box or []] + [("groups", name) for name in self.groups]
        return [(key, name) for key, name in single if name is not None] + several


class Csv(DatasetSource):
    """A table with a row a picture: its path, and what is known of it.

    The first row names the columns; commas, semicolons or tabs; UTF-8. Paths are relative to the table. Without
    `columns` those called image, label, mask and x1, y1, x2, y2 are read where they exist. A label is a class name or a
    class index; an empty cell means unknown. Boxes are in pixels of the original picture, as it is displayed.
    """

    path: str = Field(description="The table, relative to the spec")
    columns: Columns | None = Field(default=None, description="Which column holds what")

    def pictures(self, *, folder: Path, classes: Sequence[str]) -> tuple[list[PictureInfo], tuple[str, ...]]:
        problems = self.problems(folder=folder)
        if problems:
            raise DataError("; ".join(what for _, what in problems))
        path = folder / self.path
        header, rows = self._read(path)
        columns = self._columns(header)
        reading = _Reading(path.parent, columns, tuple(classes))
        pictures: list[PictureInfo] = []
        mistakes: list[str] = []
        for line, cells in rows:
            if len(cells) != len(header):
                mistakes.append(f"{self.path}:{line}: {len(cells)} cells, but the header has {len(header)}")
                continue
            try:
                pictures.append(reading.picture(dict(zip(header, cells, strict=True))))
            except ValueError as error:
                mistakes.append(f"{self.path}:{line}: {error}")
        if mistakes:
            more = [f"and {len(mistakes) - SHOWN} more"] if len(mistakes) > SHOWN else []
            raise DataError("\n".join(mistakes[:SHOWN] + more))
        if not pictures:
            raise DataError(f"{self.path} has a header but no rows")
        return pictures, tuple(classes)

    def problems(self, *, folder: Path) -> list[tuple[str, str]]:
        path = folder / self.path
        if path.is_dir():
            return [("path", f"{self.path} is a folder; name the table in it, or write source: folder")]
        if not path.is_file():
            near = [item.name for item in path.parent.iterdir() if item.is_file()] if path.parent.is_dir() else []
            return [("path", f"no file {self.path} beside the spec{_hint(path.name, near)}")]
        try:
            header, _ = self._read(path)
        except DataError as error:
            return [("path", str(error))]
        twice = sorted({name for name in header if name and header.count(name) > 1})
        if twice:
            return [("path", f"{self.path}:1: column '{twice[0]}' occurs twice")]
        return [
            (f"columns.{key}", f"{self.path}:1: no column '{name}'{_hint(name, header) or _known(header)}")
            for key, name in self._columns(header).named()
            if name not in header
        ]

    def labelled(self, *, folder: Path) -> bool:
        if self.problems(folder=folder):
            return True  # what is wrong with the table is told anyway
        header, rows = self._read(folder / self.path)
        label = self._columns(header).label
        if label is None:
            return False
        place = header.index(label)
        return any(len(cells) > place and cells[place] for _, cells in rows)

    def _columns(self, header: Sequence[str]) -> Columns:
        if self.columns is not None:
            return self.columns
        box = list(BOX_COLUMNS) if set(BOX_COLUMNS) <= set(header) else None
        return Columns(label="label" if "label" in header else None, mask="mask" if "mask" in header else None, box=box)

    def _read(self, path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
        """Header and non-empty rows with their line numbers."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            raise DataError(f"{self.path}:{line}: not UTF-8; save the table as UTF-8") from error
        except OSError as error:
            raise DataError(f"{self.path} cannot be read: {error.strerror}") from error
        lines = text.splitlines(keepends=True)
        first = lines[0] if lines else ""
        delimiter = max(",;\t", key=first.count)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(cells)]
        except csv.Error as error:
            raise DataError(f"{self.path}:{reader.line_num}: not a table: {error}") from error
        if not rows:
            raise DataError(f"{self.path} is empty; its first row names the columns")
        return rows[0][1], rows[1:]


class _Reading:
    """Turns one row's cells into a picture; a ValueError says what is wrong with the row."""

    def __init__(self, folder: Path, columns: Columns, classes: tuple[str, ...]) -> None:
        self.folder = folder
        self.columns = columns
        self.classes = classes
        self.index = {name: label for label, name in enumerate(classes)}

    def picture(self, row: Mapping[str, str]) -> PictureInfo:
        columns = self.columns
        name = _slashed(row[columns.image])
        if not name:
            raise ValueError(f"column '{columns.image}' is empty")
        mask = _slashed(row[columns.mask]) if columns.mask else ""
        return PictureInfo(
            name=name,
            path=self.folder / name,
            label=self._label(row[columns.label]) if columns.label else None,
            box=_box([row[column] for column in columns.box]) if columns.box else None,
            mask=self.folder / mask if mask else None,
            groups={column: row[column] for column in columns.groups if row[column]},
            cluster=(row[columns.cluster] or None) if columns.cluster else None,
        )

    def _label(self, cell: str) -> int | None:
        if not cell:
            return None
        if cell in self.index:
            return self.index[cell]
        number = _whole_number(cell)
        if number is not None and number >= 0 and (not self.classes or number < len(self.classes)):
            return number
        if not self.classes and number is None:
            raise ValueError(f"label '{cell}' is a name, but model.classes gives none; list them in the outputs' order")
        raise ValueError(f"label '{cell}' is no class{_hint(cell, self.classes) or self._range()}")

    def _range(self) -> str:
        if not self.classes:
            return "; indices start at 0"
        return f"; indices go from 0 to {len(self.classes) - 1}, the first name is '{self.classes[0]}'"


def _box(cells: Sequence[str]) -> tuple[float, float, float, float] | None:
    """Four numbers, or None where all cells are empty; what does not fit the picture shows when it is decoded."""
    if not any(cells):
        return None
    try:
        x1, y1, x2, y2 = (float(cell) for cell in cells)
    except ValueError:
        raise ValueError(f"box {', '.join(cell or '(empty)' for cell in cells)} is not four numbers") from None
    return x1, y1, x2, y2


def _whole_number(cell: str) -> int | None:
    """Also '3.0', as pandas writes whole numbers of a column with gaps."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def _slashed(path: str) -> str:
    return path.replace("\\", "/")


def _hint(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _known(header: Sequence[str]) -> str:
    return f"; columns: {', '.join(header)}"
