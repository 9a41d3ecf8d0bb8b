"""The model of a spec: built, its weights loaded, its classes named, its preprocessing settled, and tried once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import ModelError
from auditor.subjects import LoadedModel, Preprocessing
from auditor.subjects.preprocessing import resolve_preprocessing
from auditor.subjects.user_code import describe_error
from auditor.subjects.weights import check_sha256, file_sha256, load_state_dict_file, load_strictly

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from auditor.spec.audit_spec import ModelSpec
    from auditor.subjects.models import ModelSource, StoredModel


def load_model(
    spec: ModelSpec, *, source: ModelSource, folder: Path, device: torch.device | str = "cpu"
) -> LoadedModel:
    """Load the model as the spec says, in eval mode on its device, and try it on one picture of noise.

    Construction is seeded, so that parameters without weights are the same each time; the caller's random state
    is left as it was.

    Args:
        spec: `model`.
        source: The model source, with the spec's options.
        folder: The spec's folder.
        device: Where it runs.

    Raises:
        ModelError: It cannot be built, its weights do not fit or are another file, preprocessing or class names are
            missing or do not fit, or it fails on an input of the spec's size.
    """
    import torch

    stored = source.stored(expected_sha256=spec.sha256)
    if stored is not None:
        return _of_stored(stored, spec, source, folder, device)
    notes: list[str] = []
    weights = spec.weights
    own = None if weights is None else source.own_weights(weights)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        module = source.build(folder=folder, options=_options(spec, source))
    digest: str | None = None
    names: Sequence[str] = ()
    preset: Preprocessing | None = None
    if weights is None:
        notes.append("model.weights is absent: the parameters are those that the constructor sets")
    elif own is not None:
        tensors, preset, names = own
        digest = _checked_digest(source.weights_file(weights), spec)
        load_strictly(module, tensors, weights)
    else:
        file = load_state_dict_file(folder / weights, expected_sha256=spec.sha256, shown=weights)
        load_strictly(module, file.tensors, weights)
        digest = file.sha256
        notes += file.notes
    preprocessing, more = resolve_preprocessing(spec.input, preset, folder=folder)
    module = module.to(device).eval()
    loaded = LoadedModel(
        module=module,
        name=source.display_name(),
        source=spec.source,
        classes=(),
        output=spec.output,
        preprocessing=preprocessing,
        version=spec.version,
        file_sha256=digest,
        notes=(*notes, *more),
    )
    return _named(loaded, class_names(spec, folder) or tuple(names), count_outputs(module, preprocessing))


def _of_stored(
    stored: StoredModel, spec: ModelSpec, source: ModelSource, folder: Path, device: torch.device | str
) -> LoadedModel:
    """A model that came whole, with the spec's preprocessing and class names."""
    preprocessing, more = resolve_preprocessing(spec.input, None, folder=folder)
    module = stored.module.to(device).eval()
    loaded = LoadedModel(
        module=module,
        name=source.display_name(),
        source=spec.source,
        classes=(),
        output=spec.output,
        preprocessing=preprocessing,
        version=spec.version or stored.version,
        file_sha256=stored.sha256,
        notes=(*stored.notes, *more),
        kept=stored.kept,
    )
    return _named(loaded, class_names(spec, folder), count_outputs(module, preprocessing))


def build_on_meta(spec: ModelSpec, source: ModelSource, folder: Path) -> nn.Module:
    """The architecture without memory or weights, for `auditor plan`.

    Raises:
        ModelError: Unknown name, broken factory, refused options; or a factory that needs real tensors.
    """
    import torch

    with torch.device("meta"):
        return source.build(folder=folder, options=_options(spec, source)).eval()


def class_names(spec: ModelSpec, folder: Path) -> tuple[str, ...]:
    """The spec's class names, from its list or its file; () where it gives none. No torch.

    Raises:
        ModelError: The file is missing or not UTF-8, or a line in it is blank.
    """
    if spec.classes is None:
        return ()
    if not isinstance(spec.classes, str):
        return tuple(spec.classes)
    path = folder / spec.classes
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelError(f"model.classes: {spec.classes} is not UTF-8: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise ModelError(f"model.classes: {spec.classes} cannot be read: {error.strerror}") from error
    lines = [line.strip() for line in text.rstrip().splitlines()]
    for number, line in enumerate(lines, start=1):
        if not line:
            raise ModelError(
                f"model.classes: {spec.classes}:{number} is blank; one name a line, in the order of the outputs"
            )
    return tuple(lines)


def count_outputs(module: nn.Module, preprocessing: Preprocessing) -> int | None:
    """Try the model once, on a picture of noise of its input size.

    Returns:
        Scores for one picture; None where the output is no row of scores (whoever predicts says so in words).

    Raises:
        ModelError: The forward fails on an input of that size.
    """
    import torch

    size = (1, len(preprocessing.mean), *preprocessing.extent)
    noise = torch.randint(0, 256, size, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    inputs = preprocessing.to_input(noise if preprocessing.transform is None else noise / 255)
    first = next(module.parameters(), None)
    if first is not None:
        inputs = inputs.to(first.device, first.dtype if first.is_floating_point() else None)
    try:
        with torch.no_grad():
            scores = _first_tensor(module(inputs))
    except Exception as error:  # the model is the user's code: it may raise anything
        raise ModelError(f"the model fails on an input of shape {size}: {describe_error(error)}") from error
    if scores is None or scores.shape not in {(1,), (1, scores.numel()), (1, scores.numel(), 1, 1)}:
        return None
    return scores.numel()


def _first_tensor(output: Any) -> Tensor | None:
    """The tensor itself, `.logits`, or the first in a tuple, mapping or dataclass."""
    import torch

    if isinstance(output, torch.Tensor):
        return output
    if isinstance(logits := getattr(output, "logits", None), torch.Tensor):
        return logits
    if isinstance(output, Mapping):
        output = [output[key] for key in ("logits", "scores", "out", "output") if key in output] or output.values()
    elif is_dataclass(output):
        output = [getattr(output, field.name) for field in fields(output)]
    items = output if isinstance(output, Iterable) else ()
    return next((item for item in items if isinstance(item, torch.Tensor)), None)


def _named(model: LoadedModel, names: Sequence[str], outputs: int | None) -> LoadedModel:
    """A score alone (`output: logit`) may have a name for each of its two sides."""
    if not names or model.output == "embedding":
        return model
    both_sides = model.output == "logit" and outputs == 1 and len(names) == 2
    if outputs is not None and len(names) != outputs and not both_sides:
        raise ModelError(f"model.classes: {len(names)} names, but the model has {outputs} outputs; one name an output")
    unique = _told_apart(names)
    changed = sorted({name for name, other in zip(names, unique, strict=True) if name != other})
    if not changed:
        return replace(model, classes=unique)
    note = f"class names that occur twice got their index: {', '.join(changed)}"
    return replace(model, classes=unique, notes=(*model.notes, note))


def _told_apart(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{name} ({index})" if names.count(name) > 1 else name for index, name in enumerate(names))


def _options(spec: ModelSpec, source: ModelSource) -> dict[str, Any]:
    return {**({} if spec.weights is None else source.options_with(spec.weights)), **spec.options}


def _checked_digest(path: Path | None, spec: ModelSpec) -> str | None:
    if path is None:
        if spec.sha256 is not None:
            raise ModelError(
                f"model.sha256 is given, but {spec.weights} is no local file whose digest could be checked"
            )
        return None
    digest = file_sha256(path)
    check_sha256(digest, spec.sha256, path.name)
    return digest
