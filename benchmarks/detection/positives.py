"""Networks that are meant to lean on a cue: every family, its designs, places, classes and strengths in turn."""

from __future__ import annotations

from itertools import count

from benchmarks.detection.case import ARCHITECTURES, CaseSpec, network_options
from benchmarks.detection.cues import Cue, Family
from benchmarks.detection.looks import (
    ARCHITECTURE_STEP,
    FIRST_SEED,
    FURTHER,
    LARGE_EVERY,
    LEAKS,
    LOOKS,
    PAIRS,
    SUBTLE,
    Looks,
)
from benchmarks.detection.scenes import Half

FAR_CORNER: tuple[Half, ...] = ("reporting",)
"""Halves whose true feature sits in the bottom right corner instead of the top left one."""


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
    far = half in FAR_CORNER
    cue = Cue("true_feature", "object", "in the far corner" if far else "in the corner", classes=(3,))
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
            placement="far corner" if far else "corner",
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
