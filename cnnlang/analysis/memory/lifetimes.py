"""How long the variables of the generated source hold the tensors of a forward pass.

The source is not made for this; what is told here are its habits: a chain on one line of the file
is one statement, whose first tensor stays in its variable until the statement is done; a module
that is called holds what flows into it until it returns; a label that is used again holds its
tensor to the end of its scope; an `nn.Sequential` lets go of a tensor as soon as it is read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import count
from typing import Any

from cnnlang.analysis.overwriting import overwriting
from cnnlang.diagnostics.model import Span
from cnnlang.graph import Enter, Graph, Instance, Node, walk
from cnnlang.layers.code import Code
from cnnlang.records import dataclass

LONGEST = 64
"""Columns up to which an expression is written inside another one."""
SELF = len("self.()")
OVER = len(", inplace=True")


@dataclass(eq=False, slots=True)
class Line:
    """A layer or module where it is applied; `last` is the last node that it plays.

    `length` are the columns of its expression, `base` the variable with which that begins.
    """

    what: Node | Instance
    output: int
    last: int
    length: int
    base: str = ""

    @property
    def inputs(self) -> tuple[int, ...]:
        return tuple(self.what.inputs)

    @property
    def span(self) -> Span:
        return self.what.span

    @property
    def is_sum(self) -> bool:
        """True for the `add` of a `residual`, which takes what follows it on its line."""
        call = self.what.call
        return call is not None and call.name == "add" and not (call.arguments or call.group)


def ended(graph: Graph, results: tuple[int, ...]) -> dict[int, list[int]]:
    """The nodes whose outputs are let go, by the node after which that happens.

    What the network returns, `results`, is held to the end.
    """
    last = list(range(len(graph.nodes)))
    for body, lines in bodies(graph):
        for index, end in held(body, lines, results):
            last[index] = max(last[index], end)
    found: dict[int, list[int]] = defaultdict(list)
    for index, end in enumerate(last):
        if index not in results:
            found[end].append(index)
    return found


def bodies(graph: Graph) -> list[tuple[Instance, list[Line]]]:
    """All modules with their lines, those inside before those around them."""
    found: list[tuple[Instance, list[Line]]] = []
    open_: list[tuple[Instance, list[Line]]] = [(graph.root, [])]
    over = overwriting(graph)
    end = 0
    for level, item in walk(graph.root):
        while len(open_) > level + 1:
            close(found, open_, end)
        if isinstance(item, Enter):
            open_.append((item.instance, []))
        else:
            node, end = graph.nodes[item.node], item.node
            open_[-1][1].append(Line(node, end, end, columns(graph, node, over)))
    while open_:
        close(found, open_, end)
    return found


def close(
    found: list[tuple[Instance, list[Line]]], open_: list[tuple[Instance, list[Line]]], end: int
) -> None:
    """The innermost module is complete: it becomes a line of the one around it."""
    instance, lines = open_.pop()
    found.append((instance, lines))
    if open_:
        line = Line(instance, instance.output, end, SELF + len(instance.name))
        open_[-1][1].append(line)


def held(body: Instance, lines: list[Line], results: tuple[int, ...]) -> list[tuple[int, int]]:
    """Tensors of a module with the nodes up to which it holds them."""
    end = lines[-1].last if lines else -1
    uses = Counter(index for line in lines for index in line.inputs)
    uses.update(results if body.kind == "network" else [body.output])
    reads = [(index, line.last) for line in lines for index in line.inputs]
    if chained(body, lines, uses):
        return [*reads, *((index, end) for index in body.inputs)]
    scope = Scope(lines, uses, dict(zip(body.inputs, names(body), strict=True)))
    return [*reads, *scope.bound(end)]


def names(body: Instance) -> list[str]:
    """The variables in which a module takes what flows in; they stay with the caller."""
    return [f"input{i}" if i else "x" for i in range(len(body.inputs))]


def chained(body: Instance, lines: list[Line], uses: Counter[int]) -> bool:
    """True for a stack that is an `nn.Sequential`: every tensor is used by the next line alone."""
    return body.kind == "stack" and all(
        len(line.inputs) == 1 and uses[line.output] == 1 for line in lines
    )


class Scope:
    """The variables of one `forward`: which lines get one, and which tensor it holds until when."""

    def __init__(self, lines: list[Line], uses: Counter[int], given: dict[int, str]) -> None:
        self.lines = lines
        self.uses = uses
        self.users = {index: line for line in lines for index in line.inputs}
        self.makers = {line.output: line for line in lines}
        self.names = given
        self.held = {name: index for index, name in given.items()}
        self.ends: list[tuple[int, int]] = []
        self.waiting: list[Line] = []

    def bound(self, end: int) -> list[tuple[int, int]]:
        """Tensors with the nodes up to which their variables hold them; at most `end`."""
        for line in self.lines:
            self.write(line)
        return [*self.ends, *((index, end) for index in self.names)]

    def write(self, line: Line) -> None:
        """A line is written inside its only user, or given to a variable with all that wait."""
        inside = [self.makers[i] for i in line.inputs if self.makers.get(i) in self.waiting]
        length = line.length + sum(each.length for each in inside)
        if length > LONGEST + len("out = "):
            self.settle(line.last)
        else:
            line.length = length
            self.waiting = [each for each in self.waiting if each not in inside]
        line.base = self.base(line)
        user = self.users.get(line.output)
        for index in line.inputs:
            self.uses[index] -= 1
        if user is None and self.uses[line.output]:
            return
        if user is not None and self.uses[line.output] == 1 and fits(line, user):
            self.waiting.append(line)
            return
        self.settle(line.last)
        self.assign(line, line.last)

    def settle(self, when: int) -> None:
        """All that waits is given to variables."""
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            self.assign(each, when)

    def base(self, line: Line) -> str:
        """The variable with which the expression of a line begins."""
        if not line.inputs:
            return ""
        first = line.inputs[0]
        return self.names.get(first) or (self.makers[first].base if first in self.makers else "")

    def assign(self, line: Line, when: int) -> None:
        """A line gets a variable; what this held before is let go."""
        name = self.name(line)
        if name in self.held:
            self.ends.append((self.held[name], when))
            self.names.pop(self.held[name], None)
        self.names[line.output], self.held[name] = name, line.output

    def name(self, line: Line) -> str:
        """Its label, the variable with which it begins if that is free, or a new one."""
        user, several = self.users.get(line.output), self.uses[line.output] > 1
        if several and line.what.labelled and not self.live(line.what.name):
            return line.what.name
        if user is not None and len(user.inputs) > 2 and not several:
            return f"branch{user.inputs.index(line.output) + 1}"
        if line.base and not self.live(line.base):
            return line.base
        return next(name for i in count() if not self.live(name := f"v{i}"))

    def live(self, name: str) -> bool:
        """True if the tensor in a variable is still needed."""
        needed = name in self.held and self.uses[self.held[name]] > 0
        return needed or any(each.base == name for each in self.waiting)


def fits(line: Line, user: Line) -> bool:
    """True if a line is short enough to be written inside its user, and belongs there."""
    a, b = line.span, user.span
    follows = a.source is b.source and a.start < b.start and a.line == b.line
    return line.length <= LONGEST and (len(user.inputs) > 1 or follows or line.is_sum)


def columns(graph: Graph, node: Node, over: frozenset[int]) -> int:
    """The columns of the call of a layer, without its operands; those in `over` write over it."""
    layer, tensors = node.layer, graph.tensors(node)
    if layer is None:
        return len(node.name)
    function = layer.function(tensors, node.output)
    if function is None or (node.labelled and layer.module(tensors, node.output)):
        return SELF + len(node.name)
    return written(function) + OVER * (node.index in over)


def written(value: Any) -> int:
    """The columns of some code, about."""
    if not isinstance(value, Code):
        return len(str(value)) if isinstance(value, int | float | str | tuple) else 0
    named = sum(len(name) + 3 + written(each) for name, each in value.keywords)
    return len(value.function) + 2 + named + sum(2 + written(each) for each in value.arguments)
