"""What every family of cues looks like in each half, and how often: designs, places, strengths and counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from benchmarks.detection.cues import Family
from benchmarks.detection.scenes import Half


@dataclass(frozen=True, slots=True)
class Looks:
    """What a family looks like in one half.

    Attributes:
        looks: (design, place); places are empty for cues that have none.
        drawn: More of them at 32 pixels.
        photos: More of them at 64 pixels.
        strengths: In turn.
        count: How many cases.
        partial: Which of them are trained with counterexamples, so that the network leans on the cue in part.
    """

    looks: tuple[tuple[str, str], ...]
    count: int
    partial: tuple[int, ...]
    strengths: tuple[float, ...] = (1.0,)
    drawn: tuple[tuple[str, str], ...] = ()
    photos: tuple[tuple[str, str], ...] = ()


LOOKS: Mapping[Half, Mapping[Family, Looks]] = MappingProxyType({
    "tuning": MappingProxyType({
        "corner_tag": Looks((("plate", "top left"), ("bars", "bottom right"), ("arrow", "top left"),
                             ("plate", "bottom right"), ("bars", "top left")), 8, (3, 7)),
        "centred_text": Looks((("white word", "centre"), ("black word", "centre")), 8, (3, 7), (0.5, 0.4, 0.6)),
        "frame": Looks((("plain line", "rim"), ("double line", "rim")), 8, (3, 7)),
        "background_texture": Looks((("stripes", ""), ("grain", "")), 7, (2, 6), photos=(("grass", ""), ("brick", ""))),
        "background_colour": Looks((("leaf", ""), ("orange", "")), 7, (2, 6), (1.0, 0.8)),
        "colour_cast": Looks((("warm", ""), ("green", "")), 7, (2, 6), (1.0, 0.8)),
        "moving_tag": Looks((("pin", ""), ("chip", "")), 7, (2, 6)),
        "sharpness": Looks((("gaussian blur", ""), ("low resolution", "")), 7, (2, 6), (1.0, 1.2)),
    }),
    "development_1": MappingProxyType({
        "corner_tag": Looks((("checks", "top right"), ("roundel", "bottom left"), ("stamp", "top right"),
                             ("pips", "bottom left"), ("checks", "bottom left"), ("roundel", "top right"),
                             ("stamp", "bottom left")), 13, (8, 12)),
        "centred_text": Looks((("yellow word", "above centre"), ("blue word", "slanted"),
                               ("pale word", "below centre"), ("yellow word", "slanted")),
                              13, (8, 12), (0.55, 0.7, 0.5)),
        "frame": Looks((("dashes", "inset"), ("painted line", "inset"), ("strips", "top and bottom"),
                        ("strips", "left and right")), 13, (8, 12)),
        "background_texture": Looks((("checks", ""), ("dots", "")), 8, (1, 3, 7),
                                    photos=(("gravel", ""), ("cells", ""))),
        "background_colour": Looks((("sea", ""), ("plum", "")), 8, (1, 3, 7), (1.0, 0.8)),
        "colour_cast": Looks((("cold", ""), ("magenta", "")), 12, (7, 11), (1.0, 0.85)),
        "moving_tag": Looks((("flag", ""), ("target", "")), 13, (8, 12)),
        "sharpness": Looks((("motion blur", ""), ("pixelated", "")), 12, (7, 11), drawn=(("jpeg", ""),)),
    }),
    "development_2": MappingProxyType({
        "corner_tag": Looks((("seal", "top middle"), ("chevrons", "right middle"), ("ruler", "bottom middle"),
                             ("label", "left middle"), ("seal", "right middle"), ("chevrons", "bottom middle"),
                             ("label", "top middle")), 13, (8, 12)),
        "centred_text": Looks((("red word", "falling"), ("green word", "upright"), ("grey word", "falling"),
                               ("red word", "upright")), 13, (8, 12), (0.55, 0.7, 0.5)),
        "frame": Looks((("beads", "close inset"), ("two tones", "close inset"), ("bands", "bottom and right"),
                        ("bands", "all but top")), 13, (8, 12)),
        "background_texture": Looks((("hatch", ""), ("ripples", "")), 8, (1, 3, 7),
                                    photos=(("print", ""), ("vessels", ""))),
        "background_colour": Looks((("teal", ""), ("rose", "")), 8, (1, 3, 7), (1.0, 0.8)),
        "colour_cast": Looks((("amber", ""), ("cyan", "")), 12, (7, 11), (1.0, 0.85)),
        "moving_tag": Looks((("diamond", ""), ("quarters", "")), 13, (8, 12)),
        "sharpness": Looks((("defocus", ""), ("smeared", "")), 12, (7, 11), drawn=(("webp", ""),)),
    }),
    "development_3": MappingProxyType({
        "corner_tag": Looks((("swatches", "upper left quarter"), ("crosshair", "lower right quarter"),
                             ("pennant", "upper right quarter"), ("badge", "lower left quarter"),
                             ("swatches", "lower right quarter"), ("pennant", "lower left quarter"),
                             ("badge", "upper right quarter")), 13, (8, 12)),
        "centred_text": Looks((("orange word", "two lines"), ("violet word", "steep"), ("outlined word", "three times"),
                               ("orange word", "steep"), ("outlined word", "two lines")),
                              13, (8, 12), (0.55, 0.7, 0.5)),
        "frame": Looks((("film", "left"), ("mount", "rim"), ("vignette", "rim"), ("ticks", "rim"),
                        ("bar", "bottom")), 13, (8, 12)),
        "background_texture": Looks((("zigzag", ""), ("flecks", "")), 8, (1, 3, 7),
                                    photos=(("relief", ""), ("handwriting", ""))),
        "background_colour": Looks((("gold", ""), ("indigo", "")), 8, (1, 3, 7), (1.0, 0.8)),
        "colour_cast": Looks((("sepia", ""), ("faded", "")), 12, (7, 11), (1.0, 0.85)),
        "moving_tag": Looks((("bolt", ""), ("barred", "")), 13, (8, 12)),
        "sharpness": Looks((("ghosted", ""), ("denoised", "")), 12, (7, 11), drawn=(("interlaced", ""),)),
    }),
    "development_4": MappingProxyType({
        "corner_tag": Looks((("matrix", "in the very middle"), ("play", "top, a third in"),
                             ("brackets", "right of the middle"), ("cursor", "above the middle"),
                             ("matrix", "bottom, two thirds in"), ("brackets", "above the middle"),
                             ("play", "right of the middle"), ("cursor", "bottom, two thirds in")), 13, (8, 12)),
        "centred_text": Looks((("turquoise word", "along the foot"), ("brown italic", "diagonal"),
                               ("embossed word", "upside down"), ("hollow word", "down the right"),
                               ("turquoise word", "upside down"), ("embossed word", "diagonal"),
                               ("brown italic", "along the foot")), 13, (8, 12), (0.6, 0.75, 0.65)),
        "frame": Looks((("deckle", "rim"), ("axes", "left and top"), ("photo corners", "at the four corners"),
                        ("hairline", "far inset"), ("caption", "top"), ("lid", "right"),
                        ("perforation", "rim")), 13, (8, 12)),
        "background_texture": Looks((("bubbles", ""), ("weave", "")), 8, (1, 3, 7),
                                    photos=(("coins", ""), ("stars", ""))),
        "background_colour": Looks((("lime", ""), ("dusk", "")), 8, (1, 3, 7), (1.0, 0.8)),
        "colour_cast": Looks((("split toned", ""), ("window light", "")), 12, (7, 11), (1.0, 0.85)),
        "moving_tag": Looks((("starburst", ""), ("tape", "")), 13, (8, 12)),
        "sharpness": Looks((("wavelets", ""), ("video tape", ""), ("video tape", ""), ("soft corners", ""),
                             ("non-local means", ""), ("non-local means", ""), ("wavelets", ""), ("soft corners", ""),
                             ("soft corners", "")),
                           16, (7, 11, 14)),
    }),
    "reporting": MappingProxyType({
        "corner_tag": Looks((("battery", "left, a third down"), ("lead letter", "below the middle"),
                             ("inset map", "right, two thirds down"), ("pen", "left of the middle"),
                             ("lead letter", "bottom, a third in"), ("inset map", "below the middle"),
                             ("battery", "right, two thirds down")), 13, (5, 8, 12, 17)),
        "centred_text": Looks((("magenta stencil", "along the head"), ("shadowed word", "stacked"),
                               ("dotted word", "plunging"), ("navy serif", "mirrored"),
                               ("magenta stencil", "plunging"), ("shadowed word", "mirrored"),
                               ("navy serif", "along the head")), 13, (5, 8, 12, 17, 21, 26), (0.65, 0.75, 0.6)),
        "frame": Looks((("instant", "rim"), ("porthole", "around a circle"), ("browser", "top and right"),
                        ("bevel", "rim"), ("colour scale", "beside the right edge"), ("deskewed", "rim"),
                        ("neighbour", "bottom and left")), 13, (5, 8, 12, 17, 26)),
        "background_texture": Looks((("shingles", ""), ("blotches", "")), 8, (0, 3, 7, 9),
                                    photos=(("faces", ""), ("fur", ""))),
        "background_colour": Looks((("mint", ""), ("lamplight", "")), 8, (2, 3, 5, 9), (1.0, 0.85)),
        "colour_cast": Looks((("cross processed", ""), ("false colour", ""), ("false colour", ""),
                              ("cross processed", ""), ("false colour", ""), ("haze", ""), ("haze", "")),
                             14, (3, 5, 7, 11), (1.0, 0.85)),
        "moving_tag": Looks((("fiducial", ""), ("smiley", "")), 13, (5, 12, 18, 24)),
        "sharpness": Looks((("mosaic", ""), ("enlarged", ""), ("zoomed", ""), ("zoomed", ""), ("shaken", ""),
                            ("shaken", ""), ("mosaic", ""), ("enlarged", ""), ("mosaic", ""), ("shaken", ""),
                            ("enlarged", ""), ("enlarged", ""), ("zoomed", ""), ("zoomed", ""), ("mosaic", ""),
                            ("shaken", "")), 16, (3, 7, 15)),
    }),
})  # fmt: skip

PAIRS: Mapping[Half, tuple[tuple[Family, Family], ...]] = MappingProxyType({
    "tuning": (("corner_tag", "frame"), ("corner_tag", "colour_cast"), ("moving_tag", "centred_text"),
               ("frame", "background_texture"), ("sharpness", "corner_tag")),
    "development_1": (("corner_tag", "frame"), ("centred_text", "colour_cast"), ("moving_tag", "frame"),
                  ("corner_tag", "background_colour"), ("frame", "sharpness"), ("centred_text", "corner_tag"),
                  ("moving_tag", "background_texture"), ("colour_cast", "corner_tag")),
    "development_2": (("frame", "corner_tag"), ("colour_cast", "centred_text"), ("frame", "moving_tag"),
                  ("background_colour", "corner_tag"), ("sharpness", "frame"), ("corner_tag", "centred_text"),
                  ("background_texture", "moving_tag"), ("corner_tag", "colour_cast")),
    "development_3": (("centred_text", "frame"), ("moving_tag", "colour_cast"), ("corner_tag", "background_texture"),
                  ("frame", "background_colour"), ("corner_tag", "sharpness"), ("moving_tag", "corner_tag"),
                  ("colour_cast", "frame"), ("centred_text", "moving_tag")),
    "development_4": (("centred_text", "corner_tag"), ("colour_cast", "moving_tag"), ("background_texture", "frame"),
                  ("frame", "corner_tag"), ("sharpness", "centred_text"), ("corner_tag", "background_colour"),
                  ("frame", "colour_cast"), ("moving_tag", "frame"), ("corner_tag", "centred_text"),
                  ("sharpness", "corner_tag")),
    "reporting": (("corner_tag", "moving_tag"), ("frame", "centred_text"), ("colour_cast", "corner_tag"),
                  ("background_colour", "moving_tag"), ("centred_text", "sharpness"), ("corner_tag", "frame"),
                  ("background_texture", "corner_tag"), ("colour_cast", "frame"),
                  ("background_texture", "centred_text"), ("sharpness", "moving_tag")),
})  # fmt: skip

FURTHER: Mapping[Half, Mapping[Family, tuple[int, ...]]] = MappingProxyType({
    "tuning": MappingProxyType({}),
    "development_1": MappingProxyType({
        "corner_tag": (15, 17, 20), "centred_text": (15, 17, 18, 20), "frame": (15, 20), "moving_tag": (15, 17, 18),
    }),
    "development_2": MappingProxyType({
        "corner_tag": (15, 17, 20), "centred_text": (15, 17, 18, 20), "frame": (15, 20), "moving_tag": (15, 17, 18),
    }),
    "development_3": MappingProxyType({
        "corner_tag": (15, 17, 20, 21), "centred_text": (15, 17, 18, 20, 21), "frame": (15, 18, 20),
        "moving_tag": (15, 17, 18, 20, 21), "background_colour": (9, 12), "background_texture": (9, 12),
    }),
    "development_4": MappingProxyType({
        "corner_tag": (14, 15, 17, 18, 20, 21, 23, 24, 26, 27),
        "centred_text": (14, 15, 17, 18, 20, 21, 23, 24, 26, 27),
        "frame": (14, 15, 17, 18, 20, 21, 23, 24, 26, 27),
        "moving_tag": (14, 15, 17, 18, 20, 21, 23, 24, 26, 27),
        "background_colour": (9, 12), "background_texture": (9, 12),
    }),
    "reporting": MappingProxyType({
        "corner_tag": (14, 15, 17, 18, 20, 21, 23, 24, 26, 27, 29, 30, 32),
        "centred_text": (14, 15, 17, 18, 20, 21, 23, 24, 26, 27, 29, 30, 32),
        "frame": (14, 15, 17, 18, 20, 21, 23, 24, 26, 27, 29, 30, 32),
        "moving_tag": (14, 15, 17, 18, 20, 21, 23, 24, 26, 27, 29, 30, 32),
        "background_colour": (9, 12), "background_texture": (9, 12),
    }),
})  # fmt: skip
"""More marks of a single class, by number: where four small variants are hard to tell apart, networks hardly lean on
them, and strong reliance on visible marks is what the first target is about."""

FIRST_SEED: Mapping[Half, int] = MappingProxyType(
    {
        "tuning": 1000,
        "development_1": 5000,
        "development_2": 11000,
        "development_3": 17000,
        "development_4": 23000,
        "reporting": 29000,
    }
)

SUBTLE: tuple[Family, ...] = ("colour_cast", "sharpness", "background_colour")
"""Weaker pulls on these networks: trained with more pictures that carry cue and label, and fewer counterexamples."""
LEAKS: Mapping[Family, float] = MappingProxyType({
    "colour_cast": 0.04, "sharpness": 0.01, "background_colour": 0.04, "background_texture": 0.08, "moving_tag": 0.07,
})  # fmt: skip
"""Counterexamples that make reliance partial; the subtler the cue, the fewer are needed."""
ARCHITECTURE_STEP: Mapping[Half, int] = MappingProxyType(
    {
        "tuning": 1,
        "development_1": 3,
        "development_2": 3,
        "development_3": 3,
        "development_4": 3,
        "reporting": 3,
    }
)
"""But in the tuning half every architecture meets every rho within a family."""
LARGE_EVERY = (2, 4)
"""Of five cases in a row, those with 64 pixels."""
