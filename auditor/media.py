"""What a sample consists of: pictures, clips or volumes."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["EVERY", "IN_DEPTH", "PICTURES", "Medium", "shown_layers"]


class Medium(StrEnum):
    """One thing that a model looks at."""

    PICTURE = "picture"
    CLIP = "clip"
    """Frames in the order of time."""
    VOLUME = "volume"
    """Slices of a body, with a size in mm where somebody says."""

    @property
    def several(self) -> str:
        """In words, for people."""
        return f"{self.value}s"

    @property
    def layers(self) -> str:
        """What lies behind one another in it, in words."""
        return {"picture": "pictures", "clip": "frames", "volume": "slices"}[self.value]


PICTURES = frozenset({Medium.PICTURE})
IN_DEPTH = frozenset({Medium.CLIP, Medium.VOLUME})
"""What has a further axis in front of the rows: time or depth."""
EVERY = frozenset(Medium)


def shown_layers(depth: int) -> tuple[int, ...]:
    """Which four layers of so many stand for a clip or volume, evenly spread; the same places at any resolution."""
    return tuple((2 * quarter + 1) * depth // 8 for quarter in range(4))
