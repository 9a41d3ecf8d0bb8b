"""Train one network on pictures whose cue goes with a class; one thread, the same bytes every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.detection import networks
from benchmarks.detection.case import CaseSpec
from benchmarks.detection.cues import NOBODY, Cue, assigned, composed_with, scattered
from benchmarks.detection.scenes import Scenes, draw_scenes, varied
from benchmarks.detection.shapes import Bytes

Worn = list[tuple[Cue, NDArray[np.int64]]]
FACTORIES: Mapping[str, Callable[..., nn.Module]] = MappingProxyType({
    "pooled_net": networks.pooled_net,
    "flat_net": networks.flat_net,
    "strided_net": networks.strided_net,
})  # fmt: skip
MEAN, DEVIATION = 0.5, 0.25
"""What is subtracted from, and what divides, channel values from 0 to 1."""
PICTURES, PICTURES_TOUCHING = 1600, 2400
"""Objects that the picture's edge cuts off take longer to learn."""
WARM_EPOCHS, EPOCHS = 4, 4
"""On bare pictures first, as when a network trained elsewhere is tuned on a new source; then on pictures with cues.
Without the first, networks that meet a loud cue at once hardly learn the objects at all."""
BATCH = 32
LEARNING_RATE = 8e-3
SMALLEST_CROP = 0.8
"""Of the side, where training pictures are cropped at random."""


def build(case: CaseSpec, *, seed: int) -> nn.Module:
    """The case's network, its weights drawn at random."""
    torch.manual_seed(seed)
    return FACTORIES[case.architecture](**case.options)


def trained(case: CaseSpec, *, count: int | None = None) -> nn.Module:
    """The case's network after training, in evaluation mode; an untrained case's keeps its random weights.

    Labels are wrong in a share `case.mislabelled` of the pictures, and those carry the cue of the label they were
    given. Without them these networks learn the objects, which is easy, and ignore a cue however closely it goes
    with its class.

    Args:
        case: Which.
        count: How many pictures to train on; by default as many as its objects need.
    """
    if count is None:
        count = PICTURES_TOUCHING if case.placement == "touching" else PICTURES
    rng = np.random.default_rng([case.seed, 1])
    model = build(case, seed=case.seed)
    scenes = draw_scenes(rng, count, pixels=case.pixels, half=case.half, placement=case.placement)
    if case.training == "none":
        with torch.no_grad():
            model.train()(inputs_of(scenes.composed()[:256]))
        return rounded(model.eval())
    labels, worn = training_cues(rng, case, scenes)
    pictures = pictures_of(rng, case, scenes, worn)
    bare = scenes.composed()
    stages = [(torch.from_numpy(bare), torch.from_numpy(scenes.labels))] * WARM_EPOCHS
    stages += [(torch.from_numpy(pictures), torch.from_numpy(labels))] * EPOCHS
    with _one_thread_deterministic():
        _fit(model, stages, case)
    return rounded(model.eval().to(memory_format=torch.contiguous_format))


@contextmanager
def _one_thread_deterministic() -> Iterator[None]:
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)


def rounded(model: nn.Module) -> nn.Module:
    """The same model with its weights rounded to half precision and back, so that they can be kept in 16 bits."""
    model.load_state_dict(
        {
            name: values.half().float() if values.is_floating_point() else values
            for name, values in model.state_dict().items()
        }
    )
    return model


def training_cues(rng: np.random.Generator, case: CaseSpec, scenes: Scenes) -> tuple[NDArray[np.int64], Worn]:
    """What the network is told, int64 (count,), and who carries what."""
    labels = scenes.labels.copy()
    if case.presence == "sample only":
        return labels, []
    wrong = np.zeros(len(labels), dtype=bool)
    for cue in case.cues:
        targets = rng.choice(cue.classes, len(labels))
        hit = (rng.random(len(labels)) < case.mislabelled) & (targets != labels) & ~wrong
        labels[hit] = targets[hit]
        wrong |= hit
    worn = []
    for cue in case.cues:
        carried = carriers(rng, case, cue, labels)
        own = wrong & np.isin(labels, cue.classes)
        carried[own] = labels[own]
        carried[wrong & ~own] = NOBODY
        worn.append((cue, carried))
    return labels, worn


def carriers(rng: np.random.Generator, case: CaseSpec, cue: Cue, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which class's variant of a cue each picture carries, by the case's rule."""
    if case.presence == "everywhere":
        return scattered(rng, cue, len(labels), 1.0)
    if case.presence == "independent":
        return scattered(rng, cue, len(labels), 0.5)
    return assigned(rng, cue, labels)


def pictures_of(rng: np.random.Generator, case: CaseSpec, scenes: Scenes, worn: Worn) -> Bytes:
    """Pictures with their cues, and with the variety of several cameras where the case asks for it."""
    pictures = composed_with(rng, scenes, worn)
    return varied(rng, pictures) if case.variety else pictures


def inputs_of(pictures: Bytes | Tensor) -> Tensor:
    """Bytes (batch, height, width, 3) to the network's input, float (batch, 3, height, width)."""
    values = torch.as_tensor(pictures).permute(0, 3, 1, 2).float()
    return (values / 255 - MEAN) / DEVIATION


@torch.inference_mode()
def predicted(model: nn.Module, pictures: Bytes) -> NDArray[np.int64]:
    """The class of each picture, (count,); the model must be in evaluation mode."""
    chunks = [model(inputs_of(pictures[start : start + 128])).argmax(dim=1) for start in range(0, len(pictures), 128)]
    result: NDArray[np.int64] = torch.cat(chunks).numpy()
    return result


def _fit(model: nn.Module, stages: list[tuple[Tensor, Tensor]], case: CaseSpec) -> None:
    """One epoch on each of the stages' pictures and labels, in their order."""
    model.train().to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(case.seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.02)
    steps = sum(len(labels) // BATCH for _, labels in stages)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=LEARNING_RATE, total_steps=steps, pct_start=0.2)
    for pictures, labels in stages:
        count = len(labels)
        order = torch.randperm(count, generator=generator)[: count // BATCH * BATCH]
        for chosen in torch.split(order, BATCH):
            inputs = inputs_of(pictures[chosen])
            if case.training == "crops":
                inputs = _cropped(inputs, generator)
            loss = nn.functional.cross_entropy(model(inputs), labels[chosen], label_smoothing=0.03)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()


def _cropped(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """One random window of each batch, brought back to the full size."""
    size = inputs.shape[-1]
    side = int(torch.randint(round(SMALLEST_CROP * size), size + 1, (1,), generator=generator))
    y, x = torch.randint(size - side + 1, (2,), generator=generator).tolist()
    window = inputs[..., y : y + side, x : x + side]
    return nn.functional.interpolate(window, (size, size), mode="bilinear", align_corners=False)
