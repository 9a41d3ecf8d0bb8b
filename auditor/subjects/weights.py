"""Weights files: read without running anything in them, checked against the spec, loaded strictly."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

SUFFIXES = (".pth", ".pt", ".bin", ".ckpt", ".tar", ".safetensors")
"""How a weights file may end; a value of `model.weights` without one of these may be a source's own name."""

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
"""Keys under which training scripts save the state dict, the usual first.

Source: PyTorch Lightning's and torchvision's reference scripts, and the PyTorch tutorial on saving models.
"""

PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every key."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Tensors of a weights file, ready to load.

    Attributes:
        tensors: Keys without wrapper prefixes; floating tensors at least 32 bit.
        sha256: Digest of the file.
        notes: What was done on the way: unwrapped, prefix removed, cast.
    """

    tensors: Mapping[str, Tensor]
    sha256: str
    notes: tuple[str, ...]


def looks_like_a_file(weights: str) -> bool:
    """Whether a value of `model.weights` is a path rather than a source's own name (DEFAULT)."""
    return weights.lower().endswith(SUFFIXES) or "/" in weights or "\\" in weights


def weights_file_problem(weights: str | None, folder: Path) -> str | None:
    """What is wrong with the path of a weights file, seen without reading it; None where nothing shows."""
    if weights is None or (folder / weights).is_file():
        return None
    path = folder / weights
    if path.is_dir():
        return f"{weights} is a folder; name the file in it"
    near = [item.name for item in path.parent.iterdir() if item.is_file()] if path.parent.is_dir() else []
    close = get_close_matches(path.name, near, n=1)
    return f"no file {weights} beside the spec" + (f"; did you mean '{close[0]}'?" if close else "")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(found: str, expected: str | None, file: str) -> None:
    """Refuse a file that is not the one the spec means.

    Raises:
        ModelError: The digests differ; the message holds both.
    """
    if expected is not None and found != expected.lower():
        raise ModelError(f"{file} has SHA-256 {found}, but model.sha256 is {expected.lower()}: this is another file")


def load_state_dict_file(
    path: Path, device: torch.device | str = "cpu", *, expected_sha256: str | None = None, shown: str | None = None
) -> Weights:
    """Read .pth, .pt, .bin (torch, tensors only) or .safetensors.

    A state dict nested under one of `WRAPPERS` is unwrapped, the `PREFIXES` are removed, and floating tensors of
    fewer than 32 bits become float32; `notes` says so.

    Args:
        path: The file.
        device: Where the tensors go.
        expected_sha256: From the spec; checked before anything is parsed.
        shown: What messages call the file, as the user wrote it; its name by default.

    Raises:
        ModelError: Missing, another file than expected, not a weights file, or a pickle that holds more than tensors
            (it is never executed).
    """
    file = shown or path.name
    problem = weights_file_problem(path.name, path.parent)
    if problem is not None:
        raise ModelError(problem)
    digest = file_sha256(path)
    check_sha256(digest, expected_sha256, file)
    read = _read_safetensors if path.suffix.lower() == ".safetensors" else _read_torch
    notes: list[str] = []
    tensors = _unwrapped(read(path, device, file), file, notes)
    tensors = _without_prefixes(tensors, file, notes)
    return Weights(_at_least_32_bit(tensors, file, notes), digest, tuple(notes))


def load_strictly(module: nn.Module, tensors: Mapping[str, Any], file: str) -> None:
    """Load every tensor, no more and no fewer.

    Raises:
        ModelError: Tensors are missing, unexpected or of another shape: how many, and the first of each.
    """
    try:
        module.load_state_dict(tensors, strict=True)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise ModelError(_mismatch(module.state_dict(), tensors, file) or f"{file} does not load: {error}") from error


def _read_safetensors(path: Path, device: torch.device | str, file: str) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path, device=str(device)))
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{file} is not a safetensors file: {error}") from error


