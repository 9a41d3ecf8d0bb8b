"""The model source `torchvision`."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from auditor.errors import ModelError
from auditor.subjects import Preprocessing
from auditor.subjects.late_compiler import late_compiler
from auditor.subjects.models import ModelSource
from auditor.subjects.weights import file_sha256, looks_like_a_file, weights_file_problem

if TYPE_CHECKING:
    from torch import nn
    from torchvision.models import WeightsEnum


class Torchvision(ModelSource):
    """A classifier of images or clips from torchvision, with its published weights or your own.

    `model.weights` is a file, or the name of published weights (DEFAULT, IMAGENET1K_V2, ...): those bring their own
    preprocessing and class names, are downloaded once, and are checked against the digest in their address; how many
    frames a clip has is for `model.input.size` to say.
    Without `weights` the parameters are random. `model.options` are the constructor's arguments (num_classes).
    """

    name: str = Field(description="torchvision's name of the architecture, such as resnet50")

    def build(self, *, folder: Path, options: dict[str, Any]) -> nn.Module:
        with late_compiler():
            from torchvision.models import get_model, get_model_builder

        name = self._known_name()
        builder = get_model_builder(name)
        if name in ("googlenet", "inception_v3"):
            options = {"init_weights": False, **options}  # without it torchvision warns, and takes minutes
        try:
            module: nn.Module = get_model(name, weights=None, **options)
        except (TypeError, ValueError, NotImplementedError) as error:
            taken = [item for item in signature(builder).parameters if item not in ("weights", "progress", "kwargs")]
            raise ModelError(
                f"torchvision's {name} refuses model.options {options}: {error}; "
                f"among its options: {', '.join(['num_classes', *taken])}"
            ) from error
        return module

    def display_name(self) -> str:
        return self.name

    def problems(self, *, folder: Path, weights: str | None) -> list[tuple[str, str]]:
        if weights is None or not looks_like_a_file(weights):
            return []
        problem = weights_file_problem(weights, folder)
        return [] if problem is None else [("weights", problem)]

    def own_weights(self, weights: str) -> tuple[dict[str, Any], Preprocessing, tuple[str, ...]] | None:
        if looks_like_a_file(weights):
            return None
        published = self._published(weights)
        tensors = self._downloaded(published)
        return tensors, _preset(published), tuple(published.meta.get("categories") or ())

    def options_with(self, weights: str) -> dict[str, Any]:
        if looks_like_a_file(weights):
            return {}
        published = self._published(weights)
        options: dict[str, Any] = (
            {"num_classes": len(published.meta["categories"])} if published.meta.get("categories") else {}
        )
        if self._known_name().startswith("vit_"):
            options["image_size"] = published.meta["min_size"][0]
        if self._known_name() in ("googlenet", "inception_v3"):
            options["transform_input"] = True
        return options

    def weights_file(self, weights: str) -> Path | None:
        return None if looks_like_a_file(weights) else _cached_file(self._published(weights))

    def _known_name(self) -> str:
        with late_compiler():
            import torchvision.models
            import torchvision.models.video

        known = [
            one
            for kind in (torchvision.models, torchvision.models.video)
            for one in torchvision.models.list_models(kind)
        ]
        name = self.name.lower()
        if name in known:
            return name
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"it has {len(known)}, such as {', '.join(known[::16])}"
        raise ModelError(f"torchvision has no image classifier named '{self.name}'; {hint}")

    def _published(self, weights: str) -> WeightsEnum:
        with late_compiler():
            from torchvision.models import get_model_weights

        published = get_model_weights(self._known_name())
        name = weights.removeprefix(f"{published.__name__}.")
        if name in published.__members__:
            return published[name]
        known = list(published.__members__)
        close = get_close_matches(name.upper(), known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known) or 'none'}"
        raise ModelError(
            f"torchvision has no weights named '{weights}' for {self.name}; {hint} (files end in .pth or .safetensors)"
        )

    def _downloaded(self, published: WeightsEnum) -> dict[str, Any]:
        file = _cached_file(published)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                tensors = published.get_state_dict(
                    progress=False, check_hash=True, map_location="cpu", weights_only=True
                )
        except OSError as error:
            raise ModelError(
                f"{published!r} cannot be downloaded from {published.url}: {error}; "
                f"put the file at {file}, or name a file of your own in model.weights"
            ) from error
        except Exception as error:  # a damaged cache file: what the unpickler raises is not bounded
            raise ModelError(f"{published!r} cannot be read from {file}: {error}; delete it and try again") from error
        _check_cached(file)
        return {_today(name): value for name, value in tensors.items()}


def _cached_file(published: WeightsEnum) -> Path:
    from torch.hub import get_dir

    return Path(get_dir()) / "checkpoints" / str(published.url).rpartition("/")[2]


def _check_cached(file: Path) -> None:
    """torch.hub checks the digest in the file's name only when it downloads; a file that was there is trusted."""
    named = re.search(r"-([0-9a-f]{8,64})\.", file.name)
    if named is not None and not file_sha256(file).startswith(named[1]):
        raise ModelError(f"{file} is damaged: its SHA-256 does not start with {named[1]}; delete it and try again")


def _today(name: str) -> str:
    """Parameter names of densenet's published weights are from before dots were forbidden in module names."""
    return re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2.", name)


def _preset(published: WeightsEnum) -> Preprocessing:
    preset = published.transforms()
    fields: Mapping[str, Any] = vars(preset)
    crop, short_side = fields["crop_size"][0], fields["resize_size"][0]
    interpolation: Literal["bilinear", "bicubic"] = fields["interpolation"].value
    if interpolation not in ("bilinear", "bicubic"):
        raise ModelError(f"{published!r} resizes by {interpolation}; only bilinear and bicubic are known")
    return Preprocessing(
        height=crop,
        width=crop,
        resize="crop",
        crop_ratio=crop / short_side,
        mean=tuple(fields["mean"]),
        std=tuple(fields["std"]),
        origin=f"{published!r}",
        interpolation=interpolation,
    )
