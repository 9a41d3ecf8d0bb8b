from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch import Tensor

from auditor.engine.chunking import Chunk, fastest_chunk, in_chunks, is_out_of_memory
from auditor.errors import ModelError

ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: not enough memory: you tried to allocate 1"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: str(error)[:20])
def test_a_chunk_that_runs_out_of_memory_is_repeated_at_half_the_size_and_nothing_is_lost(error: Exception) -> None:
    chunk, steps = Chunk(16), []

    def run(start: int, stop: int) -> list[int]:
        if stop - start > 5:
            raise error
        return list(range(start, stop))

    parts = in_chunks(21, chunk, run, what="testing", progress=lambda done, total: steps.append((done, total)))

    assert [index for part in parts for index in part] == list(range(21))
    assert chunk.size == 4
    assert chunk.notes == [
        "out of memory while testing: chunk of 16 images halved to 8",
        "out of memory while testing: chunk of 8 images halved to 4",
    ]
    assert steps == [(4, 21), (8, 21), (12, 21), (16, 21), (20, 21), (21, 21)]


def test_a_short_chunk_is_halved_from_its_own_size() -> None:
    chunk = Chunk(64)

    def run(start: int, stop: int) -> int:
        if stop - start > 2:
            raise MemoryError
        return stop - start

    assert in_chunks(6, chunk, run, what="testing") == [1] * 6
    assert chunk.size == 1


def test_one_image_that_does_not_fit_is_an_error_in_words() -> None:
    def run(start: int, stop: int) -> None:
        raise MemoryError

    with pytest.raises(ModelError, match="out of memory while testing, even with one image at a time"):
        in_chunks(3, Chunk(2), run, what="testing")


def test_other_errors_pass_through() -> None:
    def run(start: int, stop: int) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        in_chunks(3, Chunk(2), run, what="testing")
    assert not is_out_of_memory(ValueError("out of memory"))


def test_what_the_failed_chunk_held_is_free_before_the_next_try() -> None:
    held: list[weakref.ref[Tensor]] = []

    def run(start: int, stop: int) -> int:
        assert all(reference() is None for reference in held)
        big = torch.zeros(10)
        held.append(weakref.ref(big))
        if stop - start > 1:
            raise MemoryError
        return int(big.sum())

    gc.collect()
    assert in_chunks(2, Chunk(2), run, what="testing") == [0, 0]


def test_the_measured_chunk_fits_and_stops_at_the_first_that_does_not() -> None:
    tried = []

    def run(batch: Tensor) -> None:
        tried.append(len(batch))
        if len(batch) > 8:
            raise MemoryError

    assert fastest_chunk(run, torch.zeros(3, 1, 4, 4)) in (4, 8)
    assert max(tried) == 16
