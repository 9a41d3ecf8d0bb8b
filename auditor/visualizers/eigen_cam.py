"""EigenCAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.cam_formulas import first_component
from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class EigenCam(MapVisualizer):
    """EigenCAM: the one pattern over the image that a layer's units share most.

    L = ReLU(A v₁), with one row of A for each position, one column for each unit, and v₁ the first right singular
    vector; its sign is the one that agrees with the units' sum. It needs no gradient and no class: it shows what stands
    out to the network, whatever it decides, and is the same for every class.

    Source: Muhammad and Yeasin, "Eigen-CAM", IJCNN 2020.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    of_class = False
    media = EVERY
    needs = frozenset({Need.ACTIVATIONS})
    per_layer = True
    reading = (
        "Bright areas are where the layer answers most strongly. They need not be what the class score rests on: "
        "compare with a map that knows the class."
    )

    def maps(self, captured: Captured) -> Tensor:
        assert captured.activations is not None
        return first_component(captured.activations).clamp(min=0)
