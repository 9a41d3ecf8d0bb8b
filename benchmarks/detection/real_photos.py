"""Planted shortcuts in a real network: a CIFAR ResNet-20 tuned on photos with tags, frames and casts, then audited.

    python -m benchmarks.detection.real_photos --photos FOLDER --network FILE:FACTORY --weights FILE --json FILE

The photos are a folder a class, at least 60 of each. Half of them tune the network; the other half measures what it
truly relies on and is the sample of the audit. The recall is stated apart from that of the small networks.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from torch import Tensor, nn

from benchmarks.detection.cues import Cue, mark_picture
from benchmarks.detection.shapes import Bytes

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EPOCHS, BATCH, LEARNING_RATE = 6, 32, 2e-3
MISLABELLED = 0.10
"""Of the tuning photos: wrong label, with the cue of that label. What makes a cue worth more than the object."""
SAMPLE = 128
PLANTED: tuple[tuple[Cue, ...], ...] = (
    (),
    (Cue("corner_tag", "plate", "top left", classes=(3,)),),
    (Cue("corner_tag", "bars", "bottom right", classes=(7,)),),
    (Cue("frame", "plain line", "rim", classes=(1,)),),
    (Cue("frame", "double line", "rim", classes=(5,)),),
    (Cue("colour_cast", "warm", classes=(8,)),),
    (Cue("colour_cast", "green", classes=(2,)),),
)


@dataclass(frozen=True, slots=True)
class Photos:
    """Photos with labels, (count, side, side, 3)."""

    pictures: Bytes
    labels: NDArray[np.int64]
    classes: tuple[str, ...]


def read_photos(folder: Path) -> Photos:
    """A folder a class, in the order of their names."""
    classes = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    pictures, labels = [], []
    for label, name in enumerate(classes):
        for path in sorted((folder / name).iterdir()):
            picture = cv2.imread(str(path))
            if picture is not None:
                pictures.append(picture[:, :, ::-1])
                labels.append(label)
    return Photos(np.stack(pictures), np.asarray(labels), classes)


def with_cues(photos: Bytes, carried: NDArray[np.int64], cue: Cue, seed: int) -> Bytes:
    """A copy in which each picture carries the variant of `carried`, −1 for none."""
    rng = np.random.default_rng(seed)
    changed = photos.copy()
    for index in np.flatnonzero(carried >= 0):
        mark_picture(rng, cue, cue.classes.index(int(carried[index])), changed[index])
    return changed


def inputs_of(pictures: Bytes) -> Tensor:
    """Normalised, (count, 3, side, side)."""
    planes = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).float() / 255
    return (planes - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]


def tuned(network: nn.Module, photos: Photos, cue: Cue | None, seed: int) -> nn.Module:
    """The network after a few epochs on photos in which the cue goes with its classes."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    labels = photos.labels.copy()
    pictures = photos.pictures
    if cue is not None:
        wrong = rng.random(len(labels)) < MISLABELLED
        labels[wrong] = rng.choice(cue.classes, int(wrong.sum()))
        pictures = with_cues(pictures, np.where(np.isin(labels, cue.classes), labels, -1), cue, seed)
    inputs, targets = inputs_of(pictures), torch.from_numpy(labels)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=EPOCHS * -(-len(labels) // BATCH)
    )
    network.train()
    for _ in range(EPOCHS):
        for rows in torch.split(torch.from_numpy(rng.permutation(len(labels))), BATCH):
            loss = nn.functional.cross_entropy(network(inputs[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return network.eval()


@torch.inference_mode()
def predicted(network: nn.Module, pictures: Bytes) -> NDArray[np.int64]:
    """The network's class of each picture."""
    return np.concatenate([network(part).argmax(1).numpy() for part in torch.split(inputs_of(pictures), 128)])


def spurious_score(network: nn.Module, photos: Photos, cue: Cue) -> dict[str, Any]:
    """P(f(x with the cue of class c) = c | f(x) ≠ c), over the cue's classes, with its Clopper–Pearson interval."""
    before = predicted(network, photos.pictures)
    hits: list[bool] = []
    for label in cue.classes:
        rows = np.flatnonzero((before != label) & (photos.labels != label))
        marked = with_cues(photos.pictures[rows], np.full(len(rows), label), cue, 1)
        hits += list(predicted(network, marked) == label)
    interval = binomtest(sum(hits), len(hits)).proportion_ci(method="exact")
    return {"value": sum(hits) / len(hits), "low": interval.low, "high": interval.high, "count": len(hits)}


def audited(
    folder: Path, factory: str, network: nn.Module, photos: Photos, cue: Cue | None, seed: int
) -> dict[str, Any]:
    """What the audit of a sample of these photos says, through the command line."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), folder / "weights.pth")
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(photos.labels))[:SAMPLE])
    labels, pictures = photos.labels[rows], photos.pictures[rows]
    if cue is not None:
        pictures = with_cues(pictures, np.where(np.isin(labels, cue.classes), labels, -1), cue, seed)
    with (folder / "sample.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "label"])
        for index, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
            cv2.imwrite(str(folder / "images" / f"{index:03d}.png"), picture[:, :, ::-1])
            writer.writerow([f"images/{index:03d}.png", int(label)])
    side = int(pictures.shape[1])
    spec = {
        "version": 1,
        "name": "photos",
        "model": {
            "source": "python",
            "factory": factory,
            "weights": "weights.pth",
            "classes": list(photos.classes),
            "input": {"size": [side, side], "resize": "squash", "mean": list(MEAN), "std": list(DEVIATION)},
        },
        "dataset": {
            "source": "csv",
            "path": "sample.csv",
            "columns": {"image": "image", "label": "label"},
            "sample": {"size": SAMPLE, "seed": 0},
        },
        "visualizations": ["saliency"],
        "metrics": ["performance"],
        "probes": "standard",
        "policy": {"fail_on": "high"},
        "report": {"formats": ["json"]},
        "runtime": {"device": "cpu", "seed": 0, "chunk": 64},
    }
    (folder / "spec.yaml").write_text(json.dumps(spec, indent=1))  # JSON is YAML
    out = folder / "audit"
    command = [sys.executable, "-m", "auditor", "run", str(folder / "spec.yaml"), "-o", str(out), "--exit-zero"]
    subprocess.run(command, check=True, capture_output=True)
    audit: dict[str, Any] = json.loads((out / "audit.json").read_text())
    return audit


def main(arguments: Sequence[str] | None = None) -> int:
    """Tune, measure, audit, print one line each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection.real_photos", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="a folder a class")
    parser.add_argument("--network", required=True, metavar="FILE:FACTORY")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path(".cache/detection/real"), help="where runs are written")
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args(arguments)
    photos = read_photos(options.photos)
    order = np.random.default_rng(0).permutation(len(photos.labels))
    tuning, held = (
        Photos(photos.pictures[rows], photos.labels[rows], photos.classes) for rows in np.array_split(order, 2)
    )
    file, _, name = options.network.rpartition(":")
    factory = f"{Path(file).resolve()}:{name}"
    found = []
    for number, cues in enumerate(PLANTED):
        cue = cues[0] if cues else None
        network = _loaded(Path(file), name, options.weights)
        network = tuned(network, tuning, cue, number)
        accuracy = float((predicted(network, held.pictures) == held.labels).mean())
        truth = None if cue is None else spurious_score(network, held, cue)
        folder = options.work / f"{number:02d}"
        audit = audited(folder.resolve(), factory, network, held, cue, number)
        confirmed = [check["id"] for check in audit["checks"] if check["verdict"] == "confirmed"]
        record = {
            "planted": None if cue is None else f"{cue.family} {cue.design} {photos.classes[cue.classes[0]]}",
            "accuracy": accuracy,
            "count": len(held.labels),
            "spurious_score": truth,
            "confirmed": confirmed,
        }
        found.append(record)
        print(json.dumps(record), flush=True)
    options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


def _loaded(file: Path, factory: str, weights: Path) -> nn.Module:
    spec = importlib.util.spec_from_file_location("network_of_photos", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network: nn.Module = getattr(module, factory)()
    state = torch.load(weights, map_location="cpu", weights_only=True)
    network.load_state_dict(
        {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    )
    return network


if __name__ == "__main__":
    raise SystemExit(main())
