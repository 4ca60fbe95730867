"""The `forward` of a class: the statements that a person would write for its graph."""

from __future__ import annotations

import builtins
import keyword
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from cnnlang.backends.source.constructor import document, flag, presence
from cnnlang.backends.source.express import names
from cnnlang.backends.source.helpers import helper_names
from cnnlang.backends.source.layout import WIDTH, Doc, Group, flat, lines
from cnnlang.backends.source.plan import ClassPlan, Planner
from cnnlang.backends.source.runs import Run, grouped, number, progression
from cnnlang.backends.source.shapes import shape_comment
from cnnlang.backends.source.structure import Body, Fork, Part, Ref, Step
from cnnlang.backends.source.uses import count, users
from cnnlang.graph import Graph, Instance, Node
from cnnlang.records import dataclass, field

POOL = ("x", "out", "y", "z", "u", "v", "w")
FORBIDDEN = frozenset({"self", "i", "torch", "nn", "F", "math", *dir(builtins), *helper_names()})
INLINE = 64


@dataclass(slots=True)
class Writer:
    """Lines under way: variables that hold values, and values not yet given to a variable.

    `uses` counts how often every value will still be needed. Of an expression, `bases` has the
    variable that it begins with and `reads` all that it reads; those of a waiting one, and those
    `held` by the one being written, must keep their values.
    """

    plan: ClassPlan
    planner: Planner
    uses: Counter[Ref]
    users: dict[Ref, list[Any]]
    variables: dict[Ref, str] = field(default_factory=dict)
    pending: dict[Ref, tuple[Doc, Step]] = field(default_factory=dict)
    bases: dict[Ref, str] = field(default_factory=dict)
    reads: dict[Ref, frozenset[str]] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    lines: list[str] = field(default_factory=list)
    indent: int = 8

    # --- steps -----------------------------------------------------------------------------------

    def write(
        self, parts: Sequence[Part], training: Callable[[Part | Run], bool] = lambda part: False
    ) -> None:
        """The statements of some parts; those for training alone under `if self.training:`."""
        inside = False
        for part in grouped(parts, self.steady):
            if training(part) != inside:
                self.flush()
                inside = not inside
                self.lines += [" " * self.indent + "if self.training:"] if inside else []
                self.indent += 4 if inside else -4
            if isinstance(part, Run):
                self.run(part)
            elif isinstance(part, Fork):
                self.fork(part)
            else:
                self.step(part)
        if inside:
            self.flush()
            self.indent -= 4

    def steady(self, steps: list[Step]) -> bool:
        """True if siblings are alike in shape, each used by the next alone."""
        if any(self.uses["step", step.id] != 1 for step in steps[:-1]):
            return False
        if (
            None in (loops := {self.plan.loops.get(step.attribute) for step in steps})
            or len(loops) != 1
        ):
            return False
        shapes = [self.planner.graph.nodes[step.first.output].output for step in steps]  # type: ignore[index]
        if len({tensor.shape[1:] for tensor in shapes}) != 1:
            return False
        return progression([str(tensor.channels) for tensor in shapes]) is not None

    def run(self, run: Run) -> None:
        """Siblings applied in a loop."""
        first, last = run.steps[0], run.steps[-1]
        if first.inputs[0] in self.pending:
            self.settle(first.inputs[0])
        self.flush()
        before = self.variables[first.inputs[0]]
        for step in run.steps:
            self.uses[step.inputs[0]] -= 1
        ref = ("step", last.id)
        self.bases[ref] = before
        name = self.name(ref, last)
        if name != before:
            self.lines.append(f"{' ' * self.indent}{name} = {before}")
        self.variables[ref] = name
        self.lines.append(f"{' ' * self.indent}for i in range({run.count}):")
        call = f'{name} = getattr(self, f"{run.base}{number(run.first)}")({name})'
        self.lines += commented(
            f"{' ' * (self.indent + 4)}{call}", shape_comment(self.planner, self.plan, last)
        )

    def step(self, step: Step) -> None:
        """One value: kept back if its only user takes it in, else given to a variable."""
        ref = ("step", step.id)
        document = self.document(step, ref)
        if self.inlined(step, ref, document):
            self.pending[ref] = document, step
        else:
            self.held = self.reads[ref]
            self.flush()
            self.held = frozenset()
            self.assign(ref, document, step)

    def document(self, step: Step, ref: Ref) -> Doc:
        """The expression of a step; operands that make it too long become variables first."""
        whole = self.expression(step, [self.peek(ref) for ref in step.inputs])
        room = WIDTH - self.indent - len("branch1 = ")
        crowded = len(flat(whole)) > room or self.stale(step)
        if crowded:
            for each in step.inputs:
                if each in self.pending:
                    self.settle(each)
        self.bases[ref] = self.base(step.inputs[0]) if step.inputs else ""
        self.reads[ref] = frozenset().union(*map(self.read, step.inputs))
        operands = [self.take(each) for each in step.inputs]
        return self.expression(step, operands) if crowded else whole

    def stale(self, step: Step) -> bool:
        """True if something waits that was made before what this step takes in."""
        waiting = list(self.pending)
        inside = [waiting.index(ref) for ref in step.inputs if ref in self.pending]
        return bool(inside) and inside != list(range(min(inside), len(waiting)))

    def expression(self, step: Step, operands: list[Doc]) -> Doc:
        name = self.plan.reach(step.attribute)
        if step.is_child:
            return Group(f"{name}(", tuple(operands), ")")
        module = self.planner.codes.has_module(step.first)
        codes = {row: self.code(node, module) for row, node in step.rows.items()}
        return document(codes, lambda v, w: self.leaf(v, w), operands, name, step.attribute)

    def code(self, node: Node, module: bool) -> Any:
        found = self.planner.codes.of(node)
        return found.code if module else self.planner.in_place(node, found.function)

    def leaf(self, values: Mapping[int, Any], wish: str) -> str:
        """A value inside the forward; what differs between instances is kept in an attribute."""
        text = self.plan.words.say(values, (), wish)
        if not names(text):
            return text
        known = next((name for name, said in self.plan.attributes.items() if said == text), None)
        if known is None:
            known = self.plan.unique(wish)
            self.plan.attributes[known] = text
        return f"self.{known}"

    # --- values ----------------------------------------------------------------------------------

    def inlined(self, step: Step, ref: Ref, document: Doc) -> bool:
        """True if a value is written inside the expression of its only user."""
        users = self.users.get(ref, [])
        if self.uses[ref] != 1 or len(users) != 1:
            return False
        user = users[0]
        if user == "result":
            return True
        if not isinstance(user, Step) or len(flat(document)) > INLINE:
            return False
        return len(user.inputs) > 1 or follows(step, user) or is_sum(step)

    def peek(self, ref: Ref) -> Doc:
        return self.pending[ref][0] if ref in self.pending else self.variables[ref]

    def take(self, ref: Ref) -> Doc:
        """A value for its use now."""
        self.uses[ref] -= 1
        if ref in self.pending:
            return self.pending.pop(ref)[0]
        return self.variables[ref] if self.uses[ref] > 0 else self.variables.pop(ref)

    def read(self, ref: Ref) -> frozenset[str]:
        """The variables that an operand reads."""
        return self.reads[ref] if ref in self.pending else frozenset((self.variables[ref],))

    def base(self, ref: Ref) -> str:
        return self.variables.get(ref) or self.bases.get(ref, "")

    def settle(self, ref: Ref) -> None:
        """Give a waiting value, and all that wait before it, to variables."""
        for each in list(self.pending):
            document, step = self.pending.pop(each)
            self.assign(each, document, step)
            if each == ref:
                return

    def flush(self) -> None:
        if self.pending:
            self.settle(next(reversed(self.pending)))

    def assign(self, ref: Ref, document: Doc, step: Step) -> None:
        """`name = expression  # shape`."""
        name = self.name(ref, step)
        self.variables[ref] = name
        self.emit(document, f"{name} = ", shape_comment(self.planner, self.plan, step))

    def name(self, ref: Ref, step: Step) -> str:
        """A variable for a value: its label, `x` along the chain, else the first one free."""
        live = {name for other, name in self.variables.items() if self.uses[other] > 0}
        live = live.union(self.held, *(self.reads[other] for other in self.pending))
        asked = self.uses[ref] > 1 or "results" in self.users.get(ref, [])
        if asked and is_labelled(step) and usable(step.attribute) and step.attribute not in live:
            return step.attribute
        merges = [u for u in self.users.get(ref, []) if isinstance(u, Step) and len(u.inputs) > 2]
        if merges and self.uses[ref] == 1:
            branch = f"branch{merges[0].inputs.index(ref) + 1}"
            if branch not in live:
                return branch
        base = self.bases.get(ref, "")
        several = self.plan.body.inputs > 1
        return base if base and base not in live and (several or base in POOL) else self.free(live)

    def free(self, live: set[str]) -> str:
        return next(
            name for name in (*POOL, *(f"v{i}" for i in range(len(live) + 8))) if name not in live
        )

    def emit(self, document: Doc, prefix: str, comment: str = "") -> None:
        found = lines(document, self.indent, prefix)
        self.lines += commented(found[0], comment) if len(found) == 1 else found

    # --- forks -----------------------------------------------------------------------------------

    def fork(self, fork: Fork, final: bool = False) -> None:
        """An `if`, with the outcome of both sides in one variable, or returned if it is `final`."""
        if fork.before in self.pending:
            self.settle(fork.before)
        self.flush()
        before = self.variables[fork.before]
        self.uses[fork.before] -= 1
        counts = [count(fork.then, fork.then_result), count(fork.otherwise, fork.other_result)]
        after = self.uses - counts[0] - counts[1]
        ref = ("fork", fork.id)
        live = {name for other, name in self.variables.items() if after[other] > 0}
        target = before if before not in live else self.free(live)
        prefix = "return " if final else f"{target} = "
        sides = [
            self.side(parts, result, after + own, prefix)
            for parts, result, own in zip(
                (fork.then, fork.otherwise),
                (fork.then_result, fork.other_result),
                counts,
                strict=True,
            )
        ]
        self.uses = after
        self.variables[ref] = target
        self.lines += self.choose(fork, prefix, before, sides)

    def side(
        self, parts: Sequence[Part], result: Ref, uses: Counter[Ref], prefix: str
    ) -> list[str]:
        """The lines of one side, which end by giving away the outcome."""
        inner = Writer(self.plan, self.planner, Counter(uses), self.users, dict(self.variables))
        inner.indent = self.indent + 4
        inner.users = {**self.users, result: ["result"]}
        inner.write(parts)
        outcome = inner.take(result)
        if prefix != f"{flat(outcome)} = ":
            inner.emit(outcome, prefix)
        return inner.lines

    def choose(self, fork: Fork, prefix: str, before: str, bodies: list[list[str]]) -> list[str]:
        pad = " " * self.indent
        test = presence(self.planner.codes, fork)
        condition = (
            f"self.{flag(self.planner.codes, self.plan, fork)}"
            if test is None
            else f"self.{test} is not None"
        )
        if test is not None and not fork.then:
            bodies = bodies[::-1]
        elif test is None and not bodies[0]:
            condition, bodies = f"not {condition}", [bodies[1], []]
        found = [f"{pad}if {condition}:", *bodies[0]]
        short = [[line.strip() for line in body] for body in bodies]
        if test and [len(body) for body in short] == [1, 1] and short[1] == [f"{prefix}{before}"]:
            other = short[0][0].removeprefix(prefix)
            line = f"{pad}{prefix}{before} if self.{test} is None else {other}"
            if len(line) <= WIDTH and "#" not in line:
                return [line]
        if prefix == "return ":
            return [*found, *(line[4:] for line in bodies[1])]
        return [*found, f"{pad}else:", *bodies[1]] if bodies[1] else found


