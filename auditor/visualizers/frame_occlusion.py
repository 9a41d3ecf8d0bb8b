"""Occlusion in time, or slice by slice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from auditor.hiding import Block, lost_without, pieces
from auditor.media import IN_DEPTH
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class FrameOcclusion(MapVisualizer):
    """Frame occlusion: how much of the class's probability is lost when some frames, or slices, are hidden.

    The clip is cut into stretches of time, the volume into slabs. Each is replaced in turn, and shows the drop of the
    probability, or nothing where that is a gain: which frames decide, by experiment. `fill` paints the frames in the
    sample's mean colour; `freeze` shows the frame before them again instead, which takes away only what is new in them
    and looks less strange. Of evidence that is there in several stretches, hiding one costs nothing. Says when and
    not where; costs one forward a stretch, and one.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2, with
    stretches of time in place of squares.
    """

    pieces: int = Field(16, ge=1, le=256, description="Stretches of frames, or slabs of slices; at most one a frame")
    by: Literal["fill", "freeze"] = Field("fill", description="What stands in for them")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"standard": {"pieces": 8}, "full": {}}
    media = IN_DEPTH
    needs = frozenset({Need.SCORES})
    reading = (
        "The bars are lost probability when the model does not see those frames or slices. Where all are low, no "
        "single stretch decides: what it reads is there more than once, or nothing moves it."
    )

    def forwards(self, height: int, width: int) -> int:
        return self.pieces + 1

    def maps(self, captured: Captured) -> Tensor:
        assert captured.target_scores is not None
        fill, inputs = captured.fill, captured.inputs
        assert fill is not None

        def instead(block: Block) -> Tensor:
            if self.by == "fill":
                return fill
            first, last = block[0].start, block[0].stop
            beside = first - 1 if first > 0 else min(last, inputs.shape[2] - 1)
            return inputs[:, :, beside : beside + 1]

        depth, height, width = inputs.shape[2:]
        along = [pieces(depth, self.pieces), [slice(0, height)], [slice(0, width)]]
        lost = lost_without(inputs, captured.targets, captured.target_scores, along, instead)
        return lost[:, :, :1, :1]
