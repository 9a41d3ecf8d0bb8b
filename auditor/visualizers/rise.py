"""RISE: hide random halves of the image, see which hidden places cost the score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.cam_formulas import as_weights
from auditor.media import EVERY
from auditor.visualizers import COPIES, Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Generator, Tensor


class Rise(MapVisualizer):
    """RISE: how much likelier the class is while a pixel is visible, over random masks.

    Masks are coarse grids of random cells (of clips and volumes in depth too), enlarged smoothly and shifted at random;
    what is hidden takes the sample's mean colour. M = ReLU(Σₖ Pₖ Mₖ / Σₖ Mₖ − mean of Pₖ), P the probability of the
    class: the paper's mean score while the pixel is visible, less the mean over all masks, which it has at every pixel
    and which says nothing of places. It needs no gradient and no layer, so it works on every model. What it cannot
    show: anything finer than a cell; with few masks it is noise of the order of 1/√masks; and half-hidden images are
    unlike any the model knows. Each image has its own masks, the same in every run. Costs one forward a mask.

    Source: Petsiuk et al., "RISE", BMVC 2018, section 3.2.
    """

    masks: int = Field(400, ge=10, le=20000, description="Random masks for each image")
    cells: int = Field(7, ge=2, le=64, description="Cells of a mask along each side")
    visible: float = Field(0.5, gt=0, lt=1, description="Share of the cells that stay visible")

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {"most_images": 4}}
    needs = frozenset({Need.SCORES})
    reading = (
        "Bright areas are those whose sight makes the class likelier, whatever else is hidden. Cloudy patterns of "
        "low contrast are the noise of random masks."
    )

    def forwards(self, height: int, width: int) -> int:
        return self.masks

    def maps(self, captured: Captured) -> Tensor:
        import torch

        assert captured.target_scores is not None
        assert captured.fill is not None
        extent = captured.inputs.shape[2:]
        copies = COPIES[captured.inputs.ndim]
        found = []
        for index, (image, generator) in enumerate(zip(captured.inputs, captured.generators(), strict=True)):
            seen, scored, total = (torch.zeros(extent, device=image.device) for _ in range(3))
            for start in range(0, self.masks, copies):
                count = min(copies, self.masks - start)
                masks = torch.stack([self._mask(extent, generator) for _ in range(count)]).to(image.device)
                masked = captured.fill + masks[:, None] * (image - captured.fill)
                scores = as_weights(captured.target_scores(masked, captured.targets[index].expand(count)), masks)
                seen += masks.sum(dim=0)
                scored += (scores * masks).sum(dim=0)
                total += scores.sum()
            found.append(scored / seen.clamp(min=torch.finfo(seen.dtype).tiny) - total / self.masks)
        return torch.stack(found).clamp(min=0)

    def _mask(self, extent: Sequence[int], generator: Generator) -> Tensor:
        """One mask in [0, 1], of the shape `extent`, on the CPU."""
        import torch
        from torch.nn import functional as F

        steps = [math.ceil(length / self.cells) for length in extent]
        grid = (torch.rand((self.cells,) * len(extent), generator=generator) < self.visible).float()
        size = [(self.cells + 1) * step for step in steps]
        mode = "bilinear" if len(extent) == 2 else "trilinear"
        large = F.interpolate(grid[None, None], size=size, mode=mode, align_corners=False)[0, 0]
        starts = [int(torch.randint(0, step, (), generator=generator)) for step in steps]
        return large[tuple(slice(start, start + length) for start, length in zip(starts, extent, strict=True))]