def _read_torch(path: Path, device: torch.device | str, file: str) -> Any:
    import pickle

    import torch

    try:
        return torch.load(path, map_location=device, weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(_refused_pickle(file, str(error))) from error
    except RuntimeError as error:
        if "TorchScript" in str(error):
            raise ModelError(
                f"{file} is a TorchScript archive, not a state dict; save model.state_dict() with torch.save"
            ) from error
        raise ModelError(f"{file} is not a readable PyTorch file: {_first_line(error)}") from error
    except Exception as error:  # the unpickler meets bytes of unknown origin: any error means that they are no weights
        raise ModelError(f"{file} is not a readable PyTorch file: {_first_line(error)}") from error


def _refused_pickle(file: str, message: str) -> str:
    named = re.search(r"GLOBAL ([\w.]+)", message)
    if named is None:
        return f"{file} is not a PyTorch weights file, or is damaged: {message.splitlines()[0]}"
    return (
        f"{file} holds Python objects ({named[1]}), not only tensors; loading it could run any code, so it was not "
        "loaded. Save the tensors alone: torch.save(model.state_dict(), 'weights.pth'), or use safetensors"
    )


def _unwrapped(content: Any, file: str, notes: list[str]) -> Mapping[str, Any]:
    for _ in range(3):
        key = next((key for key in WRAPPERS if isinstance(content, Mapping) and _holds_tensors(content.get(key))), None)
        if key is None:
            break
        beside = [str(name) for name in content if name != key]
        notes.append(f"{file}: state dict taken from '{key}'" + (f", beside {', '.join(beside)}" if beside else ""))
        content = content[key]
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        raise ModelError(f"{file} holds a {type(content).__name__}, not a state dict (names and their tensors)")
    if not _holds_tensors(content):
        raise ModelError(f"{file} holds no tensors; its keys: {', '.join(list(content)[:8]) or 'none'}")
    return content


def _holds_tensors(content: Any) -> bool:
    import torch

    if not isinstance(content, Mapping):
        return False
    return any(isinstance(value, torch.Tensor) or _holds_tensors(value) for value in content.values())


def _without_prefixes(tensors: Mapping[str, Any], file: str, notes: list[str]) -> Mapping[str, Any]:
    versions = dict(getattr(tensors, "_metadata", {}))
    while prefix := next((item for item in PREFIXES if tensors and all(key.startswith(item) for key in tensors)), None):
        notes.append(f"{file}: '{prefix}' removed before every name")
        tensors = {key.removeprefix(prefix): value for key, value in tensors.items()}
        versions = {name.removeprefix(prefix.rstrip(".")).lstrip("."): value for name, value in versions.items()}
    result: OrderedDict[str, Any] = OrderedDict(tensors)
    if versions:
        # Modules read their own format's version from here; without it they assume the oldest.
        result._metadata = versions  # type: ignore[attr-defined]
    return result


def _at_least_32_bit(tensors: Mapping[str, Any], file: str, notes: list[str]) -> Mapping[str, Any]:
    import torch

    small = [
        name
        for name, value in tensors.items()
        if isinstance(value, torch.Tensor) and value.is_floating_point() and value.element_size() < 4
    ]
    counts = Counter(str(tensors[name].dtype).removeprefix("torch.") for name in small)
    for name in small:
        tensors[name] = tensors[name].float()  # type: ignore[index]
    notes += [f"{file}: {count} tensors stored as {dtype}, read as float32" for dtype, count in sorted(counts.items())]
    return tensors


def _mismatch(own: Mapping[str, Any], given: Mapping[str, Any], file: str) -> str | None:
    missing = [name for name in own if name not in given]
    unexpected = [name for name in given if name not in own]
    shapes = [
        f"{name} is {tuple(given[name].shape)}, the model's is {tuple(own[name].shape)}"
        for name in own
        if name in given and getattr(own[name], "shape", None) != getattr(given[name], "shape", None)
        and hasattr(own[name], "shape") and hasattr(given[name], "shape")
    ]  # fmt: skip
    parts = [
        f"{len(names)} {_tensors(len(names))} {what} (first: {names[0]})"
        for names, what in ((missing, "too few"), (unexpected, "too many"), (shapes, "of another shape"))
        if names
    ]
    return f"{file} has {', '.join(parts)}" if parts else None


def _tensors(count: int) -> str:
    return "tensor" if count == 1 else "tensors"


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
