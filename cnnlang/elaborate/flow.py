"""Statements: each takes the tensor that the one before it left, and leaves its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnlang.diagnostics.model import Related
from cnnlang.elaborate.arguments import distinct
from cnnlang.elaborate.builder import BAD
from cnnlang.elaborate.expressions import argument, evaluate, listed, truth, whole
from cnnlang.elaborate.faults import Fault, Muted, fault
from cnnlang.elaborate.hints import meant, nearest, respelt
from cnnlang.elaborate.instances import shareable
from cnnlang.elaborate.limits import ITEMS
from cnnlang.elaborate.merges import unpack
from cnnlang.elaborate.scope import Frame, claim
from cnnlang.elaborate.steps import advance
from cnnlang.elaborate.values import MISSING, POISON, FunctionValue, SharedValue
from cnnlang.graph import Choice, Loop, Requirement
from cnnlang.layers import REGISTRY, foreign
from cnnlang.layers.base import unknown_argument
from cnnlang.syntax import ast


def body(frame: Frame, node: ast.Body, flow: int | None) -> Any:
    """The value that a nested body makes of `flow`; its items join those of the frame."""
    inner = frame.inner()
    inner.flow = flow
    run(inner, node)
    frame.items += inner.items
    return inner.flow


def run(frame: Frame, node: ast.Body) -> None:
    """Elaborate the statements of a body in order; a mistake in one does not end the others."""
    budget = frame.builder.budget
    budget.descend(node.span)
    for statement in node.statements:
        obey(frame, statement)
    budget.ascend()


def obey(frame: Frame, statement: ast.Statement) -> None:
    """Elaborate one statement."""
    budget = frame.builder.budget
    frame.incoming = frame.flow
    try:
        budget.step(statement.span)
        RULES[type(statement)](frame, statement)
    except Fault as problem:
        frame.builder.report(problem, frame.trail)
        frame.flow = BAD
        if isinstance(problem, Muted):
            budget.mute(statement.span)


def chain(frame: Frame, node: ast.Chain) -> None:
    steps = node.steps
    start = head(frame, steps[0])
    flow = frame.flow if start is None else start
    frame.incoming = flow
    for step in steps if start is None else steps[1:]:
        flow = advance(frame, step, flow)
    frame.flow = flow


def head(frame: Frame, step: ast.Step) -> int | None:
    """The tensor that a chain starts from, None if its first step is applied to the flow."""
    what = step.element
    if (
        step.label
        or not isinstance(what, ast.Call)
        or what.arguments is not None
        or what.group is not None
    ):
        return None
    if (
        what.name in REGISTRY
        or what.name == "identity"
        or frame.names.find(what.name) is not MISSING
    ):
        return None
    return frame.scope.find(what.name)


def shared(frame: Frame, node: ast.Shared) -> None:
    name = claim(frame, node.name, node.name, node.name_span)
    path = frame.scope.instance.child(name)
    piece: Any = POISON
    try:
        if node.call is not None:
            shareable(frame, node.call)
        piece = SharedValue(node, frame.scope, path, frame.names, frame.defaults)
    finally:
        bind(frame, node.name, piece, node)


def repeat(frame: Frame, node: ast.Repeat) -> None:
    count = whole(node.count, frame.reader(), "the count of `repeat`", ITEMS)
    frame.items.append(Loop(node, tuple([round_(frame, node.body, {}) for _ in range(count)])))


def for_(frame: Frame, node: ast.For) -> None:
    values = listed(node.iterable, frame.reader())
    rounds = [round_(frame, node.body, unpack(node.targets, value, node.span)) for value in values]
    frame.items.append(Loop(node, tuple(rounds)))


def round_(frame: Frame, node: ast.Body, names: dict[str, Any]) -> tuple[Any, ...]:
    frame.builder.budget.step(node.span)
    inner = frame.inner(names)
    run(inner, node)
    frame.flow = inner.flow
    return tuple(inner.items)


def if_(frame: Frame, node: ast.If) -> None:
    taken = truth(node.condition, frame.reader())
    before = frame.flow
    inner = frame.inner()
    side = node.then if taken else node.otherwise
    if side is not None:
        run(inner, side)
    frame.flow = inner.flow
    flows = (-1 if value is None else value for value in (before, frame.flow))
    frame.items.append(Choice(node, taken, tuple(inner.items), *flows))


def let(frame: Frame, node: ast.Let) -> None:
    define(frame, node)


def define(frame: Frame, node: ast.Let) -> None:
    """Give a name its value; after a mistake in it, whatever uses the name is muted."""
    try:
        read = evaluate if isinstance(node.value, ast.Name) else argument
        value = read(node.value, frame.reader())
    except Fault as problem:
        frame.builder.report(problem, frame.trail)
        value = POISON
    bind(frame, node.name, value, node)


def bind(frame: Frame, name: str, value: Any, node: ast.Let | ast.Function | ast.Shared) -> None:
    if name in frame.names.own:
        raise fault(
            "N115",
            f"`{name}` has a value already",
            node.name_span,
            help="choose another name: a value never changes",
        )
    frame.names.own[name] = value


def function(frame: Frame, node: ast.Function) -> None:
    distinct(node.parameters)
    bind(frame, node.name, FunctionValue(node, frame.names), node)


def default(frame: Frame, node: ast.Default) -> None:
    frame.defaults = {**frame.defaults, node.name: defaults(frame, node)}


def defaults(frame: Frame, node: ast.Default) -> dict[str, Any]:
    """The arguments of a `default`, on top of those in force."""
    known = default_names(frame, node)
    values = dict(frame.defaults.get(node.name, {}))
    for each in node.arguments:
        if each.name is None:
            raise fault("A225", "a default is given by name", each.span, help="write `name=value`")
        if each.name not in known:
            raise unknown_default(node, each, known)
        values[each.name] = argument(each.value, frame.reader())
    return values


def default_names(frame: Frame, node: ast.Default) -> list[str]:
    """The arguments of the layer or block that a `default` is for."""
    value = frame.names.find(node.name)
    if value is POISON:
        raise Muted
    if hasattr(value, "parameters"):
        return [parameter.name for parameter in value.parameters]
    if node.name in REGISTRY:
        return list(REGISTRY[node.name].fields)
    known = (*REGISTRY, *frame.names.all())
    near = meant(node.name, known)
    raise fault(
        "N114",
        f"unknown layer or block `{node.name}`",
        node.name_span,
        f"did you mean `{near}`?" if near else "",
        fixes=respelt(node.name, near, known, node.name_span),
    )


def unknown_default(node: ast.Default, each: ast.Argument, known: list[str]) -> Fault:
    name, span = each.name or "", each.name_span or each.span
    near = foreign.argument(name, known) or nearest(name, known)
    fixes = respelt(name, near, known, span, "=")
    if node.name in REGISTRY:
        problem = unknown_argument(REGISTRY[node.name], name)
        return fault(problem.code, problem.message, span, problem.label, fixes=fixes)
    return fault(
        "A202",
        f"`{node.name}` has no parameter `{name}`",
        span,
        f"did you mean `{near}`?" if near else f"it has {', '.join(known) or 'none'}",
        fixes=fixes,
    )


def require(frame: Frame, node: ast.Require) -> None:
    frame.builder.requirements.append(Requirement(node, snapshot(frame)))
    frame.builder.budget.mute(node.span)  # until all else is right, it is not judged


def snapshot(frame: Frame) -> dict[str, Any]:
    return {name: frame.names.find(name) for name in frame.names.all()}


def misplaced(frame: Frame, node: ast.Input | ast.Output) -> None:
    word = "input" if isinstance(node, ast.Input) else "output"
    root = frame.scope.instance
    raise fault(
        "N116",
        f"`{word}` belongs at the top of a network",
        node.span,
        related=(Related(root.span, f"this is a {root.kind}"),) if root.kind != "network" else (),
        help="a block takes what flows into it"
        if word == "input"
        else "a block gives its last tensor",
    )


RULES: dict[type, Callable[[Frame, Any], None]] = {
    ast.Chain: chain,
    ast.Shared: shared,
    ast.Repeat: repeat,
    ast.For: for_,
    ast.If: if_,
    ast.Let: let,
    ast.Function: function,
    ast.Default: default,
    ast.Require: require,
    ast.Input: misplaced,
    ast.Output: misplaced,
}
