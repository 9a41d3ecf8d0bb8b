"""The device a run uses, its memory, and the switches that make the same seed give the same numbers."""

from __future__ import annotations

import ctypes
import os
import platform
import random
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import torch

from auditor.errors import ModelError

__all__ = ["choose_device", "describe", "keep_freed_memory", "peak_memory_mib", "seeded"]

MALLOC_VARIABLE = "AUDITOR_MALLOC"
"""Environment variable; "default" leaves the C library's memory settings alone."""


def choose_device(name: str) -> torch.device:
    """Find the device that the user asked for.

    Args:
        name: auto (the first GPU where there is one, else the CPU), cpu, cuda or cuda:N.

    Raises:
        ModelError: A device was named and is not there; it is never replaced in silence.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    if not re.fullmatch(r"cuda(:\d+)?", name):
        raise ModelError(f"device '{name}' is not known; use auto, cpu, cuda or cuda:N")
    index = int(name.partition(":")[2] or 0)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index >= count:
        seen = f"PyTorch sees {count} GPU{'' if count == 1 else 's'}" if count else "PyTorch sees no GPU here"
        raise ModelError(f"device '{name}': {seen}; use cpu, or auto to take what is there")
    return torch.device("cuda", index)


def describe(device: torch.device) -> str:
    """What the report prints: the processor's name, and threads or memory."""
    if device.type == "cuda":
        found = torch.cuda.get_device_properties(device)
        return f"{found.name}, {found.total_memory / 2**30:.0f} GiB"
    threads = torch.get_num_threads()
    return f"{_processor_name()}, {threads} thread{'' if threads == 1 else 's'}"


def peak_memory_mib(device: torch.device) -> float:
    """Highest memory use so far, MiB: of this process on a CPU, of PyTorch's allocator on a GPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python, NumPy and torch, and switch off what is fast but differs from run to run; restores all of it.

    Off inside: TF32 products, and cuDNN's choice of algorithm by timing.
    """
    cudnn, products = torch.backends.cudnn, torch.backends.cuda.matmul
    flags = (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, products.allow_tf32)
    python_state, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if torch.cuda.is_available() else []):
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, products.allow_tf32 = False, True, False, False
        try:
            yield
        finally:
            cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, products.allow_tf32 = flags
            np.random.set_state(numpy_state)
            random.setstate(python_state)


@cache
def keep_freed_memory() -> bool:
    """Let glibc keep big freed blocks, which the next layer asks for again, instead of returning them to the kernel.

    Measured with MobileNetV2, 224 px, one thread: 1.0 to 3 times the images a second, most in big chunks. Freed
    memory stays with the process. Once a process; the environment variable AUDITOR_MALLOC=default leaves it alone.

    Returns:
        Whether the setting was made: only with glibc on Linux.

    Source: mallopt(3), M_MMAP_MAX and M_TRIM_THRESHOLD.
    """
    if os.environ.get(MALLOC_VARIABLE) == "default" or platform.libc_ver()[0] != "glibc":
        return False
    trim_threshold, mmap_max = -1, -4
    libc = ctypes.CDLL("libc.so.6")
    return bool(libc.mallopt(mmap_max, 0)) and bool(libc.mallopt(trim_threshold, 2**31 - 1))


def _processor_name() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", listing.read_text(errors="replace"), re.MULTILINE)
        if found:
            return found.group(1).strip()
    return platform.processor() or platform.machine()
