"""The model of a spec: built, its weights loaded, its classes named, its preprocessing settled, and tried once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    from auditor.subjects.models import ModelSource


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
    outputs = count_outputs(loaded)
    return _named(loaded, outputs, class_names(spec, folder) or tuple(names))


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


def name_classes(model: LoadedModel, classes: Sequence[str]) -> LoadedModel:
    """Give a model without class names those that the data set brings; the output's numbers where it brings none.

    Raises:
        ModelError: There are more or fewer names than outputs.
    """
    if model.classes or model.output == "embedding":
        return model
    outputs = count_outputs(model)
    return _named(model, outputs, tuple(classes) or tuple(str(index) for index in range(outputs)))


def count_outputs(model: LoadedModel) -> int:
    """Columns of the model's output, found by one forward of noise at its input size.

    Raises:
        ModelError: The forward fails, or gives no finite tensor of shape (1, outputs).
    """
    import torch

    preprocessing = model.preprocessing
    size = (1, len(preprocessing.mean), preprocessing.height, preprocessing.width)
    noise = torch.randint(0, 256, size, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    first = next(model.module.parameters(), None)
    inputs = preprocessing.to_input(noise if preprocessing.transform is None else noise / 255)
    inputs = inputs.to(first.device if first is not None else inputs.device)
    if first is not None and first.is_floating_point():
        inputs = inputs.to(first.dtype)
    try:
        with torch.no_grad():
            output = _scores(model.module(inputs))
    except Exception as error:  # the model is the user's code
        what = describe_error(error, Path())
        raise ModelError(f"the model fails on an input of shape {size}: {what}") from error
    if output is None or output.dim() not in (1, 2) or len(output) != 1:
        got = "no tensor" if output is None else f"shape {tuple(output.shape)}"
        raise ModelError(f"the model's output for one picture is {got}; expected (1, outputs)")
    if not bool(torch.isfinite(output).all()):
        raise ModelError("the model's output for a picture of noise is NaN or infinite; are the weights complete?")
    return output.numel()


def _scores(output: Any) -> Tensor | None:
    """The tensor of scores in what a model returns: itself, `.logits`, or the first of a tuple or mapping."""
    import torch

    if isinstance(output, torch.Tensor):
        return output
    if isinstance(logits := getattr(output, "logits", None), torch.Tensor):
        return logits
    if isinstance(output, Mapping):
        output = [output[key] for key in ("logits", "out") if key in output] or list(output.values())
    if isinstance(output, Sequence):
        return next((item for item in output if isinstance(item, torch.Tensor)), None)
    return None


def _named(model: LoadedModel, outputs: int, names: Sequence[str]) -> LoadedModel:
    if not names or model.output == "embedding":
        return model
    expected = (1, 2) if model.output == "logit" and outputs == 1 else (outputs,)
    if len(names) not in expected:
        raise ModelError(f"there are {len(names)} class names, but the model has {outputs} outputs")
    unique = _told_apart(names)
    if unique != tuple(names):
        changed = sorted({name for name, other in zip(names, unique, strict=True) if name != other})
        note = f"class names that occur twice got their index: {', '.join(changed)}"
        return replace(model, classes=unique, notes=(*model.notes, note))
    return replace(model, classes=unique)


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