def commented(line: str, comment: str) -> list[str]:
    """A line with a comment, if there is room for it."""
    return [f"{line}  # {comment}" if comment and len(line) + len(comment) + 4 <= WIDTH else line]


def follows(step: Step, user: Step) -> bool:
    """True if the user stands after the step on the same line of the file."""
    a, b = step.first.span, user.first.span
    return a.source is b.source and a.start < b.start and a.line == b.line


def is_sum(step: Step) -> bool:
    """True for the `add` of a `residual`, which takes what follows it on its line."""
    call = step.first.call
    return call is not None and call.name == "add" and call.arguments is None and call.group is None


def is_labelled(step: Step) -> bool:
    return bool(step.first.labelled)


def usable(name: str) -> bool:
    known = keyword.iskeyword(name) or name in FORBIDDEN
    return name.isascii() and name.isidentifier() and not known


def output_nodes(part: Part | Run) -> set[int]:
    """The values that a part of the network leaves."""
    if isinstance(part, Run):
        return {node for each in part.steps for node in output_nodes(each)}
    if isinstance(part, Fork):
        return {node for each in (*part.then, *part.otherwise) for node in output_nodes(each)}
    return {
        each.output if isinstance(each, Instance) else each.index for each in part.rows.values()
    }


def forward(planner: Planner, plan: ClassPlan) -> list[str]:
    """The body of `forward` for a block or stack."""
    body = plan.body
    writer = opened(planner, plan, body, [body.result])
    names = argument_names(planner, plan)
    for place, name in enumerate(names):
        writer.variables[("in", place)] = name
    last = body.parts[-1] if body.parts else None
    if isinstance(last, Fork) and body.result == ("fork", last.id):
        writer.write(body.parts[:-1])
        writer.fork(last, final=True)
        return writer.lines
    writer.write(body.parts)
    result = writer.take(body.result)
    writer.flush()
    writer.emit(result, "return ")
    return writer.lines


def opened(planner: Planner, plan: ClassPlan, body: Body, results: Sequence[Ref]) -> Writer:
    uses = count(body.parts)
    found = users(body.parts)
    for ref in results:
        uses[ref] += 1
        found.setdefault(ref, []).append("result" if len(results) == 1 else "results")
    return Writer(plan, planner, uses, found)


def input_names(graph: Graph, taken: Collection[str] = ()) -> list[str]:
    """The arguments of the network's `forward`, apart from names that its body uses otherwise."""
    names = (graph.nodes[index].name for index in graph.inputs)
    return [name if usable(name) and name not in taken else f"{name}_" for name in names]


def argument_names(planner: Planner, plan: ClassPlan) -> list[str]:
    """The arguments of `forward`: inputs by name in a network, `x` and the captured labels else."""
    instance: Instance = plan.first
    nodes = planner.graph.nodes
    if instance.kind == "network":
        return input_names(planner.graph)
    found = ["x"]
    for value in instance.inputs[1:]:
        name = nodes[value].name
        found.append(
            name
            if nodes[value].labelled and usable(name) and name not in found
            else f"skip{len(found)}"
        )
    return found
