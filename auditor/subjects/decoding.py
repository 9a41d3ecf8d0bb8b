"""Picture files as model input: hostile and odd files included, with a word on all that was changed.

Boxes are in pixels of the picture as it is displayed, after its EXIF orientation, because that is what the
people and tools that draw boxes see. A mask of the picture's stored size is turned along with it.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from auditor.errors import DataError, ModelError
from auditor.subjects.geometry import Geometry
from auditor.subjects.pixel_formats import eight_bit, to_channels

if TYPE_CHECKING:
    from torch import Tensor

    from auditor.subjects import PictureInfo, Preprocessing

PIXEL_LIMIT = 178_956_970
"""Larger pictures are refused by their header. Source: Pillow refuses above twice its MAX_IMAGE_PIXELS."""

BYTE_LIMIT = 2**30
"""Larger files are refused unread."""

FORMATS = ("JPEG", "PNG", "BMP", "DIB", "WEBP", "TIFF", "GIF", "PPM")
"""Decoders that are tried (JPEG: MPO too); Pillow has others that start programs (EPS) or open further files."""

ORIENTATION = 0x0112
"""Source: EXIF 2.32, table 4, tag 274."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One picture at the model's input size.

    Attributes:
        image: uint8 (channels, height, width), RGB or grey; with an own transform float32, the model's input.
        objects: bool (height, width), True on the object; None without a usable mask or box.
        object_source: "mask", "box" or None.
        original_size: (height, width) as displayed, pixels.
        conversions: What was changed on the way in, in words.
        sha256: Digest of the file's bytes.
    """

    image: Tensor
    objects: np.ndarray | None
    object_source: str | None
    original_size: tuple[int, int]
    conversions: tuple[str, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class _Opened:
    """A picture as displayed, the orientation that it was stored in, and its bytes' digest."""

    image: Image.Image
    orientation: int
    stored_size: tuple[int, int]
    sha256: str


