"""Raster pictures as bytes: made smaller, and bare of what a camera or an editor wrote into them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from auditor.errors import RenderError
from auditor.reports._fitting import Reduction

WORTH_REDUCING = 30_000
"""Bytes: smaller pictures keep their size."""
WORTH_ENCODING = 3_000
"""Bytes: smaller pictures keep their quality, too."""
TINY = 48
"""Pixels of a thumbnail's longer side in a copy without pictures: enough to tell a lung from a hand, not a face."""
_HARMLESS = frozenset({"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "progressive", "progression"})
"""What a picture may say of itself, as Pillow names it."""


def scale_for(paths: Iterable[str], run: Path, most_bytes: int) -> float:
    """By how much sides must shrink for all figures to fit; bytes go with the area, and a tenth is kept in reserve.

    Charts and small pictures stay as they are, so the others make room for them; at most to a third of their sides.
    """
    sizes = {path: file.stat().st_size for path in paths if (file := run / path).is_file()}
    if sum(sizes.values()) <= most_bytes:
        return 1.0
    large = sum(size for path, size in sizes.items() if size >= WORTH_REDUCING and not path.endswith(".svg"))
    room = 0.9 * most_bytes - (sum(sizes.values()) - large)
    return min(1.0, max(room / large, 1 / 9) ** 0.5) if large else 1.0


def reduced(data: bytes, kind: str, reduction: Reduction, *, least: int = WORTH_REDUCING) -> tuple[bytes, str]:
    """A raster picture as JPEG of that quality, its sides scaled; charts as they are, and whatever would not gain.

    Args:
        least: Bytes: a smaller picture keeps its size.
    """
    scale = reduction.scale if len(data) >= least else 1.0
    wanted = scale < 1 or (reduction.quality is not None and len(data) >= WORTH_ENCODING)
    if not wanted or kind == "image/svg+xml":
        return data, kind
    # Pillow, not OpenCV: WeasyPrint loads it anyway, and OpenCV with NumPy takes longer to load than a page to print
    from PIL import Image, ImageFile, ImageOps

    from auditor.reports._fitting import QUALITY

    ImageFile.LOAD_TRUNCATED_IMAGES = False  # WeasyPrint sets it for the whole process, and half a picture would pass
    try:
        with Image.open(io.BytesIO(data)) as opened:
            pixels = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise RenderError("a figure of the run cannot be decoded; draw it again with `auditor run --resume`") from error
    if scale < 1:
        size = (max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale)))
        pixels = pixels.resize(size, Image.Resampling.BOX)
    written = io.BytesIO()
    # whole colours, so that coloured maps keep their edges
    pixels.save(written, "JPEG", quality=reduction.quality or QUALITY, subsampling="4:4:4", optimize=True)
    small = written.getvalue()
    return (small, "image/jpeg") if scale < 1 or len(small) < len(data) else (data, kind)


def bare(data: bytes, kind: str) -> bytes:
    """A raster picture without what a camera or an editor wrote into it; as it is where there is nothing.

    Where, when, with what and by whom a picture was taken stands in such notes, and a thumbnail of what was cut off.
    """
    if kind == "image/svg+xml":
        return data
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as opened:
            noted = opened.format == "MPO" or not opened.info.keys() <= _HARMLESS
    except OSError:
        return data  # what cannot be decoded ends the build where it is drawn
    if not noted:
        return data
    from auditor.figures import decode_png, encode_jpeg, encode_png

    return encode_png(decode_png(data)) if kind == "image/png" else encode_jpeg(decode_png(data), quality=95)
