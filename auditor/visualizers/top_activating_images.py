"""Top-activating images: what excites a channel most, and the part that the channel sees of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.errors import ModelError, NotApplicableError
from auditor.media import EVERY
from auditor.studies import Audited, Box, PictureRow, PictureSheet, Study, Tile, most_selective
from auditor.subjects import VolumeSample
from auditor.visualizers import Captured, Need, Observation, StudyVisualizer

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

WHOLE = 0.95
"""A receptive field of this share of the picture is the picture: nothing is cut out of it."""
UNKNOWN = "the receptive field could not be found, so that whole pictures are shown"


class TopActivatingImages(StudyVisualizer):
    """Top-activating images: the pictures of the sample that excite a channel most, and what it sees of them.

    Of each target layer, channels are shown whose largest activation differs most from picture to picture (standard
    deviation over the sample): those that are always on or always off have nothing to tell. A picture counts by the
    largest activation on its grid, wherever that is, and its crop is the receptive field of that place: the smallest
    box around all pixels that the unit's value depends on, clipped at the borders. It is found exactly, by setting
    parts of an input to NaN and seeing which units become NaN, whatever the weights are. All else comes from the shared
    pass. A receptive field is what a unit can see, not what it uses: most of its weight lies in the middle. Of deep
    layers and transformers it is the whole picture. Of clips and volumes the whole frame or slice is shown in which the
    activation lies. The highest activations of a sample are extremes: what a channel
    answers to weakly, which is most of its work, is not in them.

    Source: Zhou et al., "Object Detectors Emerge in Deep Scene CNNs", ICLR 2015, section 3; Olah, Mordvintsev and
    Schubert, "Feature Visualization", Distill 2017, on data set examples.
    """

    channels: int = Field(5, ge=1, le=64, description="How many channels of each target layer")
    pictures: int = Field(4, ge=1, le=9, description="How many pictures of each channel, strongest first")
    units: tuple[int, ...] = Field((), description="Channels to show of every target layer, instead of those chosen")

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    needs = frozenset({Need.ACTIVATIONS})
    reading = (
        "Each row is one channel of the layer with what excites it most in the sample; the frame is all that it can "
        "see. Ask what the examples of a row share: a channel whose examples share a mark, a border or a tool, "
        "rather than a part of the object, deserves a look."
    )

    def forwards_in_all(self, layers: int, height: int, width: int) -> int:
        # every row and column, and stripes of them, as one forward each
        return 1 + sum(length + -(-length // max(1, int(length**0.5))) for length in (height, width))

    def observe(self, captured: Captured) -> Observation:
        import torch

        found = {}
        for name, at in captured.layers.items():
            assert at.activations is not None
            peaks, places = at.activations.flatten(2).max(dim=2)
            *depth, rows, columns = torch.unravel_index(places.cpu(), at.activations.shape[2:])
            found[name] = {"peaks": peaks.cpu(), "rows": rows, "columns": columns}
            if depth:
                length = at.activations.shape[2]
                # the frame or slice in the middle of what the place stands for
                found[name]["layers"] = (2 * depth[0] + 1) * captured.inputs.shape[2] // (2 * length)
        return found

    def study(self, audited: Audited, observed: Sequence[Observation]) -> Sequence[Study]:
        import torch

        if not observed or not observed[0]:
            raise NotApplicableError("there is no target layer whose output could be watched")
        seen = {name: {what: torch.cat([chunk[name][what] for chunk in observed]) for what in observed[0][name]}
                for name in observed[0]}  # fmt: skip
        chosen = {layer: self._chosen(layer, of["peaks"]) for layer, of in seen.items()}
        best = {layer: {unit: _strongest(seen[layer]["peaks"][:, unit], self.pictures) for unit in units}
                for layer, units in chosen.items()}  # fmt: skip
        points = {
            layer: [
                (unit, int(seen[layer]["rows"][index, unit]), int(seen[layer]["columns"][index, unit]))
                for unit, indices in of_layer.items()
                for index in indices
            ]
            for layer, of_layer in best.items()
        }
        if not any(points.values()):
            raise NotApplicableError("no channel of a target layer ever changes on the sample")
        fields: Mapping[str, Sequence[Box | None]]
        remarks: list[str] = []
        nothing: dict[str, list[Box | None]] = {layer: [None] * len(asked) for layer, asked in points.items()}
        try:
            asked_for = {layer: asked for layer, asked in points.items() if asked}
            fields = nothing if _in_depth(audited) else audited.receptive_fields(asked_for)
        except ModelError as error:
            fields = nothing
            remarks.append(f"{UNKNOWN[:1].upper()}{UNKNOWN[1:]}: {error}")
        studies = []
        for layer, of_layer in best.items():
            if not of_layer:
                continue
            boxes = dict(zip(points[layer], fields[layer], strict=True))
            crops = not all(box is None or _share(box, audited) >= WHOLE for box in boxes.values())
            rows = [_row(audited, unit, indices, seen[layer], boxes, crops) for unit, indices in of_layer.items()]
            studies.append(Study([_sheet(rows, layer, list(boxes.values()), audited)], layer, remarks=tuple(remarks)))
        return studies

    def _chosen(self, layer: str, peaks: Tensor) -> list[int]:
        if not self.units:
            return most_selective(peaks, self.channels)
        beyond = [unit for unit in self.units if not 0 <= unit < peaks.shape[1]]
        if beyond:
            raise ModelError(f"layer '{layer}' has {peaks.shape[1]} channels, and none numbered {beyond[0]}")
        return list(dict.fromkeys(self.units))


def _strongest(peaks: Tensor, count: int) -> list[int]:
    """Pictures by their largest activation; among equal ones the earlier comes first on every device."""
    order: list[int] = peaks.nan_to_num(-1e30, 1e30, -1e30).argsort(descending=True, stable=True)[:count].tolist()
    return order


def _row(
    audited: Audited,
    unit: int,
    indices: Sequence[int],
    seen: Mapping[str, Tensor],
    boxes: Mapping[tuple[int, int, int], Box | None],
    crops: bool,
) -> PictureRow:
    tiles = []
    for index in indices:
        row, column = int(seen["rows"][index, unit]), int(seen["columns"][index, unit])
        box, picture, frame = boxes[unit, row, column], *_picture(audited, index, seen, unit)
        peak = f"{float(seen['peaks'][index, unit]):.3g}"
        words = [f"{peak} · {_class(audited, index)}".rstrip(" ·"), audited.sample.pictures[index].name, *frame]
        tiles.append(Tile(picture, words, box if crops else None))
        if box is not None and crops:
            x1, y1, x2, y2 = box
            tiles.append(Tile(picture[y1:y2, x1:x2], (f"x {x1} to {x2}", f"y {y1} to {y2}")))
    spread = float(seen["peaks"][:, unit].double().std(correction=0))
    return PictureRow(
        (f"channel {unit}", f"median {float(seen['peaks'][:, unit].median()):.3g}", f"sd {spread:.3g}"), tiles
    )


def _picture(audited: Audited, index: int, seen: Mapping[str, Tensor], unit: int) -> tuple[np.ndarray, list[str]]:
    """What is shown, and which frame or slice that is, where there are several."""
    sample = audited.sample
    if not isinstance(sample, VolumeSample):
        return sample.display(index), []
    place = int(seen["layers"][index, unit])
    numbers = sample.stacks[index].frames
    named = f"frame {numbers[place]}" if numbers else f"slice {place + 1} of {sample.images.shape[2]}"
    return sample.slices(sample.images[index].numpy())[place], [named]


def _in_depth(audited: Audited) -> bool:
    return isinstance(audited.sample, VolumeSample)


def _class(audited: Audited, index: int) -> str:
    label = int(audited.sample.labels[index])
    if label >= 0:
        return audited.class_name(label)
    return "" if audited.predicted is None else f"→ {audited.class_name(int(audited.predicted[index]))}"


def _sheet(rows: Sequence[PictureRow], layer: str, boxes: Sequence[Box | None], audited: Audited) -> PictureSheet:
    height, width = audited.sample.images.shape[-2:]
    medium = audited.sample.medium
    known = [box for box in boxes if box is not None]
    if _in_depth(audited):
        seen = f"the whole {medium.layers[:-1]} is shown in which it lies"
    elif not known:
        seen = UNKNOWN
    elif all(_share(box, audited) >= WHOLE for box in known):
        seen = f"its receptive field is the whole picture of {width}×{height} pixels"
    else:
        wide, tall = (max(box[end + 2] - box[end] for box in known) for end in (0, 1))
        seen = f"framed and cut out is its receptive field, {wide}×{tall} pixels at most, clipped at the borders"
    return PictureSheet(
        rows,
        f"{layer}: the {medium.several} that excite {len(rows)} channels most, of {len(audited.sample)}, each with its "
        f"largest activation; {seen}. At the left, median and standard deviation of that activation over the sample, "
        "by which the channels were chosen.",
        f"{len(rows)} channels of {layer}, each with the {medium.several} that excite it most.",
    )


def _share(box: Box, audited: Audited) -> float:
    height, width = audited.sample.images.shape[-2:]
    return (box[2] - box[0]) * (box[3] - box[1]) / (height * width)
