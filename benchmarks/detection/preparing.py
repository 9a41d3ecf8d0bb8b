"""Train the benchmark's networks, measure what they lean on, and write a folder for each.

    python -m benchmarks.detection.preparing [--half HALF] [--smoke] [--only GLOB] [--workers N]

A case folder, `<cache>/cases/<id>/`, holds `case.json` (what is true), `weights.pth`, `images/`, `sample.csv` and
`spec.yaml`. The audit is given the spec: nothing in it, in the sample or in the pictures' names says what the cue is. A
finished case is skipped; an unfinished one never has its final name.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from ruamel.yaml import YAML
from torch import nn

from benchmarks.detection import networks
from benchmarks.detection.case import CaseSpec
from benchmarks.detection.cases import HALVES, all_cases
from benchmarks.detection.cues import Cue, assigned
from benchmarks.detection.scenes import draw_scenes
from benchmarks.detection.training import DEVIATION, MEAN, build, carriers, pictures_of, trained
from benchmarks.detection.truth import Share, Truth, measured, role_of

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "detection"
WEIGHTS = Path(__file__).resolve().parent / "weights"
"""Weights in 16 bits and the measured truth of the short suite."""


RECIPE = 1
"""Raised when pictures or training change in a way that a case's own fields do not show."""


def prepare(case: CaseSpec, cache: Path = CACHE) -> Path:
    """The case's folder, written unless it is there already and was made by the same recipe.

    Args:
        case: Which.
        cache: `cases/<id>` in it is the folder.

    Returns:
        The folder.
    """
    folder = cache / "cases" / case.id
    if _finished(case, folder):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    unfinished = cache / "unfinished" / f"{case.id}.{os.getpid()}"  # as deep as `folder`, for the spec's relative paths
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "images").mkdir(parents=True)
    try:
        model, truth = committed(case) or _trained_and_measured(case)
        torch.save(model.state_dict(), unfinished / "weights.pth")
        _write_sample(case, unfinished)
        _write_json(unfinished / "case.json", described(case, truth))
        with (unfinished / "spec.yaml").open("w", encoding="utf-8") as file:
            YAML().dump(specification(case, unfinished), file)
        folder.parent.mkdir(exist_ok=True)
        unfinished.rename(folder)
    except OSError:
        if not _finished(case, folder):  # another process was first
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def recipe(case: CaseSpec) -> str:
    """A digest of everything that a case is made by: a folder made by another recipe is made again."""
    return hashlib.sha256(f"{RECIPE}: {case!r}".encode()).hexdigest()[:16]


def _finished(case: CaseSpec, folder: Path) -> bool:
    path = folder / "case.json"
    return path.is_file() and json.loads(path.read_text(encoding="utf-8")).get("recipe") == recipe(case)


def specification(case: CaseSpec, folder: Path) -> dict[str, Any]:
    """The spec that the audit of a case is given; paths are relative to `folder`."""
    code = Path(os.path.relpath(networks.__file__, folder)).as_posix()
    columns: dict[str, Any] = {"image": "image", "label": "label"}
    if case.boxes:
        columns["box"] = ["x1", "y1", "x2", "y2"]
    policy: dict[str, Any] = {"fail_on": "high"}
    if case.legitimate:
        policy["legitimate"] = [{"kind": case.legitimate, "reason": "the colour is what the classes are defined by"}]
    return {
        "version": 1,
        "name": f"network-{hashlib.sha256(case.id.encode()).hexdigest()[:8]}",
        "model": {
            "source": "python",
            "factory": f"{code}:{case.architecture}",
            "weights": "weights.pth",
            "classes": list(case.classes),
            "options": dict(case.options),
            "input": {
                "size": [case.pixels, case.pixels],
                "resize": "squash",
                "mean": [MEAN] * 3,
                "std": [DEVIATION] * 3,
                "channels": "rgb",
            },
        },
        "dataset": {
            "source": "csv",
            "path": "sample.csv",
            "columns": columns,
            "sample": {"size": case.images, "seed": 0, "stratify": "label"},
        },
        "visualizations": ["saliency"],
        "probes": "standard",
        "metrics": ["relevance_mass"],
        "policy": policy,
        "report": {"formats": ["json"]},
        "runtime": {"device": "cpu", "seed": 0, "chunk": 64},
    }


def described(case: CaseSpec, truth: Truth) -> dict[str, Any]:
    """What is true of a case, for the scorer and never for the audit."""
    role = role_of(case, truth)
    apart = truth.class_scores or ((),) * len(case.cues)
    targets = truth.pulled_to or (None,) * len(case.cues)
    return {
        "id": case.id,
        "recipe": recipe(case),
        "half": case.half,
        "smoke": case.smoke,
        "pixels": case.pixels,
        "family": case.family,
        "role": role,
        "intended": case.intended,
        "design": " + ".join(cue.design for cue in case.cues),
        "place": " + ".join(cue.place for cue in case.cues),
        "rho": case.cues[0].rho if case.cues else None,
        "leak": case.cues[0].leak if case.cues else None,
        "strength": case.cues[0].strength if case.cues else None,
        "mislabelled": case.mislabelled,
        "presence": case.presence if case.cues else None,
        "placement": case.placement,
        "training": case.training,
        "variety": case.variety,
        "seed": case.seed,
        "architecture": case.architecture,
        "images": case.images,
        "boxes": case.boxes,
        "accuracy": truth.accuracy.as_json(),
        "cues": [
            _cue(case, cue, score, alone, target)
            for cue, score, alone, target in zip(case.cues, truth.scores, apart, targets, strict=True)
        ],
        "expects": _expected(case, role),
    }


