"""Runs many images through something in chunks, and takes smaller ones when memory runs out."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor

from auditor.errors import ModelError

__all__ = ["Chunk", "Progress", "fastest_chunk", "in_chunks", "is_out_of_memory", "same_chunk"]

Progress = Callable[[int, int], None]
"""Called with (done, total) after each chunk."""

Result = TypeVar("Result")

TIMED_SIZES = (4, 8, 16, 32, 64, 128, 256)
TIMED_SECONDS = 1.5
MOST_VALUES = 2**25
"""No timed chunk holds more input values than this: 128 MiB in float32."""
SAME_VALUES = 16 * 3 * 224 * 224
"""Input values of a chunk that is not timed: 16 colour images of 224 pixels, where CPUs are near their best."""
GOOD_ENOUGH = 0.95
"""The smallest chunk with this share of the best speed is taken: it needs the least memory."""

_CPU_MESSAGES = ("not enough memory", "can't allocate memory", "out of memory", "cannot allocate memory")


@dataclass
class Chunk:
    """How many images go through the model at once.

    Attributes:
        size: Images; halved each time memory runs out.
        notes: What was halved, for the report.
    """

    size: int
    notes: list[str] = field(default_factory=list)

    def halve(self, what: str) -> None:
        """Take half from now on.

        Raises:
            ModelError: It is one image already.
        """
        if self.size == 1:
            raise ModelError(f"out of memory while {what}, even with one image at a time; use a smaller input size")
        self.notes.append(f"out of memory while {what}: chunk of {self.size} images halved to {self.size // 2}")
        self.size //= 2


def in_chunks(
    count: int,
    chunk: Chunk,
    run: Callable[[int, int], Result],
    *,
    what: str,
    progress: Progress | None = None,
) -> list[Result]:
    """Call `run(start, stop)` over 0..count; a chunk that runs out of memory is repeated at half the size.

    Args:
        count: Images.
        chunk: The size; changed in place, so that later calls start from what was found to fit.
        run: Must be repeatable: the same range gives the same result.
        what: Ends the sentence "out of memory while …".
        progress: Called after each chunk.

    Raises:
        ModelError: One image alone does not fit.
    """
    results: list[Result] = []
    start = 0
    while start < count:
        stop = min(start + chunk.size, count)
        exhausted = False
        try:
            results.append(run(start, stop))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            exhausted = True
        if exhausted:  # outside the handler: the traceback would keep the chunk's tensors alive
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            # a last chunk may be smaller than the size; halving that first would repeat it unchanged
            chunk.size = min(chunk.size, stop - start)
            chunk.halve(what)
            continue
        start = stop
        if progress is not None:
            progress(start, count)
    return results


def same_chunk(values: int) -> int:
    """A chunk that depends on the input's size alone, so that two runs on a CPU give the same scores bit for bit.

    Args:
        values: Numbers in one input: channels × height × width.
    """
    return max(1, min(TIMED_SIZES[-1], SAME_VALUES // values))


def fastest_chunk(run: Callable[[Tensor], object], images: Tensor) -> int:
    """Time a few chunk sizes on repeated images, for about a second and a half.

    Args:
        run: One forward; its result must be complete when it returns.
        images: Model inputs, shape (n, channels, height, width); repeated or cut to each size.
    """
    run(images[:1])
    speeds: dict[int, float] = {}
    started = time.perf_counter()
    for size in TIMED_SIZES:
        if speeds and size * images[0].numel() > MOST_VALUES:
            break
        batch = images[torch.arange(size, device=images.device) % len(images)]
        seconds = []
        try:
            for _ in range(2):
                before = time.perf_counter()
                run(batch)
                seconds.append(time.perf_counter() - before)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            break
        speeds[size] = size / max(min(seconds), 1e-9)
        best = max(speeds.values())
        # one slow size may be the machine's other work; two in a row are the model's
        falling = [speed < GOOD_ENOUGH * best for speed in list(speeds.values())[-2:]]
        if (len(falling) == 2 and all(falling)) or time.perf_counter() - started > TIMED_SECONDS:
            break
    fastest = max(speeds.values(), default=0.0)
    return next((size for size, speed in speeds.items() if speed >= GOOD_ENOUGH * fastest), 1)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on a GPU or in main memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _CPU_MESSAGES)
