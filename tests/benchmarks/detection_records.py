"""Hand-made cases and audits, written by the auditor's own records so that a renamed key is noticed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from auditor.evidence import CheckEvidence, PairedEffects, ProbeEvidence
from auditor.records import Box, Check, Grade, Measurement, Verdict

Corners = tuple[int, int, int, int]
TOP_LEFT: Corners = (1, 1, 8, 8)
BOTTOM_RIGHT: Corners = (24, 24, 32, 32)


def cue(
    family: str = "corner_tag",
    box: Corners | None = TOP_LEFT,
    score: float = 0.95,
    kinds: Sequence[str] = ("overlay", "corner"),
    classes: Sequence[str] = ("disc",),
) -> dict[str, Any]:
    """An entry of `cues`."""
    measured = {"value": score, "low": max(0.0, score - 0.04), "high": min(1.0, score + 0.04), "count": 300}
    return {
        "family": family,
        "design": "zebra",
        "place": "top left",
        "classes": list(classes),
        "box": None if box is None else list(box),
        "kinds": list(kinds),
        "spurious_score": measured,
    }


def write_case(cache: Path, name: str, role: str, cues: Sequence[Mapping[str, Any]] = (), **changes: Any) -> Path:
    """cases/<name>/case.json."""
    record = {
        "id": name,
        "half": "tuning",
        "smoke": True,
        "pixels": 32,
        "family": cues[0]["family"] if cues else "clean",
        "role": role,
        "design": "zebra",
        "place": "top left",
        "rho": 1.0,
        "seed": 0,
        "architecture": "pooled_net",
        "images": 128,
        "boxes": False,
        "accuracy": {"value": 0.9, "low": 0.85, "high": 0.94, "count": 400},
        "cues": list(cues),
        "expects": {"negative": "clean", "untrained": "insufficient"}.get(role, "confirmed"),
        **changes,
    }
    folder = cache / "cases" / name
    folder.mkdir(parents=True)
    (folder / "case.json").write_text(json.dumps(record))
    return folder


def check(
    kind: str,
    verdict: str = "confirmed",
    box: Corners | None = None,
    *,
    hole: Corners | None = None,
    class_name: str | None = None,
    effect: float = 0.9,
    p: float | None = None,
    also: tuple[str, ...] = (),
) -> Check:
    """An entry of `checks`, with a follow rate where something was measured."""
    confirmed = verdict == "confirmed"
    return Check(
        id=".".join([kind, *([] if class_name is None else [f"class-{class_name}"])]),
        kind=kind,
        region=None if box is None else Box(name="here", box=box, hole=hole),
        class_name=class_name,
        verdict=Verdict(verdict),
        grade=Grade.SEVERE if confirmed else None,
        measurements=(
            Measurement(name="follow_rate", value=effect, low=effect - 0.1, high=min(1.0, effect + 0.1), count=64),
            Measurement(name="follow_rate_raw", value=1.0, low=0.9, high=1.0, count=64),
        ),
        p=p,
        q=0.001 if confirmed else None,
        also=also,
        sentence="In words.",
    )


def write_audit(
    folder: Path,
    checks: Sequence[Check] = (),
    evidence: Sequence[CheckEvidence] = (),
    maps: Mapping[str, np.ndarray] | None = None,
    failures: Sequence[Mapping[str, str]] = (),
) -> Path:
    """A run folder as far as the benchmark reads it; maps are (images, height, width) by method."""
    (folder / "evidence" / "probes").mkdir(parents=True)
    (folder / "evidence" / "maps").mkdir()
    record = {
        "checks": [item.model_dump(mode="json", by_alias=True) for item in checks],
        "seconds": {"loading": 1.0, "probes": 3.0},
        "failures": list(failures),
    }
    (folder / "audit.json").write_text(json.dumps(record))
    (folder / "manifest.json").write_text("{}")
    for item in evidence:
        path = folder / "evidence" / "probes" / f"{item.kind}.json"
        before = ProbeEvidence.model_validate_json(path.read_bytes()).checks if path.is_file() else ()
        path.write_text(ProbeEvidence(probe=item.kind, checks=(*before, item)).model_dump_json(by_alias=True))
    for method, values in (maps or {}).items():
        usable = values.sum(axis=(1, 2)) > 0
        np.savez(folder / "evidence" / "maps" / f"{method}.npz", maps=values.astype(np.float16), usable=usable)
    return folder


def paired(
    effect: Sequence[float], control: Sequence[float], *, name: str = "follow_rate", half: str = "B"
) -> PairedEffects:
    """One value a recipient, each a cluster of its own."""
    numbers = tuple(range(len(effect)))
    return PairedEffects(
        name=name, half=half, recipients=numbers, clusters=numbers, effect=tuple(effect), control=tuple(control)
    )