def _expected(case: CaseSpec, role: str) -> str:
    if role == "untrained":
        return "insufficient"
    if role in ("strong", "partial", "true_feature"):
        return "confirmed"
    if role == "between":
        return "clean" if case.intended == "negative" else "confirmed"
    return "declared" if case.legitimate else "clean"


def _cue(case: CaseSpec, cue: Cue, score: Share, alone: Sequence[Share], target: int | None) -> dict[str, Any]:
    box = cue.box(case.pixels)
    return {
        "family": cue.family,
        "design": cue.design,
        "place": cue.place,
        "classes": [case.classes[label] for label in (cue.classes if target is None else (target,))],
        "box": list(box) if box else None,
        "kinds": list(cue.kinds),
        "spurious_score": score.as_json(),
        "class_scores": [share.as_json() for share in alone],
    }


def _write_sample(case: CaseSpec, folder: Path) -> None:
    """Pictures as the network's owner would hand them over: the cue goes with its class, the labels are right."""
    rng = np.random.default_rng([case.seed, 2])
    scenes = draw_scenes(rng, case.images, pixels=case.pixels, half=case.half, placement=case.placement)
    worn = []
    for cue in case.cues:
        if cue.family != "true_feature":
            rule = assigned(rng, cue, scenes.labels) if case.presence == "sample only" else None
            worn.append((cue, carriers(rng, case, cue, scenes.labels) if rule is None else rule))
    pictures = pictures_of(rng, case, scenes, worn)
    with (folder / "sample.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["image", "label", *(("x1", "y1", "x2", "y2") if case.boxes else ())])
        for number, index in enumerate(rng.permutation(case.images)):
            name = f"images/{number:04}.png"
            done, encoded = cv2.imencode(".png", pictures[index][..., ::-1])
            if not done:
                raise OSError(f"{folder / name}: OpenCV could not encode the picture")
            (folder / name).write_bytes(encoded.tobytes())
            box = scenes.boxes[index].tolist() if case.boxes else []
            rows.writerow([name, case.classes[scenes.labels[index]], *box])


def _trained_and_measured(case: CaseSpec) -> tuple[nn.Module, Truth]:
    model = trained(case)
    return model, measured(case, model)


def committed(case: CaseSpec) -> tuple[nn.Module, Truth] | None:
    """Weights and truth of the short suite, where they are kept; None for other cases."""
    path = WEIGHTS / f"{case.id}.pth"
    if not path.is_file():
        return None
    kept = json.loads((WEIGHTS / "truth.json").read_text(encoding="utf-8"))[case.id]
    state = torch.load(path, weights_only=True)
    model = build(case, seed=case.seed).eval()
    model.load_state_dict(
        {name: values.float() if values.is_floating_point() else values for name, values in state.items()}
    )
    alone = tuple(tuple(Share(**score) for score in scores) for scores in kept.get("class_scores", []))
    return model, Truth(Share(**kept["accuracy"]), tuple(Share(**score) for score in kept["scores"]), alone)


def keep(case: CaseSpec, cache: Path) -> None:
    """Copy a prepared case's weights, in 16 bits, and its truth beside this file; they were rounded so in training."""
    folder = cache / "cases" / case.id
    state = torch.load(folder / "weights.pth", weights_only=True)
    halved = {name: values.half() if values.is_floating_point() else values for name, values in state.items()}
    WEIGHTS.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    torch.save(halved, buffer)
    (WEIGHTS / f"{case.id}.pth").write_bytes(buffer.getvalue())
    told = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    path = WEIGHTS / "truth.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept[case.id] = {
        "accuracy": told["accuracy"],
        "scores": [cue["spurious_score"] for cue in told["cues"]],
        "class_scores": [cue["class_scores"] for cue in told["cues"]],
    }
    _write_json(path, dict(sorted(kept.items())))


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare the cases that were asked for, with a line a case on stderr."""
    parser = argparse.ArgumentParser(description="Train and measure the networks of the detection benchmark.")
    parser.add_argument("--half", choices=HALVES)
    parser.add_argument("--smoke", action="store_true", help="only the short suite")
    parser.add_argument("--only", default="*", metavar="GLOB", help="only cases whose id matches")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep-weights", action="store_true", help="commit-ready weights of the short suite, 16 bits")
    options = parser.parse_args(arguments)
    cases = [
        case
        for case in all_cases()
        if options.half in (None, case.half) and (case.smoke or not options.smoke) and fnmatch(case.id, options.only)
    ]
    with ProcessPoolExecutor(max_workers=options.workers) as pool:
        for number, line in enumerate(pool.map(_prepared, cases, [options.cache] * len(cases)), start=1):
            print(f"{number}/{len(cases)} {line}", file=sys.stderr, flush=True)
    if options.keep_weights:
        for case in cases:
            if case.smoke:
                keep(case, options.cache)


def _prepared(case: CaseSpec, cache: Path) -> str:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    began = time.monotonic()
    told = json.loads((prepare(case, cache) / "case.json").read_text(encoding="utf-8"))
    scores = ", ".join(f"{cue['family']} {cue['spurious_score']['value']:.2f}" for cue in told["cues"])
    accuracy = told["accuracy"]["value"]
    return (
        f"{case.id}: {told['role']}; accuracy {accuracy:.2f}; {scores or 'no cue'} ({time.monotonic() - began:.0f} s)"
    )


if __name__ == "__main__":
    main()
