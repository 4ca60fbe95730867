"""Live networks for inference: the source of `backends.inference`, run with the weights of one."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from cnnlang.arguments import several
from cnnlang.backends.changes import HOOKS, need_untouched
from cnnlang.backends.inference import generate
from cnnlang.backends.inference.passes import PASSES
from cnnlang.backends.module import class_name, execute, graph_of
from cnnlang.backends.types import named

FUSING = ("add", "activate")
"""The passes whose kernels are tried on a CUDA device before they are used."""
ROUNDS = 8
Example = torch.Tensor | Sequence[torch.Tensor]


def infer(
    model: nn.Module,
    dtype: torch.dtype | str | None = None,
    example: Example | None = None,
    without: Sequence[str] = (),
    graphs: bool = False,
) -> nn.Module:
    """The network for inference on the device where its weights are.

    `dtype` is that of its numbers, the model's own unless given. With an `example`, an input or
    several, it is run and gets ready for its size; on a CUDA device, cuDNN's fused kernels are used
    if they are faster for it, and with `graphs` its run is recorded as a CUDA graph. Raises
    `TypeError` for a module that is not one of `cnnlang.load`, `ValueError` for one that was
    changed since, for passes that there are not, and for graphs without a device or an example.
    """
    graph = graph_of(model)
    if not isinstance(without, (str, list, tuple, set, frozenset)):
        raise TypeError(f"`without` is a list of passes, not {without!r}")
    without = several(without)
    if unknown := [each for each in without if each not in PASSES]:
        raise ValueError(f"there is no pass {unknown[0]!r}: the passes are {', '.join(PASSES)}")
    need_no_hooks(model)
    need_untouched(model)
    tensor = next((t for t in model.state_dict().values() if t.is_floating_point()), None)
    kind = named(dtype) or (torch.float32 if tensor is None else tensor.dtype)
    device = torch.device("cpu") if tensor is None else tensor.device
    inputs, where = () if example is None else tupled(example), target(device, kind)
    if (device.type, where) == ("cpu", "any") and kind != torch.float64:
        warnings.warn(f"this CPU only emulates {kind}: float32 is much faster", stacklevel=3)
    ways = [without]
    if where == "cuda":
        ways = [(*without, *FUSING), without] if inputs else [(*without, *FUSING)]
    if graphs:
        need_recordable(f"{kind} on {device}", where, inputs)
    modules = [written(model, generate(graph, where, way), kind) for way in ways]
    return fastest(modules, inputs, graphs)


def need_recordable(kind: str, where: str, inputs: tuple[torch.Tensor, ...]) -> None:
    """Raises `ValueError` if no run of the network can be recorded as a CUDA graph."""
    if where != "cuda":
        raise ValueError(f"graphs=True needs a CUDA device, and not float64: this is {kind}")
    if not inputs:
        raise ValueError("graphs=True needs example=: a CUDA graph holds one batch and size")


def tupled(example: Example) -> tuple[torch.Tensor, ...]:
    """The inputs of a call."""
    if not isinstance(example, (torch.Tensor, list, tuple)):
        raise TypeError(f"`example` is a tensor, or several, not {type(example).__name__}")
    found = (example,) if isinstance(example, torch.Tensor) else tuple(example)
    for each in found:
        if not isinstance(each, torch.Tensor):
            raise TypeError(f"`example` is a tensor, or several, not {type(each).__name__}")
    return found


def written(model: nn.Module, source: str, dtype: torch.dtype) -> nn.Module:
    """The module of a source, with the weights of a network."""
    module = execute(source)
    made: nn.Module = getattr(module, class_name(source))(module.convert(model.state_dict()), dtype)
    return made


def fastest(
    modules: list[nn.Module], inputs: tuple[torch.Tensor, ...], graphs: bool = False
) -> nn.Module:
    """The module that is the fastest for some inputs; the first must run, others may fail.

    One module is run once, so that it is ready for the sizes of the inputs; with `graphs` its run
    is recorded.
    """
    if not inputs:
        return modules[0]
    ready(modules[0], inputs, graphs)
    times = [seconds(modules[0], inputs)] if modules[1:] else [0.0]
    for each in modules[1:]:
        try:
            ready(each, inputs, graphs)
            times.append(seconds(each, inputs))
        except RuntimeError as error:
            warnings.warn(f"fused kernels do not run here: {error}", stacklevel=5)
            times.append(math.inf)
    return modules[times.index(min(times))]


def ready(module: Any, inputs: tuple[torch.Tensor, ...], graphs: bool) -> None:
    """Make a module ready for the sizes of some inputs."""
    if graphs:
        module.record(*inputs)
    else:
        module(*inputs)


def seconds(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> float:
    """The shortest time that a module takes on its device."""
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        module(*inputs)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        found.append(time.perf_counter() - start)
    return min(found)


def target(device: torch.device, dtype: torch.dtype) -> str:
    """The target whose operations take such numbers on such a device."""
    if device.type == "meta":
        raise ValueError("the weights are on the meta device: there is nothing to work with")
    if device.type == "cpu" and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        fast = [torch.float32]
        fast += [torch.bfloat16] * torch.ops.mkldnn._is_mkldnn_bf16_supported()
        fast += [torch.float16] * torch.ops.mkldnn._is_mkldnn_fp16_supported()
        return "cpu" if dtype in fast else "any"
    if device.type == "cuda" and dtype != torch.float64:
        return "cuda"
    return "any"


def need_no_hooks(model: nn.Module) -> None:
    """Raises `ValueError` for hooks, and for what computes weights anew in every pass."""
    for name, module in model.named_modules():
        if any(getattr(module, each, None) for each in (*HOOKS, "parametrizations")):
            raise ValueError(f"{name or 'the network'} has hooks, which would be lost")
        if "forward" in vars(module):
            raise ValueError(f"{name or 'the network'} has a `forward` that the network lacks")
