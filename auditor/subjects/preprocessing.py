"""Which preprocessing the model gets: the spec's fields over those of the weights' own preset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import ModelError
from auditor.subjects import Preprocessing
from auditor.subjects.user_code import describe_error, load_callable

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from auditor.spec.audit_spec import InputSpec

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Source: torchvision's classification presets."""

IMAGENET_GREY_MEAN = (0.449,)
IMAGENET_GREY_STD = (0.226,)
"""Mean over the three channels of the above."""


def resolve_preprocessing(
    spec: InputSpec | None, preset: Preprocessing | None, *, folder: Path
) -> tuple[Preprocessing, tuple[str, ...]]:
    """Set the spec's fields over the preset's, one by one.

    Args:
        spec: `model.input`, None where it is absent.
        preset: What the weights bring, None where they bring nothing.
        folder: The spec's folder, for `transform`.

    Returns:
        The preprocessing, and notes for the report.

    Raises:
        ModelError: Size, mean or std come from neither; or `transform` cannot be used.
    """
    if spec is None or not spec.model_fields_set:
        if preset is None:
            raise ModelError(_needed("size, mean and std"))
        return preset, (f"preprocessing: that of {preset.origin}",)
    if spec.transform is not None:
        return _own_transform(spec, folder)
    fields = {name: getattr(spec, name) for name in spec.model_fields_set if getattr(spec, name) is not None}
    if "size" in fields:
        *depth, fields["height"], fields["width"] = fields.pop("size")
        fields["depth"] = depth[0] if depth else None
    for name in ("mean", "std"):
        if name in fields:
            fields[name] = tuple(fields[name])
    if preset is None:
        missing = [name for name in ("size", "mean", "std") if getattr(spec, name) is None]
        if missing:
            raise ModelError(_needed(", ".join(missing)))
        defaults = {name: getattr(spec, name) for name in ("resize", "crop_ratio", "scale", "channels")}
        return Preprocessing(**{**defaults, **fields, "origin": "spec"}), ()
    merged = replace(preset, **fields, origin=f"{preset.origin}, changed by model.input")
    channels = 1 if merged.channels == "grey" else 3
    if not len(merged.mean) == len(merged.std) == channels:
        raise ModelError(f"model.input with channels: {merged.channels} needs mean and std of {channels} values")
    changed = sorted(name for name in fields if fields[name] != getattr(preset, name))
    if not changed:
        return preset, (f"preprocessing: that of {preset.origin}",)
    return merged, (f"preprocessing: {preset.origin}, but {', '.join(changed)} from model.input",)


def load_transform(reference: str, folder: Path) -> Callable[[Image], Tensor]:
    """Import `model.input.transform` and make its answers checked.

    Returns:
        PIL image → float32 tensor, shape (channels, height, width), all finite.

    Raises:
        ModelError: It cannot be imported, here; it fails or gives anything else, when called.
    """
    import torch

    transform = load_callable(reference, folder)

    def checked(image: Image) -> Tensor:
        try:
            result: Any = transform(image)
        except Exception as error:
            raise ModelError(f"{reference} failed: {describe_error(error, folder)}") from error
        if not isinstance(result, torch.Tensor) or not result.is_floating_point() or result.dim() != 3:
            got = (
                f"{result.dtype} of shape {tuple(result.shape)}" if hasattr(result, "dtype") else type(result).__name__
            )
            raise ModelError(f"{reference} gave {got}; expected a float tensor of shape (channels, height, width)")
        if not bool(torch.isfinite(result).all()):
            raise ModelError(f"{reference} gave values that are NaN or infinite")
        return result.detach().to("cpu", torch.float32)

    return checked


def preprocessing_variants(preprocessing: Preprocessing) -> list[tuple[str, Preprocessing]]:
    """What the preprocessing might have been meant to be: the usual mix-ups, the spec's own first.

    Normalisations × channel order on the same decoded pictures, then other ways to resize, which need decoding
    again (`decodes_alike` tells). Variants that feed the model the same numbers are listed once.
    """
    own = ("as in the spec", preprocessing)
    if preprocessing.transform is not None:
        return [own]
    candidates = [own]
    orders = _channel_orders(preprocessing)
    candidates += [(f"the spec's values, {order}", replace(preprocessing, channels=order)) for order in orders]
    for name, scale, mean, std in _normalisations(preprocessing):
        for order in orders:
            flip = -1 if order == "bgr" else 1
            variant = replace(
                preprocessing, scale=scale, mean=tuple(mean)[::flip], std=tuple(std)[::flip], channels=order
            )
            candidates.append((name if order == "grey" else f"{name}, {order}", variant))
    candidates += _other_sizings(preprocessing)
    seen: set[tuple[Any, ...]] = set()
    return [item for item in candidates if not (_fed(item[1]) in seen or seen.add(_fed(item[1])))]  # type: ignore[func-returns-value]


