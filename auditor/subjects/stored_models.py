"""Models that an MLflow server keeps whole: found, fetched, checked against the spec, and loaded as it allows."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from auditor.errors import ModelError
from auditor.records import KeptModel
from auditor.subjects.model_server import as_found, in_words, servers
from auditor.subjects.models import StoredModel
from auditor.subjects.user_code import describe_error
from auditor.subjects.weights import file_sha256
from auditor.tracking_server import RUN_FILE, VERSION, said

if TYPE_CHECKING:
    from torch import nn

FLAVOUR = "pytorch"
PICKLED, EXPORTED = "model.pth", "model.pt2"
"""Files that hold the model, by how it was saved. Source: MLflow, mlflow.pytorch.save_model."""
ADDED = "registered_model_meta"
"""What MLflow's client writes beside the files that it fetched; no part of the artifact."""
ALLOWED = "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"


def load_stored(
    uri: str, *, tracking: str, registry: str, allow_pickle: bool, expected_sha256: str | None
) -> StoredModel:
    """Fetch a model of flavour pytorch and load it.

    Args:
        uri: models:/NAME/VERSION, models:/NAME@ALIAS or runs:/RUN_ID/PATH.
        tracking, registry: Addresses; "" leaves them to the environment.
        allow_pickle: Whether code in it may be run.
        expected_sha256: Of the model's file, or of the whole artifact; checked before anything is parsed.

    Raises:
        ModelError: No such model, no server, another flavour, another digest, code that may not be run, or it fails.
    """
    with TemporaryDirectory(prefix="auditor-") as place, servers(tracking, registry) as server:
        found = _find(uri, server)
        folder = _fetch(found.uri, server, Path(place))
        artifact = _read(folder, uri)
        file_digest, digest = file_sha256(artifact.file), artifact_sha256(folder)
        if expected_sha256 is not None and expected_sha256.lower() not in (file_digest, digest):
            raise ModelError(
                f"{uri}: the file {artifact.file.name} has SHA-256 {file_digest} and the whole artifact {digest}, but "
                f"model.sha256 is {expected_sha256.lower()}: this is another model"
            )
        if not allow_pickle:
            _refuse_code(artifact, uri, digest)
        module = _load(folder, artifact, uri, allow_pickle)
    kept = KeptModel(
        uri=found.uri, asked=uri, server=server, run_id=found.run_id, sha256=digest, unpickled=artifact.runs_code
    )
    notes = [f"the model was fetched over the network: {found.uri} from {server}"]
    if found.uri != uri:
        notes.append(f"{uri} was version {found.version} when the audit ran")
    if artifact.runs_code:
        notes.append(
            "the model is a pickle or brings code of its own, which was run, as the spec allows (allow_pickle)"
        )
    return StoredModel(module, file_digest, kept, found.version, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Found:
    """A model on the server, aliases resolved."""

    uri: str
    version: str | None
    run_id: str | None


@dataclass(frozen=True, slots=True)
class _Artifact:
    """What was fetched, before anything in it is loaded."""

    file: Path
    code: Path | None

    @property
    def runs_code(self) -> bool:
        """Whether loading it runs what its maker wrote."""
        return self.file.name == PICKLED or self.code is not None


def artifact_sha256(folder: Path) -> str:
    """SHA-256 of the lines that `sha256sum` prints for all files, sorted by path: `DIGEST  ./PATH`."""
    files = sorted(
        (item.relative_to(folder).as_posix(), item)
        for item in folder.rglob("*")
        if item.is_file() and item.name != ADDED
    )
    lines = "".join(f"{file_sha256(item)}  ./{name}\n" for name, item in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _find(uri: str, server: str) -> _Found:
    from mlflow import MlflowClient

    named, of_run = VERSION.fullmatch(uri), RUN_FILE.fullmatch(uri)
    with in_words(uri, server):
        client = MlflowClient()
        if named is not None and named["alias"]:
            version = client.get_model_version_by_alias(named["name"], named["alias"])
        elif named is not None:
            version = client.get_model_version(named["name"], named["version"])
        else:
            run = of_run["run"] if of_run else ""
            return _Found(uri, None, str(client.get_run(run).info.run_id))
    number = str(version.version)
    return _Found(f"models:/{version.name}/{number}", number, version.run_id or None)


def _fetch(uri: str, server: str, place: Path) -> Path:
    import mlflow

    with in_words(uri, server):
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(place)))
    if not (folder / "MLmodel").is_file():
        held = ", ".join(sorted(item.name for item in folder.iterdir())[:8]) if folder.is_dir() else "a file"
        raise ModelError(f"{uri} on {server} is no MLflow model: there is no MLmodel in it ({held or 'nothing'})")
    return folder


