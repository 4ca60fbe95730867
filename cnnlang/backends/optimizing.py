"""Live networks for inference: the source of `backends.inference`, run with the weights of one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from cnnlang.backends.inference import generate
from cnnlang.backends.inference.passes import PASSES
from cnnlang.backends.module import class_name, execute, graph_of
from cnnlang.graph import Graph, Node
from cnnlang.layers.code import Code

HOOKS = (
    *("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"),
    "parametrizations",
)


Example = torch.Tensor | Sequence[torch.Tensor]


def infer(
    model: nn.Module,
    dtype: torch.dtype | None = None,
    example: Example | None = None,
    without: Sequence[str] = (),
) -> nn.Module:
    """The network for inference on the device where its weights are.

    `dtype` is that of its numbers, the model's own unless given. With an `example`, an input or
    several, it is run once and gets ready for its size. Raises `TypeError` for a module that is not
    one of `cnnlang.load`, `ValueError` for one that was changed since, or for passes that there are
    not.
    """
    graph = graph_of(model)
    if unknown := sorted(set(without) - set(PASSES)):
        raise ValueError(f"there is no pass {unknown[0]!r}: the passes are {', '.join(PASSES)}")
    untouched(model, graph)
    tensor = next((t for t in model.state_dict().values() if t.is_floating_point()), None)
    kind = dtype or (torch.float32 if tensor is None else tensor.dtype)
    device = torch.device("cpu") if tensor is None else tensor.device
    source = generate(graph, target(device, kind), without)
    module = execute(source)
    made: nn.Module = getattr(module, class_name(source))(module.convert(model.state_dict()), kind)
    if example is not None:
        made(*((example,) if isinstance(example, torch.Tensor) else example))
    return made


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


def untouched(model: nn.Module, graph: Graph) -> None:
    """Raise `ValueError` if the modules are not those that the file says."""
    for node in graph.layers:
        assert node.layer is not None
        code = node.layer.module(graph.tensors(node), node.output)
        if node.layer.function(graph.tensors(node), node.output) is None and code is not None:
            compare(model, graph, node, code)
    for name, module in model.named_modules():
        if any(getattr(module, each, None) for each in HOOKS):
            raise ValueError(f"{name or 'the network'} has hooks, which would be lost")


def compare(model: nn.Module, graph: Graph, node: Node, code: Code) -> None:
    """Raise `ValueError` if a module is of another kind or has other weights than its layer."""
    found = attribute(model, node.path)
    names = SimpleNamespace(**vars(sys.modules[type(model).__module__]))
    if type(found) is not attribute(names, code.function.split(".")):
        kind = type(found).__name__
        raise changed(node, f"{code.function} in the file, {kind} in the module")
    assert node.layer is not None
    state = found.state_dict() if isinstance(found, nn.Module) else {"": found}
    for weight in node.layer.weights(graph.tensors(node)):
        tensor = state.get(weight.name)
        shape = None if tensor is None else tuple(tensor.shape)
        if shape != weight.shape:
            raise changed(node, f"{weight.name} of {weight.shape} in the file, of {shape} here")


def changed(node: Node, what: str) -> ValueError:
    return ValueError(
        f"`{node.address}` was changed since it was loaded: {what}; change the file and load again"
    )


def attribute(found: Any, path: Sequence[str]) -> Any:
    """What stands at the end of a path of names, None if it leads nowhere."""
    for name in path:
        found = getattr(found, name, None)
    return found
