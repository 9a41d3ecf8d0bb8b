"""Lends model and sample to a study, and counts what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from auditor import registry
from auditor.engine.chunking import Chunk, in_chunks, same_chunk
from auditor.engine.maps import make_maps
from auditor.engine.margin_gradients import margin_gradient
from auditor.engine.predictor import Predictor
from auditor.engine.receptive_fields import Box, Point, receptive_fields
from auditor.engine.responses import responding
from auditor.studies import Audited, LentMap, Respond, Responses
from auditor.subjects import Sample
from auditor.visualizers import PASS, MapVisualizer

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

    def features(images: Tensor | None = None) -> np.ndarray:
        given = sample.images if images is None else images
        if model.output == "embedding":
            return _outputs(predictor, given, in_parts)
        return predictor.features(given)

    def maps(method: str, rows: np.ndarray, images: Tensor, classes: np.ndarray) -> LentMap:
        return _maps(method, predictor, sample, layers[-1:], rows, images, classes)

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
        scores=predictor.scores,
        margin_gradient=partial(margin_gradient, predictor),
        maps=maps,
        responding=lent,
        receptive_fields=fields,
        in_parts=in_parts,
    )


def _maps(
    method: str,
    predictor: Predictor,
    sample: Sample,
    layers: Sequence[str],
    rows: np.ndarray,
    images: Tensor,
    classes: np.ndarray,
) -> LentMap:
    """One method's maps of pictures that stand in for some of the sample."""
    part = registry.load("visualizers", method)()
    assert isinstance(part, MapVisualizer)
    run = make_maps(
        predictor.model, predictor.model.module, sample, [part], list(layers),
        device=predictor.device, targets=classes, indices=rows, images=images, predictor=predictor,
    )  # fmt: skip
    predictor.forwards += PASS * len(rows)
    if not run.maps:
        reasons = [reason for _, _, reason in (*run.failures, *run.skipped)] or list(run.notes)
        return LentMap(None, np.zeros(len(rows), bool), reason="; ".join(reasons))
    return LentMap(run.maps[0].maps, run.maps[0].usable, run.maps[0].layer)


def _outputs(
    predictor: Predictor, images: Tensor, in_parts: Callable[[int, Callable[[int, int], Any]], list[Any]]
) -> np.ndarray:
    """What an encoder puts out: float32 (n, features)."""

    def outputs(start: int, stop: int) -> np.ndarray:
        inputs = predictor.model.preprocessing.to_input(images[start:stop].to(predictor.device))
        predictor.forwards += stop - start
        with responding(predictor.original(), (), predictor.device, gradients=False) as respond:
            return respond(inputs).logits.cpu().numpy()

    return np.concatenate(in_parts(len(images), outputs))
