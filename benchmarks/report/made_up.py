"""A run folder of any size: smooth noise for photos and maps, drawn and laid out as audits do it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np

from auditor import figures
from auditor.figures.colours import Rgb, Values
from auditor.records import (
    Audit,
    AuditVerdict,
    Box,
    Check,
    Grade,
    ImageRecord,
    Measurement,
    ModelRecord,
    Picture,
    SampleRecord,
    Severity,
    Verdict,
    VisualizationRecord,
)
from auditor.runs import RunFolder

SIDE = 224
METHODS = ("grad_cam", "layer_cam", "saliency", "occlusion", "integrated_gradients", "lrp")
ROWS = 10
"""Images on a sheet of the annex, and the cells' side below: those of an audit."""
CELL = 104
CLASSES = tuple(f"class {number}" for number in range(10))
CHECKS = 60


def photo(seed: int) -> Rgb:
    """uint8 (224, 224, 3) as busy as a photograph: shapes of every size, and grain."""
    generator = np.random.default_rng(seed)
    total = np.zeros((SIDE, SIDE, 3), np.float32)
    for cells in (4, 16, 64):
        coarse = generator.random((cells, cells, 3), dtype=np.float32)
        total += cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) * (4 / cells) ** 0.5
    grain = generator.normal(0, 3, total.shape)
    spread = (total - total.min()) / (total.max() - total.min())
    return np.asarray(np.clip(spread * 255 + grain, 0, 255), np.uint8)


def heatmap(seed: int) -> Values:
    """Float (224, 224), 7 × 7 values enlarged smoothly."""
    coarse = np.random.default_rng(seed).random((7, 7), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))


class MadeUp:
    """The folder while it is filled."""

    def __init__(self, path: Path, images: int) -> None:
        self.folder = RunFolder(path)
        self.images = images
        self.pictures: dict[str, Picture] = {}
        self.photos = [photo(seed) for seed in range(min(images, 64))]

    def write(self) -> Audit:
        """Fill the folder; returns its audit."""
        spec = b"version: 1\nname: made-up\n"
        self.folder.write("spec.yaml", spec)
        audit = Audit(
            name="made-up", title="Made-up classifier 1.0, benchmark of the report", report_id="AUD-BENCHMARK",
            verdict=AuditVerdict.FAIL, exit_code=1, started="2026-01-01T00:00:00Z", finished="2026-01-01T00:10:00Z",
            spec_sha256=hashlib.sha256(spec).hexdigest(), model=_model(), sample=self._sample(),
            checks=tuple(self._check(number) for number in range(CHECKS)),
            metrics=(_share("accuracy", 0.9),),
            per_class=tuple({"class": name, "n": 32, "value": 0.9, "low": 0.8, "high": 0.95} for name in CLASSES),
            visualizations=tuple(self._method(number) for number in range(len(METHODS))),
            images=tuple(record for start in range(0, self.images, ROWS) for record in self._records(start)),
            figures=self.pictures,
        )  # fmt: skip
        self.folder.write("audit.json", audit.to_json())
        return audit

    def _keep(self, name: str, rgb: Rgb, words: str) -> str:
        path = f"figures/{name}.jpg"
        self.folder.write(path, figures.encode_jpeg(rgb))
        self.pictures[path] = Picture(path=path, caption=words, alt=words, width=rgb.shape[1], height=rgb.shape[0])
        return path

    def _records(self, start: int) -> list[ImageRecord]:
        indices = range(start, min(start + ROWS, self.images))
        tiles = []
        for index in indices:
            shown = self.photos[index % len(self.photos)]
            tiles += [shown, *(figures.overlay(shown, heatmap(index * 7 + k), 0.0, 1.0) for k in range(len(METHODS)))]
        sheet = figures.contact_sheet(tiles, len(METHODS) + 1, cell=(CELL, CELL))
        words = "; ".join(f"{index}.jpg: {CLASSES[index % 10]}, predicted {CLASSES[index % 10]}" for index in indices)
        path = self._keep(
            f"images-{start // ROWS + 1:04d}", sheet, f"A row each: photo, then {', '.join(METHODS)}. {words}"
        )
        return [
            ImageRecord(
                image=f"{CLASSES[index % 10]}/photo-{index:05d}.jpg", label=CLASSES[index % 10],
                predicted=CLASSES[index % 10 if index % 9 else 0], score=0.9, half="AB"[index % 2], figures=(path,),
            )
            for index in indices
        ]  # fmt: skip

    def _method(self, number: int) -> VisualizationRecord:
        tiles = [figures.map_triptych(one, heatmap(number + k)) for k, one in enumerate(self.photos[:9])]
        sheet = figures.contact_sheet(tiles, 3)
        path = self._keep(
            f"{METHODS[number]}-sheet", sheet, f"{METHODS[number]}: photo, map, overlay of nine pictures."
        )
        return VisualizationRecord(
            name=METHODS[number], layer="layer4.1", status="ok", figures=(path,), images=self.images, trust="passed"
        )

    def _check(self, number: int) -> Check:
        found = number < 3
        paths: tuple[str, ...] = ()
        if found:
            before, after = self.photos[number], self.photos[number].copy()
            after[:48, :48] = 255
            paths = (
                self._keep(f"pair-{number}", figures.before_after(before, after, (0, 0, 48, 48)), "Before, after."),
            )
        value = 0.6 if found else 0.01
        return Check(
            id=f"corner.{number}", kind="corner", region=Box(name=f"place-{number}", box=(0, 0, 48, 48)),
            verdict=Verdict.CONFIRMED if found else Verdict.NO_EVIDENCE, grade=Grade.MATERIAL if found else None,
            severity=Severity.HIGH if found else None, q=0.01 if found else 0.8, p=0.01 if found else 0.8,
            measurements=(_share("follow_rate", value),), figures=paths,
            sentence="The model relies on the corner." if found else "No sign of the corner was found.",
        )  # fmt: skip

    def _sample(self) -> SampleRecord:
        return SampleRecord(
            source="folder", path="images/", available=self.images, size=self.images, readable=self.images,
            digest="0" * 64, rule="All pictures.", labelled=self.images,
        )  # fmt: skip


def _share(name: str, value: float) -> Measurement:
    return Measurement(name=name, value=value, low=max(0.0, value - 0.1), high=min(1.0, value + 0.1), count=64)


def _model() -> ModelRecord:
    return ModelRecord(
        source="torchvision", name="resnet18", architecture="ResNet", parameters=11_000_000, sha256_before="0" * 64,
        sha256_after="0" * 64, layers=("layer4.1",), classes=CLASSES,
    )  # fmt: skip
