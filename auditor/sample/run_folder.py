"""The run folder of the made-up audit: pictures drawn by `auditor.figures`, named as a real run names them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from auditor import figures
from auditor.figures import Chart
from auditor.method_names import in_print
from auditor.records import (
    Check,
    ImageRecord,
    LegendEntry,
    Measurement,
    Picture,
    PlacedWords,
    Verdict,
    VisualizationRecord,
)
from auditor.sample.radiographs import SIZE, attention, radiograph

READING = "Bright is where the method says the class was read from. A map is a hint; the swap tests decide."
METHODS: tuple[tuple[str, str | None, str | None], ...] = (
    ("occlusion", None, "passed"),
    ("grad_cam", "layer4.1", "passed"),
    ("layer_cam", "layer3.1", "passed"),
    ("integrated_gradients", None, "failed"),
    ("smooth_grad", None, "passed"),
    ("eigen_cam", "layer4.1", "not enough data"),
    ("feature_maps", "layer3.1", None),
    ("kernels", "conv1", None),
)
MAPS = 6
"""How many of `METHODS` make maps over images."""
A_SHEET = 8


def share(name: str, value: float, low: float, high: float, count: int, note: str | None = None) -> Measurement:
    """A share with its 95 % interval."""
    return Measurement(name=name, value=value, low=low, high=high, count=count, note=note)


@dataclass
class SampleRun:
    """The folder while it is being filled.

    Attributes:
        images: How many are in the sample.
        reliance: Of the model on its rim, as the causal map shows it, 0..1.
    """

    folder: Path
    classes: tuple[str, ...]
    images: int
    reliance: float = 1.0
    figures: dict[str, Picture] = field(default_factory=dict)
    photos: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "figures").mkdir(parents=True, exist_ok=True)
        self.photos = [radiograph(i, marker=i % 4 == 1, opacity=float(i % 4 == 1)) for i in range(12)]

    def keep(
        self,
        name: str,
        data: np.ndarray | Chart,
        caption: str,
        alt: str,
        reading: str | None = None,
        outlines: tuple[tuple[int, int, int, int], ...] = (),
        legend: tuple[LegendEntry, ...] = (),
    ) -> str:
        """Save a picture or chart; returns its path."""
        words: tuple[PlacedWords, ...] = ()
        if isinstance(data, Chart):
            path, content, (width, height) = f"figures/{name}.svg", data.svg, figures.svg_size(data.svg)
            words, legend = data.words, data.legend
        else:
            path, content, (height, width) = f"figures/{name}.jpg", figures.encode_jpeg(data), data.shape[:2]
        (self.folder / path).write_bytes(content)
        self.figures[path] = Picture(
            path=path, caption=caption, alt=alt, reading=reading, width=width, height=height, outlines=outlines,
            words=words, legend=legend,
        )  # fmt: skip
        return path

    def pair(self, name: str, recipient: int, donor: int, box: tuple[int, ...], hole: tuple[int, ...] | None) -> str:
        """Recipient, donor, and recipient with the donor's region."""
        photo, source = self.photos[recipient], self.photos[donor]
        changed = photo.copy()
        x1, y1, x2, y2 = box
        changed[y1:y2, x1:x2] = source[y1:y2, x1:x2]
        if hole is not None:
            a, b, c, d = hole
            changed[b:d, a:c] = photo[b:d, a:c]
        before, after = self.classes[0], self.classes[1]
        name_1, name_2 = f"IMG_{recipient:04d}.png", f"IMG_{donor:04d}.png"
        change = f"{before} (.93) becomes {after} (.99)"
        return self.keep(
            name,
            figures.before_after(photo, changed, box, hole, donor=source),  # type: ignore[arg-type]
            f"{name_1}: {change} when the region comes from {name_2}.",
            f"Three pictures: {name_1}, {name_2}, and the first with the second's region. The prediction {change}.",
            "Left: the picture as it is. Middle: the picture that the region comes from. Right: the same picture with "
            "only the outlined region replaced. If the prediction changes to the middle picture's class, that region "
            "decides.",
            figures.outlines(photo.shape, box, 3),  # type: ignore[arg-type]
        )

    def causal_map(self) -> str:
        effects = np.abs(np.random.default_rng(4).normal(0, 0.02, (6, 6)))
        effects[0, 0], effects[0, 1], effects[1, 0], effects[2:5, 1] = 0.91, 0.42, 0.37, (0.11, 0.19, 0.16)
        effects[:2] *= self.reliance
        highest = f"{effects.max():.2f}".lstrip("0")
        rings = figures.RingProfile(
            widths=[0.03, 0.05, 0.08, 0.12, 0.17, 0.22],
            effects=self._weaker(0.05, 0.13, 0.28, 0.31, 0.36, 0.40),
            lows=self._weaker(0.01, 0.07, 0.18, 0.2, 0.26, 0.3),
            highs=self._weaker(0.1, 0.2, 0.39, 0.41, 0.46, 0.5),
            controls=[0.01, 0.02, 0.02, 0.03, 0.05, 0.06],
            count=64,
        )
        grid = figures.CausalGrid(effects, judged=effects > 0.35, count=64)
        chart = figures.causal_map(grid, photo=np.mean(self.photos, axis=0).astype(np.uint8), rings=rings)
        return self.keep(
            "causal-map",
            chart,
            "Causal map: how often the prediction follows a cell that is swapped with another picture's.",
            f"Grid of 6 by 6 follow rates; highest {highest}; median .02.",
            "Dark cells decide the class: when they come from elsewhere, the prediction follows. An honest model "
            "follows the cells where the object lies; a model that leans on a tag or frame follows the rim.",
        )

    def _weaker(self, *values: float) -> list[float]:
        return [value * self.reliance for value in values]

    def forest(self, checks: list[Check]) -> str:
        rows = []
        for check in checks:
            main = check.measurement("follow_rate")
            if main is None or main.value is None or check.verdict is Verdict.NOT_TESTED:
                continue
            where = check.region.name if check.region else check.kind
            rows.append(
                figures.ForestRow(
                    label=where if check.class_name is None else f"{where} · {check.class_name}",
                    value=main.value, low=main.low, high=main.high, count=main.count,
                    severity=check.severity.value if check.severity else None,
                    verdict=check.verdict.value.replace("_", " "), steps=(0.1, 0.25, 0.6), control=0.02,
                )
            )  # fmt: skip
        caption = "Effects of all judged checks, each minus its matched control."
        reading = "Right of zero, the model follows the cue more than the control. Ticks: minor, material, severe."
        return self.keep("forest", figures.forest_plot(rows), caption, f"{len(rows)} checks on one axis.", reading)

    def performance(self, per_class: list[dict[str, object]], matrix: list[list[int]]) -> None:
        rows = sorted(per_class, key=lambda row: float(str(row["value"])))
        shares, lows, highs = ([float(str(row[key])) for row in rows] for key in ("value", "low", "high"))
        bars = figures.per_class_accuracy(
            [str(row["class"]) for row in rows],
            shares,
            lows,
            highs,
            [int(str(row["n"])) for row in rows],
            overall=0.883,
        )
        alt, words = (
            "Accuracy by class; worst .56 of 32.",
            "A bar whose interval lies below the line is worse than the rest.",
        )
        self.keep("per-class-accuracy", bars, "Accuracy by class, worst first.", alt, words)
        bins = figures.ReliabilityBins(
            [0.35, 0.55, 0.75, 0.95],
            [0.3, 0.5, 0.68, 0.95],
            [0.1, 0.3, 0.5, 0.88],
            [0.6, 0.7, 0.82, 0.98],
            [8, 18, 30, 72],
        )
        diagram = figures.reliability_diagram(bins)
        words = "On the diagonal the model is right as often as it says. Below it, it is over-confident."
        self.keep(
            "reliability", diagram, "Calibration: accuracy against confidence.", "Four bins near the diagonal.", words
        )
        mixed = "Off the diagonal are mistakes; a dark cell there is a pair of classes that is mixed up."
        table = figures.confusion(np.array(matrix), list(self.classes))
        self.keep("confusion", table, "Confusion: counts of pictures.", "Confusion matrix.", mixed)
        steps = np.linspace(0, 1, 11)
        lines = {
            in_print("occlusion"): figures.Curve((0.9 * (1 - steps) ** 3).tolist()),
            in_print("grad_cam"): figures.Curve(*((top * (1 - steps) ** 2).tolist() for top in (0.9, 0.85, 0.95))),
            in_print("random map"): figures.Curve((0.9 * (1 - steps)).tolist()),
        }
        chart = figures.curves(
            list(steps), lines, x_label="share of pixels removed", y_label="probability of the class"
        )
        caption = "Deletion: the hottest pixels are removed first."
        reading = "A map that points at what matters makes the curve fall faster than a random map does."
        self.keep("deletion-curves", chart, caption, "Curves of two methods fall faster than a random map's.", reading)

    def visualizations(self) -> tuple[VisualizationRecord, ...]:
        made = [
            VisualizationRecord(name="attention_rollout", status="skipped", reason="the model has no attention"),
        ]
        for number, (name, layer, trust) in enumerate(METHODS):
            sheet, words = self._sheet(name, number)
            path = self.keep(f"{name}-sheet", sheet, words, f"Sheet of {in_print(name)} on radiographs.", READING)
            good = trust == "passed"
            numbers = (
                share("randomisation", 0.61 if good else 0.04, 0.02, 0.7, 16, "efficient MPRT"),
                share("deletion_gain", 0.21 if good else 0.01, 0.0, 0.3, 24, "over a random map"),
            )
            made.append(
                VisualizationRecord(
                    name=name, layer=layer, status="ok", figures=(path,), maps=self._maps(number), images=24,
                    blank=number % 3, trust=trust, measurements=numbers if trust else (),
                )
            )  # fmt: skip
        return tuple(made)

    def _maps(self, number: int) -> str | None:
        """Low-resolution maps of all pictures, as a run keeps them; every fifth picture has none."""
        if number >= MAPS:
            return None
        seeds = [index + 7 * number for index in range(self.images)]
        maps = np.stack([attention(seed, on_marker=0.8, rows=24 + 8 * (number % 2)) for seed in seeds])
        peaks = maps.max(axis=(1, 2))
        path = f"evidence/maps/{number}.npz"
        (self.folder / "evidence/maps").mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            self.folder / path,
            maps=(maps / peaks[:, None, None]).astype(np.float16),
            peaks=peaks * np.float32(0.01),
            usable=np.arange(self.images) % 5 != 4,
        )
        return path

    def _sheet(self, name: str, number: int) -> tuple[np.ndarray, str]:
        if name == "kernels":
            weights = np.random.default_rng(2).normal(size=(64, 7, 7, 3)).astype(np.float32)
            return figures.kernel_sheet(weights), "conv1: 64 kernels, each over its own range; 2 are dead."
        if name == "feature_maps":
            maps = np.stack([attention(unit, on_marker=0.3, rows=12) for unit in range(13)])
            return figures.channel_sheet(self.photos[0], maps), "layer3.1, IMG_0000.png: units 212, 7, 90, …"
        tiles = [
            figures.map_triptych(photo, attention(i + number, on_marker=0.85, rows=12 + 12 * (number % 2)))
            for i, photo in enumerate(self.photos[:6])
        ]
        return figures.contact_sheet(tiles, 2, cell=(144, 438)), "Six images: photo, map, overlay."

    def image_records(self) -> tuple[ImageRecord, ...]:
        records = []
        for first in range(0, self.images, A_SHEET):
            indices = range(first, min(first + A_SHEET, self.images))
            path = self._image_sheet(indices)
            for index in indices:
                label = self.classes[index % 4]
                records.append(
                    ImageRecord(
                        image=f"{label[:40]}/IMG_{index:04d}.png", label=label,
                        predicted=self.classes[index % 4 if index % 9 else 1], score=0.5 + (index * 37 % 50) / 100,
                        half="AB"[index % 2], figures=(path,), thumbnail=self._thumbnail(index),
                    )
                )  # fmt: skip
        return tuple(records)

    def _thumbnail(self, index: int) -> str:
        path = f"evidence/pictures/{index + 1:04d}.jpg"
        (self.folder / "evidence/pictures").mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(figures.encode_jpeg(self.photos[index % len(self.photos)]))
        return path

    def _image_sheet(self, indices: range) -> str:
        tiles = []
        for index in indices:
            photo = self.photos[index % len(self.photos)]
            tiles.append(photo)
            for number in range(MAPS):
                values = np.kron(attention(index + 7 * number, on_marker=0.8, rows=24), np.ones((SIZE // 24,) * 2))
                tiles.append(figures.overlay(photo, values.astype(np.float32), 0.0, 1.0))
        sheet = figures.contact_sheet(tiles, MAPS + 1, cell=(144, 144))
        span = f"{indices.start + 1} to {indices.stop}"
        caption = (
            f"Images {span}, a row each: photo, then {', '.join(in_print(name) for name, _, _ in METHODS[:MAPS])}."
        )
        legend = (LegendEntry(mark="ramp", colours=figures.ramp(), label="each map, from 0 to its maximum"),)
        name = f"images-{indices.start // A_SHEET + 1:02d}"
        return self.keep(name, sheet, caption, f"Maps of images {span}.", legend=legend)
