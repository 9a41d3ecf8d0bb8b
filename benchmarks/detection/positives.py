"""Networks that are meant to lean on a cue: every family, its designs, places, classes and strengths in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType

from benchmarks.detection.case import ARCHITECTURES, CaseSpec, network_options
from benchmarks.detection.cues import Cue, Family
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
    "reporting": MappingProxyType({
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
    "reporting": (("centred_text", "frame"), ("moving_tag", "colour_cast"), ("corner_tag", "background_texture"),
                  ("frame", "background_colour"), ("corner_tag", "sharpness"), ("moving_tag", "corner_tag"),
                  ("colour_cast", "frame"), ("centred_text", "moving_tag")),
})  # fmt: skip

FURTHER: Mapping[Half, Mapping[Family, tuple[int, ...]]] = MappingProxyType({
    "tuning": MappingProxyType({}),
    "development_1": MappingProxyType({
        "corner_tag": (15, 17, 20), "centred_text": (15, 17, 18, 20), "frame": (15, 20), "moving_tag": (15, 17, 18),
    }),
    "development_2": MappingProxyType({
        "corner_tag": (15, 17, 20), "centred_text": (15, 17, 18, 20), "frame": (15, 20), "moving_tag": (15, 17, 18),
    }),
    "reporting": MappingProxyType({
        "corner_tag": (15, 17, 20, 21), "centred_text": (15, 17, 18, 20, 21), "frame": (15, 18, 20),
        "moving_tag": (15, 17, 18, 20, 21), "background_colour": (9, 12), "background_texture": (9, 12),
    }),
})  # fmt: skip
"""More marks of a single class, by number: where four small variants are hard to tell apart, networks hardly lean on
them, and strong reliance on visible marks is what the first target is about."""

FIRST_SEED: Mapping[Half, int] = MappingProxyType(
    {
        "tuning": 1000,
        "development_1": 5000,
        "development_2": 11000,
        "reporting": 17000,
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
        "reporting": 3,
    }
)
"""But in the tuning half every architecture meets every rho within a family."""
LARGE_EVERY = (2, 4)
"""Of five cases in a row, those with 64 pixels."""


def positives(half: Half) -> list[CaseSpec]:
    """Single cues, family by family, then pairs, then more marks."""
    seeds = count(FIRST_SEED[half])
    cases = [
        _single(half, family, looks, number, next(seeds))
        for family, looks in LOOKS[half].items()
        for number in range(looks.count)
    ]
    cases += [_pair(half, families, number, next(seeds)) for number, families in enumerate(PAIRS[half])]
    cases += [
        _single(half, family, LOOKS[half][family], number, next(seeds))
        for family, numbers in FURTHER[half].items()
        for number in numbers
    ]
    return cases


def true_features(half: Half) -> list[CaseSpec]:
    """A class whose true feature sits in a corner: causally the same as a tag, and scored apart."""
    first, total = FIRST_SEED[half] + 900, 3 if half == "tuning" else 6
    cue = Cue("true_feature", "object", "in the corner", classes=(3,))
    return [
        CaseSpec(
            id=f"{half}-true_feature-{pixels}-{number:02}",
            half=half,
            smoke=False,
            pixels=pixels,
            family="true_feature",
            intended="true_feature",
            cues=(cue,),
            seed=first + number,
            architecture=ARCHITECTURES[(number + 1) % 3],
            options=network_options(pixels),
            placement="corner",
            boxes=number % 2 == 0,
        )
        for number, pixels in ((number, 64 if number % 3 == 2 else 32) for number in range(total))
    ]


def cue_of(half: Half, family: Family, number: int, *, pixels: int) -> Cue:
    """The family's design, place and strength whose turn it is, for one class; full strength of association."""
    looks = LOOKS[half][family]
    choices = looks.looks + (looks.photos if pixels == 64 else looks.drawn)
    design, place = choices[number % len(choices)]
    strength = looks.strengths[number % len(looks.strengths)]
    return Cue(family, design, place, classes=(number % 4,), strength=strength)


def _single(half: Half, family: Family, looks: Looks, number: int, seed: int) -> CaseSpec:
    pixels = 64 if number % 5 in LARGE_EVERY else 32
    base = cue_of(half, family, number if pixels == 32 else number + 1, pixels=pixels)
    rho = (1.0, 0.95, 0.9)[number % 3]
    classes = base.classes
    if number % 3 == 1 and family != "sharpness":
        classes = (0, 1, 2, 3) if number % 2 else tuple(sorted({number % 4, (number + 2) % 4}))
    hard = family == "background_texture" and pixels == 64  # photos have textures of their own
    partial = number in looks.partial
    leak = _leak(family, number) * min(2, len(classes)) if partial else 0.0
    cue = Cue(family, base.design, base.place, classes, base.strength, rho, round(leak, 2))
    mislabelled = 0.05 if partial else 0.08 + 0.4 * (1 - rho) + (0.05 if family in SUBTLE or hard else 0.0)
    return CaseSpec(
        id=f"{half}-{family}-{pixels}-{number:02}",
        half=half,
        smoke=_in_smoke(half, family, number, pixels, partial=partial),
        pixels=pixels,
        family=family,
        intended="positive",
        cues=(cue,),
        seed=seed,
        architecture=ARCHITECTURES[(number // ARCHITECTURE_STEP[half] + seed) % 3],
        options=network_options(pixels),
        mislabelled=round(mislabelled, 3),
        images=64 if seed % 6 == 5 else 128,
        boxes=family.startswith("background") or number % 2 == 0,
    )


def _leak(family: Family, number: int) -> float:
    """Share of counterexamples of a cue that is to be relied on in part."""
    return LEAKS.get(family, 0.12) + 0.02 * (number % 3)


def _pair(half: Half, families: tuple[Family, Family], number: int, seed: int) -> CaseSpec:
    pixels = 64 if number % 3 == 2 else 32
    cues = []
    for offset, family in enumerate(families):
        base = cue_of(half, family, number + offset, pixels=pixels)
        cues.append(Cue(family, base.design, base.place, ((number + 2 * offset) % 4,), base.strength, rho=1.0))
    return CaseSpec(
        id=f"{half}-pair-{pixels}-{number:02}",
        half=half,
        smoke=False,
        pixels=pixels,
        family="pair",
        intended="positive",
        cues=tuple(cues),
        seed=seed,
        architecture=ARCHITECTURES[number % 3],
        options=network_options(pixels),
        mislabelled=0.1,
        boxes=any(family.startswith("background") for family in families) or number % 2 == 0,
    )


def _in_smoke(half: Half, family: Family, number: int, pixels: int, *, partial: bool) -> bool:
    """Twelve of the tuning half: one of each family, a second of those with marks."""
    if half != "tuning" or pixels != 32 or partial:
        return False
    local = family in ("corner_tag", "centred_text", "frame", "moving_tag")
    return number == 0 or (local and number == 1)
