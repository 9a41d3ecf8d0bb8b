"""The data source `folder`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

from auditor.errors import DataError
from auditor.subjects import PictureInfo
from auditor.subjects.class_folders import labelled, missing_folder, shown
from auditor.subjects.datasets import DatasetSource

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"})
"""Files that count as pictures, upper or lower case; all others are passed over."""


class Folder(DatasetSource):
    """A folder of pictures: a folder a class in it, or the pictures themselves, without labels.

    Folders are looked up among the model's class names (or are numbers, the class indices). Where the model has no
    class names, the folders' names are the classes, in sorted order, as torchvision's ImageFolder numbers them.
    Pictures may lie in folders within a class's folder. Names that start with a dot are passed over.
    """

    path: str = Field(description="The folder, relative to the spec")

    def pictures(self, *, folder: Path, classes: Sequence[str]) -> tuple[list[PictureInfo], tuple[str, ...]]:
        root = folder / self.path
        problem = self._path_problem(folder)
        if problem is not None:
            raise DataError(problem)
        entries = sorted(item for item in root.iterdir() if not item.name.startswith("."))
        folders = [item for item in entries if item.is_dir()]
        loose = [item for item in entries if _is_picture(item) and not item.is_dir()]
        if folders and loose:
            raise DataError(
                f"{self.path} holds class folders (first: {folders[0].name}) and {len(loose)} pictures beside them "
                f"(first: {loose[0].name}); move the pictures into class folders"
            )
        if loose:
            return [PictureInfo(name=shown(item, root), path=item) for item in loose], tuple(classes)
        names = tuple(classes) or tuple(shown(item, root) for item in folders)
        pictures = [
            PictureInfo(name=shown(item, root), path=item, label=label)
            for label, place in labelled(self.path, folders, names)
            for item in _pictures_below(place)
        ]
        if not pictures:
            raise DataError(f"{self.path} holds no pictures ({', '.join(sorted(item[1:] for item in SUFFIXES))})")
        return sorted(pictures, key=lambda item: item.name), names

    def class_names(self, *, folder: Path) -> tuple[str, ...]:
        root = folder / self.path
        return tuple(sorted(shown(item, root) for item in _folders(root))) if root.is_dir() else ()

    def labelled(self, *, folder: Path) -> bool:
        return bool(self.class_names(folder=folder)) or not (folder / self.path).is_dir()

    def problems(self, *, folder: Path) -> list[tuple[str, str]]:
        problem = self._path_problem(folder)
        return [] if problem is None else [("path", problem)]

    def _path_problem(self, folder: Path) -> str | None:
        return missing_folder(self.path, folder, instead="for a table of pictures write source: csv")


def _folders(root: Path) -> list[Path]:
    return [item for item in root.iterdir() if item.is_dir() and not item.name.startswith(".")]


def _pictures_below(place: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(place):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            Path(parent, name) for name in sorted(files) if not name.startswith(".") and _is_picture(Path(name))
        )


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES
