"""Data sources: one file each. A source lists pictures; sampling and decoding are shared steps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from auditor.media import Medium
from auditor.registry import Part

if TYPE_CHECKING:
    from auditor.subjects import PictureInfo, Preprocessing
    from auditor.subjects.stacking import ReadStack

__all__ = ["DatasetSource", "StackSource"]


class DatasetSource(Part):
    """Lists the pictures of a data set; its fields are the source's own keys under `dataset`."""

    medium: ClassVar[Medium] = Medium.PICTURE
    """What it lists."""

    @abstractmethod
    def pictures(self, *, folder: Path, classes: Sequence[str]) -> tuple[list[PictureInfo], tuple[str, ...]]:
        """All pictures in a stable order, and the class names (those given, or those the source brings).

        Args:
            folder: The spec's folder; relative paths start there.
            classes: Names from the spec, () where it gives none; labels given as names are looked up here.

        Raises:
            DataError: Nothing there, a column is missing, a label is not a class. Says where, what, what instead.
        """

    def problems(self, *, folder: Path) -> list[tuple[str, str]]:
        """Mistakes that show without decoding: (key under `dataset`, message). Must not import torch."""
        return []

    def class_names(self, *, folder: Path) -> tuple[str, ...]:
        """The class names that the source brings, as far as they show without decoding; () where it brings none."""
        return ()

    def labelled(self, *, folder: Path) -> bool:
        """False where it shows without decoding that no picture has a label."""
        return True


class StackSource(DatasetSource):
    """Lists clips or volumes, and reads them itself."""

    @abstractmethod
    def read(self, item: PictureInfo, preprocessing: Preprocessing) -> ReadStack:
        """One clip or volume at the model's input size.

        Raises:
            DataError: It cannot be used; the message is the reason.
        """
