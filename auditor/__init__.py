"""Audit reports for PyTorch vision models: which regions a model judges by, proven by intervention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auditor.api import Audit, load, run
    from auditor.engine.hooks import capture

__all__ = ["Audit", "capture", "load", "run"]
__version__ = "0.1.0"
_HOMES = {"Audit": "auditor.api", "load": "auditor.api", "run": "auditor.api", "capture": "auditor.engine.hooks"}


def __getattr__(name: str) -> Any:
    """Public names are imported when they are asked for: `import auditor` brings neither torch nor anything slow."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'auditor' has no attribute '{name}'")
