"""CUDA graphs played on the CPU: a recorded run is the list of its operations on their tensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Graph(TorchDispatchMode):
    """Notes operations; `replay` does them again on the same tensors, whatever these hold."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[Any, Any, Any, list[torch.Tensor]]] = []
        self.replays = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        self.steps.append((function, args, kwargs or {}, tree_leaves(result)))
        return result

    def replay(self) -> None:
        self.replays += 1
        for function, args, kwargs, results in self.steps:
            for own, again in zip(results, tree_leaves(function(*args, **kwargs)), strict=True):
                if own.data_ptr() != again.data_ptr():  # not a view
                    own.copy_(again)


@contextmanager
def recording(graph: Graph, pool: object = None) -> Iterator[None]:
    with graph:
        yield


class Stream:
    def wait_stream(self, other: Stream) -> None:
        """There is one stream."""


def play(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put these in the place of PyTorch's."""
    for name, value in {
        "CUDAGraph": Graph,
        "graph": recording,
        "Stream": Stream,
        "current_stream": Stream,
        "stream": lambda stream: nullcontext(),
        "device": lambda device: nullcontext(),
        "graph_pool_handle": object,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
