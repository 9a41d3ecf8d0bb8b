"""An organisation's colour and logo on a report: readable, and unable to do anything but be seen.

Source: WCAG 2.2, relative luminance and contrast ratio (success criterion 1.4.3: text needs 4.5 to 1)
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree

LEAST_CONTRAST = 4.5
PAPER = (255, 255, 255)
MOST_BYTES = 2_000_000
LONGEST_SIDE = 800
"""Pixels of a logo's longer side: twice what the cover shows, for print."""
SVG = "http://www.w3.org/2000/svg"
_DRAWING = """
    svg g defs title desc path rect circle ellipse line polyline polygon text tspan linearGradient radialGradient
    stop clipPath"""
SHAPES = frozenset(_DRAWING.split())
"""Elements that may stay: what draws. Scripts, styles, links, animations, pictures and foreign content go; so do `use`
and `mask`, which can be nested until nothing can draw them."""
_APPEARANCE = """
    id d x y x1 y1 x2 y2 cx cy r rx ry fx fy width height points viewBox preserveAspectRatio transform version
    fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin stroke-miterlimit
    stroke-dasharray stroke-dashoffset opacity color offset stop-color stop-opacity gradientUnits gradientTransform
    spreadMethod clip-path clip-rule clipPathUnits font-family font-size font-weight font-style letter-spacing
    text-anchor dominant-baseline dx dy display visibility href"""
ATTRIBUTES = frozenset(_APPEARANCE.split())
_INSIDE = re.compile(r"^\s*(#[\w.-]+|url\(\s*['\"]?#[\w.-]+['\"]?\s*\))\s*$")
_REFERS = re.compile(r"url\s*\(|[a-z][a-z0-9+.-]*:|//|\\|@", re.IGNORECASE)
"""What could reach out of the file, or hide that it does."""


class LogoError(ValueError):
    """Not a logo that can be shown; says why and what would do."""


def accent_problem(colour: str) -> str:
    """Why a colour cannot be read on white, with a darker one that can; "" where it can.

    Args:
        colour: "#rrggbb".
    """
    ratio = contrast(_rgb(colour), PAPER)
    if ratio >= LEAST_CONTRAST:
        return ""
    words = f"{colour} has a contrast of {ratio:.1f} to 1 on white, text needs {LEAST_CONTRAST}"
    return f"{words}; {readable(colour)} would do"


def readable(colour: str, paper: tuple[int, int, int] = PAPER) -> str:
    """The colour, or the nearest shade of it that can be read on the paper: darker on white, lighter on black."""
    towards = 0 if _luminance(paper) > 0.18 else 255
    rgb = _rgb(colour)
    for step in range(101):
        shade = tuple(round(channel + (towards - channel) * step / 100) for channel in rgb)
        if contrast((shade[0], shade[1], shade[2]), paper) >= LEAST_CONTRAST:
            return "#" + "".join(f"{channel:02x}" for channel in shade)
    return "#000000" if towards == 0 else "#ffffff"


def contrast(first: tuple[int, int, int], second: tuple[int, int, int]) -> float:
    """WCAG's contrast ratio, 1 to 21."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(rgb: tuple[int, int, int]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (channel / 255 for channel in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def read_logo(path: Path) -> tuple[bytes, str]:
    """A logo made harmless: drawn anew where it is pixels, stripped to shapes where it is SVG.

    Returns:
        Its bytes and the suffix that goes with them, ".png" or ".svg".

    Raises:
        LogoError: Missing, too large, or nothing that can be drawn.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MOST_BYTES else b""
    except OSError as error:
        raise LogoError(f"{path.name}: cannot be read ({error.strerror})") from None
    if not data:
        raise LogoError(f"{path.name}: has {size:,} bytes; expected 1 to {MOST_BYTES:,}")
    if path.suffix.lower() == ".svg":
        return _shapes(data, path.name), ".svg"
    if path.suffix.lower() in (".png", ".jpg", ".jpeg"):
        return _redrawn(data, path.name), ".png"
    raise LogoError(f"{path.name}: a logo is .svg, .png or .jpg")


