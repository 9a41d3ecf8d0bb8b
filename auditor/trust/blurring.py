"""What stands for hidden pixels where a gap may show: the picture's own blur."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

BLUR = 0.1
"""Standard deviation of the blur as a share of the picture's shorter side: shapes go, the colours of areas stay."""


def blurred(images: Tensor) -> Tensor:
    """Gaussian blur of each picture and channel, float32 (m, channels, height, width); mirrored at the edges."""
    import cv2
    import torch

    spread = BLUR * min(images.shape[-2:])
    planes = [
        [cv2.GaussianBlur(plane, (0, 0), spread, borderType=cv2.BORDER_REFLECT) for plane in image]
        for image in images.float().numpy()
    ]
    return torch.from_numpy(np.array(planes, dtype=np.float32))
