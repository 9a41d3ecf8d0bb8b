"""What layers return and which gradients reach them, for a user's own forward: `with auditor.capture(...)`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor, nn

from auditor.engine.outputs import replaced, tensor_of, unwrapped
from auditor.errors import ModelError

__all__ = ["CapturedLayer", "CapturedLayers", "capture"]


class CapturedLayer:
    """What one layer returned while it was watched.

    Attributes:
        name: Dotted module name.
        calls: Every output, in the order of the calls: detached copies, on their own device, in their own precision.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[Tensor] = []
        self._gradients: list[Tensor | None] = []

    @property
    def activations(self) -> Tensor:
        """The output of the layer's one call.

        Raises:
            ModelError: It did not run, or ran several times; `calls` holds them all.
        """
        return self._one(self.calls, "ran")

    @property
    def gradients(self) -> Tensor:
        """The gradient of whatever was differentiated within the block with respect to the output, same shape.

        Raises:
            ModelError: No backward came this far, or the layer ran several times; `gradients_of_calls` holds them all.
        """
        return self._one([found for found in self._gradients if found is not None], "had a gradient")

    @property
    def gradients_of_calls(self) -> list[Tensor | None]:
        """One for each of `calls`; None where no gradient arrived. Backwards over one graph add up."""
        return list(self._gradients)

    def _one(self, found: Sequence[Tensor], what: str) -> Tensor:
        if len(found) != 1:
            often = "never" if not found else f"{len(found)} times"
            raise ModelError(f"layer '{self.name}' {what} {often} within the block, not once")
        return found[0]

    def _record(self, output: Any) -> tuple[Any, Any]:
        """Keep a copy; give on another, so that in-place code after the layer cannot reach what was kept."""
        tensor = tensor_of(output, layer=self.name)
        place = len(self.calls)
        self.calls.append(tensor.detach().clone())
        self._gradients.append(None)
        if not tensor.requires_grad:
            return output, None

        def arrived(gradient: Tensor) -> None:
            before = self._gradients[place]
            self._gradients[place] = gradient.detach().clone() if before is None else before + gradient.detach()

        return replaced(output, tensor, tensor.clone()), tensor.register_hook(arrived)  # type: ignore[no-untyped-call]


class CapturedLayers(Mapping[str, CapturedLayer]):
    """Layer name → what it returned, in the model's order."""

    def __init__(self, names: Sequence[str]) -> None:
        self._layers = {name: CapturedLayer(name) for name in names}

    def __getitem__(self, name: str) -> CapturedLayer:
        return self._layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)


@contextmanager
def capture(model: nn.Module, layers: str | Sequence[str]) -> Iterator[CapturedLayers]:
    """Watch layers while the code of the block runs the model, and let go of them afterwards.

        with auditor.capture(model, ["layer4", "layer3.*"]) as captured:
            model(images)[:, 3].sum().backward()
        captured["layer4"].activations, captured["layer4"].gradients

    Modes, precision and gradients are the caller's own: nothing is switched. Only calls of the thread that entered the
    block are recorded, so that several threads may watch one model. All hooks come off at the end of the block, also
    after an exception; what was captured stays.

    Args:
        model: DataParallel, DistributedDataParallel and torch.compile wrappers are looked through.
        layers: Dotted names of modules, or globs over them ("features.*"); "" is the model itself.

    Raises:
        ModelError: A name or glob fits no layer, or the model is a TorchScript module, whose layers are hidden.
    """
    module = unwrapped(model)
    parts = dict(module.named_modules())
    names = _fitting(module, parts, [layers] if isinstance(layers, str) else layers)
    captured, thread = CapturedLayers(names), threading.get_ident()
    with ExitStack() as stack:
        for name in names:
            stack.callback(parts[name].register_forward_hook(_hook(captured[name], thread, stack), prepend=True).remove)
        yield captured


def _hook(layer: CapturedLayer, thread: int, stack: ExitStack) -> Any:
    def hook(part: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        if threading.get_ident() != thread:
            return output
        given, handle = layer._record(output)
        if handle is not None:
            stack.callback(handle.remove)
        return given

    return hook


def _fitting(module: nn.Module, parts: Mapping[str, nn.Module], wanted: Sequence[str]) -> list[str]:
    import torch

    if isinstance(module, torch.jit.ScriptModule):
        raise ModelError("a TorchScript model hides its layers; nothing can be captured in it")
    chosen: set[str] = set()
    for pattern in wanted:
        found = [name for name in parts if name == pattern or (name and fnmatchcase(name, pattern))]
        if not found:
            near = get_close_matches(pattern, list(parts), n=3, cutoff=0.4)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise ModelError(f"the model has no layer '{pattern}'{hint}")
        chosen.update(found)
    return [name for name in parts if name in chosen]