def decodes_alike(one: Preprocessing, other: Preprocessing) -> bool:
    """Whether pictures decoded for one can be normalised by the other."""
    return _decoded(one) == _decoded(other)


def _own_transform(spec: InputSpec, folder: Path) -> tuple[Preprocessing, tuple[str, ...]]:
    """The size of what `transform` gives, found on a blank picture; checked against `size` where that is given."""
    from PIL import Image

    assert spec.transform is not None
    blank = Image.new(
        "L" if spec.channels == "grey" else "RGB", (320, 256), 128 if spec.channels == "grey" else (128,) * 3
    )
    channels, height, width = load_transform(spec.transform, folder)(blank).shape
    if spec.size is not None and spec.size != [height, width]:
        raise ModelError(f"model.input.size is {spec.size}, but {spec.transform} gives {[height, width]}")
    preprocessing = Preprocessing(
        height=height,
        width=width,
        resize=spec.resize,
        crop_ratio=spec.crop_ratio,
        mean=(0.0,) * channels,
        std=(1.0,) * channels,
        channels=spec.channels,
        transform=spec.transform,
    )
    ignored = sorted(spec.model_fields_set & {"mean", "std", "scale", "resize", "crop_ratio"})
    notes = [f"preprocessing: {spec.transform} replaces resizing and normalisation; masks and boxes cannot follow it"]
    if ignored:
        notes.append(f"model.input: {', '.join(ignored)} not used, because transform is given")
    return preprocessing, tuple(notes)


def _needed(what: str) -> str:
    return (
        f"model.input needs {what}: these weights bring no preprocessing of their own "
        "(x = (u8 / 255 · scale − mean) / std; e.g. size: [224, 224], mean: [0.485, 0.456, 0.406], "
        "std: [0.229, 0.224, 0.225])"
    )


def _channel_orders(preprocessing: Preprocessing) -> list[Any]:
    """The other order last, so that a variant that both orders share is listed under the spec's."""
    if preprocessing.channels == "grey":
        return ["grey"]
    return ["rgb", "bgr"] if preprocessing.channels == "rgb" else ["bgr", "rgb"]


def _normalisations(preprocessing: Preprocessing) -> list[tuple[str, float, Sequence[float], Sequence[float]]]:
    grey = preprocessing.channels == "grey"
    mean, std = (IMAGENET_GREY_MEAN, IMAGENET_GREY_STD) if grey else (IMAGENET_MEAN, IMAGENET_STD)
    zero, half, one = ((value,) * len(mean) for value in (0.0, 0.5, 1.0))
    return [
        ("ImageNet mean and std", 1.0, mean, std),
        ("values −1..1", 1.0, half, half),
        ("values 0..1", 1.0, zero, one),
        ("values 0..255", 255.0, zero, one),
        ("values 0..255 minus the ImageNet mean", 255.0, [255 * value for value in mean], one),
    ]


def _other_sizings(preprocessing: Preprocessing) -> list[tuple[str, Preprocessing]]:
    variants = [("squashed", replace(preprocessing, resize="squash"))]
    for ratio in (0.875, 1.0):
        name = "cropped from the centre" if ratio == 1 else f"cropped from the centre, ratio {ratio}"
        variants.append((name, replace(preprocessing, resize="crop", crop_ratio=ratio)))
    return variants


def _decoded(preprocessing: Preprocessing) -> tuple[Any, ...]:
    """What decoding depends on; a squashed picture has no crop."""
    ratio = None if preprocessing.resize == "squash" else round(preprocessing.crop_ratio, 4)
    size = (preprocessing.height, preprocessing.width, preprocessing.interpolation)
    return (*size, preprocessing.resize, ratio, preprocessing.channels == "grey", preprocessing.transform)


def _fed(preprocessing: Preprocessing) -> tuple[Any, ...]:
    """What the model is fed: decoding, channel order, slope and offset of each channel."""
    slopes = tuple(round(preprocessing.scale / std, 4) for std in preprocessing.std)
    offsets = tuple(round(mean / std, 4) for mean, std in zip(preprocessing.mean, preprocessing.std, strict=True))
    return (*_decoded(preprocessing), preprocessing.channels, slopes, offsets)
