"""What is explained of each image of a batch: the one type that the shared pass, visualizers and metrics speak of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from auditor.errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["PREDICTED", "OwnScore", "Targets", "as_targets"]

PREDICTED = "the predicted class"
"""The words of what is explained where nobody said otherwise."""


@dataclass(frozen=True, slots=True)
class OwnScore:
    """A score of the user's own making.

    Attributes:
        name: What the spec calls it.
        function: The model's output, whatever it is → floating-point tensor (n,), one score an image. A gradient must
            be able to go through it.
    """

    name: str
    function: Callable[[Any], Tensor]

    def column(self, output: Any, count: int) -> Tensor:
        """Scores of `count` images, shape (count, 1): they take the place of the model's row of class scores.

        Raises:
            ModelError: Not one number an image.
            Exception: Whatever the function raises.
        """
        import torch

        scores = self.function(output)
        if not isinstance(scores, torch.Tensor) or not scores.is_floating_point():
            raise ModelError(
                f"target {self.name} returned {_kind(scores)}; expected floating-point scores, one an image"
            )
        if scores.shape not in ((count,), (count, 1)):
            raise ModelError(
                f"target {self.name} returned shape {tuple(scores.shape)} for {count} images; expected ({count},): one "
                "score an image"
            )
        return scores.reshape(count, 1)


@dataclass(frozen=True, slots=True)
class Targets:
    """What is explained of each image: the score of a class, less that of another, or a score of the user's own.

    Attributes:
        classes: int64 (n,). −1 where there is none, as the label of a picture without one: nothing is explained there.
        against: int64 (n,), the class whose score is taken off; None: none is.
        own: Stands for both where it is given; then `classes` says nothing but how many images there are.
        words: What a report calls it: "explained for: …".
    """

    classes: Tensor
    against: Tensor | None = None
    own: OwnScore | None = None
    words: str = PREDICTED

    def __len__(self) -> int:
        return len(self.classes)

    def __getitem__(self, rows: Any) -> Targets:
        """Some of them, as a tensor is indexed; a single index keeps its axis."""
        rows = slice(rows, rows + 1 or None) if isinstance(rows, int) else rows
        return replace(self, classes=self.classes[rows], against=None if self.against is None else self.against[rows])

    @property
    def is_predicted(self) -> bool:
        """Whether it is what is explained where nobody said otherwise."""
        return self.words == PREDICTED

    @property
    def known(self) -> Tensor:
        """bool (n,): where there is something to explain."""
        return self.classes >= 0

    @property
    def least(self) -> float:
        """The lowest value of the score in probabilities: a difference may be below zero."""
        return 0.0 if self.against is None else -1.0

    def to(self, device: torch.device) -> Targets:
        """On a device."""
        return replace(
            self,
            classes=self.classes.to(device),
            against=None if self.against is None else self.against.to(device),
        )

    def repeat(self, times: int) -> Targets:
        """The whole batch several times over, for copies of it that are laid one behind the other."""
        return replace(
            self,
            classes=self.classes.repeat(times),
            against=None if self.against is None else self.against.repeat(times),
        )

    def expand(self, count: int) -> Targets:
        """Of one image: for `count` pictures made of it."""
        return replace(
            self,
            classes=self.classes.expand(count),
            against=None if self.against is None else self.against.expand(count),
        )

    def of(self, scores: Tensor) -> Tensor:
        """Each image's score, shape (n,).

        Args:
            scores: Logits or probabilities, shape (n, classes). A single logit speaks for class 1, against class 0.
                Of a score of one's own: the one column that `OwnScore.column` made.
        """
        if self.own is not None:
            return scores[:, 0]
        found = _chosen(scores, self.classes)
        return found if self.against is None else found - _chosen(scores, self.against)

    def ahead(self, scores: Tensor) -> Tensor:
        """bool (n,): whether the class comes first, or, of a difference, before the class that is taken off."""
        if self.own is not None or self.against is not None:
            return self.of(scores) > 0
        return scores.argmax(dim=1) == self.classes

    def weights(self, head: Tensor) -> Tensor:
        """What the score takes of each unit where a linear layer makes it, shape (n, units).

        Args:
            head: The layer's weights, shape (scores, units).
        """
        found = _rows(head, self.classes)
        return found if self.against is None else found - _rows(head, self.against)


def as_targets(targets: Tensor | Targets) -> Targets:
    """Class indices as what they are short for."""
    return targets if isinstance(targets, Targets) else Targets(targets)


def _chosen(scores: Tensor, classes: Tensor) -> Tensor:
    if scores.shape[1] == 1:
        return scores[:, 0] * (2 * classes - 1)
    return scores.gather(1, classes[:, None])[:, 0]


def _rows(head: Tensor, classes: Tensor) -> Tensor:
    return (2 * classes - 1)[:, None] * head if len(head) == 1 else head[classes]


def _kind(value: object) -> str:
    return f"a {type(value).__name__}" if not hasattr(value, "dtype") else f"values of {value.dtype}"
