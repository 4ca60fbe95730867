"""The code of the layers of a network, asked for once and used by every stage of the backend."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from cnnlang.graph import Graph, Instance, Node, is_attribute
from cnnlang.layers.code import Code, Operand, Raw
from cnnlang.layers.tensor import Tensor
from cnnlang.records import dataclass


@dataclass(frozen=True, eq=False, slots=True)
class Answer:
    """What a layer says where it stands, as `Layer` has it; `form` is its number among all forms.

    Two nodes are of one form if their code is the same but for the numbers in it.
    """

    module: Code | None
    function: Code | None
    code: Code
    initial: tuple[tuple[str, Any], ...]
    form: int


class Codes:
    """The answers of all layers of a network; layers that are written alike are asked together."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.answers: dict[int, Answer] = {}
        self.alike: dict[Hashable, Answer] = {}
        self.forms: dict[Hashable, int] = {}

    def of(self, node: Node) -> Answer:
        """What the layer of a node says."""
        found = self.answers.get(node.index)
        if found is None:
            found = self.answers[node.index] = self.ask(node)
        return found

    def ask(self, node: Node) -> Answer:
        inputs = self.graph.tensors(node)
        fields = repr(vars(node.layer))  # apart for 2 and 2.0, which are equal
        key = (type(node.layer), fields, inputs, node.output, node.labelled)
        found = self.alike.get(key)
        if found is None:
            found = self.alike[key] = self.answer(node, inputs)
        return found

    def answer(self, node: Node, inputs: tuple[Tensor, ...]) -> Answer:
        layer = node.layer
        assert layer is not None
        module, function = layer.module(inputs, node.output), layer.function(inputs, node.output)
        code, initial = layer.code(inputs, node.output), layer.initial(inputs)
        words = tuple(map(skeleton, (module, function, code)))
        form = (type(layer), words, initial, node.labelled)
        return Answer(module, function, code, initial, self.forms.setdefault(form, len(self.forms)))

    def has_module(self, what: Node | Instance) -> bool:
        """True for an attribute of its class: children, layers with state or with a label."""
        if isinstance(what, Instance):
            return True
        if what.layer is None:
            return False
        return is_attribute(what, self.of(what).module, self.of(what).function)


def skeleton(value: Any) -> Hashable:
    """The functions and operands of some code; every other value is a blank."""
    if isinstance(value, Code):
        return (value.function, tuple(map(skeleton, value.arguments)))
    if isinstance(value, (Operand, Raw)):
        return value
    return "none" if value is None else "_"
