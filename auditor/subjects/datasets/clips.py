"""The data source `clips`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from auditor.errors import DataError
from auditor.media import Medium
from auditor.subjects import PictureInfo, Stack
from auditor.subjects.class_folders import items_by_class, missing_folder
from auditor.subjects.datasets import StackSource

if TYPE_CHECKING:
    from auditor.subjects import Preprocessing
    from auditor.subjects.stacking import ReadStack


class Clips(StackSource):
    """A folder of clips: a folder a class in it, or the clips themselves, without labels.

    A clip is a folder that holds its frames as pictures, in the order of the numbers in their names, or a video file.
    `model.input.size` is [frames, height, width]: so many frames are taken, the middle one of each of as many equal
    stretches, or with `stride` each so many-th of the clip's middle. Frames are resized as pictures are. Folders are
    looked up among the model's class names; where the model has none, the folders' names are the classes, sorted.
    """

    medium: ClassVar[Medium] = Medium.CLIP

    path: str = Field(description="The folder, relative to the spec")
    stride: int | None = Field(
        None, ge=1, description="Take each so many-th frame of the clip's middle; null: spread over the whole clip"
    )

    together: bool = Field(
        False, description="Whether clips in one folder within a class's folder belong together: a patient, a film"
    )

    def pictures(self, *, folder: Path, classes: Sequence[str]) -> tuple[list[PictureInfo], tuple[str, ...]]:
        for _, what in self.problems(folder=folder):
            raise DataError(what)
        what = "clips (folders of frames, or video files)"
        return items_by_class(
            self.path, folder=folder, classes=classes, is_item=_is_clip, what=what, together=self.together
        )

    def problems(self, *, folder: Path) -> list[tuple[str, str]]:
        problem = missing_folder(self.path, folder, instead="name the folder that holds the clips")
        return [] if problem is None else [("path", problem)]

    def read(self, item: PictureInfo, preprocessing: Preprocessing) -> ReadStack:
        import torch

        from auditor.subjects.clips import read_clip
        from auditor.subjects.stacking import ReadStack, fitted_frames

        assert preprocessing.depth is not None
        clip = read_clip(item.path, preprocessing.depth, every=self.stride)
        image = torch.from_numpy(fitted_frames(list(clip.frames), preprocessing))
        again = len(clip.indices) - len(set(clip.indices))
        changed = (f"{again} frames are there again: the clip has {clip.available}",) if again else ()
        stack = Stack(clip.described(), frames=clip.indices, rate=clip.rate)
        return ReadStack(image, stack, changed, clip.sha256)


def _is_clip(item: Path) -> bool:
    from auditor.subjects.clips import FRAMES, VIDEOS

    if item.is_dir():
        return any(one.suffix.lower() in FRAMES and not one.name.startswith(".") for one in item.iterdir())
    return item.suffix.lower() in VIDEOS