@contextmanager
def without_pillow_warnings() -> Iterator[None]:
    """Keep Pillow from warning of odd metadata and large pictures: what matters of it, `decode` notes or refuses.

    For the whole process, as all warning filters are; hence around a batch rather than in `decode`.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def decode(
    picture: PictureInfo,
    preprocessing: Preprocessing,
    *,
    transform: Callable[[Image.Image], Tensor] | None = None,
    pixel_limit: int = PIXEL_LIMIT,
) -> Decoded:
    """Read one picture with its mask or box.

    Args:
        picture: The file and what is known of it.
        preprocessing: Size, way of resizing, and channels.
        transform: The loaded `preprocessing.transform`, where there is one.
        pixel_limit: Most pixels that are decoded.

    Raises:
        DataError: The picture cannot be used; the message is the reason, without the name.
        ModelError: The own transform fails.
    """
    import torch

    # WeasyPrint turns this on for the whole process: half a picture would be audited as if it were a whole one
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    notes: list[str] = []
    opened = _open(picture.path, pixel_limit, notes)
    image, changed = eight_bit(opened.image)
    notes += changed
    image, changed = to_channels(image, grey=preprocessing.channels == "grey")
    notes += changed
    size = (image.height, image.width)
    if transform is not None:
        if picture.mask is not None or picture.box is not None:
            notes.append("mask and box left out: they cannot follow an own transform")
        inputs = _transformed(image, transform, preprocessing)
        return Decoded(inputs, None, None, size, tuple(notes), opened.sha256)
    geometry = Geometry.of(image.width, image.height, preprocessing)
    resized = np.array(geometry.resize(image, preprocessing.interpolation))
    planes = resized[None] if resized.ndim == 2 else resized.transpose(2, 0, 1)
    objects, source = _objects(picture, geometry, opened, pixel_limit, notes)
    return Decoded(torch.from_numpy(np.ascontiguousarray(planes)), objects, source, size, tuple(notes), opened.sha256)


def _open(path: Path, pixel_limit: int, notes: list[str]) -> _Opened:
    """Read, decode and turn one file; every way in which a file can be bad ends as a DataError."""
    content = _read(path)
    try:
        image: Image.Image = Image.open(BytesIO(content), formats=FORMATS)
        stored_size = image.size
        _check_pixels(image, pixel_limit)
        frames = int(getattr(image, "n_frames", 1))
        deep = _has_16_bit_colour(image)
        if image.format == "TIFF":  # Pillow turns these itself as it loads them, and forgets the orientation
            orientation = _orientation(image, notes)
            image.load()
        else:
            image.load()
            orientation = _orientation(image, notes)
            image = _turned(image, orientation)
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise DataError("not a picture that can be read (JPEG, PNG, BMP, WebP, TIFF, GIF, PPM)") from error
    except Image.DecompressionBombError as error:
        raise DataError(f"too large: {error}") from error
    except Exception as error:  # decoders meet bytes of unknown origin: whatever they raise, the file is bad
        raise DataError(f"damaged: {str(error).strip() or type(error).__name__}") from error
    if frames > 1:
        notes.append(f"first of {frames} frames")
    if orientation != 1:
        notes.append(f"turned as its EXIF orientation {orientation} says")
    if deep:
        notes.append("16 bits a channel cut to 8")
    return _Opened(image, orientation, stored_size, hashlib.sha256(content).hexdigest())


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise DataError("a folder, not a picture")
        if not path.exists():
            raise DataError("not found")
        if not path.is_file():
            raise DataError("not a regular file")
        if path.stat().st_size > BYTE_LIMIT:
            raise DataError(f"too large: {path.stat().st_size} bytes, more than {BYTE_LIMIT}")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not content:
        raise DataError("empty: zero bytes")
    return content


def _check_pixels(image: Image.Image, pixel_limit: int) -> None:
    if image.width * image.height > pixel_limit:
        raise DataError(f"too large: {image.width} × {image.height} pixels, more than {pixel_limit} in all")


def _orientation(image: Image.Image, notes: list[str]) -> int:
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # EXIF is a second file format inside the first, as hostile as any
        notes.append("EXIF data unreadable, so not turned")
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    """Source: EXIF 2.32, 4.6.4 A, Orientation."""
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def _has_16_bit_colour(image: Image.Image) -> bool:
    """Pillow keeps the high byte of such pictures without a word."""
    tiles = getattr(image, "tile", [])
    return image.mode in ("RGB", "RGBA", "LA") and any(";16" in str(tile[3]) for tile in tiles)


def _transformed(
    image: Image.Image, transform: Callable[[Image.Image], Tensor], preprocessing: Preprocessing
) -> Tensor:
    inputs = transform(image)
    if tuple(inputs.shape[1:]) != (preprocessing.height, preprocessing.width):
        expected = f"{preprocessing.height} × {preprocessing.width}"
        got = " × ".join(str(side) for side in inputs.shape[1:])
        raise ModelError(f"{preprocessing.transform} gives inputs of {got} here but {expected} elsewhere; resize in it")
    return inputs


def _objects(
    picture: PictureInfo, geometry: Geometry, opened: _Opened, pixel_limit: int, notes: list[str]
) -> tuple[np.ndarray | None, str | None]:
    if picture.mask is not None:
        try:
            mask = _mask(picture.mask, geometry, opened, pixel_limit, notes)
        except DataError as error:
            notes.append(f"mask {picture.mask.name} not used: {error}")
        else:
            return geometry.resize_mask(mask), "mask"
    if picture.box is not None:
        box = _box_inside(picture.box, geometry.width, geometry.height, notes)
        if box is not None:
            return geometry.box_mask(box), "box"
    return None, None


def _mask(path: Path, geometry: Geometry, opened: _Opened, pixel_limit: int, notes: list[str]) -> np.ndarray:
    """Non-zero is object; a JPEG's zeros are noisy, so its threshold is half. Bool, the displayed picture's size."""
    mask = _open(path, pixel_limit, [])
    image = mask.image
    if mask.orientation == 1 and opened.orientation != 1 and mask.stored_size == opened.stored_size:
        image = _turned(image, opened.orientation)
    values = np.asarray(image)
    lossy = path.suffix.lower() in (".jpg", ".jpeg")
    found = values >= 128 if lossy else values != 0
    if found.ndim == 3:
        alpha = found[..., -1:] if image.mode in ("RGBA", "LA", "PA") else np.ones_like(found[..., :1])
        colours = found[..., :-1] if image.mode in ("RGBA", "LA", "PA") else found
        found = colours.any(axis=2) & alpha[..., 0]
    if lossy:
        notes.append("mask is a JPEG: values from 128 count as object")
    if image.size != (geometry.width, geometry.height):
        notes.append(f"mask of {image.width} × {image.height} stretched to {geometry.width} × {geometry.height}")
        stretched = Image.fromarray(found).resize((geometry.width, geometry.height), Image.Resampling.NEAREST)
        found = np.asarray(stretched)
    return found


def _box_inside(
    box: tuple[float, float, float, float], width: int, height: int, notes: list[str]
) -> tuple[float, float, float, float] | None:
    shown = ", ".join(f"{value:g}" for value in box)
    if not all(isfinite(value) for value in box):
        notes.append(f"box [{shown}] not used: not finite")
        return None
    x1, y1, x2, y2 = box
    if x2 <= x1 or y2 <= y1:
        notes.append(f"box [{shown}] not used: it is empty or its corners are swapped")
        return None
    clipped = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
    if clipped[2] <= clipped[0] or clipped[3] <= clipped[1]:
        notes.append(f"box [{shown}] not used: outside the picture of {width} × {height}")
        return None
    if clipped != (x1, y1, x2, y2):
        notes.append(f"box [{shown}] clipped to the picture of {width} × {height}")
    return clipped
