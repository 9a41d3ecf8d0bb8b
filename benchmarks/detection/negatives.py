"""Networks that are meant to lean on nothing: half clean, half with everything that could mislead an audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from benchmarks.detection.case import ARCHITECTURES, CaseSpec, network_options
from benchmarks.detection.cues import Cue, Family
from benchmarks.detection.looks import LARGE_EVERY
from benchmarks.detection.positives import cue_of
from benchmarks.detection.scenes import Half

FIRST_SEED: Mapping[Half, int] = MappingProxyType(
    {
        "tuning": 2000,
        "development_1": 7000,
        "development_2": 13000,
        "development_3": 19000,
        "development_4": 25000,
        "reporting": 31000,
    }
)
COUNTS: Mapping[str, tuple[int, int, int]] = MappingProxyType({
    "clean": (12, 32, 34),
    "variety": (8, 16, 18),
    "crops": (5, 10, 10),
    "independent": (6, 18, 20),
    "everywhere": (4, 12, 14),
    "weak": (4, 12, 12),
    "touching": (3, 10, 10),
    "declared": (3, 10, 10),
    "sample_only": (4, 12, 12),
    "untrained": (3, 6, 6),
})  # fmt: skip
"""How many of each in the tuning half, in those of development, and in the fourth of these and the reporting half. The
first two are clean."""
SIZES: Mapping[Half, int] = MappingProxyType({"tuning": 0, "development_4": 2, "reporting": 2})
"""Which of the counts; 1 for others."""
SMOKE: Mapping[str, int] = MappingProxyType({
    "clean": 3, "variety": 1, "crops": 1, "independent": 2, "everywhere": 1, "touching": 1, "declared": 1,
    "sample_only": 1, "untrained": 1,
})  # fmt: skip
"""How many of each are in the short suite: the first ones of 32 pixels."""
SHOWN_FAMILIES: tuple[Family, ...] = (
    "corner_tag", "frame", "moving_tag", "colour_cast", "centred_text", "background_texture", "sharpness",
    "background_colour",
)  # fmt: skip
"""Whose cues the hard negatives show, in turn."""


def negatives(half: Half) -> list[CaseSpec]:
    """All negatives of a half, sort by sort."""
    seed = FIRST_SEED[half]
    cases: list[CaseSpec] = []
    for family, counts in COUNTS.items():
        small = 0
        for number in range(counts[SIZES.get(half, 1)]):
            case = _negative(half, family, number, seed + len(cases))
            small += case.pixels == 32
            smoke = half == "tuning" and case.pixels == 32 and small <= SMOKE.get(family, 0)
            cases.append(replace(case, smoke=smoke))
    return cases


def _negative(half: Half, family: str, number: int, seed: int) -> CaseSpec:
    pixels = 64 if number % 5 in LARGE_EVERY else 32
    shown = SHOWN_FAMILIES[(number + len(family)) % len(SHOWN_FAMILIES)]
    cue = cue_of(half, shown, number, pixels=pixels)
    particular = _particular(family, number, cue)
    cues = particular.get("cues", ())
    return CaseSpec(
        id=f"{half}-{family}-{pixels}-{number:02}",
        half=half,
        smoke=False,
        pixels=pixels,
        family=family,
        intended="negative",
        seed=seed,
        architecture=ARCHITECTURES[(number + seed) % 3],
        options=network_options(pixels),
        images=64 if seed % 6 == 5 else 128,
        boxes=number % 2 == 0 or any(cue.family.startswith("background") for cue in cues),
        **({"cues": ()} | particular),
    )


def _particular(family: str, number: int, cue: Cue) -> dict[str, Any]:
    """What sets a sort of negative apart from a clean one."""
    if family == "variety":
        return {"variety": True}
    if family == "crops":
        return {"training": "crops"} | ({"cues": (cue,), "presence": "independent"} if number % 2 else {})
    if family in ("independent", "everywhere"):
        return {"cues": (cue,), "presence": family}
    if family == "weak":
        return {"cues": (replace(cue, rho=0.7, leak=0.4),)}
    if family == "touching":
        return {"placement": "touching"}
    if family == "declared":
        return {"placement": ("coloured", "tinted")[number % 2], "legitimate": "colour"}
    if family == "sample_only":
        return {"cues": (cue,), "presence": "sample only"}
    if family == "untrained":
        return {"training": "none"}
    return {}
