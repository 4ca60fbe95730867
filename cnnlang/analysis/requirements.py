"""`require`: budgets and expectations, checked like shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnlang.analysis.costs import total_macs, total_parameters
from cnnlang.diagnostics.model import Diagnostic, Span
from cnnlang.elaborate.expressions import Reader, evaluate
from cnnlang.elaborate.faults import Fault, fault
from cnnlang.elaborate.limits import Budget
from cnnlang.elaborate.values import Names
from cnnlang.graph import Graph, Requirement
from cnnlang.layers.tensor import show
from cnnlang.syntax import ast


def check_requirements(graph: Graph) -> list[Diagnostic]:
    """The requirements that do not hold, with both numbers."""
    facts, budget = Facts(graph), Budget()
    found: list[Diagnostic] = []
    for requirement in graph.requirements:
        try:
            judge(requirement, facts, budget)
        except Fault as problem:
            found += problem.diagnostics
    return found


class Facts:
    """What a `require` may ask about: `params`, `macs`, `output`, `layers`."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.known: dict[str, Any] = {}
        self.names: dict[str, Callable[[], Any]] = {
            "params": lambda: total_parameters(graph),
            "macs": lambda: total_macs(graph),
            "output": lambda: graph.nodes[graph.outputs[0]].output.shape,
            "layers": lambda: len(graph.layers),
        }

    def find(self, node: ast.Expression) -> dict[str, Any]:
        """The facts that an expression names, and no others: they cost time."""
        wanted = mentioned(node) & self.names.keys()
        self.known |= {name: self.names[name]() for name in wanted - self.known.keys()}
        found = {name: self.known[name] for name in wanted}
        if found.get("macs", 0) is None:
            raise fault(
                "R502",
                "`macs` depends on the free dimensions of the input",
                node.span,
                help="fix the input's size, or give one with `--input`",
            )
        return found


def mentioned(node: Any) -> set[str]:
    """The names in an expression."""
    names: set[str] = set()
    todo = [node]
    while todo:
        each = todo.pop()
        if isinstance(each, ast.Name):
            names.add(each.name)
        elif isinstance(each, tuple):
            todo += each
        elif hasattr(each, "__dataclass_fields__") and not isinstance(each, Span):
            todo += [getattr(each, name) for name in each.__dataclass_fields__ if name != "span"]
    return names


def judge(requirement: Requirement, facts: Facts, budget: Budget) -> None:
    condition = requirement.statement.condition
    names = Names(facts.find(condition), Names(dict(requirement.names)))
    known = dict.fromkeys(facts.names, number)
    reader = Reader(names, budget, functions={"memory": memory, **known})
    value = evaluate(condition, reader)
    if value is True:
        return
    if value is not False:
        raise fault("A210", "a requirement is true or false", condition.span, f"this is {value}")
    raise broken(condition, reader)


def number(node: ast.Apply, positional: list[Any], named: dict[str, Any]) -> Any:
    raise fault(
        "A218",
        f"`{node.function}` is a number, not a function",
        node.span,
        help=f"write `{node.function}` alone",
    )


def memory(node: ast.Apply, positional: list[Any], named: dict[str, Any]) -> Any:
    raise fault(
        "R503",
        "budgets of memory are not checked in this version",
        node.span,
        help="take the requirement out; `params`, `macs`, `output` and `layers` are checked",
    )


def broken(condition: ast.Expression, reader: Reader) -> Fault:
    """A requirement that does not hold, with what stands on both sides."""
    label = ""
    if isinstance(condition, ast.Binary) and condition.operator not in ("and", "or"):
        sides = [tell(evaluate(side, reader)) for side in (condition.left, condition.right)]
        label = f"{sides[0]} {OPPOSITE.get(condition.operator, 'is not')} {sides[1]}"
    return fault(
        "R501", f"the requirement `{condition.span.text}` does not hold", condition.span, label
    )


OPPOSITE = {
    "<=": "is above",
    "<": "is not below",
    ">=": "is below",
    ">": "is not above",
    "==": "is not",
    "!=": "is",
}


def tell(value: Any) -> str:
    if isinstance(value, tuple):
        return show(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
