"""The data source `volumes`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from auditor.errors import DataError
from auditor.media import Medium
from auditor.subjects import PictureInfo, Stack
from auditor.subjects.class_folders import items_by_class, missing_folder
from auditor.subjects.datasets import StackSource
from auditor.subjects.scans import ENDINGS, holds_dicom

if TYPE_CHECKING:
    from auditor.subjects import Preprocessing
    from auditor.subjects.stacking import ReadStack
    from auditor.subjects.volumes import Volume

FILES = (".npy", ".nii", ".nii.gz")
EXTRAS = {".npy": None, ".nii": "nibabel", ".nii.gz": "nibabel", "": "pydicom"}
"""What reads a file; a folder is a DICOM series."""
PERCENTILES = (1.0, 99.0)

Side = Annotated[float, Field(gt=0)]
Millimetres = tuple[Side, Side, Side]


class Window(BaseModel):
    """Which values are drawn, and fed to the model, between black and white."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: float
    width: Annotated[float, Field(gt=0)]


class Volumes(StackSource):
    """A folder of CT or MR volumes: a folder a class in it, or the volumes themselves, without labels.

    A volume is an .npy file (depth, height, width), a NIfTI file, or a folder that holds one DICOM series, whose slices
    are ordered by their place in the patient; the last two need the extra `volumes`. Axes are turned to `orientation`
    where the file gives its own. `spacing` brings voxels to one size; then `model.input.size`, [slices, height, width],
    is reached by `resize: squash` (every axis to its length) or `crop` (the middle at its own voxel size, padded with
    the lowest value). The model gets x = (share · scale − mean) / std, where `window` makes the share
    (value − level + width / 2) / width, held within 0 and 1; without a window, `scaling` says what it is.
    """

    medium: ClassVar[Medium] = Medium.VOLUME

    path: str = Field(description="The folder, relative to the spec")
    orientation: str = Field("SPL", description="Where indices of depth, height and width rise to, such as SPL")
    spacing: Millimetres | None = Field(None, description="Size of a voxel in mm that all volumes are brought to")
    npy_spacing: Millimetres | None = Field(None, description="Size of a voxel in .npy files, which do not say")
    window: Window | None = Field(None, description="level and width, such as {level: 40, width: 400} for soft tissue")
    scaling: Literal["stored", "percentiles", "standardised"] = Field(
        "stored",
        description="Without a window: the value itself; from the volume's 1st to its 99th percentile; or its distance "
        "from the volume's mean in standard deviations",
    )

    together: bool = Field(
        False, description="Whether volumes in one folder within a class's folder belong together: a patient, a film"
    )

    @field_validator("orientation")
    @classmethod
    def _three_axes(cls, value: str) -> str:
        from auditor.subjects.volumes import check_orientation

        try:
            check_orientation(value)
        except DataError as error:
            raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _one_way_to_scale(self) -> Self:
        if self.window is not None and self.scaling != "stored":
            raise ValueError(f"a window scales already; remove it, or scaling: {self.scaling}")
        return self

    def pictures(self, *, folder: Path, classes: Sequence[str]) -> tuple[list[PictureInfo], tuple[str, ...]]:
        for _, what in self.problems(folder=folder):
            raise DataError(what)
        return items_by_class(
            self.path,
            folder=folder,
            classes=classes,
            is_item=lambda item: _kind(item) is not None,
            what="volumes (.npy, .nii, .nii.gz, or folders with a DICOM series)",
            together=self.together,
        )

    def problems(self, *, folder: Path) -> list[tuple[str, str]]:
        problem = missing_folder(self.path, folder, instead="name the folder that holds the volumes")
        if problem is not None:
            return [("path", problem)]
        first: dict[str, Path] = {}
        for item in sorted((folder / self.path).rglob("*")):
            kind = _kind(item)
            package = EXTRAS[kind] if kind is not None else None
            if package is not None and package not in first and find_spec(package) is None:
                first[package] = item
        return [
            ("path", f"{item.name} needs {package}, which is not installed: pip install 'auditor[volumes]'")
            for package, item in first.items()
        ]

    def read(self, item: PictureInfo, preprocessing: Preprocessing) -> ReadStack:
        from auditor.subjects.stacking import ReadStack, fitted_volume
        from auditor.subjects.volumes import read_volume, resampled

        volume = read_volume(item.path, orientation=self.orientation, spacing=self.npy_spacing)
        if not np.isfinite(volume.values).all():
            raise DataError("it holds values that are NaN or infinite")
        described = volume.described()
        if self.spacing is not None:
            volume = resampled(volume, self.spacing)
        image, spacing, fitted = fitted_volume(self._scaled(volume), preprocessing)
        more = volume.notes[-1:] if self.spacing is not None else ()
        words = "; ".join(filter(None, (described, *more, fitted)))
        return ReadStack(image, Stack(words, spacing, volume.orientation), (), _digest(item.path))

    def _scaled(self, volume: Volume) -> Volume:
        """0..255 between the ends of the share, as bytes of pictures are."""
        values = volume.values
        if self.window is not None:
            share = np.clip((values - self.window.level) / self.window.width + 0.5, 0, 1)
        elif self.scaling == "percentiles":
            low, high = (float(np.percentile(values, end)) for end in PERCENTILES)
            share = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
        elif self.scaling == "standardised":
            share = (values - values.mean()) / max(float(values.std()), 1e-12)
        else:
            share = values
        return replace(volume, values=(255 * share).astype(np.float32))


def _kind(item: Path) -> str | None:
    """The ending of a volume's file, "" for a folder with a DICOM series, None for anything else."""
    if item.is_dir():
        files = (one for one in item.iterdir() if one.is_file() and not one.name.startswith("."))
        return "" if any(one.suffix.lower() in ENDINGS or holds_dicom(one) for one in files) else None
    return next((ending for ending in FILES if item.name.lower().endswith(ending)), None)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()
