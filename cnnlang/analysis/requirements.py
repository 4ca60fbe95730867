"""`require`: budgets and expectations, checked like shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cnnlang import amounts
from cnnlang.analysis.costs import total_macs, total_parameters
from cnnlang.analysis.memory import (
    DEVICES,
    DTYPES,
    OPTIMIZERS,
    UNKNOWN,
    Memory,
    Setting,
    Unpredictable,
    memory,
    setting,
)
from cnnlang.analysis.ordinary import suggestion, usual_shapes
from cnnlang.diagnostics.model import Diagnostic, Related, Severity, Span
from cnnlang.elaborate.expressions import Reader, evaluate
from cnnlang.elaborate.faults import Fault, fault
from cnnlang.elaborate.limits import Budget
from cnnlang.elaborate.values import Names
from cnnlang.graph import Graph, Requirement
from cnnlang.layers.tensor import show
from cnnlang.records import members
from cnnlang.syntax import ast


def check_requirements(graph: Graph) -> list[Diagnostic]:
    """The requirements that do not hold, with both numbers."""
    facts, effort = Facts(graph), Budget()
    found: list[Diagnostic] = []
    for requirement in graph.requirements:
        try:
            judge(requirement, facts, effort)
        except Fault as problem:
            found += problem.diagnostics
    return found


class Facts:
    """What a `require` may ask about: `params`, `macs`, `output`, `layers`, and the memory."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.known: dict[str, Any] = {}
        self.played: dict[Setting, Memory] = {}
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
            raise open_(self.graph, "macs", node.span)
        return found

    def memory(self, node: ast.Apply, asked: Setting) -> Memory:
        """The memory of the network, worked out once for each setting."""
        if self.graph.free:
            raise open_(self.graph, "memory", node.span)
        try:
            if asked not in self.played:
                self.played[asked] = memory(self.graph, asked)
        except Unpredictable as problem:
            where = (Related(problem.span, str(problem)),) if problem.span else ()
            raise fault("R503", UNKNOWN, node.span, related=where) from None
        return self.played[asked]


def open_(graph: Graph, fact: str, span: Span) -> Fault:
    """What is not known while sizes are free: the budget is not judged."""
    letters = " and ".join(graph.free)
    return Fault(
        Diagnostic(
            "R502",
            f"the requirement is not judged: `{fact}` depends on {letters}",
            span,
            help=f"judge it at a size: `cnnlang check {suggestion(usual_shapes(graph).values())}`",
            severity=Severity.WARNING,
        )
    )


def mentioned(node: Any) -> set[str]:
    """The names in an expression."""
    return {each.name for each in parts(node) if isinstance(each, ast.Name)}


def parts(node: Any) -> Iterator[Any]:
    """An expression and all that it is made of."""
    todo = [node]
    while todo:
        each = todo.pop()
        if isinstance(each, tuple):
            todo += each
        elif (names := members(each)) and not isinstance(each, Span):
            yield each
            todo += [getattr(each, name) for name in names if name != "span"]


def called(node: Any) -> set[str]:
    """The functions that an expression calls."""
    return {each.function for each in parts(node) if isinstance(each, ast.Apply)}


def judge(requirement: Requirement, facts: Facts, effort: Budget) -> None:
    condition = requirement.statement.condition
    if "memory" in mentioned(condition) and "memory" not in requirement.names:
        help = "write `memory(batch=32)`"
        raise fault("A218", "`memory` is a function of the batch", condition.span, help=help)
    names = Names(facts.find(condition), Names(dict(requirement.names)))
    known = dict.fromkeys(facts.names, number)
    reader = Reader(names, effort, functions={"memory": budget(facts), **known})
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


def budget(facts: Facts) -> Callable[[ast.Apply, list[Any], dict[str, Any]], int]:
    """The function `memory` of a requirement: the bytes of a peak, for a batch."""

    def peak(node: ast.Apply, positional: list[Any], named: dict[str, Any]) -> int:
        known = dict(zip(("batch",), positional, strict=False)) | named
        try:
            asked = question(len(positional), known)
        except ValueError as problem:
            raise fault(
                "A219",
                f"`memory` cannot take this: {problem}",
                node.span,
                help="it is written `memory(batch=32, dtype=bf16, optimizer=adamw)`",
            ) from None
        return facts.memory(node, asked[1]).peak(asked[0], asked[2])

    return peak


def question(positional: int, known: dict[str, Any]) -> tuple[int, Setting, bool]:
    """The batch, the setting and whether training is meant; `ValueError` says what is wrong."""
    unknown = sorted(known.keys() - {"batch", "training", *CHOICES})
    batch, training = known.get("batch"), known.get("training", True)
    if positional > 1 or unknown:
        raise ValueError(f"there is no argument `{unknown[0]}`" if unknown else "name all but one")
    if type(batch) is not int or batch < 1:
        raise ValueError("`batch` is a number of samples, from 1 on")
    if not isinstance(training, bool):
        raise ValueError("`training` is true or false")
    for name, choices in CHOICES.items():
        if known.get(name, choices[0]) not in choices:
            raise ValueError(f"`{name}` is one of {', '.join(choices)}")
    return batch, setting(**{name: known[name] for name in CHOICES if name in known}), training


CHOICES: dict[str, tuple[str, ...]] = {
    "dtype": DTYPES,
    "weights": DTYPES,
    "optimizer": tuple(OPTIMIZERS),
    "device": DEVICES,
}
"""The words that `memory` takes, the usual one first but for `weights`, which follow `dtype`."""


def broken(condition: ast.Expression, reader: Reader) -> Fault:
    """A requirement that does not hold, with what stands on both sides."""
    label = ""
    if isinstance(condition, ast.Binary) and condition.operator not in ("and", "or"):
        sides = pair(
            condition, [evaluate(side, reader) for side in (condition.left, condition.right)]
        )
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


def pair(condition: ast.Binary, values: list[Any]) -> list[str]:
    """Both sides in words; amounts of memory in binary units, unless these look alike."""
    told = [amounts.memory(v) if isinstance(v, int) else tell(v) for v in values]
    same = told[0] == told[1]
    return told if "memory" in called(condition) and not same else [tell(v) for v in values]


def tell(value: Any) -> str:
    if isinstance(value, tuple):
        return show(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
