"""Loads model and sample as the plan says, and checks them before anything is measured."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from auditor import registry
from auditor.engine import integrity, layers
from auditor.engine.device import choose_device
from auditor.engine.predictor import Predictor
from auditor.engine.resolving import own_score, resolved
from auditor.errors import DataError, ModelError
from auditor.experiments.experiment import split_halves
from auditor.subjects.loading import load_model
from auditor.subjects.sampling import load_sample

if TYPE_CHECKING:
    import torch

    from auditor.engine.layers import LayerChoice
    from auditor.plan import Plan
    from auditor.progress import Progress
    from auditor.spec.target import TargetSpec
    from auditor.subjects import LoadedModel, Sample
    from auditor.targets import OwnScore, Targets


@dataclass(frozen=True)
class Subject:
    """A model and a sample, ready to be examined.

    Attributes:
        classes: One name an output.
        scores: float32 (n, classes) probabilities on the untouched sample.
        layers: Target layers, and why.
        digest: Of the model before anything was done with it.
        clusters: int (n,).
        halves: "A" and "B" → indices.
        own_scores: Reference → the callable of a score of one's own that some map explains.
        own: What stands for the class scores of a model that gives none; None for a classifier.
    """

    model: LoadedModel
    sample: Sample
    device: torch.device
    predictor: Predictor
    classes: tuple[str, ...]
    scores: np.ndarray
    layers: LayerChoice
    digest: str
    clusters: np.ndarray
    halves: dict[str, np.ndarray]
    map_chunk: int | Literal["auto"] = "auto"
    """The spec's chunk: gradients need more memory than predictions, so the measured one is not for maps."""
    own_scores: Mapping[str, OwnScore] = field(default_factory=dict)
    own: OwnScore | None = None

    precision: Literal["auto", "fp32"] = "fp32"
    """Whether methods of many passes may earn a shorter number format."""

    @property
    def predicted(self) -> np.ndarray:
        """(n,) arg-max of the scores."""
        return np.asarray(self.scores.argmax(axis=1))

    def targets(self, target: TargetSpec) -> Targets:
        """What maps explain of each picture of the sample."""
        return resolved(
            target,
            predicted=self.predicted,
            labels=self.sample.labels,
            names=self.classes,
            own=self.own_scores.get(target.reference),
        )


def load_subject(plan: Plan, device_name: str, progress: Progress, chunk: int | None = None) -> Subject:
    """Load, predict the sample once, check `expected`, choose layers.

    Args:
        device_name: From the command line, or the spec's.
        chunk: A chunk measured by an earlier part of the same run; None measures it.

    Raises:
        ModelError, DataError: What the spec names cannot be used; says what instead.
    """
    spec = plan.spec
    device = choose_device(device_name)
    model = load_model(spec.model, source=plan.model_source, folder=plan.folder, device=device)
    workers = spec.runtime.workers if spec.runtime.workers != "auto" else min(8, os.cpu_count() or 1)
    sample, classes = load_sample(
        spec.dataset,
        plan.dataset_source,
        plan.folder,
        model.preprocessing,
        model.classes,
        workers=workers,
        progress=lambda done, total: progress.step(done, total, "reading pictures"),
    )
    sample.extras["regions"] = dict(spec.dataset.regions)
    sample.extras["folder"] = plan.folder
    digest = integrity.digest(model.module)
    wanted = _named_targets(plan)
    own_scores = {one.reference: own for _, one in wanted if (own := own_score(one, plan.folder)) is not None}
    predictor = Predictor(model, device, chunk=chunk or spec.runtime.chunk)
    own = _instead_of_classes(plan, predictor, sample, own_scores)
    if own is not None:
        predictor, classes = Predictor(model, device, chunk=chunk or spec.runtime.chunk, own=own), (own.name,)
        sample = replace(sample, labels=np.full(len(sample), -1))  # classes of something else than the score
    scores = predictor.scores(
        sample.images, progress=lambda done, total: progress.step(done, total, "predicting the sample")
    )
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores).all(axis=1)).sum())
        raise ModelError(
            f"the model gives NaN or infinite scores on {bad} of {len(scores)} pictures; nothing can be judged"
        )
    names = _class_names(classes, scores.shape[1], sample.labels)
    _check_targets(plan, wanted, names, sample.labels)
    _check_expected(plan, sample, scores)
    example = model.preprocessing.to_input(sample.images[:2].to(device))
    chosen = layers.target_layers(model.module, _wanted(spec.layers), example, own)
    clusters = _clusters(sample)
    halves = split_halves(clusters, scores.argmax(axis=1), spec.runtime.seed)
    return Subject(
        model, sample, device, predictor, names, scores, chosen, digest, clusters, halves, spec.runtime.chunk,
        own_scores=own_scores, own=own, precision=spec.runtime.precision,
    )  # fmt: skip


