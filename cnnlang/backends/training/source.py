"""The source of a training step: every layer in its order, the parts that are recomputed apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from cnnlang.analysis.costs import weights
from cnnlang.analysis.recomputation.inplace import FUNCTIONS
from cnnlang.analysis.recomputation.plan import Flow, Part, Plan, called
from cnnlang.analysis.validity import solve
from cnnlang.backends.source.constructor import single
from cnnlang.backends.source.entry import entrance
from cnnlang.backends.source.forward import FORBIDDEN, input_names
from cnnlang.backends.source.helpers import helpers
from cnnlang.backends.source.layout import Doc, Group, flat, lines, safe
from cnnlang.graph import Graph, Node
from cnnlang.layers.regularization import Dropping

Reach = Callable[[Node], str]
PACKAGE = "cnnlang.backends.training"
INDENT = 8
OWN = ("again",)
"""What the text calls beside PyTorch and the prelude: no variable is called so."""


def generate(graph: Graph, plan: Plan, reach: Reach) -> str:
    """A class whose method `cnnlang_step` is the forward pass in training.

    It is a part of a class that has the layers: `reach` says how each of them is found from
    `self`. Tensors are let go as soon as nobody reads them.
    """
    body = Writer(graph, plan, reach).written()
    head = [
        f"class {graph.name}Training(Running):",
        f'    """The training step of `{graph.name}`."""',
        "",
    ]
    classes = [[*head, *body]]
    text = "\n\n\n".join("\n".join(each) for each in (*helpers(classes), *classes))
    return f'"""{graph.name} in training: made by cnnlang."""\n\n{imports(text)}\n\n\n{text}\n'


def imports(text: str) -> str:
    """The imports that the text needs."""
    wanted = (
        (r"\bmath\.", "import math\n"),
        (r"\btorch\.", "import torch"),
        (r"\bF\.", "import torch.nn.functional as F"),
        (r"\bnn\.", "from torch import nn"),
    )
    found = [line for pattern, line in wanted if re.search(pattern, text)]
    own = [f"from {PACKAGE}.again import again"] if "again(" in text else []
    own.append(f"from {PACKAGE}.running import Running")
    return "\n".join([*found, "", *own]).strip()


class Writer:
    """Writes the methods of a training step."""

    def __init__(self, graph: Graph, plan: Plan, reach: Reach) -> None:
        self.graph = graph
        self.plan = plan
        self.reach = reach
        self.flow = Flow(graph)
        self.leaving = self.flow.leaving()
        self.overwriting = plan.overwriting(graph)

    def written(self) -> list[str]:
        """The method `step`, then one for each part."""
        names = input_names(self.graph, OWN)
        variables = dict(zip(self.graph.inputs, names, strict=True))
        sets = solve(self.graph).sets
        found = [signature("cnnlang_step", names), *entrance(self.graph, sets, names)]
        found += self.statements(variables)
        found.append(f"{' ' * INDENT}return {', '.join(variables[i] for i in self.flow.results)}")
        for number, part in enumerate(self.plan.parts, 1):
            found += ["", *self.part(number, part)]
        return found

    def statements(self, variables: dict[int, str]) -> list[str]:
        """The layers that are not in a part, and the calls of the parts."""
        starts = {part.start: (i, part) for i, part in enumerate(self.plan.parts, 1)}
        found: list[str] = []
        index = 0
        while index < len(self.graph.nodes):
            if index in starts:
                number, part = starts[index]
                found += self.call(number, part, variables)
                index = part.stop
                continue
            if self.graph.nodes[index].layer is not None:
                found += self.layer(index, variables)
            index += 1
        return found

    # --- layers ----------------------------------------------------------------------------------

    def layer(self, index: int, variables: dict[int, str], kept: Sequence[int] = ()) -> list[str]:
        """One layer; what nobody reads after it is let go, but for what is `kept`."""
        node = self.graph.nodes[index]
        document = self.expression(node, [variables[i] for i in node.inputs])
        gone = [i for i in self.leaving[index] if i in variables and i not in kept]
        names = [variables.pop(i) for i in gone]
        if self.flow.last[index] == index:
            return [*lines(document, INDENT), *forgotten(names)]
        target = names.pop(0) if names else fresh(node, variables)
        variables[index] = target
        return [*lines(document, INDENT, f"{target} = "), *forgotten(names)]

    def expression(self, node: Node, operands: list[Doc]) -> Doc:
        """What computes a layer; in place where that is allowed."""
        layer, tensors = node.layer, self.graph.tensors(node)
        assert layer is not None
        if node.index in self.overwriting:
            if node.kind in FUNCTIONS:
                return Group(f"{FUNCTIONS[node.kind]}(", tuple(operands), ")")
            return f"{flat(operands[0])}.add_({flat(operands[1])})"
        if called(self.graph, node):
            own = self.reach(node)
            return single(layer.code(tensors, node.output), operands, own)
        return single(layer.function(tensors, node.output), operands)

    # --- parts -----------------------------------------------------------------------------------

    def call(self, number: int, part: Part, variables: dict[int, str]) -> list[str]:
        """A part is run, with what it reads; its norms and whether it draws random numbers."""
        given = self.flow.entering(self.graph, part)
        norms = [self.reach(self.graph.nodes[i]) for i in part.nodes if self.counts(i)]
        noisy = any(draws(self.graph.nodes[i]) for i in part.nodes)
        every = Group("(", tuple(dict.fromkeys(norms)), ")")
        items: list[Doc] = [f"self.cnnlang_part{number}", every, str(noisy)]
        call = Group("again(", (*items, *(variables[i] for i in given)), ")")
        gone = [i for index in part.nodes for i in self.leaving[index] if i in variables]
        names = [variables.pop(i) for i in gone]
        targets = []
        for index in self.flow.staying(part):
            variables[index] = fresh(self.graph.nodes[index], variables)
            targets.append(variables[index])
        rest = [name for name in names if name not in targets]
        return [*lines(call, INDENT, f"{', '.join(targets)} = "), *forgotten(rest)]

    def counts(self, index: int) -> bool:
        """True for a layer that keeps statistics in training."""
        return any(w.name == "running_mean" for w in weights(self.graph, self.graph.nodes[index]))

    def part(self, number: int, part: Part) -> list[str]:
        """The method of a part."""
        given = self.flow.entering(self.graph, part)
        variables: dict[int, str] = {}
        for index in given:
            variables[index] = fresh(self.graph.nodes[index], variables)
        found = [signature(f"cnnlang_part{number}", list(variables.values()))]
        for index in part.nodes:
            found += self.layer(index, variables)
        results = ", ".join(variables[i] for i in self.flow.staying(part))
        return [*found, f"{' ' * INDENT}return {results}"]


def draws(node: Node) -> bool:
    """True for a layer that draws random numbers in training."""
    return node.layer is not None and (isinstance(node.layer, Dropping) or node.kind == "rrelu")


def signature(name: str, arguments: Sequence[str]) -> str:
    return f"    def {name}({', '.join(('self', *arguments))}):"


def fresh(node: Node, variables: dict[int, str]) -> str:
    """A variable for a tensor: its layer's label, else `x` and the first number that is free."""
    taken = {*variables.values(), *OWN}
    label = safe(node.name, set(FORBIDDEN)) if node.labelled else "x"
    numbered = (f"{label}{number}" for number in range(len(taken) + 1))
    return label if label not in taken else next(each for each in numbered if each not in taken)


def forgotten(names: Iterable[str]) -> list[str]:
    """The statement that lets go of some variables."""
    found = ", ".join(names)
    return [f"{' ' * INDENT}del {found}"] if found else []
