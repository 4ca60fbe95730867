"""Counts the bytes that are really live in PyTorch, one operator after the other.

Every storage that an operator makes is counted from then on until nothing refers to it any more,
which a finalizer tells. What an operator allocates and frees within itself is not seen.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch._prims_common import is_non_overlapping_and_dense_or_false as dense
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

ALONE = (4, 2)
"""How often the engine's own copy of a gradient, and its storage, are referred to from in here."""


class Live(TorchDispatchMode):
    """A context in which `now` is what is live, and `peak` the most there was.

    Autograd adds gradients that meet into the first of them if nobody else holds it, but never
    while a dispatch mode looks on: the mode does it in its place.
    """

    def __init__(self, tensors: Iterable[torch.Tensor] = (), log: bool = False) -> None:
        super().__init__()
        self.now = 0
        self.peak = 0
        self.log = log
        self.known: set[int] = set()
        for each in tensors:
            self.track(each)

    def track(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata in self.known:
            return
        size = storage.nbytes()
        self.known.add(storage._cdata)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self.free, storage._cdata, size)

    def free(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.now -= size

    def ran(self, func: Any) -> None:
        """An operator runs."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        before = self.now
        if func is torch.ops.aten.add.Tensor and accumulates(*args[:2]):
            func = torch.ops.aten.add_.Tensor
        self.ran(func)
        result = func(*args, **(kwargs or {}))
        for each in tree_leaves(result):
            if isinstance(each, torch.Tensor):
                self.track(each)
        if self.log:
            print(f"{func!s:50s} {self.now - before:+10d} -> {self.now}")
        return result


def accumulates(mine: Any, other: Any) -> bool:
    """True if the engine would add the one gradient into the other."""
    if torch.is_grad_enabled() or not isinstance(other, torch.Tensor):
        return False
    uses = (mine._use_count(), torch._C._storage_Use_Count(mine.untyped_storage()._cdata))
    return uses == ALONE and dense(mine)
