"""An interpreter of graphs, and the generated modules held against it.

The interpreter runs a network node by node, each from its own layer's code: it knows nothing of
blocks and of how the generator merges them. The weights come from the `state_dict` of the module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import add, mul, sub, truediv
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import cnnlang
from cnnlang.analysis.costs import owners, weights
from cnnlang.api import compile_file
from cnnlang.backends import prelude
from cnnlang.graph import Graph, Node
from cnnlang.layers.code import SELF, Code, Operand, Raw

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NAMES = vars(prelude)
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {"+": add, "-": sub, "*": mul, "/": truediv}

# --- the interpreter -----------------------------------------------------------------------------


def value(code: Any, tensors: Sequence[Tensor] = (), module: Any = None) -> Any:
    """What some code gives for its operands; `module` is what SELF stands for."""
    match code:
        case Operand(None):
            return list(tensors)
        case Operand(index):
            return tensors[index]
        case Raw(text):
            return module if code == SELF else eval(text, dict(NAMES))
        case tuple():
            return tuple(value(each, tensors, module) for each in code)
        case Code("[]", (base, Raw(text))):
            return eval(f"base[{text}]", {"base": value(base, tensors, module)})
        case Code(function, arguments, keywords):
            named = {name: value(each, tensors, module) for name, each in keywords}
            return called(function, [value(each, tensors, module) for each in arguments], named)
    return code


def called(function: str, arguments: list[Any], named: dict[str, Any]) -> Any:
    if function in OPERATORS:
        return reduce(OPERATORS[function], arguments)
    if function == "()":
        return arguments[0](*arguments[1:], **named)
    if function.startswith("."):
        return getattr(arguments[0], function[1:])(*arguments[1:], **named)
    return eval(function, dict(NAMES))(*arguments, **named)


class Interpreter:
    """Runs a graph with the weights of a `state_dict`."""

    def __init__(self, graph: Graph, state: Mapping[str, Tensor], training: bool = False) -> None:
        self.graph = graph
        self.modules = {node.path: self.module(node, state) for node in owners(graph)}
        for module in self.modules.values():
            if isinstance(module, nn.Module):
                module.train(training)

    def module(self, node: Node, state: Mapping[str, Tensor]) -> Any:
        """The module of a layer (or its bare parameter) with its weights, None if it has none."""
        assert node.layer is not None
        code = node.layer.module(self.graph.tensors(node), node.output)
        if code is None:
            return None
        path = ".".join(node.path)
        made = value(code)
        if isinstance(made, nn.Parameter):
            return state[path]
        found = {name: state[f"{path}.{name}"] for name in made.state_dict()}
        made.double().load_state_dict(found)
        return made

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        given = iter(inputs)
        values: list[Any] = []
        with torch.no_grad():
            for node in self.graph.nodes:
                values.append(next(given) if node.layer is None else self.step(node, values))
        return tuple(values[index] for index in self.graph.outputs)

    def step(self, node: Node, values: list[Any]) -> Any:
        assert node.layer is not None
        tensors, module = [values[i] for i in node.inputs], self.modules[node.path]
        types = self.graph.tensors(node)
        if module is None:
            return value(node.layer.function(types, node.output), tensors)
        return value(node.layer.code(types, node.output), tensors, module)


# --- the laws ------------------------------------------------------------------------------------


def declared(graph: Graph) -> dict[str, tuple[int, ...]]:
    """The weights that the graph tells of, by the names that a `state_dict` has."""
    return {
        weight.under(".".join(node.path)): tuple(weight.shape)
        for node in owners(graph)
        for weight in weights(graph, node)
    }


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(each.shape) for name, each in module.state_dict().items()}


def example(graph: Graph, sizes: Mapping[str, int], batch: int = 2) -> tuple[Tensor, ...]:
    """Inputs of float64 or of small integers for sizes of the free dimensions."""
    found = []
    for index in graph.inputs:
        tensor = graph.nodes[index].output
        shape = [batch, *(n if isinstance(n, int) else n.at(sizes) for n in tensor.shape)]
        whole = tensor.dtype == "int"
        found.append(torch.randint(0, 5, shape) if whole else torch.randn(shape).double())
    return tuple(found)


def check_against_reference(
    path: Path, network: str | None = None, sizes: Mapping[str, int] | None = None, **given: Any
) -> None:
    """The module has the graph's weights, shapes and, to 1e-6, the interpreter's outputs."""
    graph, _ = compile_file(path, network, given)
    module = cnnlang.load(path, network, dtype=torch.float64, **given).eval()
    assert shapes(module) == declared(graph)
    torch.manual_seed(0)
    disturb(module)
    inputs = example(graph, sizes or {})
    with one_thread(), torch.no_grad():
        wanted = Interpreter(graph, module.state_dict())(*inputs)
        found = module(*inputs)
    torch.testing.assert_close(tupled(found), wanted, rtol=1e-6, atol=1e-6)


@contextmanager
def one_thread() -> Iterator[None]:
    """Small networks on one thread: several wait for one another on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tupled(outputs: Any) -> tuple[Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def disturb(module: nn.Module) -> None:
    """Move every weight and buffer, so that none of them can be taken for another one."""
    for each in (*module.parameters(), *module.buffers()):
        if each.is_floating_point():
            each.data.add_(torch.rand_like(each) * 0.2)


# --- the examples --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "network", "sizes", "given"),
    [
        ("lenet5", None, {}, {}),
        ("nin", None, {}, {}),
        ("resnet", "ResNet18", {"H": 65, "W": 40}, {"classes": 7}),
        ("resnet", "ResNet50", {"H": 33, "W": 32}, {"classes": 7}),
        ("mobilenet_v2", None, {}, {"width": 0.25, "classes": 5}),
        ("unet", "UNet", {"H": 16, "W": 48}, {"width": 4}),
        ("unet", "UNetNamed", {"H": 32, "W": 16}, {"width": 4}),
        ("densenet", "DenseNet", {}, {"depths": [2, 3, 2], "growth": 4, "classes": 5}),
        ("textcnn", None, {"T": 9}, {"vocabulary": 50}),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_an_example_computes_what_its_layers_compute_one_by_one(
    file: str, network: str | None, sizes: dict[str, int], given: dict[str, Any]
) -> None:
    check_against_reference(EXAMPLES / f"{file}.cnn", network, sizes, **given)