def _read(folder: Path, uri: str) -> _Artifact:
    """The file that holds the model, by its MLmodel.

    Raises:
        ModelError: It is of another flavour, or the file is not there.
    """
    from mlflow.models import Model

    try:
        flavours: dict[str, Any] = Model.load(str(folder)).flavors
    except Exception as error:  # a file of unknown origin
        raise ModelError(f"{uri}: its MLmodel cannot be read: {said(error)}") from error
    if FLAVOUR not in flavours:
        others = ", ".join(sorted(set(flavours) - {"python_function"})) or "python_function"
        raise ModelError(f"{uri} is of flavour {others}; only {FLAVOUR} can be audited (mlflow.pytorch.log_model)")
    conf = flavours[FLAVOUR]
    data, code = (_inside(folder, conf.get(key), uri) for key in ("model_data", "code"))
    for name in (PICKLED, EXPORTED):
        if data is not None and (data / name).is_file():
            return _Artifact(data / name, code)
    raise ModelError(f"{uri}: its MLmodel names {conf.get('model_data')}, and no {PICKLED} or {EXPORTED} is there")


def _inside(folder: Path, name: object, uri: str) -> Path | None:
    if not isinstance(name, str):
        return None
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ModelError(f"{uri}: its MLmodel names {name}, which lies outside the artifact")
    return path


def _refuse_code(artifact: _Artifact, uri: str, digest: str) -> None:
    """Models that cannot be loaded without running what is in them.

    Raises:
        ModelError: It is one, and what to write where it is trusted.
    """
    import mlflow.environment_variables
    import mlflow.pytorch

    checks = hasattr(mlflow.environment_variables, ALLOWED) and hasattr(
        mlflow.pytorch, "_validate_pt2_archive_is_pickle_free"
    )
    if artifact.code is not None:
        why = f"brings Python code of its own ({artifact.code.name}/)"
    elif artifact.file.name == PICKLED:
        why = "is a pickle, and loading a pickle runs whatever is in it"
    elif not checks:
        why = "is an export of torch, and this MLflow cannot see whether it holds pickles: upgrade it"
    else:
        return
    raise ModelError(
        f"{uri} {why}. Log it as mlflow.pytorch.log_model(…, serialization_format='pt2'); or, if you trust who made "
        f"it, write under `model`: `allow_pickle: true` and `sha256: {digest}`"
    )


def _load(folder: Path, artifact: _Artifact, uri: str, allow_pickle: bool) -> nn.Module:
    """Through MLflow's loader; what torch exported gets its layers back.

    Raises:
        ModelError: It fails, or holds what the spec does not allow.
    """
    import mlflow.pytorch
    import torch
    from mlflow.exceptions import MlflowException

    with as_found(**{ALLOWED: str(allow_pickle).lower()}):
        try:
            module: Any = mlflow.pytorch.load_model(str(folder), map_location="cpu")
            if artifact.file.name == EXPORTED:
                # MLflow has looked through the file by now; the module that it gives is one flat graph, without layers
                module = torch.export.unflatten(torch.export.load(str(artifact.file)))
        except MlflowException as error:
            hint = "" if allow_pickle else "; if you trust who made it, write `allow_pickle: true` under `model`"
            raise ModelError(f"{uri} was not loaded: {said(error)}{hint}") from error
        except Exception as error:  # a stored model is somebody's code: it may raise anything
            raise ModelError(
                f"{uri} cannot be loaded: {describe_error(error)}; classes that it needs must be installed here, or be "
                "logged with it (code_paths)"
            ) from error
    if not isinstance(module, torch.nn.Module):
        raise ModelError(f"{uri} holds a {type(module).__name__}, not a torch.nn.Module")
    _forget_code(folder)
    return module


def _forget_code(folder: Path) -> None:
    """Modules that came with the model leave `sys.modules`: another model may bring its own of that name."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is not None and Path(file).is_relative_to(folder):
            del sys.modules[name]
