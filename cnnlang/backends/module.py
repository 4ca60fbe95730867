"""The live `nn.Module`: the generated source, run. The one backend that imports torch."""

from __future__ import annotations

import hashlib
import linecache
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.nn import init
from torch.overrides import TorchFunctionMode

from cnnlang.backends.source import generate
from cnnlang.backends.types import placed
from cnnlang.graph import Graph
from cnnlang.sizes import Size

PREFIX = "cnnlang_generated_"
DRAWING = {torch.Tensor.uniform_, torch.Tensor.normal_}
"""What draws random numbers, for `trunc_normal_` until they lie between its bounds."""
FILLING = {
    *(init.uniform_, init.normal_, init.orthogonal_),
    *(init.kaiming_uniform_, init.kaiming_normal_, init.xavier_uniform_, init.xavier_normal_),
}
"""What fills a tensor with random numbers, and can be seen to be called."""
GRAPHS: dict[type[nn.Module], Graph] = {}
"""The graph of every generated network that was made in this process."""


def instantiate(
    graph: Graph,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    memory_format: torch.memory_format | None = None,
    fresh: bool = True,
) -> nn.Module:
    """The network as a module on a device, with fresh weights.

    With `fresh=False` weights hold anything: for a caller who fills all of them. On the meta device
    there is nothing to fill.
    """
    source = generate(graph)
    cls = getattr(execute(source), class_name(source))
    place = None if device is None else placed(device)
    filled = fresh and (place is None or place.type != "meta")
    with place or nullcontext(), nullcontext() if filled else Unfilled():
        module: nn.Module = cls()
    if dtype is not None or memory_format is not None:
        module = module.to(dtype=dtype, memory_format=memory_format)  # type: ignore[call-overload]
    module.cnnlang_inputs = tuple(describe(graph, index) for index in graph.inputs)  # type: ignore[assignment]
    GRAPHS[cls] = graph
    return module


def graph_of(module: nn.Module) -> Graph:
    """The graph that a module of `load`, or a copy of one, was made from.

    Raises `TypeError` for any other module, and for one that was unpickled in another process.
    """
    graph = GRAPHS.get(type(module))
    if graph is None:
        kind = type(module).__name__
        raise TypeError(f"{kind} was not made by `cnnlang.load` in this process: load it again")
    return graph


class Unfilled(TorchFunctionMode):
    """While it is active, tensors are not filled with random numbers, which takes the longest.

    Where numbers are drawn one tensor at a time they are 0, for `trunc_normal_` goes on drawing
    until they lie between its bounds, which what is left in memory need never do.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func in DRAWING:
            return args[0].zero_()
        if func in FILLING:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def class_name(source: str) -> str:
    """The class of the network: the last one of its source."""
    return source.rsplit("\nclass ", 1)[1].split("(", 1)[0]


def describe(graph: Graph, index: int) -> tuple[str, tuple[int | str, ...], str]:
    """Name, shape without the batch axis (letters for free dimensions), and dtype of an input."""
    node = graph.nodes[index]
    return node.name, tuple(map(plain, node.output.shape)), node.output.dtype


def plain(size: Size) -> int | str:
    return size if isinstance(size, int) else str(size)


def execute(source: str) -> ModuleType:
    """The module that a generated source defines; the same source gives the same module.

    Its text is known to `linecache`, so that `inspect.getsource` and tracebacks show it.
    """
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    name = PREFIX + digest
    if name in sys.modules:
        return sys.modules[name]
    file = f"<cnnlang {class_name(source)} {digest}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    module = ModuleType(name)
    module.__file__ = file
    module.__spec__ = ModuleSpec(name, None, origin=file)
    exec(compile(source, file, "exec"), module.__dict__)
    for cls in list(vars(module).values()):
        if isinstance(cls, type) and cls.__module__ == name:
            cls.__reduce_ex__ = reducer(source, cls)  # type: ignore[method-assign, assignment]
    return sys.modules.setdefault(name, module)


def reducer(source: str, cls: type) -> Callable[[Any, Any], Any]:
    """`__reduce_ex__` for a generated class: the pickle carries the source.

    A class that a program derives from it is pickled as any other one, by its own name.
    """

    def reduce(self: Any, protocol: Any) -> Any:
        if type(self) is not cls:
            return object.__reduce_ex__(self, protocol)
        return restore, (source, cls.__qualname__), self.__getstate__()

    return reduce


def restore(source: str, name: str) -> nn.Module:
    """An empty module of a generated class, for `pickle` and `copy` to fill."""
    cls: type[nn.Module] = getattr(execute(source), name)
    return cls.__new__(cls)
