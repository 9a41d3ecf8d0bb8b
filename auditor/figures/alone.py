"""A chart as a file of its own, for where no page sets its words: they come back into the drawing as live text."""

from __future__ import annotations

from xml.etree import ElementTree

from auditor.figures.fonts import FAMILY
from auditor.figures.svg import INK, MUTED, svg_size, text_width
from auditor.figures.wording import Chart
from auditor.records.pictures import LegendMark

SVG = "http://www.w3.org/2000/svg"
LINK = "http://www.w3.org/1999/xlink"
ANCHORS = {"left": "start", "center": "middle", "right": "end"}
SIGNS: dict[LegendMark, str] = {
    "line": "—", "dashed": "– –", "dotted": "···", "dashdot": "–·–", "longdash": "— —", "band": "█", "swatch": "█",
    "frame": "▣", "ramp": "░▒▓", "upright": "|", "bar": "▌", "circle": "●", "ring": "○", "square": "■", "triangle": "▲",
    "downward": "▼", "diamond": "◆", "plus": "✚", "hexagon": "⬢", "cross": "✕",
}  # fmt: skip
LINE, LETTERS = 14.0, 8.0
"""Points: a line of the legend, and its letters."""


def standing_alone(chart: Chart) -> bytes:
    """SVG with the words over the drawing, and the legend in lines under it."""
    for prefix, address in (("", SVG), ("xlink", LINK)):
        ElementTree.register_namespace(prefix, address)
    root = ElementTree.fromstring(chart.svg)
    wide, tall = (0.75 * side for side in svg_size(chart.svg))
    for words in chart.words:
        x = wide * words.left / 100
        text = _text(root, words.text, x, tall * words.top / 100, words.size, MUTED if words.tone == "quiet" else INK)
        text.set("text-anchor", ANCHORS[words.align])
        if words.tone == "strong":
            text.set("font-weight", "600")
    x, y = 4.0, tall + 0.5 * LINE
    for entry in chart.legend:
        room = text_width(f"{SIGNS[entry.mark]} {entry.label}", LETTERS) + 16
        if x > 4 and x + room > wide:
            x, y = 4.0, y + LINE
        text = _text(root, "", x, y, LETTERS, MUTED)
        ElementTree.SubElement(text, f"{{{SVG}}}tspan", {"fill": entry.colours[-1]}).text = SIGNS[entry.mark]
        ElementTree.SubElement(text, f"{{{SVG}}}tspan", {"dx": "4"}).text = entry.label
        x += room
    if chart.legend:
        tall = y + LINE
        root.set("height", f"{tall:g}pt")
        root.set("viewBox", f"0 0 {wide:g} {tall:g}")
    return ElementTree.tostring(root, encoding="unicode").encode("utf-8")


def _text(root: ElementTree.Element, words: str, x: float, y: float, size: float, colour: str) -> ElementTree.Element:
    place = {"x": f"{x:.2f}", "y": f"{y:.2f}", "font-size": f"{size:g}", "fill": colour}
    style = {"font-family": f"{FAMILY}, sans-serif", "dominant-baseline": "central"}
    text = ElementTree.SubElement(root, f"{{{SVG}}}text", {**place, **style})
    text.text = words
    return text
