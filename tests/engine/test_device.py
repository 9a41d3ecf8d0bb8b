from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from auditor.engine import device
from auditor.errors import ModelError


def test_auto_takes_the_cpu_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert device.choose_device("auto") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7"])
def test_a_named_gpu_that_is_missing_is_refused_and_never_replaced(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(ModelError, match=f"device '{name}': PyTorch sees no GPU here; use cpu"):
        device.choose_device(name)


def test_a_gpu_number_beyond_those_there_is_refused_with_their_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)

    with pytest.raises(ModelError, match="PyTorch sees 1 GPU;"):
        device.choose_device("cuda:1")
    assert device.choose_device("cuda:0") == torch.device("cuda", 0)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(ModelError, match="device 'tpu' is not known"):
        device.choose_device("tpu")


def test_a_cpu_is_described_by_name_and_threads() -> None:
    text = device.describe(torch.device("cpu"))

    assert text.endswith(("thread", "threads"))
    assert f" {torch.get_num_threads()} thread" in text


def test_peak_memory_of_this_process_is_plausible() -> None:
    assert 50 < device.peak_memory_mib(torch.device("cpu")) < 100_000


def test_the_same_seed_gives_the_same_draws_everywhere() -> None:
    def draws() -> tuple[float, float, float]:
        with device.seeded(3):
            return random.random(), float(np.random.rand()), float(torch.rand(()))

    assert draws() == draws()


def test_generators_and_switches_are_as_before_after_a_seeded_block_that_broke() -> None:
    torch.manual_seed(1)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    flags = (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32)

    def draw_and_break() -> None:
        with device.seeded(9):
            _ = (random.random(), np.random.rand(), torch.rand(3))
            assert not torch.backends.cudnn.allow_tf32
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        draw_and_break()

    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before
    assert flags == (
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.allow_tf32,
    )


def test_the_c_library_keeps_its_own_memory_settings_when_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(device.MALLOC_VARIABLE, "default")

    assert device.keep_freed_memory.__wrapped__() is False
