"""Lends model and sample to a study, and counts what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from torch import Tensor

from auditor.engine.chunking import Chunk, in_chunks, same_chunk
from auditor.engine.predictor import Predictor
from auditor.engine.receptive_fields import Box, Point, receptive_fields
from auditor.engine.responses import responding
from auditor.studies import Audited, Respond, Responses
from auditor.subjects import Sample

__all__ = ["lend"]

GRADIENT = 3
"""What a forward with its backward counts as, in forwards."""
GPU = 4
"""So many times more pictures at once than on a CPU."""


def lend(
    predictor: Predictor,
    sample: Sample,
    layers: Sequence[str],
    *,
    classes: Sequence[str] = (),
    predicted: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
    seed: int = 0,
) -> Audited:
    """What a study may ask of the predictor's model; every forward is added to `predictor.forwards`.

    Args:
        classes: One name an output.
        predicted: int64 (n,); None for an encoder.
        clusters: int (n,); None: each picture stands alone.
    """
    model, device = predictor.model, predictor.device
    values = int(np.prod(sample.images.shape[1:])) if len(sample) else 1
    chunk = Chunk(same_chunk(values) * (1 if device.type == "cpu" else GPU))

    @contextmanager
    def lent(names: Sequence[str], gradients: bool) -> Iterator[Respond]:
        with responding(predictor.original(), names, device, gradients=gradients) as respond:

            def counted(inputs: Tensor, *, waking: bool = False) -> Responses:
                predictor.forwards += len(inputs) * (GRADIENT if gradients else 1)
                return respond(inputs, waking=waking)

            yield counted

    def fields(points: Mapping[str, Sequence[Point]]) -> Mapping[str, Sequence[Box | None]]:
        example = model.preprocessing.to_input(sample.images[:1].to(device))
        with lent(tuple(points), False) as respond:
            return receptive_fields(respond, example, points)

    def in_parts(count: int, work: Callable[[int, int], Any]) -> list[Any]:
        return in_chunks(count, chunk, work, what="studying the model")

    def features() -> np.ndarray:
        if model.output == "embedding":
            return _outputs(predictor, sample, in_parts)
        return predictor.features(sample.images)

    return Audited(
        model=model,
        sample=sample,
        layers=tuple(layers),
        device=device,
        classes=tuple(classes),
        predicted=predicted,
        clusters=np.arange(len(sample)) if clusters is None else np.asarray(clusters),
        seed=seed,
        features=features,
        responding=lent,
        receptive_fields=fields,
        in_parts=in_parts,
    )


def _outputs(
    predictor: Predictor, sample: Sample, in_parts: Callable[[int, Callable[[int, int], Any]], list[Any]]
) -> np.ndarray:
    """What an encoder puts out: float32 (n, features)."""

    def outputs(start: int, stop: int) -> np.ndarray:
        inputs = predictor.model.preprocessing.to_input(sample.images[start:stop].to(predictor.device))
        predictor.forwards += stop - start
        with responding(predictor.original(), (), predictor.device, gradients=False) as respond:
            return respond(inputs).logits.cpu().numpy()

    return np.concatenate(in_parts(len(sample), outputs))
