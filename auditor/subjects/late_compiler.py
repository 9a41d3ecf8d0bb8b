"""torchvision without torch's compiler: it brings along seconds of imports that only a detection network could use."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["late_compiler"]

COMPILER, UTILS = "torch._dynamo", "torch._dynamo.utils"


class _Later(ModuleType):
    """Stands for the compiler's module while torchvision is imported; whatever else is asked of it comes from there."""

    @staticmethod
    def is_compile_supported(device_type: str) -> bool:
        """What `torchvision.ops.roi_align` imports, and calls when it runs."""
        return bool(import_module(UTILS).is_compile_supported(device_type))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(UTILS) is self:
            del sys.modules[UTILS]
        return getattr(import_module(UTILS), name)


@contextmanager
def late_compiler() -> Iterator[None]:
    """Import torchvision within; nothing happens where the compiler or torchvision is there already."""
    if COMPILER in sys.modules or "torchvision" in sys.modules:
        yield
        return
    stand_in = _Later(UTILS)
    sys.modules[UTILS] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(UTILS) is stand_in:
            del sys.modules[UTILS]
