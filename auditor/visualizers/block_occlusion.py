"""Occlusion by blocks of space and time, or of a body."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from auditor.hiding import lost_without, pieces
from auditor.media import IN_DEPTH
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor

Count = Annotated[int, Field(ge=1, le=64)]


class BlockOcclusion(MapVisualizer):
    """Block occlusion: how much of the class's probability is lost when one block of the clip or volume is hidden.

    The clip is cut into pieces × pieces × pieces blocks of space and time, the volume into as many blocks of the body.
    Each is filled with the sample's mean colour in turn, and shows the drop of the probability, or nothing where that
    is a gain. It needs no gradient and no layer, so it works on every model, and what it shows was measured. It is as
    coarse as its blocks; of evidence that is there twice, hiding one costs nothing; and a plain block is unusual,
    which can cost probability by itself. Costs one forward a block, and one.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2, with
    blocks in place of squares.
    """

    pieces: tuple[Count, Count, Count] = Field((4, 4, 4), description="Blocks along depth, height and width")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"standard": {"pieces": (2, 4, 4)}, "full": {}}
    media = IN_DEPTH
    needs = frozenset({Need.SCORES})
    reading = (
        "Bright blocks are those the model misses when they are hidden. Values are lost probability: where and when "
        "the class was decided, by experiment."
    )

    def forwards(self, height: int, width: int) -> int:
        return math.prod(self.pieces) + 1

    def maps(self, captured: Captured) -> Tensor:
        assert captured.target_scores is not None
        fill = captured.fill
        assert fill is not None
        along = [pieces(*one) for one in zip(captured.inputs.shape[2:], self.pieces, strict=True)]
        return lost_without(captured.inputs, captured.targets, captured.target_scores, along, lambda block: fill)
