"""Weights files: read without running them, loaded strictly, and every change noted."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from auditor.errors import ModelError
from auditor.subjects.weights import file_sha256, load_state_dict_file, load_strictly, weights_file_problem


def net() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


class Harmful:
    """Would leave a file behind if it were unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return (_touch, (str(self.trace),))


def _touch(path: str) -> None:
    Path(path).touch()


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".safetensors"])
def test_each_format_gives_the_tensors_that_were_saved(tmp_path: Path, suffix: str) -> None:
    tensors = net().state_dict()
    path = tmp_path / f"net{suffix}"
    save_file(tensors, path) if suffix == ".safetensors" else torch.save(tensors, path)

    weights = load_state_dict_file(path)

    assert list(weights.tensors) == list(tensors) or suffix == ".safetensors"
    assert all(torch.equal(weights.tensors[name], value) for name, value in tensors.items())
    assert weights.notes == ()
    assert weights.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("keys", [("state_dict",), ("model",), ("model_state_dict",), ("model", "state_dict")])
def test_a_nested_state_dict_is_unwrapped_and_noted(tmp_path: Path, keys: tuple[str, ...]) -> None:
    content: dict[str, object] = dict(net().state_dict())
    for key in reversed(keys):
        content = {"epoch": 3, key: content}

    weights = load_state_dict_file(saved(tmp_path / "net.pth", content))

    assert set(weights.tensors) == set(net().state_dict())
    assert weights.notes[0] == f"net.pth: state dict taken from '{keys[0]}', beside epoch"


def test_a_layer_called_model_is_no_wrapper(tmp_path: Path) -> None:
    module = nn.ModuleDict({"model": nn.Linear(2, 2)})
    weights = load_state_dict_file(saved(tmp_path / "net.pth", module.state_dict()))
    assert set(weights.tensors) == {"model.weight", "model.bias"}


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_prefixes_are_removed_and_noted(tmp_path: Path, prefix: str) -> None:
    content = {prefix + name: value for name, value in net().state_dict().items()}

    weights = load_state_dict_file(saved(tmp_path / "net.pth", content))

    assert set(weights.tensors) == set(net().state_dict())
    assert len(weights.notes) == prefix.count(".")
    load_strictly(net(), weights.tensors, "net.pth")


def test_a_prefix_of_some_names_only_stays(tmp_path: Path) -> None:
    content = {"module.a": torch.ones(1), "b": torch.ones(1)}
    assert set(load_state_dict_file(saved(tmp_path / "n.pth", content)).tensors) == {"module.a", "b"}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32_and_integers_stay(tmp_path: Path, dtype: torch.dtype) -> None:
    content = {
        name: value.to(dtype) if value.is_floating_point() else value for name, value in net().state_dict().items()
    }

    weights = load_state_dict_file(saved(tmp_path / "net.pth", content))

    assert {value.dtype for value in weights.tensors.values()} == {torch.float32, torch.int64}
    name = str(dtype).removeprefix("torch.")
    assert weights.notes == (f"net.pth: 8 tensors stored as {name}, read as float32",)


def test_another_file_than_the_spec_means_is_refused_with_both_digests(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pth", net().state_dict())

    with pytest.raises(ModelError) as caught:
        load_state_dict_file(path, expected_sha256="0" * 64)

    assert file_sha256(path) in str(caught.value)
    assert "0" * 64 in str(caught.value)
    assert load_state_dict_file(path, expected_sha256=file_sha256(path).upper())


def test_the_digest_is_checked_before_the_file_is_parsed(tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="another file"):
        load_state_dict_file(tmp_path / "net.pth", expected_sha256="0" * 64)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pth", {"state_dict": net().state_dict(), "x": Harmful(tmp_path / "trace")})

    with pytest.raises(ModelError, match=r"holds Python objects \(.*_touch\).*could run any code.*state_dict\(\)"):
        load_state_dict_file(path)

    assert not (tmp_path / "trace").exists()


def test_a_bare_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(pickle.dumps(Harmful(tmp_path / "trace")))
    with pytest.raises(ModelError):
        load_state_dict_file(path)
    assert not (tmp_path / "trace").exists()


def test_a_whole_module_is_refused_with_what_to_save_instead(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"torch\.nn\.modules\.container\.Sequential.*torch.save\(model.state_dict\(\)"
    ):
        load_state_dict_file(saved(tmp_path / "net.pth", net()))


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04broken", b"\x80\x02junk"])
def test_files_that_are_no_weights_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=name):
        load_state_dict_file(tmp_path / name)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pth", net().state_dict())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ModelError, match=r"net\.pth is not a readable PyTorch file"):
        load_state_dict_file(path)


@pytest.mark.parametrize("content", [torch.ones(3), [1, 2], {"epoch": 3}, {}, {1: torch.ones(2)}])
def test_content_that_is_no_state_dict_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(ModelError, match=r"not a state dict|no tensors"):
        load_state_dict_file(saved(tmp_path / "net.pth", content))


def test_a_mismatch_counts_each_kind_and_names_the_first() -> None:
    tensors = dict(net().state_dict())
    del tensors["2.bias"], tensors["1.weight"]
    tensors["extra"] = torch.ones(1)
    tensors["2.weight"] = torch.ones(5, 4)

    with pytest.raises(ModelError) as caught:
        load_strictly(net(), tensors, "weights/net.pth")

    assert str(caught.value) == (
        "weights/net.pth has 2 tensors too few (first: 1.weight), 1 tensor too many (first: extra), "
        "1 tensor of another shape (first: 2.weight is (5, 4), the model's is (2, 4))"
    )


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "gtsrb_cnn.pth").touch()

    assert weights_file_problem("weights/gtsrb_cn.pth", tmp_path) == (
        "no file weights/gtsrb_cn.pth beside the spec; did you mean 'gtsrb_cnn.pth'?"
    )
    assert weights_file_problem("weights", tmp_path) == "weights is a folder; name the file in it"
    assert weights_file_problem("weights/gtsrb_cnn.pth", tmp_path) is None
    assert weights_file_problem(None, tmp_path) is None


def test_old_batch_norm_files_without_a_batch_counter_load(tmp_path: Path) -> None:
    tensors = {name: value for name, value in net().state_dict().items() if "num_batches" not in name}
    module = net()
    load_strictly(module, load_state_dict_file(saved(tmp_path / "n.pth", tensors)).tensors, "n.pth")
    assert int(module[1].num_batches_tracked) == 0