def _named_targets(plan: Plan) -> list[tuple[int | None, TargetSpec]]:
    """(line of the spec, what some map explains), each once."""
    found = {plan.spec.target.key: (plan.spec_file.line(("target",)), plan.spec.target)}
    for item in plan.visualizers:
        target = item.target(plan.spec.target)
        found.setdefault(target.key, (item.line, target))
    return list(found.values())


def _check_targets(
    plan: Plan, wanted: Sequence[tuple[int | None, TargetSpec]], names: Sequence[str], labels: np.ndarray
) -> None:
    """What could not be checked before the model's classes and the sample's labels were known."""
    for line, target in wanted:
        place = f"{plan.spec_file.shown_path}:{line}: target"
        try:
            target.indices(names, len(names))
        except ValueError as error:
            raise ModelError(f"{place}: {error}") from None
        if target.kind == "label" and not (labels >= 0).any():
            raise DataError(f"{place}: no picture of the sample has a label; name a class, or write predicted")


def _instead_of_classes(
    plan: Plan, predictor: Predictor, sample: Sample, own_scores: Mapping[str, OwnScore]
) -> OwnScore | None:
    """The spec's own score where the model gives no class scores, as networks of segmentation and detection do.

    Raises:
        ModelError: There are no class scores and no score of one's own, or the spec asks for what needs classes.
    """
    own = own_scores.get(plan.spec.target.reference)
    if own is None:
        return None
    try:
        predictor.scores(sample.images[:8])
    except ModelError as error:
        if not plan.probes and not any(item.part.of_classes for item in plan.metrics):
            return own
        kept = ", ".join(name for name in registry.names("metrics") if not _of_classes(name))
        raise ModelError(
            f"{plan.spec_file.shown_path}: the model gives no class scores, so no probe can ask what they do; write "
            f"`probes: []`, and under `metrics` none but {kept} ({error})"
        ) from error
    return None


def _of_classes(metric: str) -> bool:
    return bool(getattr(registry.load("metrics", metric), "of_classes", True))


def _wanted(value: str | list[str]) -> str | list[str]:
    return value


def _class_names(classes: tuple[str, ...], count: int, labels: np.ndarray) -> tuple[str, ...]:
    """Names of the outputs; the data's names where the model has none, numbers where nobody named them."""
    if classes and len(classes) != count:
        raise ModelError(f"model.classes: {len(classes)} names for {count} outputs; give one name an output, in order")
    if len(labels) and labels.max() >= count:
        raise DataError(f"dataset: label {labels.max()} is beyond the model's {count} outputs (0 to {count - 1})")
    return classes or tuple(str(index) for index in range(count))


def _check_expected(plan: Plan, sample: Sample, scores: np.ndarray) -> None:
    """Stop when accuracy is far from what the owner measured: the preprocessing is probably wrong."""
    expected = plan.spec.model.expected
    known = sample.labels >= 0
    if expected is None:
        return
    if not known.any():
        raise DataError("model.expected: the sample has no labels, so accuracy cannot be compared; remove `expected`")
    accuracy = float((scores.argmax(axis=1) == sample.labels)[known].mean())
    # the sample's own noise does not count as a deviation
    noise = 1.96 * float(np.sqrt(expected.accuracy * (1 - expected.accuracy) / known.sum()))
    if abs(accuracy - expected.accuracy) > max(expected.tolerance, noise):
        line = plan.spec_file.line(("model", "expected"))
        place = f"{plan.spec_file.shown_path}:{line}: " if line else ""
        raise ModelError(
            f"{place}model.expected: accuracy is {accuracy:.3f} on {int(known.sum())} pictures, {expected.accuracy} ± "
            f"{expected.tolerance} was expected; the preprocessing is probably wrong: run `auditor doctor "
            f"{plan.spec_file.shown_path}`"
        )


def _clusters(sample: Sample) -> np.ndarray:
    """A number for each cluster; pictures without one, and exact duplicates apart, are their own."""
    duplicate = {name: names[0] for names in sample.duplicates for name in names}
    keys = [
        f"cluster:{picture.cluster}"
        if picture.cluster is not None
        else f"picture:{duplicate.get(picture.name, picture.name)}"
        for picture in sample.pictures
    ]
    _, numbers = np.unique(keys, return_inverse=True)
    return np.asarray(numbers)
