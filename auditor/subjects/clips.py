"""Clips: a folder of frames, or a video file, as a fixed number of frames in the order of time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from auditor.errors import DataError
from auditor.subjects.decoding import BYTE_LIMIT, FORMATS, PIXEL_LIMIT, without_pillow_warnings

FRAMES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg"})


@dataclass(frozen=True, slots=True)
class Clip:
    """Some frames of one clip.

    Attributes:
        frames: uint8 (frames, height, width, 3), RGB, in the order of time.
        indices: Which frames of the clip they are, from 0; one that stands for several is there several times.
        available: Frames that the clip has.
        rate: Frames a second as the file says; None for a folder.
        sha256: Digest of the video file, or of all chosen frames' files in order.
    """

    frames: np.ndarray
    indices: tuple[int, ...]
    available: int
    rate: float | None
    sha256: str

    def described(self) -> str:
        """What was taken, for the report."""
        count, height, width = self.frames.shape[:3]
        rate = "" if self.rate is None else f" at {self.rate:.4g} frames a second"
        again = len(self.indices) - len(set(self.indices))
        twice = f"; {again} of them are there again, because the clip is shorter" if again else ""
        return (
            f"{count} frames of {height}×{width} pixels, numbers {self.indices[0]} to {self.indices[-1]} of "
            f"{self.available}{rate}{twice}"
        )


def chosen_frames(available: int, wanted: int, *, every: int | None = None) -> tuple[int, ...]:
    """Which frames of a clip are taken.

    Args:
        available: Frames that the clip has, at least 1.
        wanted: Frames that the model reads.
        every: Take each so many-th frame of a stretch in the middle of the clip, the last frame again where it ends;
            None: the middle frame of each of `wanted` equal segments.

    Source: Wang et al., "Temporal Segment Networks", ECCV 2016, section 3.1, for segments (their middle in place of a
    random frame).
    """
    if every is None:
        return tuple((2 * index + 1) * available // (2 * wanted) for index in range(wanted))
    first = max(0, (available - ((wanted - 1) * every + 1)) // 2)
    return tuple(min(first + index * every, available - 1) for index in range(wanted))


def read_clip(path: Path, wanted: int, *, every: int | None = None) -> Clip:
    """Frames of a clip.

    Args:
        path: A folder of pictures, in the order of the numbers in their names; or a video file, read through OpenCV.
        wanted: Frames that the model reads.
        every: As `chosen_frames`.

    Raises:
        DataError: Nothing there, not readable, or frames of different sizes.
    """
    if wanted < 1 or (every is not None and every < 1):
        raise ValueError(f"at least one frame, and each first: got {wanted} frames, each {every}-th")
    if path.is_dir():
        return _from_folder(path, wanted, every)
    if not path.is_file():
        raise DataError(f"no clip {path}: neither a folder of frames nor a video file")
    if path.suffix.lower() not in VIDEOS:
        known = ", ".join(sorted(item[1:] for item in VIDEOS))
        raise DataError(f"{path.name} is no video file ({known}); frames go into a folder of their own")
    return _from_video(path, wanted, every)


def _from_folder(path: Path, wanted: int, every: int | None) -> Clip:
    files = sorted(
        (item for item in path.iterdir() if item.suffix.lower() in FRAMES and not item.name.startswith(".")),
        key=lambda item: _by_number(item.name),
    )
    if not files:
        raise DataError(f"{path.name} holds no frames ({', '.join(sorted(item[1:] for item in FRAMES))})")
    indices = chosen_frames(len(files), wanted, every=every)
    digest = hashlib.sha256()
    read: dict[int, np.ndarray] = {}
    for index in sorted(set(indices)):
        content = _content(files[index])
        digest.update(content)
        read[index] = _picture(files[index].name, content)
    sizes = {frame.shape[:2] for frame in read.values()}
    if len(sizes) > 1:
        listed = ", ".join(f"{height}×{width}" for height, width in sorted(sizes))
        raise DataError(f"{path.name}: frames of different sizes ({listed}); a clip has one")
    return Clip(_stacked(read, indices), indices, len(files), None, digest.hexdigest())


def _from_video(path: Path, wanted: int, every: int | None) -> Clip:
    import cv2

    digest = hashlib.sha256(_content(path)).hexdigest()
    available, rate = _count(path)
    if available == 0:
        raise DataError(f"{path.name} cannot be read as a video: no frame comes out of it")
    indices = chosen_frames(available, wanted, every=every)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    read: dict[int, np.ndarray] = {}
    try:
        for index in range(indices[-1] + 1):
            if not capture.grab():
                break
            if index in indices:
                done, bgr = capture.retrieve()
                if done:
                    read[index] = np.ascontiguousarray(bgr[:, :, ::-1])
    finally:
        capture.release()
    missing = sorted(set(indices) - set(read))
    if missing:
        raise DataError(f"{path.name}: frame {missing[0]} of {available} cannot be decoded")
    return Clip(_stacked(read, indices), indices, available, rate, digest)


def _count(path: Path) -> tuple[int, float | None]:
    """Frames that come out, and frames a second: the count in a file's header is often an estimate."""
    import cv2

    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        rate = float(capture.get(cv2.CAP_PROP_FPS)) if capture.isOpened() else 0.0
        count = 0
        while capture.grab():
            count += 1
    finally:
        capture.release()
    return count, rate if rate > 0 else None


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > BYTE_LIMIT:
            raise DataError(f"{path.name} is larger than {BYTE_LIMIT // 2**20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}") from error


def _picture(name: str, content: bytes) -> np.ndarray:
    from io import BytesIO

    try:
        with without_pillow_warnings(), Image.open(BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > PIXEL_LIMIT:
                raise DataError(f"{name} has more than {PIXEL_LIMIT} pixels")
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"), np.uint8)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{name} is no picture that can be read: {error}") from error


def _stacked(read: dict[int, np.ndarray], indices: Sequence[int]) -> np.ndarray:
    return np.stack([read[index] for index in indices])


def _by_number(name: str) -> list[tuple[int, str]]:
    """frame9 before frame10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
