"""How the pictures of an audit come into memory: listed, drawn, decoded, and replaced where they are unreadable."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from auditor.errors import DataError, ModelError
from auditor.media import Medium
from auditor.subjects import PictureInfo, Preprocessing, Sample, Stack, VolumeSample
from auditor.subjects.datasets import StackSource
from auditor.subjects.decoding import Decoded, decode, without_pillow_warnings
from auditor.subjects.preprocessing import load_transform
from auditor.subjects.stacking import ReadStack
from auditor.subjects.strata import Draw, draw_sample

if TYPE_CHECKING:
    from torch import Tensor

    from auditor.spec.audit_spec import DatasetSpec
    from auditor.subjects.datasets import DatasetSource

Progress = Callable[[int, int], None]
"""Called with how many pictures are done, and of how many."""


def load_sample(
    spec: DatasetSpec,
    source: DatasetSource,
    folder: Path,
    preprocessing: Preprocessing,
    classes: Sequence[str],
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> tuple[Sample, tuple[str, ...]]:
    """List, draw and decode, straight to the model's input size.

    A picture that cannot be read is listed, and the next candidate of its stratum takes its place.

    Args:
        spec: `dataset`.
        source: The data source, with the spec's options.
        folder: The spec's folder.
        preprocessing: Size, way of resizing and channels.
        classes: The model's class names, () where the spec gives none.
        workers: Threads that decode; the result is the same for any number.
        progress: Called in this thread as pictures come in.

    Returns:
        The sample, and the class names: those given, or those that the data source brings.

    Raises:
        DataError: The data set cannot be read, or not one picture of the sample can.
        ModelError: The spec's own transform fails.
    """
    pictures, names = source.pictures(folder=folder, classes=classes)
    draw = draw_sample(pictures, spec.sample.size, spec.sample.seed, spec.sample.stratify)
    _check_depth(source, preprocessing)
    slots = _Slots(draw, preprocessing, folder, source)
    with without_pillow_warnings(), ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        slots.fill(pool, batch=8 * max(1, workers), progress=progress)
    return slots.sample(available=len(pictures)), names


class _Slots:
    """The places of a sample, filled from the spares of its stratum where a chosen picture is unreadable."""

    def __init__(self, draw: Draw, preprocessing: Preprocessing, folder: Path, source: DatasetSource) -> None:
        import torch

        self.draw = draw
        self.preprocessing = preprocessing
        self.source = source
        self.transform = None if preprocessing.transform is None else load_transform(preprocessing.transform, folder)
        count = len(draw.chosen)
        whole = self.transform is None and source.medium is not Medium.VOLUME
        dtype = torch.uint8 if whole else torch.float32
        self.images: Tensor = torch.empty((count, len(preprocessing.mean), *preprocessing.extent), dtype=dtype)
        self.objects = np.zeros((count if _any_object(draw) else 0, *preprocessing.extent), dtype=bool)
        self.filled: dict[int, _Filled] = {}
        self.unreadable: list[tuple[str, str]] = []

    def fill(self, pool: ThreadPoolExecutor, *, batch: int, progress: Progress | None) -> None:
        """Decode in rounds: all chosen ones, then replacements for those that failed, until none is left."""
        spares = {name: deque(members) for name, members in self.draw.spares.items()}
        strata = self.draw.strata
        waiting = dict(enumerate(self.draw.chosen))
        while waiting:
            failed: list[int] = []
            for items in _batches(waiting.items(), batch):
                for (slot, picture), decoded in zip(items, pool.map(self._decode, items), strict=True):
                    if isinstance(decoded, DataError):
                        self.unreadable.append((picture.name, str(decoded)))
                        failed.append(slot)
                    else:
                        self._keep(slot, picture, decoded)
                if progress is not None:
                    progress(len(self.filled), len(self.draw.chosen))
            waiting = {slot: spares[strata[slot]].popleft() for slot in failed if spares[strata[slot]]}

    def sample(self, *, available: int) -> Sample:
        """What was read, in the order of the slots."""
        if not self.filled:
            raise DataError(_all_unreadable(self.unreadable, self.source.medium))
        kept = sorted(self.filled)
        entries = [self.filled[slot] for slot in kept]
        whole = len(kept) == len(self.draw.chosen)
        objects = self.objects if whole or not len(self.objects) else self.objects[kept]
        sources = {entry.object_source for entry in entries} - {None}
        sample = Sample(
            pictures=[entry.picture for entry in entries],
            images=self.images if whole else self.images[kept],
            labels=np.array(
                [-1 if entry.picture.label is None else entry.picture.label for entry in entries], np.int64
            ),
            objects=objects if sources else None,
            has_object=_partial(objects) if sources else np.zeros(len(entries), dtype=bool),
            object_source="mixed" if len(sources) > 1 else str(*(sources or {"none"})),
            unreadable=self.unreadable,
            converted=[(entry.picture.name, "; ".join(entry.conversions)) for entry in entries if entry.conversions],
            duplicates=_duplicates(entries),
            available=available,
            digest=_digest(entries),
            rule=self.draw.rule + _replacements(self.unreadable, len(self.draw.chosen) - len(kept)),
        )
        if self.source.medium is Medium.PICTURE:
            return sample
        stacks = [entry.stack for entry in entries if entry.stack is not None]
        known = {field.name: getattr(sample, field.name) for field in fields(sample)}
        return VolumeSample(**known, of=self.source.medium, stacks=stacks)

    def _decode(self, item: tuple[int, PictureInfo]) -> Decoded | ReadStack | DataError:
        try:
            if isinstance(self.source, StackSource):
                return self.source.read(item[1], self.preprocessing)
            return decode(item[1], self.preprocessing, transform=self.transform)
        except DataError as error:
            return error
        except ModelError as error:
            raise ModelError(f"{item[1].name}: {error}") from error

    def _keep(self, slot: int, picture: PictureInfo, decoded: Decoded | ReadStack) -> None:
        self.images[slot] = decoded.image
        if isinstance(decoded, ReadStack):
            self.filled[slot] = _Filled(picture, None, decoded.conversions, decoded.sha256, decoded.stack)
            return
        if decoded.objects is not None:
            self.objects[slot] = decoded.objects
        self.filled[slot] = _Filled(picture, decoded.object_source, decoded.conversions, decoded.sha256)


@dataclass(frozen=True, slots=True)
class _Filled:
    picture: PictureInfo
    object_source: str | None
    conversions: tuple[str, ...]
    sha256: str
    stack: Stack | None = None


def _check_depth(source: DatasetSource, preprocessing: Preprocessing) -> None:
    """Raises:
    DataError: The input has a depth and the data set none, or the other way round.
    """
    if (source.medium is Medium.PICTURE) == (preprocessing.depth is None):
        return
    layers = source.medium.layers
    if preprocessing.depth is None:
        raise DataError(
            f"dataset.source brings {source.medium.several}: model.input.size needs three numbers, "
            f"[{layers}, height, width], got {list(preprocessing.extent)}"
        )
    raise DataError(
        f"dataset.source brings pictures, but model.input.size is {list(preprocessing.extent)}; for inputs with a "
        "depth write source: clips or source: volumes"
    )


def _any_object(draw: Draw) -> bool:
    pictures = (*draw.chosen, *(picture for members in draw.spares.values() for picture in members))
    return any(picture.mask is not None or picture.box is not None for picture in pictures)


def _partial(objects: np.ndarray) -> np.ndarray:
    """Which masks are neither empty nor the whole picture."""
    flat = objects.reshape(len(objects), -1)
    return np.asarray(flat.any(axis=1) & ~flat.all(axis=1))


def _duplicates(entries: Sequence[_Filled]) -> list[tuple[str, ...]]:
    names: dict[str, list[str]] = {}
    for entry in entries:
        names.setdefault(entry.sha256, []).append(entry.picture.name)
    return [tuple(group) for group in names.values() if len(group) > 1]


def _digest(entries: Sequence[_Filled]) -> str:
    """SHA-256 over one line a picture: name, SHA-256 of its bytes, label; NUL between them."""
    digest = hashlib.sha256()
    for entry in entries:
        label = "" if entry.picture.label is None else str(entry.picture.label)
        digest.update(f"{entry.picture.name}\0{entry.sha256}\0{label}\n".encode())
    return digest.hexdigest()


def _replacements(unreadable: Sequence[tuple[str, str]], empty: int) -> str:
    if not unreadable:
        return ""
    left = f", {empty} of the places left empty" if empty else ""
    return f"; {len(unreadable)} unreadable, replaced by the next picture of the stratum where there was one{left}"


def _all_unreadable(unreadable: Sequence[tuple[str, str]], medium: Medium) -> str:
    shown = "; ".join(f"{name}: {why}" for name, why in unreadable[:3])
    return f"not one of {len(unreadable)} {medium.several} can be read ({shown}{'; …' if len(unreadable) > 3 else ''})"


def _batches(items: Iterable[tuple[int, PictureInfo]], size: int) -> Iterator[list[tuple[int, PictureInfo]]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
