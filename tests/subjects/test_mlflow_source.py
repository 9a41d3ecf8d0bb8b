"""The model source `mlflow`, against a real server: what is loaded, what is refused, and what is recorded."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.cli import invoke
from auditor.errors import ModelError
from auditor.spec.audit_spec import InputSpec, ModelSpec
from auditor.subjects import LoadedModel
from auditor.subjects.loading import build_on_meta, load_model
from auditor.subjects.models.mlflow import Mlflow
from auditor.subjects.stored_models import artifact_sha256
from tests.conftest import Call

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed (extra mlflow)")
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # MLflow's and torch's own, of their own parts
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
INPUT = InputSpec(size=[12, 16], resize="squash", mean=[0.0] * 3, std=[1.0] * 3)


class Small(nn.Module):
    """One convolution with a name, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).mean((2, 3)))


class Bomb(nn.Module):
    """Leaves a file where it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["BOMB"],)


@pytest.fixture(scope="module")
def network() -> Small:
    torch.manual_seed(1)
    return Small().eval()


@pytest.fixture
def client(mlflow_server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return mlflow.MlflowClient(mlflow_server, mlflow_server)


Keep = Callable[..., str]


@pytest.fixture
def keep(client: Any, tmp_path: Path) -> Keep:
    """Saves a model as MLflow does and logs it; gives runs:/RUN/model."""

    def kept(module: nn.Module, form: str = "pt2", **options: Any) -> str:
        folder = tmp_path / "saved"
        if form == "pt2":
            options["input_example"] = np.zeros((2, 3, 12, 16), np.float32)
        mlflow.pytorch.save_model(module, str(folder), serialization_format=form, pip_requirements=["torch"], **options)
        return log(client, folder)

    return kept


def log(client: Any, folder: Path) -> str:
    experiment = client.get_experiment_by_name("source")
    number = experiment.experiment_id if experiment else client.create_experiment("source")
    run = client.create_run(number).info.run_id
    client.log_artifacts(run, str(folder), "model")
    return f"runs:/{run}/model"


def registered(client: Any, uri: str, name: str) -> str:
    """A version of a registered model made of what a run logged."""
    run = uri.split("/")[1]
    client.create_registered_model(name)
    version = client.create_model_version(name, f"{client.get_run(run).info.artifact_uri}/model", run_id=run)
    return f"models:/{name}/{version.version}"


def load(uri: str, *, sha256: str | None = None, **keys: Any) -> LoadedModel:
    spec = ModelSpec(source="mlflow", input=INPUT, classes=["a", "b"], sha256=sha256)
    return load_model(spec, source=Mlflow(uri=uri, **keys), folder=Path())


def test_an_exported_model_is_loaded_without_consent_and_its_layers_can_be_watched(
    client: Any, keep: Keep, network: Small, mlflow_server: str
) -> None:
    made = keep(network)
    uri = registered(client, made, "exported")

    model = load(uri)

    images = torch.rand(5, 3, 12, 16)
    assert torch.allclose(model.module(images), network(images), atol=1e-6)
    seen: list[Tensor] = []
    model.module.get_submodule("features.0").register_forward_hook(lambda *called: seen.append(called[2]))
    model.module(images)
    assert seen[0].shape == (5, 4, 12, 16)
    assert (model.name, model.version, model.source) == ("exported", "1", "mlflow")
    assert model.kept is not None
    assert (model.kept.uri, model.kept.server, model.kept.unpickled) == (uri, mlflow_server, False)
    assert model.kept.run_id == made.split("/")[1]
    assert any("over the network" in note and mlflow_server in note for note in model.notes)


def test_an_alias_is_recorded_as_the_version_that_it_stood_for(client: Any, keep: Keep, network: Small) -> None:
    uri = registered(client, keep(network), "aliased")
    client.set_registered_model_alias("aliased", "champion", "1")

    model = load("models:/aliased@champion")

    assert model.kept is not None
    assert (model.kept.asked, model.kept.uri) == ("models:/aliased@champion", uri)
    assert any("was version 1 when the audit ran" in note for note in model.notes)


def test_a_run_has_models_too_and_its_own_server_leaves_the_environment_as_it_was(
    keep: Keep, network: Small, mlflow_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = keep(network)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    before = dict(os.environ), list(sys.path)

    model = load(uri, tracking=mlflow_server)

    assert model.name == "model"
    assert model.kept is not None
    assert model.kept.uri == uri
    assert (dict(os.environ), list(sys.path)) == before


def test_a_pickle_is_refused_before_anything_in_it_runs(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOMB", str(tmp_path / "bomb"))
    uri = keep(Bomb(), "pickle")

    with pytest.raises(ModelError, match=r"is a pickle, and loading a pickle runs .*allow_pickle: true"):
        load(uri)

    assert not (tmp_path / "bomb").exists()
    with pytest.raises(ModelError):
        load(uri, allow_pickle=True)
    assert (tmp_path / "bomb").exists()


def test_a_pickle_is_loaded_where_the_spec_allows_it_and_the_audit_says_so(keep: Keep, network: Small) -> None:
    model = load(keep(network, "pickle"), allow_pickle=True)

    images = torch.rand(2, 3, 12, 16)
    assert torch.equal(model.module(images), network(images))
    assert model.kept is not None
    assert model.kept.unpickled
    assert any("allow_pickle" in note for note in model.notes)


def test_code_that_came_with_a_model_needs_consent_and_is_forgotten_afterwards(
    keep: Keep, network: Small, tmp_path: Path
) -> None:
    (tmp_path / "brought_along.py").write_text("SIZE = 1\n")
    uri = keep(network, code_paths=[str(tmp_path / "brought_along.py")])

    with pytest.raises(ModelError, match=r"brings Python code of its own \(code/\)"):
        load(uri)

    assert load(uri, allow_pickle=True).kept is not None
    assert "brought_along" not in sys.modules


def test_the_digest_may_be_of_the_file_or_of_the_whole_artifact(keep: Keep, network: Small, tmp_path: Path) -> None:
    uri = keep(network)
    saved = tmp_path / "saved"
    file = hashlib.sha256((saved / "data" / "model.pt2").read_bytes()).hexdigest()
    script = "find . -type f | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum"
    whole = subprocess.run(["sh", "-c", script], cwd=saved, capture_output=True, text=True, check=True).stdout.split()[
        0
    ]

    model = load(uri, sha256=file)
    load(uri, sha256=whole)

    assert model.file_sha256 == file
    assert model.kept is not None
    assert model.kept.sha256 == whole == artifact_sha256(saved)
    with pytest.raises(ModelError, match=f"model.pt2 has SHA-256 {file}.*this is another model"):
        load(uri, sha256="0" * 64)


def test_another_flavour_is_named(client: Any, tmp_path: Path) -> None:
    folder = tmp_path / "forest"
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors:\n  sklearn: {pickled_model: model.pkl}\n  python_function: {}\n")

    with pytest.raises(ModelError, match="is of flavour sklearn; only pytorch can be audited"):
        load(log(client, folder))


def test_what_is_no_model_is_named(client: Any, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "notes.txt").write_text("x")

    with pytest.raises(ModelError, match=r"is no MLflow model: there is no MLmodel in it \(notes.txt\)"):
        load(log(client, folder))


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    "uri", ["models:/no-such/3", "models:/no-such@champion", "runs:/0123456789abcdef0123456789abcdef/model"]
)
def test_a_model_that_is_not_there_is_told_with_the_server(uri: str, mlflow_server: str) -> None:
    with pytest.raises(ModelError, match=f"{uri}: no such model on {mlflow_server}"):
        load(uri)


def test_a_server_that_is_not_there_is_told_at_once_and_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://anna:geheim@127.0.0.1:1")

    with pytest.raises(
        ModelError, match=r"no MLflow server answers at http://127\.0\.0\.1:1: Connection refused"
    ) as told:
        load("models:/signs/3")

    assert "geheim" not in str(told.value)


def test_nothing_is_built_without_loading() -> None:
    with pytest.raises(ModelError, match="its architecture shows when it is loaded"):
        build_on_meta(ModelSpec(source="mlflow"), Mlflow(uri="models:/signs/3"), Path())


SPEC = """\
version: 1
name: toy
model:
  source: mlflow
  uri: URI
  tracking: TRACKING
  input: {size: [24, 32], resize: squash, mean: [0, 0, 0], std: [1, 1, 1]}
