"""Artefacts painted onto images (tags, watermarks, letterboxes), found without labels and without a model."""

from __future__ import annotations

from auditor.overlays.association import Association, class_association
from auditor.overlays.bands import SIDES, Bands, join_strips, sides_covered
from auditor.overlays.finding import Overlay, find_overlays
from auditor.overlays.letterboxes import Letterbox, find_letterboxes
from auditor.overlays.moving import find_moving_tags
from auditor.overlays.moving_tag import MovingTag
from auditor.overlays.per_class import find_class_overlays
from auditor.overlays.plain_marks import find_plain_marks
from auditor.overlays.recovery import Patch, recover

__all__ = [
    "SIDES",
    "Association",
    "Bands",
    "Letterbox",
    "MovingTag",
    "Overlay",
    "Patch",
    "class_association",
    "find_class_overlays",
    "find_letterboxes",
    "find_moving_tags",
    "find_overlays",
    "find_plain_marks",
    "join_strips",
    "recover",
    "sides_covered",
]
