"""Layer fusion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from auditor.cam_formulas import enlarged, grad_cam, layer_cam
from auditor.errors import NotApplicableError
from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor

FORMULAS = {"grad_cam": grad_cam, "layer_cam": layer_cam}


class LayerFusion(MapVisualizer):
    """Layer fusion: one map from those of all target layers, so that detail and meaning are seen together.

    Each layer's map is enlarged to the finest grid and divided by its mean, the layers are averaged, and the result is
    multiplied by the mean of all: every layer has the same say, whatever the size of its gradients. Bright on all
    layers is bright here. A layer whose map is blank has no say. It is as trustworthy as the least of its layers, and a
    border that early layers alone answer to stays visible in it.

    Source: Jiang et al., "LayerCAM", IEEE TIP 2021, section III-C, on fusing maps of layers; the scaling is ours.
    """

    cam: Literal["grad_cam", "layer_cam"] = Field("layer_cam", description="Whose maps are fused")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    needs = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS})
    reading = (
        "Bright areas are those that early layers, which see outlines, and late layers, which see objects, both point "
        "to. Grey ones are pointed to by some layers alone."
    )

    def maps(self, captured: Captured) -> Tensor:
        import torch

        if not captured.layers:
            raise NotApplicableError("there is no target layer whose maps could be fused")
        found = []
        for at in captured.layers.values():
            assert at.activations is not None
            assert at.gradients is not None
            found.append(FORMULAS[self.cam](at.activations, at.gradients))
        finest = max((one.shape[1:] for one in found), key=math.prod)
        maps = torch.stack([enlarged(one, finest) for one in found])
        means = maps.mean(dim=tuple(range(2, maps.ndim)), keepdim=True)
        shares = torch.where(means > 0, maps / means, 0.0)
        told = (means > 0).sum(dim=0).clamp(min=1)
        return shares.sum(dim=0) / told * (means.sum(dim=0) / told)
