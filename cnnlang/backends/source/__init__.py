"""PyTorch source for a network: standalone, formatted as ruff would, the same every time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from cnnlang.backends.source.constructor import Constructor, defaults, signature
from cnnlang.backends.source.entry import entrance, network_forward
from cnnlang.backends.source.forward import argument_names, forward
from cnnlang.backends.source.helpers import helpers
from cnnlang.backends.source.layout import Group, escaped, flat, lines, literal
from cnnlang.backends.source.plan import ClassPlan, Planner
from cnnlang.backends.source.statements import Assign, printed
from cnnlang.graph import Graph
from cnnlang.layers.tensor import show

ROUNDS = 12


def generate(graph: Graph) -> str:
    """The source of a Python module with one class for the network and one for every block.

    It imports torch alone, and what the file declares `extern`.
    """
    planner = Planner(graph)
    classes = settled(planner)
    body = "\n\n\n".join("\n".join(each) for each in (*helpers(classes), *classes))
    return f"{heading(graph)}\n\n{imports(graph, body)}\n\n\n{body}\n"


def settled(planner: Planner) -> list[list[str]]:
    """The classes, written until no class asks for a further parameter.

    In a class with one instance every value is a number: it is written again only where the classes
    that it calls ask for more.
    """
    classes: dict[int, list[str]] = {}
    given: dict[int, list[list[str]]] = {}
    for _ in range(ROUNDS):
        before = [dict(plan.words.used) for plan in planner.plans]
        for place, plan in enumerate(planner.plans):
            asked = [signature(each) for each in planner.called(plan)]
            if len(plan.instances) > 1 or given.get(place) != asked:
                classes[place], given[place] = write(planner, plan), asked
        if before == [plan.words.used for plan in planner.plans]:
            return list(classes.values())
    raise AssertionError("the parameters of the classes do not settle")


def heading(graph: Graph) -> str:
    source = file_name(graph)
    return f'"""{graph.name}: made by cnnlang from {source}."""'


def file_name(graph: Graph) -> str:
    return quotable(graph.root.span.source.name)


def quotable(path: str) -> str:
    """The name of a file, as it can stand in a docstring."""
    return escaped(PurePath(path).name)


def imports(graph: Graph, body: str) -> str:
    """The imports that the body needs, in the order of isort."""
    standard = ["from collections import OrderedDict"] if "OrderedDict(" in body else []
    if re.search(r"\bmath\.", body):
        standard.insert(0, "import math")
    torch = ["import torch"] if re.search(r"\btorch\.", body) else []
    torch += ["import torch.nn.functional as F"] if re.search(r"\bF\.", body) else []
    torch += ["from torch import nn"] if re.search(r"\bnn\.", body) else []
    extern = sorted(extern_import(name, target) for name, target in graph.externs.items())
    return "\n\n".join(
        "\n".join(group) for group in (standard, sorted_imports([*torch, *extern])) if group
    )


def sorted_imports(found: list[str]) -> list[str]:
    """`import` before `from`, each by module."""
    return sorted(found, key=lambda line: (line.startswith("from"), line.split()[1].lower()))


def extern_import(name: str, target: str) -> str:
    module, _, attribute = target.partition(":")
    return f"from {module} import {attribute}" + (f" as {name}" if name != attribute else "")


def write(planner: Planner, plan: ClassPlan) -> list[str]:
    """One class."""
    network = plan.first.kind == "network"
    constructor = constructed(planner, plan)
    body = network_forward(planner, plan) if network else forward(planner, plan)
    base = "nn.Sequential" if plan.numbered else "nn.Module"
    found = [f"class {plan.name}({base}):", *docstring(planner, plan), ""]
    if constructor:
        found += [*header("__init__", parameters(plan)), *constructor, ""]
    names = [f"{name}: torch.Tensor" for name in argument_names(planner, plan)]
    result = returned(planner.graph) if network else "torch.Tensor"
    return [
        *found,
        *header("forward", names, f" -> {result}"),
        *(entrance(planner.graph, planner.sets) if network else ()),
        *body,
    ]


def constructed(planner: Planner, plan: ClassPlan) -> list[str]:
    """The body of `__init__`, nothing if there is nothing to set up."""
    statements = Constructor(planner, plan).statements()
    if not plan.numbered:
        return ["        super().__init__()", *printed(statements, 8)] if statements else []
    children = [s for s in statements if isinstance(s, Assign) and s.target.isdigit()]
    rest = [s for s in statements if s not in children]
    made = Group("super().__init__(", tuple(child.value for child in children), ")")
    return [*lines(made, 8), *printed(rest, 8)]


def returned(graph: Graph) -> str:
    several = len(graph.outputs) > 1 or len(graph.training_outputs or ()) > 1
    if len(graph.outputs) == 1 and several:
        return "torch.Tensor | tuple[torch.Tensor, ...]"
    return "tuple[torch.Tensor, ...]" if several else "torch.Tensor"


def header(name: str, arguments: Sequence[str], suffix: str = "") -> list[str]:
    found = lines(Group("(", ("self", *arguments), ")"), 4, f"def {name}", f"{suffix}:")
    return [line.replace("(self,)", "(self)") for line in found]


def parameters(plan: ClassPlan) -> list[str]:
    """The parameters of `__init__` with their types and defaults."""
    known = defaults(plan)
    found = []
    for name in signature(plan):
        kinds = dict.fromkeys(
            type(value).__name__ for value in plan.words.parameters[name].values()
        )
        default = f" = {flat(literal(known[name][0]))}" if name in known else ""
        found.append(f"{name}: {' | '.join(kinds)}{default}")
    return found


def docstring(planner: Planner, plan: ClassPlan) -> list[str]:
    """Where the class comes from; for the network also its shapes and size."""
    graph, first = planner.graph, plan.first
    source = quotable(first.span.source.name if first.kind == "network" else defined(plan))
    if first.kind != "network":
        name = escaped(first.path[-1]) if first.kind == "stack" else first.title
        return [f'    """{KINDS[first.kind]} `{name}` of {source}."""']
    takes, gives = (
        ", ".join(
            f"(N, {', '.join(map(str, planner.shape(graph.nodes[i].output)))})" for i in indices
        )
        for indices in (graph.inputs, graph.outputs)
    )
    lead = f'    """Network `{graph.name}` of {source}: {planner.parameters:,} parameters.'
    return [lead, "", f"    Takes {takes}; gives {gives}.", '    """']


KINDS = {"block": "Block", "stack": "Stack", "shared": "Shared piece"}


def defined(plan: ClassPlan) -> str:
    definition = plan.first.definition
    return definition.span.source.name if definition else plan.first.span.source.name


__all__ = ["generate", "show"]
