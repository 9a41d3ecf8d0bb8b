"""What a spec says of its model without loading it: the names of its classes, and whether weights are a file."""

from __future__ import annotations

from typing import Any

from auditor.spec.reading import SpecFile

__all__ = ["class_names", "is_weights_path"]

WEIGHT_SUFFIXES = (".pth", ".pt", ".bin", ".safetensors", ".ckpt")


def class_names(spec_file: SpecFile, dataset_source: Any) -> tuple[str, ...]:
    """The model's classes, as far as they show without loading it; () where they do not."""
    model = spec_file.tree.get("model")
    if not isinstance(model, dict):
        return ()
    classes, weights = model.get("classes"), model.get("weights")
    if isinstance(classes, list):
        return tuple(str(name) for name in classes)
    if isinstance(classes, str):
        file = spec_file.folder / classes
        text = file.read_text(encoding="utf-8-sig", errors="replace") if file.is_file() else ""
        return tuple(line.strip() for line in text.rstrip().splitlines())
    published = isinstance(weights, str) and not is_weights_path(weights)
    if published or dataset_source is None:
        return ()  # weights that the source knows by name bring names of their own
    names: tuple[str, ...] = dataset_source.class_names(folder=spec_file.folder)
    return names


def is_weights_path(weights: str) -> bool:
    """Whether `model.weights` is a file rather than a name that the source knows."""
    return "/" in weights or "\\" in weights or weights.lower().endswith(WEIGHT_SUFFIXES)
