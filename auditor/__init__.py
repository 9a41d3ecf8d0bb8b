"""Audit reports for PyTorch vision models: which regions a model judges by, proven by intervention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auditor.engine.hooks import capture

__all__ = ["capture"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """What needs torch is imported when it is asked for."""
    if name == "capture":
        from auditor.engine.hooks import capture

        return capture
    raise AttributeError(f"module 'auditor' has no attribute '{name}'")
