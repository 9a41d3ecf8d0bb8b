"""Maps as the run keeps them, and a sheet of them alone: what a copy without pictures shows of a method."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import RenderError
from auditor.media import Medium, shown_layers
from auditor.records import Audit, VisualizationRecord
from auditor.reports._pictures import read_inside

if TYPE_CHECKING:
    import numpy as np

ALONE = 14
"""Maps on a sheet without their pictures: two rows."""
SIDE = 112
"""Of a map on it, in pixels, at most."""


def read_maps(
    item: VisualizationRecord, run: Path, count: int, *, deep: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares of each map's own maximum, float (n, rows, columns); these maxima; and which maps mean something."""
    import numpy as np

    assert item.maps is not None
    try:
        with np.load(io.BytesIO(read_inside(run, item.maps)), allow_pickle=False) as stored:
            maps, peaks, usable = stored["maps"], stored["peaks"], stored["usable"]
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise RenderError(f"{item.maps}: is no file of maps ({error}); run the audit again") from error
    if not len(maps) == len(peaks) == len(usable) == count or maps.ndim != (4 if deep else 3):
        raise RenderError(f"{item.maps}: holds maps of shape {maps.shape} for {count} pictures; run the audit again")
    if deep:
        from auditor.figures import two_by_two

        at = list(shown_layers(maps.shape[1]))
        maps = np.stack([two_by_two(one[at]) for one in maps])
    return maps, peaks, usable


def maps_alone(item: VisualizationRecord, audit: Audit, run: Path) -> tuple[np.ndarray, int] | None:
    """The first maps of a method that mean something, each from 0 to its own maximum.

    Returns:
        uint8 (height, width, 3), and how many maps it shows; None where the run keeps none.

    Raises:
        RenderError: Its file of maps is missing or broken.
    """
    import numpy as np

    from auditor.figures import colourise, contact_sheet

    if item.maps is None or item.status != "ok":
        return None
    maps, _, usable = read_maps(item, run, len(audit.images), deep=audit.sample.medium != Medium.PICTURE)
    chosen = [one.astype(np.float32) for one in maps[np.asarray(usable, bool)][:ALONE]]
    if not chosen:
        return None
    rows, columns = chosen[0].shape
    cell = (round(SIDE * rows / max(rows, columns)), round(SIDE * columns / max(rows, columns)))
    tiles = [colourise(one, 0.0, float(np.nanmax(one, initial=0.0))) for one in chosen]
    return contact_sheet(tiles, ALONE // 2, cell=cell), len(chosen)
