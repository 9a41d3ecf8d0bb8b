"""Random map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class RandomMap(MapVisualizer):
    """Random map: noise that knows nothing of model or image, to see how far any other map is from it.

    A coarse grid of independent uniform values, enlarged like a class activation map. The draw is seeded by the image's
    own pixels: the same image gives the same map in every run, another image another one. Whatever a metric says of
    this map it says of chance. It explains nothing, so no preset holds it.

    Source: Hooker et al., "A Benchmark for Interpretability Methods in Deep Neural Networks", NeurIPS 2019, section 4,
    random assignment of importance as control.
    """

    cells: int = Field(7, ge=2, le=224, description="Cells on each side of the grid")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Another seed gives other maps")

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    of_class = False
    needs: ClassVar[frozenset[Need]] = frozenset()
    reading = (
        "Noise: bright areas mean nothing here. A method whose numbers are no better than this map's says nothing."
    )

    def maps(self, captured: Captured) -> Tensor:
        import hashlib

        import torch

        # on whole numbers, so that a device's rounding does not change the draw
        pixels = (captured.inputs * 256).round().to(torch.int32).cpu().numpy()
        drawn = []
        for image in pixels:
            digest = hashlib.sha256(f"{self.seed} {image.shape}".encode() + image.tobytes()).digest()
            generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
            drawn.append(torch.rand((self.cells,) * (image.ndim - 1), generator=generator))
        return torch.stack(drawn).to(captured.inputs.device)
