"""The networks of the detection benchmark: small, with batch norm, three ways of reading the last feature map.

An audit loads this file through its spec; it imports nothing but torch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn


def pooled_net(classes: int = 4, widths: Sequence[int] = (16, 32, 64), stride: int = 2) -> nn.Sequential:
    """Global average pooling: the head knows how much of a feature there is, and hardly where.

    Args:
        classes: How many logits.
        widths: Channels of the three stages.
        stride: Of the first convolution; 4 for larger pictures, whose objects are larger.

    Returns:
        A module from float (batch, 3, height, width), any size from 16 on, to float (batch, classes).
    """
    first, second, third = widths
    features = nn.Sequential(
        _stem(first, stride),
        _convolution(first, second),
        nn.MaxPool2d(2),
        _convolution(second, third),
    )
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(third, classes))
    return nn.Sequential(OrderedDict(features=features, head=head))


def flat_net(classes: int = 4, widths: Sequence[int] = (16, 32, 48), stride: int = 2, grid: int = 4) -> nn.Sequential:
    """A flattened grid under the head, so that every class can weigh every place on its own.

    Args:
        classes: How many logits.
        widths: Channels of the three stages.
        stride: Of the first convolution; 4 for larger pictures, whose objects are larger.
        grid: Cells a side that the head reads.

    Returns:
        As for `pooled_net`.
    """
    first, second, third = widths
    features = nn.Sequential(
        _stem(first, stride),
        _convolution(first, second),
        nn.MaxPool2d(2),
        _convolution(second, third),
        nn.AdaptiveMaxPool2d(grid),
    )
    head = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(third * grid * grid, classes))
    return nn.Sequential(OrderedDict(features=features, head=head))


def strided_net(classes: int = 4, widths: Sequence[int] = (16, 32, 48), stride: int = 2) -> nn.Sequential:
    """Strides instead of pooling, and a residual block; the head averages over quarters of the picture.

    Arguments and result as for `pooled_net`.
    """
    first, second, third = widths
    features = nn.Sequential(
        _stem(first, stride),
        _Residual(first),
        _convolution(first, second, stride=2),
        _Residual(second),
        _convolution(second, third),
    )
    head = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * third, classes))
    return nn.Sequential(OrderedDict(features=features, head=head))


class _Residual(nn.Module):
    """One convolution beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )

    def forward(self, features: Tensor) -> Tensor:
        added: Tensor = self.branch(features)
        return features + added


def _stem(outputs: int, stride: int) -> nn.Sequential:
    size = 2 * stride - 1
    return nn.Sequential(
        nn.Conv2d(3, outputs, size, stride=stride, padding=stride - 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )
