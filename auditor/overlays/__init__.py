"""Artefacts painted onto images (tags, watermarks, letterboxes), found without labels and without a model."""

from __future__ import annotations

from auditor.overlays.association import Association, class_association
from auditor.overlays.finding import Overlay, find_overlays
from auditor.overlays.letterboxes import Letterbox, find_letterboxes

__all__ = [
    "Association",
    "Letterbox",
    "Overlay",
    "class_association",
    "find_letterboxes",
    "find_overlays",
]
