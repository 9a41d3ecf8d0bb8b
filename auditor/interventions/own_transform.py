"""A transform of the user's own, checked at every call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from auditor.errors import ModelError
from auditor.subjects.user_code import describe_error, importing_beside, load_callable

LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Of RGB, ITU-R BT.601."""


class OwnTransform:
    """Calls `transform(picture, rng)` of the user's code: uint8 (height, width, 3) RGB and a generator → the same.

    Attributes:
        reference: `file.py:callable` or `package.module:callable`.
    """

    def __init__(self, reference: str, folder: Path) -> None:
        """Import the callable, which runs its file.

        Args:
            reference: The callable.
            folder: The spec's folder.

        Raises:
            ModelError: It cannot be imported.
        """
        self.reference, self.folder = reference, folder
        self._call: Callable[..., Any] = load_callable(reference, folder)

    def __call__(self, image: np.ndarray, seed: list[int], name: str) -> np.ndarray:
        """One picture transformed.

        Args:
            image: uint8 (channels, height, width), RGB or grey. Grey pictures are given as RGB, and what comes back is
                made grey by its luminance.
            seed: Of the generator.
            name: The picture's, for messages.

        Returns:
            uint8, same shape.

        Raises:
            ModelError: The callable fails, or gives anything but a picture of the same size.
        """
        given = np.ascontiguousarray(np.broadcast_to(image.transpose(1, 2, 0), (*image.shape[1:], 3)))
        with importing_beside(self.reference, self.folder):
            try:
                found: Any = self._call(given.copy(), np.random.default_rng(seed))
            except (Exception, SystemExit) as error:
                raise ModelError(f"{self.reference} failed on {name}: {describe_error(error, self.folder)}") from error
        if not isinstance(found, np.ndarray) or found.dtype != np.uint8 or found.shape != given.shape:
            got = f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else f"a {type(found).__name__}"
            raise ModelError(
                f"{self.reference} gave {got} for {name}; expected a NumPy array uint8 {given.shape}, like what it got"
            )
        if image.shape[0] == 3:
            return np.ascontiguousarray(found.transpose(2, 0, 1))
        return np.asarray((found @ LUMINANCE).round().clip(0, 255), dtype=np.uint8)[None]
