"""Running a part of a network twice: once forward, and once more when its gradient is due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


@torch.compiler.disable  # type: ignore[untyped-decorator]
def again(
    part: Callable[..., Any], norms: Sequence[nn.Module], noisy: bool, *tensors: torch.Tensor
) -> Any:
    """What `part` makes of the tensors, with none of its saved tensors kept.

    Only the first run counts for the running statistics of `norms`. A part that is `noisy` draws
    the same random numbers both times. Under `torch.compile` a part runs as it does without.
    See https://docs.pytorch.org/docs/stable/checkpoint.html
    """

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), Settled(norms)

    options: dict[str, Any] = {"preserve_rng_state": noisy, "context_fn": contexts}
    return checkpoint(part, *tensors, use_reentrant=False, **options)


class Settled(AbstractContextManager[None]):
    """While it is active, batch norms leave their statistics exactly as they are.

    With a momentum of 0 these are multiplied by 1; the count of batches is out of sight. It may
    be entered again: a graph that is retained goes back several times.
    """

    def __init__(self, norms: Sequence[nn.Module]) -> None:
        self.norms = norms
        self.before: list[tuple[nn.Module, Any, Any]] = []

    def __enter__(self) -> None:
        self.before = [(each, each.momentum, each.num_batches_tracked) for each in self.norms]
        for each in self.norms:
            each.momentum, each.num_batches_tracked = 0.0, None  # type: ignore[assignment]

    def __exit__(self, *error: object) -> None:
        for each, momentum, batches in self.before:
            each.momentum, each.num_batches_tracked = momentum, batches