dataset:
  source: folder
  path: .
"""


def checked(call: Call, folder: Path, uri: str, tracking: str = "https://mlflow.example", more: str = "") -> str:
    (folder / "a").mkdir(exist_ok=True)
    spec = folder / "spec.yaml"
    spec.write_text(SPEC.replace("URI", uri).replace("TRACKING", tracking).replace("  input", f"{more}  input"))
    _, _, err = call("check", spec)
    return err


def test_check_tells_every_mistake_at_its_line_and_asks_no_server(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    assert "no mistakes" in checked(call, tmp_path, "models:/signs/3")
    assert "no mistakes" in checked(call, tmp_path, "models:/signs@champion")
    assert "no mistakes" in checked(call, tmp_path, "runs:/0123/model")
    wrong = checked(call, tmp_path, "models:/signs", "http://anna:geheim@host", "  weights: x.pth\n  options: {a: 1}\n")
    assert "spec.yaml:5: model.uri: 'models:/signs' names no model; expected models:/NAME/VERSION" in wrong
    assert "spec.yaml:6: model.tracking: holds credentials" in wrong
    assert "spec.yaml:7: model.weights: a model of source mlflow comes whole; remove the key" in wrong
    assert "spec.yaml:8: model.options: a model of source mlflow comes whole; remove the key" in wrong
    assert "no server is named; add `tracking: https://…`, or export MLFLOW_TRACKING_URI" in checked(
        call, tmp_path, "models:/signs/3", '""'
    )
    assert "did you mean 'allow_pickle'" in checked(call, tmp_path, "models:/a/1", more="  allow_pickel: true\n")


def test_without_mlflow_the_extra_is_named(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.subjects.models.mlflow.find_spec", lambda _: None)

    assert "spec.yaml:4: model.source: MLflow is not installed: pip install 'auditor[mlflow]'" in checked(
        call, tmp_path, "models:/signs/3"
    )


def test_plan_says_that_the_architecture_is_not_known_yet(call: Call, tmp_path: Path) -> None:
    checked(call, tmp_path, "models:/signs/3")

    code, out, _ = call("plan", tmp_path / "spec.yaml")

    assert code == 0
    assert "signs: cannot be built without weights" in out


def test_importing_the_source_brings_neither_torch_nor_mlflow() -> None:
    program = "import auditor.subjects.models.mlflow, sys; assert not {'torch', 'mlflow'} & set(sys.modules)"

    subprocess.run([sys.executable, "-c", program], check=True)
    assert invoke(["show", "models", "mlflow"]) == 0
