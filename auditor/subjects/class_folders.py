"""A folder a class: which of the model's classes each folder is, and how its files are called for people."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from auditor.errors import DataError
from auditor.subjects import PictureInfo

__all__ = ["items_by_class", "labelled", "missing_folder", "shown"]


def items_by_class(
    path: str,
    *,
    folder: Path,
    classes: Sequence[str],
    is_item: Callable[[Path], bool],
    what: str,
    together: bool = False,
) -> tuple[list[PictureInfo], tuple[str, ...]]:
    """Items that lie in a folder a class, or in the folder itself and then without labels.

    Args:
        path: The folder, relative to `folder`.
        classes: The model's class names; () takes the folders' names, sorted.
        is_item: Whether a file or folder is one; folders that are none are looked into.
        what: What the items are, for messages: "clips (...)".
        together: Whether items in one folder within a class's folder belong together: a patient, a film.

    Raises:
        DataError: Nothing there; items beside class folders; a folder is no class.
    """
    root = folder / path
    entries = sorted(item for item in root.iterdir() if not item.name.startswith("."))
    loose = [item for item in entries if is_item(item)]
    folders = [item for item in entries if item.is_dir() and item not in loose]
    if folders and loose:
        raise DataError(
            f"{path} holds class folders (first: {folders[0].name}) and {len(loose)} {what} beside them "
            f"(first: {loose[0].name}); move those into class folders"
        )
    names = tuple(classes) or tuple(shown(item, root) for item in folders)
    found = [PictureInfo(name=shown(item, root), path=item) for item in loose] + [
        PictureInfo(name=shown(item, root), path=item, label=label, cluster=_cluster(item, place) if together else None)
        for label, place in labelled(path, folders, names)
        for item in _below(place, is_item)
    ]
    if not found:
        raise DataError(f"{path} holds no {what}")
    return sorted(found, key=lambda item: item.name), names if folders else tuple(classes)


def missing_folder(path: str, folder: Path, *, instead: str) -> str | None:
    """What is wrong with a folder's path; None where it is there.

    Args:
        instead: What to write where it is a file.
    """
    place = folder / path
    if place.is_dir():
        return None
    if place.exists():
        return f"{path} is a file, not a folder; {instead}"
    near = [item.name for item in place.parent.iterdir() if item.is_dir()] if place.parent.is_dir() else []
    close = get_close_matches(place.name, near, n=1)
    return f"no folder {path} beside the spec" + (f"; did you mean '{close[0]}'?" if close else "")


def labelled(path: str, folders: Sequence[Path], names: Sequence[str]) -> Iterator[tuple[int, Path]]:
    """Each folder with its class index: by name, or by number.

    Raises:
        DataError: Some are no class.
    """
    index = {name: label for label, name in enumerate(names)}
    unknown = []
    for place in folders:
        name = place.name
        if name in index:
            yield index[name], place
        elif name.isdecimal() and int(name) < len(names):
            yield int(name), place
        else:
            unknown.append(name)
    if unknown:
        close = get_close_matches(unknown[0], list(names), n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"the {len(names)} classes start with '{names[0]}'"
        raise DataError(
            f"{path}: {len(unknown)} of {len(folders)} folders are no class of the model (first: {unknown[0]}); {hint}"
        )


def shown(path: Path, root: Path) -> str:
    """The relative path; bytes of a file name that are not UTF-8 are escaped, so that it can be written anywhere."""
    return os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")


def _cluster(item: Path, place: Path) -> str | None:
    """The folder that the item lies in, as far as that is not the class's own; alike for all classes."""
    return None if item.parent == place else shown(item.parent, place)


def _below(place: Path, is_item: Callable[[Path], bool]) -> Iterator[Path]:
    for item in sorted(place.iterdir()):
        if item.name.startswith("."):
            continue
        if is_item(item):
            yield item
        elif item.is_dir():
            yield from _below(item, is_item)
