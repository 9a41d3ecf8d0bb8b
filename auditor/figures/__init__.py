"""The only place that draws. Plain arrays and numbers go in; uint8 RGB arrays or SVG bytes come out.

Pictures (photos, maps, sheets) are arrays for `encode_jpeg`; charts are SVG with numbers and given names as paths, so
that they look the same everywhere and the same numbers give the same bytes. Neither holds words: captions do, and what
a `Chart` brings beside its drawing, so that a report can be read in any language.
"""

from __future__ import annotations

from auditor.figures.agreement import AgreementMatrix, agreement_matrix
from auditor.figures.causal import CausalGrid, RingProfile, causal_map, radial_profile
from auditor.figures.causal_picture import causal_picture
from auditor.figures.charts import ForestRow, forest_plot
from auditor.figures.colours import colourise, overlay, ramp
from auditor.figures.doses import DosePanel, dose_response
from auditor.figures.encoding import decode_png, encode_jpeg, encode_png
from auditor.figures.headed import Head, HeadedSheet, headed_rows
from auditor.figures.layers import LayerRow, layer_chart
from auditor.figures.performance import (
    Curve,
    ReliabilityBins,
    confusion,
    curves,
    over_time,
    per_class_accuracy,
    reliability_diagram,
)
from auditor.figures.pictures import before_after, enlarge, map_triptych, outline_region, outlines
from auditor.figures.planes import cut, even_planes
from auditor.figures.points import PointPanel, point_chart
from auditor.figures.rows import RowTile, TileRow, picture_rows
from auditor.figures.sheets import channel_sheet, contact_sheet, kernel_sheet
from auditor.figures.sprites import Sprite, jpeg_size, lookup, sprite, two_by_two
from auditor.figures.svg import SEVERITY_COLOURS, svg_size
from auditor.figures.volumes import (
    STRIP_FRAMES,
    anatomical_planes,
    frame_strip,
    heaviest_voxel,
    shown_frames,
    strongest_voxel,
    three_planes,
)
from auditor.figures.wording import Chart

__all__ = [
    "SEVERITY_COLOURS",
    "STRIP_FRAMES",
    "AgreementMatrix",
    "CausalGrid",
    "Chart",
    "Curve",
    "DosePanel",
    "ForestRow",
    "Head",
    "HeadedSheet",
    "LayerRow",
    "PointPanel",
    "ReliabilityBins",
    "RingProfile",
    "RowTile",
    "Sprite",
    "TileRow",
    "agreement_matrix",
    "anatomical_planes",
    "before_after",
    "causal_map",
    "causal_picture",
    "channel_sheet",
    "colourise",
    "confusion",
    "contact_sheet",
    "curves",
    "cut",
    "decode_png",
    "dose_response",
    "encode_jpeg",
    "encode_png",
    "enlarge",
    "even_planes",
    "forest_plot",
    "frame_strip",
    "headed_rows",
    "heaviest_voxel",
    "jpeg_size",
    "kernel_sheet",
    "layer_chart",
    "lookup",
    "map_triptych",
    "outline_region",
    "outlines",
    "over_time",
    "overlay",
    "per_class_accuracy",
    "picture_rows",
    "point_chart",
    "radial_profile",
    "ramp",
    "reliability_diagram",
    "shown_frames",
    "sprite",
    "strongest_voxel",
    "svg_size",
    "three_planes",
    "two_by_two",
]
