"""The network as a list of operations: what inference runs, one after the other.

A convolution or product with its weights is a `Product`; the passes move what follows it into it.
All other operations stay the expressions that their layers write.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, Literal

from cnnlang.analysis import costs
from cnnlang.backends.inference.codes import inlined, options
from cnnlang.graph import Graph, Node
from cnnlang.layers.base import Layer
from cnnlang.layers.code import SELF, Code, Operand, Value, call
from cnnlang.layers.regularization import Dropping
from cnnlang.layers.tensor import Tensor
from cnnlang.records import dataclass

CONVOLUTION = re.compile(
    r"(nn\.Conv(?P<transposed>Transpose)?|StandardizedConv|Conv(?=.dSame))(?P<axes>[123])d(Same)?"
)
"""The modules of PyTorch and of the prelude that are convolutions."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to the weights of a product: a function of the source, with its arguments."""

    function: str
    arguments: tuple[Value, ...]


@dataclass(eq=False, slots=True)
class Product:
    """A convolution, transposed convolution or linear map, with all that became part of it.

    `changes` are made to the weights before they are used; `activation` is the function of the
    result, `added` tells that the last input of the operation is added to the result before it.
    `extra` are the positions that a transposed convolution adds at the ends.
    """

    kind: Literal["conv", "conv_transpose", "linear"]
    axes: int = 0
    stride: tuple[int, ...] = ()
    padding: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    extra: tuple[int, ...] = ()
    groups: int = 1
    changes: tuple[Change, ...] = ()
    activation: Code | None = None
    added: bool = False


@dataclass(eq=False, slots=True)
class Op:
    """One operation: `value` is made of `inputs` as `code` says.

    In `code`, operands stand for the inputs and `SELF` for the module (which `module` makes), or
    `SELF` applied to something for the product.
    """

    value: int
    inputs: tuple[int, ...]
    code: Value
    output: Tensor
    kind: str
    address: str = ""
    module: Code | None = None
    product: Product | None = None
    onto: bool = False
    """Whether the result takes the place of the first input (or of what is added)."""


@dataclass(eq=False, slots=True)
class Program:
    """The operations of a network in order, its results and how they are written."""

    graph: Graph
    ops: list[Op]
    outputs: tuple[int, ...]
    channels_last: bool = False
    packed: bool = False
    parted: bool = False

    def uses(self) -> Counter[int]:
        """How often every value is used."""
        found = Counter(self.outputs)
        for op in self.ops:
            found.update(op.inputs)
        return found

    def users(self) -> dict[int, list[Op]]:
        """The operations that use every value, one that does so twice only once."""
        found: dict[int, list[Op]] = {}
        for op in self.ops:
            for value in dict.fromkeys(op.inputs):
                found.setdefault(value, []).append(op)
        return found

    def makers(self) -> dict[int, Op]:
        return {op.value: op for op in self.ops}

    def alone(self) -> dict[int, Op]:
        """The values that are used once, with the operation that does so."""
        uses, users = self.uses(), self.users()
        return {v: users[v][0] for v, n in uses.items() if n == 1 and v in users}


def lower(graph: Graph) -> Program:
    """The operations that the results in use need, without those that only training needs."""
    numbers = count(len(graph.nodes))
    needed = costs.reached(graph, graph.outputs)
    stands: dict[int, int] = {}
    ops: list[Op] = []
    for node in graph.nodes:
        if node.layer is None or node.index not in needed:
            continue
        inputs = tuple(stands.get(each, each) for each in node.inputs)
        if isinstance(node.layer, Dropping):
            stands[node.index] = inputs[0]
        else:
            ops += operations(graph, node, node.layer, inputs, numbers)
    outputs = tuple(stands.get(each, each) for each in graph.outputs)
    return Program(graph, ops, outputs)


def operations(
    graph: Graph, node: Node, layer: Layer, inputs: tuple[int, ...], numbers: Iterator[int]
) -> list[Op]:
    """One layer as operations: one of each part of a module that is a sequence."""
    tensors = graph.tensors(node)
    function = layer.function(tensors, node.output)
    if function is not None:
        return [Op(node.index, inputs, function, node.output, layer.name)]
    module, code = layer.module(tensors, node.output), layer.code(tensors, node.output)
    assert module is not None
    if module.function != "nn.Sequential":
        return [operation(node, inputs, module, code, node.address)]
    parts: list[Op] = []
    for place, part in enumerate(module.arguments):
        last = place == len(module.arguments) - 1
        value = node.index if last else next(numbers)
        own = code if place == 0 else Code("()", (SELF, Operand(0)))
        op = operation(node, inputs, part, own, f"{node.address}.{place}")
        op.value, inputs = value, (value,)
        parts.append(op)
    return parts


def operation(node: Node, inputs: tuple[int, ...], module: Code, code: Value, address: str) -> Op:
    """A layer with a module of its own: a product if it is one."""
    op = Op(node.index, inputs, code, node.output, node.kind, address, module)
    made = product(module, code)
    if made is not None:
        op.product, op.code = made
    return op


def product(module: Code, code: Value) -> tuple[Product, Value] | None:
    """The product that a module is, and the code that applies it; None if it is none."""
    if module.function == "nn.Linear":
        return Product("linear"), code
    match = CONVOLUTION.fullmatch(module.function)
    if match is None:
        return None
    make = transposed if match["transposed"] else convolution
    return make(module, code, int(match["axes"]), options(module))


def convolution(
    module: Code, code: Value, axes: int, given: Mapping[str, Any]
) -> tuple[Product, Value]:
    """A convolution; padding that it cannot do itself is an expression around its input."""
    stride, padding, dilation = (spread(given[w], axes) for w in ("stride", "padding", "dilation"))
    mode = given["padding_mode"]
    if module.function.endswith("Same"):
        kernel = spread(module.arguments[2], axes)
        code = inlined(code, late(kernel, stride, dilation, mode))
    elif mode != "zeros" and any(padding):
        pads = tuple(n for each in reversed(padding) for n in (each, each))
        code = inlined(code, lambda x: call("F.pad", x, pads, mode=mode))
        padding = (0,) * axes
    made = Product("conv", axes, stride, padding, dilation, groups=given["groups"])
    if module.function.startswith("Standardized"):
        made.changes = (Change("standardized", (given["eps"],)),)
    return made, code


def late(kernel: Value, stride: Value, dilation: Value, mode: str) -> Any:
    """The padding that waits for the size."""
    return lambda x: call("pad_same", x, kernel, stride, dilation, mode)


def transposed(
    module: Code, code: Value, axes: int, given: Mapping[str, Any]
) -> tuple[Product, Value] | None:
    """A transposed convolution, unless it waits for the size of another tensor."""
    if isinstance(code, Code) and code.keywords:
        return None
    stride, padding, extra, dilation = (
        spread(given[word], axes) for word in ("stride", "padding", "output_padding", "dilation")
    )
    made = Product("conv_transpose", axes, stride, padding, dilation, extra, given["groups"])
    return made, code


def spread(value: Any, axes: int) -> tuple[int, ...]:
    """One number an axis."""
    return value if isinstance(value, tuple) else (value,) * axes
