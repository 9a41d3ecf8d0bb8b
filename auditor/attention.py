"""Attention as it was captured: one matrix a head and call, and which of them form a chain from score to image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.errors import NotApplicableError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Attention", "AttentionLayer"]


@dataclass(frozen=True, slots=True)
class AttentionLayer:
    """The weights of one call of one attention: how much each query reads from each key.

    Attributes:
        name: Dotted module name of the part that computed the softmax.
        weights: Rows sum to 1 (0 where all keys are masked), float32, shape (batch, heads, queries, keys); with windows
            (batch, windows, heads, queries, keys).
        gradients: d logit[target] / d weights, same shape; None where they were not asked for.
        grid: (rows, columns) of the image that the keys stand for, of clips and volumes (depth, rows, columns); None
            where they are no grid over it.
        prefix: Class and register tokens among the keys, in front of the grid.
        scores: What the softmax was taken of, as weights: scaled products of queries and keys, −∞ where masked; None
            where they were not asked for.
    """

    name: str
    weights: Tensor
    gradients: Tensor | None = None
    grid: tuple[int, ...] | None = None
    prefix: int = 0
    scores: Tensor | None = None

    @property
    def windowed(self) -> bool:
        """Whether each window of the image is attended to by itself."""
        return self.weights.ndim == 5

    @property
    def queries(self) -> int:
        """Tokens that read."""
        return self.weights.shape[-2]

    @property
    def keys(self) -> int:
        """Tokens that are read."""
        return self.weights.shape[-1]

    def over_image(self, rows: Tensor) -> Tensor:
        """Values over the keys, shape (…, keys), laid out on `grid` as (…, rows, columns), class tokens left out.

        Raises:
            NotApplicableError: The keys are no grid over the image.
        """
        if self.grid is None or self.windowed:
            why = "reads windows, each by itself" if self.windowed else f"reads {self.keys} tokens, which are no grid"
            raise NotApplicableError(f"attention '{self.name}' {why}: its rows cannot be laid over the image")
        return rows[..., self.prefix :].reshape(*rows.shape[:-1], *self.grid)


@dataclass(frozen=True, slots=True)
class Attention:
    """All attention of one pass.

    Attributes:
        layers: In the order in which they ran; a part that is called twice is there twice.
        refusal: Why there is none, or why what was seen cannot be used; "" where there is some.
    """

    layers: tuple[AttentionLayer, ...]
    refusal: str = ""

    def under(self, layer: str | None) -> AttentionLayer:
        """The last attention inside a layer.

        Raises:
            NotApplicableError: There is none in the model, or none in this layer: says where there is.
        """
        self.refuse()
        found = [one for one in self.layers if layer is None or one.name == layer or one.name.startswith(f"{layer}.")]
        if not found:
            known = ", ".join(dict.fromkeys(one.name for one in self.layers))
            raise NotApplicableError(f"layer '{layer}' holds no attention; the model has it in: {known}")
        return found[-1]

    def chain(self) -> tuple[tuple[AttentionLayer, ...], AttentionLayer | None]:
        """Attention of the image's tokens to one another, first to last, and what pools them in the end, if anything.

        Raises:
            NotApplicableError: The matrices have no product: windows, tokens that are merged on the way, no grid.
        """
        self.refuse()
        for one in self.layers:
            if one.windowed:
                raise NotApplicableError(
                    f"attention '{one.name}' reads windows, each by itself, and what shifts or merges them is not in "
                    "the matrices: their product over layers has no meaning; look at single layers instead"
                )
        last = self.layers[-1]
        pool = last if last.queries != last.keys else None
        within = self.layers if pool is None else self.layers[:-1]
        sizes = {size for one in within for size in (one.queries, one.keys)} | {last.keys}
        if len(sizes) > 1:
            listed = ", ".join(f"{one.name} {one.queries}×{one.keys}" for one in _distinct(self.layers))
            raise NotApplicableError(
                f"the number of tokens changes between the layers ({listed}): the matrices have no product over "
                "layers; look at single layers instead"
            )
        last.over_image(last.weights)  # refuses what is no grid
        return tuple(within), pool

    def reading(self) -> Tensor:
        """How much the score reads of each query of the last layer: shape (queries,), sum 1.

        Queries whose row of the last matrix receives a gradient are those that what follows reads: the class token, or
        all patches where they are averaged. Without gradients: the first token where there are any before the patches,
        else all.
        """
        last = self.layers[-1]
        read = last.weights.new_zeros(last.queries)
        if last.gradients is not None and bool(last.gradients.any()):
            read += last.gradients.ne(0).any(dim=-1).flatten(0, -2).any(dim=0)
        elif last.prefix and last.queries == last.keys:
            read[0] = 1
        else:
            read += 1
        return read / read.sum()

    def row(self, layer: AttentionLayer) -> Tensor:
        """What the score's tokens read in one layer, shape (batch, heads, keys)."""
        return self.rows_of(layer, layer.weights)

    def rows_of(self, layer: AttentionLayer, values: Tensor) -> Tensor:
        """Of values as large as a layer's weights, the mean row of the tokens that the score reads.

        Tokens keep their place from layer to layer where their number is that of the last layer; elsewhere (merged or
        pooled later on) all of them are read further, and the row is their mean.
        """
        last = self.layers[-1]
        lasting = layer is last or (layer.queries, layer.keys) == (last.queries, last.keys)
        return self.reading() @ values if lasting else values.mean(dim=-2)

    def refuse(self) -> None:
        """Raises:
        NotApplicableError: There is nothing to show.
        """
        if not self.layers:
            raise NotApplicableError(self.refusal)


def _distinct(layers: Sequence[AttentionLayer]) -> list[AttentionLayer]:
    """The first layer of each size."""
    return list({(one.queries, one.keys): one for one in reversed(layers)}.values())[::-1]
