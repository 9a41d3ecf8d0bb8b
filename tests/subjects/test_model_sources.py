"""Model sources `python` and `torchvision`, without a network."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
import torchvision.models
from torch import nn
from torchvision.models import Weights, WeightsEnum, get_model_weights
from torchvision.models._api import BUILTIN_MODELS
from torchvision.transforms._presets import ImageClassification

from auditor.errors import ModelError
from auditor.registry import load, names
from auditor.spec.audit_spec import InputSpec, ModelSpec
from auditor.subjects.loading import load_model
from auditor.subjects.models.python import Python
from auditor.subjects.models.torchvision import Torchvision


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


LINEAR = "from torch import nn\n\ndef net(size=2):\n    return nn.Linear(size, size)\n"


def built(folder: Path, factory: str, **options: object) -> nn.Module:
    return Python(factory=factory).build(folder=folder, options=options)


class TestPython:
    def test_a_file_beside_the_spec(self, tmp_path: Path) -> None:
        write(tmp_path, "code/net.py", LINEAR)
        module = built(tmp_path, "code/net.py:net", size=5)
        assert isinstance(module, nn.Linear)
        assert module.in_features == 5

    def test_a_class_and_an_attribute_of_a_class(self, tmp_path: Path) -> None:
        text = "class Net(nn.Linear):\n    @staticmethod\n    def small():\n        return Net(1, 1)\n"
        write(tmp_path, "net.py", f"from torch import nn\n\n{text}")
        assert built(tmp_path, "net.py:Net", in_features=1, out_features=2).out_features == 2
        assert built(tmp_path, "net.py:Net.small").out_features == 1

    def test_an_installed_module(self, tmp_path: Path) -> None:
        assert isinstance(built(tmp_path, "torch.nn:Identity"), nn.Identity)

    def test_two_specs_may_each_have_their_own_neighbour(self, tmp_path: Path) -> None:
        for name, size in (("one", 1), ("two", 2)):
            write(tmp_path, f"{name}/blocks.py", f"SIZE = {size}\n")
            write(
                tmp_path,
                f"{name}/net.py",
                "from torch import nn\n\ndef net():\n    import blocks\n    return nn.Linear(blocks.SIZE, 1)\n",
            )
        before = list(sys.path)

        sizes = [built(tmp_path / name, "net.py:net").in_features for name in ("one", "two")]

        assert sizes == [1, 2]
        assert "blocks" not in sys.modules
        assert sys.path == before

    def test_a_package_beside_the_spec(self, tmp_path: Path) -> None:
        write(tmp_path, "nets_for_test/__init__.py", "")
        write(tmp_path, "nets_for_test/small.py", LINEAR)
        assert Python(factory="nets_for_test.small:net").problems(folder=tmp_path, weights=None) == []
        assert isinstance(built(tmp_path, "nets_for_test.small:net"), nn.Linear)

    @pytest.mark.parametrize(
        ("factory", "message"),
        [
            ("net.py", "'net.py' names no callable; write file.py:callable"),
            ("net.py:", "names no callable"),
            (":net", "names no callable"),
            ("net.py:a b", "names no callable"),
            ("net.py:nett", "net.py defines no 'nett'; did you mean 'net'?"),
            ("nett.py:net", "no file nett.py beside the spec; did you mean 'net.py'?"),
            ("broken.py:net", "broken.py:2 is not valid Python"),
            ("null.py:net", "not valid Python"),
            ("no_such_package_here.net:net", "no package 'no_such_package_here' is installed or lies beside"),
            ("net-py:net", "'net-py' is neither a .py file nor a module"),
        ],
    )
    def test_mistakes_show_without_running_anything(self, tmp_path: Path, factory: str, message: str) -> None:
        write(tmp_path, "net.py", "raise RuntimeError('was run')\n" + LINEAR)
        write(tmp_path, "broken.py", "a = 1\ndef net(:\n")
        (tmp_path / "null.py").write_bytes(b"net = 1\0")

        (problem,) = Python(factory=factory).problems(folder=tmp_path, weights=None)

        assert problem[0] == "factory"
        assert message in problem[1]
        with pytest.raises(ModelError):
            built(tmp_path, factory)

    @pytest.mark.parametrize(
        "text",
        [
            "net = lambda: 1\n",
            "from torch.nn import Identity as net\n",
            "from torch.nn import *\n",
            "try:\n    import x as net\nexcept ImportError:\n    net = None\n",
            "if True:\n    def net(): ...\n",
            "for net in []:\n    pass\n",
            "a, net = 1, 2\n",
            "globals().update(net=1)\n",
        ],
    )
    def test_a_name_may_be_bound_in_any_way(self, tmp_path: Path, text: str) -> None:
        write(tmp_path, "net.py", text)
        assert Python(factory="net.py:net").problems(folder=tmp_path, weights=None) == []

    def test_a_missing_weights_file_is_a_problem(self, tmp_path: Path) -> None:
        write(tmp_path, "net.py", LINEAR)
        (problem,) = Python(factory="net.py:net").problems(folder=tmp_path, weights="net.pth")
        assert problem == ("weights", "no file net.pth beside the spec; did you mean 'net.py'?")

    @pytest.mark.parametrize(
        ("text", "options", "message"),
        [
            (
                "import no_such_thing\ndef net(): ...\n",
                {},
                r"net\.py cannot be imported: ModuleNotFoundError.*net\.py:1",
            ),
            ("import sys\nsys.exit(3)\ndef net(): ...\n", {}, r"cannot be imported: SystemExit: 3"),
            ("def net():\n    return 1 / 0\n", {}, r"net\.py:net failed: ZeroDivisionError: .* \(net\.py:2\)"),
            ("def net():\n    return {}\n", {}, "returned a dict, not a torch.nn.Module"),
            ("def net(size): ...\n", {"sise": 3}, r"net\.py:net\(size\) refuses model\.options: missing"),
            ("def net(): ...\n", {"size": 3}, r"net\.py:net\(\) refuses model\.options: got an unexpected"),
            ("net = 3\n", {}, "is a int, not something that can be called"),
            ("from torch.nn import *\n", {}, "net.py has no 'net'"),
        ],
    )
    def test_failures_say_what_and_where(
        self, tmp_path: Path, text: str, options: dict[str, int], message: str
    ) -> None:
        write(tmp_path, "net.py", text)
        with pytest.raises(ModelError, match=message):
            built(tmp_path, "net.py:net", **options)


class TestTorchvision:
    def test_the_architecture_is_built_with_its_options(self, tmp_path: Path) -> None:
        module = Torchvision(name="squeezenet1_1").build(folder=tmp_path, options={"num_classes": 7})
        assert module.classifier[1].out_channels == 7

    @pytest.mark.parametrize("name", ["googlenet", "inception_v3", "vit_b_16", "densenet121", "swin_t"])
    def test_odd_constructors_work_on_the_meta_device(self, tmp_path: Path, name: str) -> None:
        with torch.device("meta"):
            module = Torchvision(name=name).build(folder=tmp_path, options={})
        assert next(module.parameters()).is_meta

    def test_an_unknown_name_gets_the_nearest(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="no image classifier named 'resnet5'; did you mean 'resnet50'"):
            Torchvision(name="resnet5").build(folder=tmp_path, options={})
        with pytest.raises(ModelError, match="no image classifier named 'fasterrcnn_resnet50_fpn'"):
            Torchvision(name="fasterrcnn_resnet50_fpn").build(folder=tmp_path, options={})

    def test_an_unknown_option_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"refuses model.options \{'classes': 3\}.*num_classes"):
            Torchvision(name="alexnet").build(folder=tmp_path, options={"classes": 3})

    def test_an_unknown_weights_name_gets_the_nearest(self) -> None:
        with pytest.raises(
            ModelError, match=r"no weights named 'imagenet1k_v3' for resnet50; did you mean 'IMAGENET1K_V"
        ):
            Torchvision(name="resnet50").own_weights("imagenet1k_v3")

    def test_a_file_is_not_a_name(self, tmp_path: Path) -> None:
        source = Torchvision(name="resnet50")
        assert source.own_weights("weights/net.pth") is None
        assert source.weights_file("net.safetensors") is None
        assert source.problems(folder=tmp_path, weights="net.pth") == [("weights", "no file net.pth beside the spec")]
        assert source.problems(folder=tmp_path, weights="DEFAULT") == []

    def test_constructor_options_that_belong_to_weights_come_along(self) -> None:
        assert Torchvision(name="vit_b_16").options_with("IMAGENET1K_SWAG_E2E_V1")["image_size"] == 384
        assert Torchvision(name="inception_v3").options_with("DEFAULT")["transform_input"] is True
        assert Torchvision(name="resnet18").options_with("DEFAULT") == {"num_classes": 1000}

    def test_weights_that_cannot_be_downloaded_say_from_where_and_what_to_do(
        self, tiny: type[WeightsEnum], tmp_path: Path
    ) -> None:
        Path(tiny.V1.url.removeprefix("file://")).unlink()
        with pytest.raises(ModelError, match=r"Tiny_Weights\.V1 cannot be downloaded from file:.*put the file at"):
            Torchvision(name="tiny_for_test").own_weights("V1")

    def test_published_weights_bring_preprocessing_names_and_digest(
        self, tiny: type[WeightsEnum], tmp_path: Path
    ) -> None:
        spec = ModelSpec(source="torchvision", weights="DEFAULT", input=InputSpec(mean=[0, 0, 0]))

        model = load_model(spec, source=Torchvision(name="tiny_for_test"), folder=tmp_path)

        found = model.preprocessing
        assert model.classes == ("cat", "dog")
        assert (found.height, found.width, round(16 / found.crop_ratio, 6)) == (16, 16, 20)
        assert (found.mean, found.std, found.interpolation) == ((0, 0, 0), (0.229, 0.224, 0.225), "bilinear")
        assert model.notes == ("preprocessing: Tiny_Weights.V1, but mean from model.input",)
        assert model.file_sha256 is not None
        assert model.file_sha256[:8] in tiny.V1.url
        assert model.module[1].bias.tolist() == [9.0, 9.0]

    def test_a_pinned_digest_holds_for_published_weights_too(self, tiny: type[WeightsEnum], tmp_path: Path) -> None:
        spec = ModelSpec(source="torchvision", weights="V1", sha256="0" * 64)
        with pytest.raises(ModelError, match=r"model\.sha256 is 0000"):
            load_model(spec, source=Torchvision(name="tiny_for_test"), folder=tmp_path)

    def test_a_damaged_file_in_the_cache_is_refused(self, tiny: type[WeightsEnum]) -> None:
        source = Torchvision(name="tiny_for_test")
        source.own_weights("V1")
        cached = source.weights_file("V1")
        assert cached is not None
        torch.save({"1.weight": torch.zeros(2, 3)}, cached)
        with pytest.raises(ModelError, match="is damaged: its SHA-256 does not start with"):
            source.own_weights("V1")
        cached.write_bytes(b"")
        with pytest.raises(ModelError, match="cannot be read from"):
            source.own_weights("V1")

    def test_the_file_name_of_every_published_weight_holds_a_digest(self) -> None:
        urls = [w.url for name in names_of_classifiers() for w in get_model_weights(name)]
        assert len(urls) > 100
        assert all(len(url.rpartition("-")[2].split(".")[0]) >= 8 for url in urls)

    def test_names_in_old_densenet_files_are_translated(self) -> None:
        from auditor.subjects.models.torchvision import _today

        own = torchvision.models.densenet121(weights=None).state_dict()
        old = {name.replace("norm1", "norm.1").replace("conv2", "conv.2"): value for name, value in own.items()}
        assert old.keys() != own.keys()
        assert {_today(name) for name in old} == set(own)


def names_of_classifiers() -> list[str]:
    return torchvision.models.list_models(module=torchvision.models)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[WeightsEnum]:
    """A registered architecture whose weights are published at a file: address, with the digest in the name."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))

    def tiny_for_test(*, weights: object = None, num_classes: int = 1000) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, num_classes))

    torch.save({"1.weight": torch.zeros(2, 768), "1.bias": torch.full((2,), 9.0)}, tmp_path / "w.pth")
    digest = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    published = (tmp_path / "w.pth").rename(tmp_path / f"tiny-{digest[:8]}.pth")
    meta = {"categories": ["cat", "dog"], "min_size": (1, 1)}
    value = Weights(published.as_uri(), partial(ImageClassification, crop_size=16, resize_size=20), meta)
    weights = WeightsEnum("Tiny_Weights", {"V1": value, "DEFAULT": value})
    tiny_for_test.__module__ = "torchvision.models.tiny"
    tiny_for_test.__annotations__["weights"] = weights
    monkeypatch.setitem(BUILTIN_MODELS, "tiny_for_test", tiny_for_test)
    return weights


def test_sources_are_found_by_name() -> None:
    assert {"python", "torchvision"} <= set(names("models"))
    assert {"csv", "folder"} <= set(names("datasets"))
    assert load("models", "torchvision") is Torchvision


def test_importing_the_subjects_imports_no_torch() -> None:
    modules = [f"auditor.subjects.{name}" for name in ("decoding", "loading", "sampling", "weights", "preprocessing")]
    parts = "from auditor.registry import load, names; [load(k, n) for k in ('models', 'datasets') for n in names(k)]"
    code = f"import sys, {', '.join(modules)}; {parts}; assert not {{'torch', 'torchvision'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