def _redrawn(data: bytes, name: str) -> bytes:
    """Pixels only: no metadata, no second picture, nothing after the end."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as opened:
            if opened.width * opened.height > 50_000_000:
                raise LogoError(f"{name}: has {opened.width} × {opened.height} pixels, far more than a logo needs")
            pixels = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, LogoError):
            raise
        raise LogoError(f"{name}: is not a whole PNG or JPEG picture") from None
    pixels.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    pixels.save(out, "PNG", optimize=True)
    return out.getvalue()


def _shapes(data: bytes, name: str) -> bytes:
    """Only elements and attributes that draw, and only references within the file."""
    if b"<!DOCTYPE" in data.upper() or b"<!ENTITY" in data.upper() or b"\0" in data:
        raise LogoError(f"{name}: holds a document type or is not UTF-8; save it as plain SVG")
    try:
        root = ElementTree.fromstring(data.decode("utf-8-sig"))
    except (ElementTree.ParseError, UnicodeDecodeError, ValueError):
        raise LogoError(f"{name}: is not a well-formed SVG file in UTF-8") from None
    if root.tag != f"{{{SVG}}}svg":
        raise LogoError(f"{name}: is XML, but not SVG")
    clean = _clean(root, _plain_gradients(root))
    if not any(_local(element.tag) not in ("svg", "g", "defs", "title", "desc") for element in clean.iter()):
        raise LogoError(f"{name}: nothing that can be drawn is left once pictures, scripts and styles are taken out")
    width, height = _size(clean, name)
    clean.set("viewBox", clean.get("viewBox") or f"0 0 {width:g} {height:g}")
    clean.set("width", f"{width:g}")
    clean.set("height", f"{height:g}")
    ElementTree.register_namespace("", SVG)
    return ElementTree.tostring(clean, encoding="unicode").encode("utf-8")


def _clean(element: ElementTree.Element, plain: frozenset[str], *, clipping: bool = False) -> ElementTree.Element:
    """The element with its children, as far as they draw.

    Args:
        plain: References to gradients that refer to nothing themselves, so that none leads in a circle.
        clipping: Inside a clip path, where there may be no further one.
    """
    tag = _local(element.tag)
    kept = ElementTree.Element(f"{{{SVG}}}{tag}")
    for name, value in _attributes(element).items():
        inner = bool(_INSIDE.match(value))
        if name == "href":
            allowed = tag.endswith("Gradient") and value.strip() in plain
        elif name == "clip-path":
            allowed = inner and not clipping
        else:
            allowed = name in ATTRIBUTES and (inner or not _REFERS.search(value))
        if allowed:
            kept.set(name, value)
    kept.text, kept.tail = element.text, element.tail
    for child in element:
        if isinstance(child.tag, str) and child.tag.startswith(f"{{{SVG}}}") and _local(child.tag) in SHAPES:
            kept.append(_clean(child, plain, clipping=clipping or tag == "clipPath"))
    return kept


def _plain_gradients(root: ElementTree.Element) -> frozenset[str]:
    gradients = [item for item in root.iter() if isinstance(item.tag, str) and _local(item.tag).endswith("Gradient")]
    return frozenset(f"#{item.get('id')}" for item in gradients if "href" not in _attributes(item))


def _attributes(element: ElementTree.Element) -> dict[str, str]:
    """By name, whatever their namespace; a style is taken apart into what it sets."""
    found = {_local(name): value for name, value in element.attrib.items()}
    for declaration in found.pop("style", "").split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            found[name.strip()] = value.strip()
    return found


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _size(svg: ElementTree.Element, name: str) -> tuple[float, float]:
    """Width and height, of the attributes or else of the view box."""
    given = [re.match(r"^\s*([\d.]+)\s*(px|pt|mm)?\s*$", svg.get(side, "")) for side in ("width", "height")]
    if given[0] and given[1]:
        width, height = float(given[0].group(1)), float(given[1].group(1))
    else:
        box = (svg.get("viewBox") or "").replace(",", " ").split()
        try:
            width, height = float(box[2]), float(box[3])
        except (IndexError, ValueError):
            raise LogoError(f"{name}: states neither width and height nor a viewBox") from None
    if not (0 < width < 100_000 and 0 < height < 100_000):
        raise LogoError(f"{name}: has a size of {width:g} × {height:g}, which cannot be shown")
    return width, height
