"""Running a part of a network twice: once forward, and once more when its gradient is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def again(
    part: Callable[..., Any], norms: Sequence[nn.Module], noisy: bool, *tensors: torch.Tensor
) -> Any:
    """What `part` makes of the tensors, with none of its saved tensors kept.

    Only the first run counts for the running statistics of `norms`. A part that is `noisy` draws
    the same random numbers both times. See
    https://docs.pytorch.org/docs/stable/checkpoint.html
    """

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), settled(norms)

    options: dict[str, Any] = {"context_fn": contexts}
    if torch.compiler.is_compiling():
        options = {}
    return checkpoint(part, *tensors, use_reentrant=False, preserve_rng_state=noisy, **options)


@contextmanager
def settled(norms: Sequence[nn.Module]) -> Iterator[None]:
    """While it is active, batch norms leave their statistics exactly as they are.

    With a momentum of 0 these are multiplied by 1; the count of batches is out of sight.
    """
    before = [(each, each.momentum, each.num_batches_tracked) for each in norms]
    try:
        for each in norms:
            each.momentum, each.num_batches_tracked = 0.0, None  # type: ignore[assignment]
        yield
    finally:
        for each, momentum, batches in before:
            each.momentum, each.num_batches_tracked = momentum, batches
