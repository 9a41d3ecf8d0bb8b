"""The model source `python`."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from auditor.errors import ModelError
from auditor.subjects.models import ModelSource
from auditor.subjects.user_code import describe_error, importing_beside, load_callable, reference_problem
from auditor.subjects.weights import weights_file_problem

if TYPE_CHECKING:
    from torch import nn


class Python(ModelSource):
    """A model that your own code builds: a function or class that returns an `nn.Module`.

    `model.options` are its keyword arguments; `model.weights` is a file whose tensors are loaded strictly. Without
    `weights` the model stays as the factory made it. The factory's file is run, as an import would.
    """

    factory: str = Field(description="file.py:callable relative to the spec, or package.module:callable")

    def build(self, *, folder: Path, options: dict[str, Any]) -> nn.Module:
        from torch import nn

        factory = load_callable(self.factory, folder)
        try:
            signature(factory).bind(**options)
        except TypeError as error:
            raise ModelError(f"{self.factory}{signature(factory)} refuses model.options: {error}") from error
        except ValueError:
            pass  # a builtin without a signature: the call itself shows what it takes
        with importing_beside(self.factory, folder):
            try:
                module = factory(**options)
            except (Exception, SystemExit) as error:
                raise ModelError(f"{self.factory} failed: {describe_error(error, folder)}") from error
        if not isinstance(module, nn.Module):
            raise ModelError(f"{self.factory} returned a {type(module).__name__}, not a torch.nn.Module")
        return module

    def display_name(self) -> str:
        return self.factory.rpartition(":")[2]

    def problems(self, *, folder: Path, weights: str | None) -> list[tuple[str, str]]:
        found = [
            ("factory", reference_problem(self.factory, folder)),
            ("weights", weights_file_problem(weights, folder)),
        ]
        return [(key, what) for key, what in found if what is not None]
