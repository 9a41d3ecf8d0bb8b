"""What is audited: a model and a sample of pictures, loaded as the spec says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from auditor.media import Medium

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from torch import Tensor, nn

    from auditor.records import KeptModel

__all__ = ["LoadedModel", "PictureInfo", "Preprocessing", "Sample", "Stack", "VolumeSample"]


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a picture becomes the model's input: x = (u8 / 255 · scale − mean) / std.

    Attributes:
        height, width: The model's input, pixels.
        depth: Frames of a clip or slices of a volume; None for pictures.
        resize: squash, or crop (short side to size / crop_ratio, then the centre).
        mean, std: One value a channel.
        channels: rgb, bgr or grey.
        transform: `file.py:callable` that replaces all of it; then images are kept as float inputs.
        origin: Where it came from: "spec", or the torchvision weight's own preset.
        interpolation: bilinear, unless the weights' own preset says bicubic; always antialiased.
    """

    height: int
    width: int
    resize: Literal["squash", "crop"]
    crop_ratio: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: float = 1.0
    channels: Literal["rgb", "bgr", "grey"] = "rgb"
    transform: str | None = None
    origin: str = "spec"
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    depth: int | None = None

    @property
    def extent(self) -> tuple[int, ...]:
        """The input's axes behind the channels: (height, width), or (depth, height, width)."""
        return (self.height, self.width) if self.depth is None else (self.depth, self.height, self.width)

    def to_input(self, images: Tensor) -> Tensor:
        """Normalise on the images' device.

        Args:
            images: uint8 or float 0..255, shape (batch, channels, height, width), channels in RGB order (one for
                grey); clips and volumes with a depth in front of the height. With `transform`: already the model's
                input, returned as float32.

        Returns:
            float32, same shape, what the model is fed.
        """
        import torch

        images = images.to(torch.float32)
        if self.transform is not None:
            return images
        if self.channels == "bgr":
            images = images.flip(1)
        behind = [1] * (images.ndim - 2)
        mean = torch.tensor(self.mean, device=images.device).view(1, -1, *behind)
        std = torch.tensor(self.std, device=images.device).view(1, -1, *behind)
        return (images * (self.scale / 255.0) - mean).div_(std)  # grey pictures may meet three means


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in eval mode on its device, with all that the spec says of it.

    Attributes:
        module: In eval mode; parameters as loaded (requires_grad untouched).
        classes: One name an output, or () where nobody gave names and the count is not known.
        output: softmax, sigmoid, logit or embedding.
        file_sha256: Digest of the weights file, or None.
        notes: What was done on the way (fp16 cast to fp32, key prefix removed): for the report.
        kept: Where a registry keeps it; None where it was not loaded from one.
    """

    module: nn.Module
    name: str
    source: str
    classes: tuple[str, ...]
    output: Literal["softmax", "sigmoid", "logit", "embedding"]
    preprocessing: Preprocessing
    version: str | None = None
    file_sha256: str | None = None
    notes: tuple[str, ...] = ()
    kept: KeptModel | None = None


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """One picture before it is decoded, as the data source lists it.

    Attributes:
        name: Path relative to the data set, for people.
        path: The file.
        label: Class index, or None.
        box: (x1, y1, x2, y2) in pixels of the original picture, or None.
        mask: A mask file (non-zero: object), or None.
        groups: Column → value.
        cluster: Patient, video, site: pictures that belong together.
    """

    name: str
    path: Path
    label: int | None = None
    box: tuple[float, float, float, float] | None = None
    mask: Path | None = None
    groups: dict[str, str] = field(default_factory=dict)
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The decoded pictures of an audit, all of one size, on the CPU.

    Attributes:
        pictures: One a row of `images`, in order.
        images: uint8 (n, channels, height, width) in RGB order (one channel for grey); float32 model inputs where
            the spec gives its own transform.
        labels: int64 (n,), −1 where unknown.
        objects: bool (n, height, width), True on the object (mask, else box), in the model's input pixels; None where
            no picture has one.
        has_object: bool (n,): which pictures have a mask or box that is neither empty nor the whole picture.
        object_source: "mask", "box", "mixed" or "none".
        unreadable: (name, why) of pictures left out.
        converted: (name, what was done) of pictures that needed it.
        available: Pictures in the data set before sampling.
        digest: SHA-256 over names, bytes and labels of the sample.
        rule: How the sample was drawn, one sentence.
    """

    pictures: Sequence[PictureInfo]
    images: Tensor
    labels: np.ndarray
    objects: np.ndarray | None
    has_object: np.ndarray
    object_source: str
    unreadable: Sequence[tuple[str, str]]
    converted: Sequence[tuple[str, str]]
    duplicates: Sequence[tuple[str, ...]]
    available: int
    digest: str
    rule: str
    extras: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def medium(self) -> Medium:
        """What the sample consists of."""
        return Medium.PICTURE

    def display(self, index: int) -> np.ndarray:
        """The picture as the model saw it, for people: uint8 (height, width, 3) RGB.

        Float inputs of an own transform are stretched to 0..255 by the sample's own range.
        """
        return self.shown(self.images[index].numpy())

    def shown(self, image: np.ndarray) -> np.ndarray:
        """A composed picture, as `display` shows the originals.

        Args:
            image: (channels, height, width), in the units of `images`.
        """
        import numpy as np

        if self.images.dtype.is_floating_point:
            low, high = float(self.images.min()), float(self.images.max())
            image = (image - low) / max(high - low, 1e-12) * 255
        if image.dtype != np.uint8:
            image = np.asarray(image, dtype=np.float32).round().clip(0, 255).astype(np.uint8)
        if image.shape[0] != 3:
            image = np.repeat(image[:1], 3, axis=0)
        return np.ascontiguousarray(image.transpose(1, 2, 0))


