"""The model source `mlflow`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from auditor.errors import ModelError
from auditor.subjects.models import ModelSource, StoredModel
from auditor.surroundings import setting
from auditor.tracking_server import RUN_FILE, TRACKING, VERSION

if TYPE_CHECKING:
    from torch import nn

FORMS = "models:/NAME/VERSION, models:/NAME@ALIAS or runs:/RUN_ID/PATH"


class Mlflow(ModelSource):
    """A model of flavour pytorch, whole, from an MLflow registry or run, through MLflow's own client (extra `mlflow`).

    `uri` is models:/NAME/VERSION, models:/NAME@ALIAS or runs:/RUN_ID/PATH. The report names the version that an alias
    stood for, the server, and the digests of the model's file and of the whole artifact; `model.sha256` may be either.
    Models that torch exported (MLflow's format pt2, its default) are loaded, layers and all, without running anything
    in them. Others are pickles, or bring Python code of their own: loading them runs it, so they are refused unless
    `allow_pickle` is true. `auditor publish RUN_DIR --to mlflow` later tags the very version that was audited.
    """

    whole: ClassVar[bool] = True

    uri: str = Field(description=FORMS)
    tracking: str = Field("", description="address of the tracking server; MLFLOW_TRACKING_URI by default")
    registry: str = Field(
        "", description="address of the registry; MLFLOW_REGISTRY_URI by default, else the same server"
    )
    allow_pickle: bool = Field(
        False, description="run the code in a pickled model, or that it brings along: only for models that you trust"
    )

    def build(self, *, folder: Path, options: dict[str, Any]) -> nn.Module:
        raise ModelError("MLflow keeps it whole: its architecture shows when it is loaded")

    def display_name(self) -> str:
        named, of_run = VERSION.fullmatch(self.uri), RUN_FILE.fullmatch(self.uri)
        return named["name"] if named else of_run["path"].strip("/").rpartition("/")[2] if of_run else self.uri

    def problems(self, *, folder: Path, weights: str | None) -> list[tuple[str, str]]:
        found = []
        if not (VERSION.fullmatch(self.uri) or RUN_FILE.fullmatch(self.uri)):
            found.append(("uri", f"'{self.uri}' names no model; expected {FORMS}"))
        for name, address in (("tracking", self.tracking), ("registry", self.registry)):
            if "@" in urlsplit(address).netloc:
                instead = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
                found.append((name, f"holds credentials, and the spec goes into the report; export {instead} instead"))
        if not (self.tracking or setting(TRACKING)):
            found.append(("uri", f"no server is named; add `tracking: https://…`, or export {TRACKING}"))
        if find_spec("mlflow") is None:
            found.append(("source", "MLflow is not installed: pip install 'auditor[mlflow]'"))
        return found

    def stored(self, *, expected_sha256: str | None) -> StoredModel:
        from auditor.subjects.stored_models import load_stored

        if mistakes := self.problems(folder=Path(), weights=None):
            raise ModelError("; ".join(f"model.{key}: {what}" for key, what in mistakes))
        return load_stored(
            self.uri,
            tracking=self.tracking,
            registry=self.registry,
            allow_pickle=self.allow_pickle,
            expected_sha256=expected_sha256,
        )
