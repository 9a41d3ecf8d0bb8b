"""What is done to pictures before the model sees them: one file an intervention. Always on copies, in 0..255."""

from __future__ import annotations

from auditor.interventions.pasting import clean_plate, paste_object
from auditor.interventions.removing import FILLS, Fill, remove
from auditor.interventions.swapping import Swapper

__all__ = ["FILLS", "Fill", "Swapper", "clean_plate", "paste_object", "remove"]