@dataclass(frozen=True, slots=True)
class Stack:
    """How one clip or volume came into the sample.

    Attributes:
        spacing: Size of a voxel of the model's input along depth, height and width in mm; None for clips, and where
            nobody says.
        orientation: Three letters, where the indices of depth, height and width rise to; None where nobody says.
        frames: The number of each frame in its clip; () for volumes.
        rate: Frames a second of the whole clip; None where nobody says.
        words: What was taken and what was done with it.
    """

    words: str
    spacing: tuple[float, float, float] | None = None
    orientation: str | None = None
    frames: tuple[int, ...] = ()
    rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSample(Sample):
    """Clips or volumes: a sample whose images have a depth, uint8 or float32 (n, channels, depth, height, width).

    Volumes are float, 0..255 between black and white, so that one formula makes inputs of all that is audited.

    Attributes:
        of: What they are.
        stacks: One a row of `images`.
    """

    of: Medium
    stacks: Sequence[Stack]

    @property
    def medium(self) -> Medium:
        return self.of

    def display(self, index: int) -> np.ndarray:
        """The frame or slice in the middle, for people: uint8 (height, width, 3) RGB."""
        return self.shown(self.images[index].numpy())

    def shown(self, image: np.ndarray) -> np.ndarray:
        """The middle of a composed one, (channels, depth, height, width), as `display` shows the originals."""
        middle: np.ndarray = self.slices(image)[image.shape[1] // 2]
        return middle

    def slices(self, image: np.ndarray) -> np.ndarray:
        """All frames or slices for people, front to back: uint8 (depth, height, width, 3) RGB.

        Floats beyond 0..255, as volumes have that were not scaled, are stretched between their 1st and 99th percentile.
        """
        import numpy as np

        values = np.asarray(image, dtype=np.float32)
        if values.min() < -0.5 or values.max() > 255.5:
            low, high = (float(np.percentile(values, share)) for share in (1, 99))
            values = (values - low) / max(high - low, 1e-12) * 255
        values = values.round().clip(0, 255).astype(np.uint8)
        if len(values) != 3:
            values = np.repeat(values[:1], 3, axis=0)
        return np.ascontiguousarray(values.transpose(1, 2, 3, 0))
