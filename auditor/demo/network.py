"""The network that the demonstration audits: small, ordinary, and able to tell where in the picture something is."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

SIDE = 96
"""Side of the input in pixels."""
MEAN, DEVIATION = 0.5, 0.25
"""What is subtracted from, and what divides, grey values from 0 to 1."""


def radiograph_net(classes: int = 4) -> nn.Sequential:
    """Build the network, its weights drawn at random.

    The head reads a 6 × 6 grid instead of one pooled vector, so that it can know a corner from the centre.

    Args:
        classes: How many logits.

    Returns:
        A module from float (batch, 1, 96, 96) to float (batch, classes); in training mode.
    """
    stages = nn.Sequential(_stage(16, 32), _stage(32, 64), _stage(64, 96))
    head = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(96 * 6 * 6, classes))
    return nn.Sequential(OrderedDict(stem=_stage(1, 16), stages=stages, head=head))


def _stage(inputs: int, outputs: int) -> nn.Sequential:
    """Halve the resolution, then look once more at what is there."""
    return nn.Sequential(_convolution(inputs, outputs, stride=2), _convolution(outputs, outputs))


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )
