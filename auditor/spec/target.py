"""What a map explains, as a spec writes it: predicted, label, a class, a difference of two, or a score of your own.

target: label
target: cat                          # a class's name, or its index
target: {class: label}               # a class that is called like one of the words above
target: {difference: [cat, dog]}     # the score of cat less the score of dog
target: scores.py:share_of_road      # file.py:callable or package.module:callable: model output → one score an image
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

__all__ = ["PREDICTED", "Target", "TargetSpec"]

ClassRef = str | int
_REFERENCE = re.compile(r"([^:]+\.py|[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):[A-Za-z_][\w.]*")
_FORM = (
    "expected predicted, label, a class's name or index, {difference: [one class, another]}, or file.py:callable for a "
    "score of your own"
)


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """What is explained, before names are looked up.

    Attributes:
        kind: Where the score comes from.
        classes: Names or indices: one of a class, two of a difference.
        reference: The callable of a score of one's own.
    """

    kind: Literal["predicted", "label", "class", "difference", "own"] = "predicted"
    classes: tuple[ClassRef, ...] = ()
    reference: str = ""

    @property
    def written(self) -> Any:
        """As a spec writes it."""
        if self.kind == "difference":
            return {"difference": list(self.classes)}
        if self.kind == "class":
            plain = self.classes[0]
            ambiguous = isinstance(plain, str) and (plain in ("predicted", "label") or _REFERENCE.fullmatch(plain))
            return {"class": plain} if ambiguous else plain
        return self.reference or self.kind

    def __str__(self) -> str:
        return str(self.written)

    @property
    def key(self) -> str:
        """Tells targets apart; "" for the predicted class."""
        if self.kind == "predicted":
            return ""
        return self.reference or " minus ".join(str(one) for one in self.classes) or self.kind

    def indices(self, names: Sequence[str], count: int) -> tuple[int, ...]:
        """The classes' indices.

        Args:
            names: Of the outputs; () where nobody named them.
            count: Of the outputs.

        Raises:
            ValueError: A class that the model does not have; says which is near.
        """
        return tuple(class_index(one, names, count) for one in self.classes)


PREDICTED = TargetSpec()
"""The class that the model predicts on the untouched picture."""


def class_index(wanted: ClassRef, names: Sequence[str], count: int | None) -> int:
    """A class by its name, or by its index.

    Args:
        names: Of the outputs; () where they are not known.
        count: How many outputs there are; None where that is not known.

    Raises:
        ValueError: There is no such class.
    """
    if wanted in names:
        return names.index(str(wanted))
    number = int(wanted) if isinstance(wanted, int) or wanted.isdecimal() else None
    if number is not None:
        if count is not None and number >= count:
            raise ValueError(f"there is no class {number}; the model has {count}, from 0 to {count - 1}")
        return number
    close = get_close_matches(str(wanted), names, n=1, cutoff=0.5)
    if not names:
        raise ValueError(f"no class is named '{wanted}', since nobody named the model's classes; write its index")
    some = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    raise ValueError(f"no class is named '{wanted}'; " + (f"did you mean '{close[0]}'?" if close else f"known: {some}"))


def _read(value: Any) -> TargetSpec:
    if isinstance(value, TargetSpec):
        return value
    match value:
        case "predicted":
            return PREDICTED
        case "label":
            return TargetSpec("label")
        case {"class": one} if len(value) == 1 and _is_class(one):
            return TargetSpec("class", (one,))
        case {"difference": [first, second]} if len(value) == 1 and _is_class(first) and _is_class(second):
            if first == second:
                raise ValueError(f"the difference of '{first}' and itself is always 0; name two classes")
            return TargetSpec("difference", (first, second))
        case str() if _REFERENCE.fullmatch(value):
            return TargetSpec("own", reference=value)
        case str() | int() if _is_class(value):
            return TargetSpec("class", (value,))
        case _:
            raise ValueError(_FORM)


def _is_class(value: object) -> bool:
    if isinstance(value, str):
        return value != ""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_CLASS: dict[str, Any] = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}]}

Target = Annotated[
    TargetSpec,
    BeforeValidator(_read),
    PlainSerializer(lambda target: target.written),
    WithJsonSchema(
        {
            "description": _FORM,
            "default": "predicted",
            "anyOf": [
                {"enum": ["predicted", "label"]},
                *_CLASS["anyOf"],
                {"type": "object", "properties": {"class": _CLASS}, "required": ["class"]},
                {
                    "type": "object",
                    "properties": {"difference": {"type": "array", "items": _CLASS, "minItems": 2, "maxItems": 2}},
                    "required": ["difference"],
                },
            ],
        }
    ),
]
"""A field of a spec that names a target."""
