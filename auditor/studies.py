"""What a study of the whole sample is given, and what it brings home: pictures with words, points on a plane, numbers.

A study runs once, after the shared pass. It draws nothing: exhibits are plain arrays and words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from auditor.attacks import MarginGradient
    from auditor.records import Measurement
    from auditor.subjects import LoadedModel, Sample

__all__ = [
    "Audited",
    "Colouring",
    "Features",
    "LentMap",
    "PictureRow",
    "PictureSheet",
    "PointChart",
    "Projection",
    "Respond",
    "Responses",
    "Study",
    "Tile",
    "most_selective",
]

Box = tuple[int, int, int, int]
"""(x1, y1, x2, y2) in pixels, ends exclusive."""


@dataclass(frozen=True, slots=True)
class Responses:
    """What the model answers to a batch, with its graph where gradients were asked for.

    Attributes:
        logits: Raw output, float32 (batch, classes).
        activations: Layer → output as a grid, float32 (batch, units, rows, columns).
    """

    logits: Tensor
    activations: Mapping[str, Tensor]


class Respond(Protocol):
    """Model inputs, shape (batch, channels, height, width) → answers."""

    def __call__(self, inputs: Tensor, *, waking: bool = False) -> Responses:
        """Ask once.

        Args:
            inputs: On the model's device.
            waking: Whether ReLUs that are silent on a whole image pass back what would wake them; without effect
                where no gradients were asked for.
        """
        ...


class Features(Protocol):
    """Pictures → what the classifying layer reads of them."""

    def __call__(self, images: Tensor | None = None) -> np.ndarray:
        """float32 (n, features), the output itself of an encoder. Costs a forward an image.

        Args:
            images: As `Sample.images`, also float; None: the sample.

        Raises:
            ModelError: No single layer produces the scores.
        """
        ...


@dataclass(frozen=True, slots=True)
class LentMap:
    """One method's maps of some pictures.

    Attributes:
        maps: float32 (n, height, width), as in `MapSet`; None where they could not be made.
        usable: bool (n,).
        layer: The last target layer, where the method looks at one.
        reason: Why there are none.
    """

    maps: np.ndarray | None
    usable: np.ndarray
    layer: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Audited:
    """The model and the sample, with what a study may ask of them. Whatever it asks leaves the model as it is.

    Attributes:
        sample: All pictures, on the CPU.
        layers: Target layers; may be empty.
        device: Where model inputs belong.
        classes: One name an output; () for an encoder.
        predicted: int64 (n,); None where there are no classes.
        clusters: int (n,): pictures of one patient, video or site have one number.
        features: What the classifying layer reads.
        scores: Pictures as `Sample.images`, also float → float32 (n, classes), probabilities. Costs a forward an image.
        margin_gradient: Pictures in pixels and classes → what adversarial examples go down, see `auditor.attacks`.
            Costs two forwards an image.
        maps: Method, rows of the sample, pictures that stand there, classes → the method's maps for those classes, at
            the last target layer. Costs two forwards an image, and what the method says of itself.
        responding: Layers, whether gradients are wanted → a context with a `Respond`. A call costs a forward an image,
            or 3 with gradients.
        receptive_fields: Layer → (unit, row, column) of some of its outputs → the box of each in the input, or None
            where it cannot be found. Costs one forward for each row and each column of the input, for all layers.
        in_parts: Count, work → results of work(start, stop) over 0..count in as few parts as fit into memory.
    """

    model: LoadedModel
    sample: Sample
    layers: Sequence[str]
    device: torch.device
    classes: Sequence[str]
    predicted: np.ndarray | None
    clusters: np.ndarray
    seed: int
    features: Features
    scores: Callable[[Tensor], np.ndarray]
    margin_gradient: MarginGradient
    maps: Callable[[str, np.ndarray, Tensor, np.ndarray], LentMap]
    responding: Callable[[Sequence[str], bool], AbstractContextManager[Respond]]
    receptive_fields: Callable[[Mapping[str, Sequence[tuple[int, int, int]]]], Mapping[str, Sequence[Box | None]]]
    in_parts: Callable[[int, Callable[[int, int], Any]], list[Any]]

    def class_name(self, index: int) -> str:
        """The name of a class, or its number where nobody named it."""
        return self.classes[index] if index < len(self.classes) else str(index)


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture with the words under it.

    Attributes:
        picture: uint8 (height, width, 3).
        words: Lines under it.
        heat: A map to be laid over it, float (height, width), from 0 to its own maximum.
        box: Outlined in the picture, in its pixels.
        marked: Framed, because it is not like the others of its row; the words say why.
    """

    picture: np.ndarray
    words: Sequence[str] = ()
    box: Box | None = None
    marked: bool = False
    heat: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class PictureRow:
    """Pictures that belong together.

    Attributes:
        heading: Lines at the left of the row, the first in bold.
    """

    heading: Sequence[str]
    tiles: Sequence[Tile]


@dataclass(frozen=True, slots=True)
class PictureSheet:
    """Rows of pictures; all rows have about the same number of tiles.

    Attributes:
        name: Tells the sheets of one study apart; "" where there is one.
        caption: What is shown, with counts.
        alt: The same for those who do not see it.
    """

    rows: Sequence[PictureRow]
    caption: str
    alt: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Projection:
    """Points on a plane.

    Attributes:
        title: Of the panel.
        points: Float (n, 2).
        axes: What the two axes are; ("", "") where they have no meaning.
    """

    title: str
    points: np.ndarray
    axes: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Colouring:
    """Which points belong together.

    Attributes:
        title: What they are told apart by.
        names: One a group, the largest first.
        groups: int (n,), index into `names`; −1: none of them.
        wrong: bool (n,): points to cross out; None: none.
        rest: What −1 is called.
    """

    title: str
    names: Sequence[str]
    groups: np.ndarray
    wrong: np.ndarray | None = None
    rest: str = "others"


@dataclass(frozen=True, slots=True)
class PointChart:
    """The same points in several projections, coloured in one way. Attributes: as in `PictureSheet`."""

    projections: Sequence[Projection]
    colouring: Colouring
    caption: str
    alt: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    """What a study found, on one layer or on the whole.

    Attributes:
        exhibits: To be drawn.
        remarks: What a reader must know beside them, in whole sentences.
    """

    exhibits: Sequence[PictureSheet | PointChart]
    layer: str | None = None
    measurements: Sequence[Measurement] = ()
    remarks: Sequence[str] = field(default=())


def most_selective(peaks: Tensor, count: int) -> list[int]:
    """Units whose strongest activation differs most from picture to picture, by its standard deviation.

    Units that are always on, or always off, have nothing to show.

    Args:
        peaks: Each unit's largest activation on each picture, shape (n, units).
        count: How many, at most; units that never change are left out.
    """
    spread = peaks.double().nan_to_num(0, 0, 0).std(dim=0, correction=0)
    # a stable sort: among equal units the lower index comes first on every device
    order = spread.argsort(descending=True, stable=True)[:count].tolist()
    return [unit for unit in order if float(spread[unit]) > 0]
