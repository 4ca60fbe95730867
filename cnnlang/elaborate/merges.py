"""Merges: operands by name, and branches in braces."""

from __future__ import annotations

from typing import Any

from cnnlang.diagnostics.model import Span
from cnnlang.elaborate.builder import BAD
from cnnlang.elaborate.expressions import listed, truth, whole
from cnnlang.elaborate.faults import Fault, Muted, fault
from cnnlang.elaborate.limits import ITEMS
from cnnlang.elaborate.scope import Frame, tensor
from cnnlang.elaborate.values import MISSING
from cnnlang.graph import Choice, Loop
from cnnlang.layers.base import Layer
from cnnlang.records import replace
from cnnlang.syntax import ast


def is_merge(cls: type[Layer] | None) -> bool:
    """True for layers that may take several tensors."""
    return cls is not None and cls.operands != (1, 1)


def operands(
    frame: Frame, cls: type[Layer], call: ast.Call
) -> tuple[tuple[int, ...], tuple[ast.Argument, ...]]:
    """The tensors that a merge takes by name, and the arguments that are left.

    One number in place of the operands is the `scalar` of elementwise arithmetic.
    """
    arguments = call.arguments or ()
    if not is_merge(cls):
        return (), arguments
    rest = tuple(each for each in arguments if each.name is not None)
    given = [each for each in arguments if each.name is None]
    if given and call.group is not None:
        raise fault(
            "A221",
            f"`{call.name}` has branches already",
            given[0].span,
            "and an operand",
            help="write the operand as a branch of its own",
        )
    if len(given) == 1 and "scalar" in cls.fields and not is_label(frame, given[0].value):
        return (), (*rest, ast.Argument("scalar", given[0].value, given[0].span))
    return tuple(operand(frame, call, each.value) for each in given), rest


def is_label(frame: Frame, value: ast.Expression) -> bool:
    return isinstance(value, ast.Name) and frame.names.find(value.name) is MISSING


def operand(frame: Frame, call: ast.Call, value: ast.Expression) -> int:
    if isinstance(value, ast.Name):
        return tensor(frame, value.name, value.span)
    raise fault(
        "A222",
        f"`{call.name}` joins tensors, which are given by name",
        value.span,
        help="label the tensor where it is made, and write the label here",
    )


def outcomes(frame: Frame, call: ast.Call, flow: int) -> tuple[int, ...]:
    """What the branches leave; without branches, the incoming tensor."""
    if call.group is None:
        return (flow,)
    found: list[int] = []
    branches(frame, call.group, flow, found)
    if not found:
        raise fault(
            "A223",
            f"`{call.name}` has no branches",
            call.span,
            help="a branch begins with `|`, as in `concat { | conv(8, 1x1) | identity }`",
        )
    return tuple(found)


def branches(frame: Frame, group: tuple[ast.BranchItem, ...], flow: int, found: list[int]) -> None:
    """Elaborate the branches of a group, those inside `for`, `repeat` and `if` included."""
    budget = frame.builder.budget
    budget.descend(frame.scope.instance.span)
    for item in group:
        try:
            RULES[type(item)](frame, item, flow, found)
        except Fault as problem:
            frame.builder.report(problem, frame.trail)
            found.append(BAD)
    budget.ascend()


def branch(frame: Frame, item: ast.Branch, flow: int, found: list[int]) -> None:
    from cnnlang.elaborate.flow import body

    found.append(body(frame, item.body, flow))


def branch_if(frame: Frame, item: ast.BranchIf, flow: int, found: list[int]) -> None:
    taken = truth(item.condition, incoming(frame, flow).reader())
    inner = frame.inner()
    branches(inner, item.then if taken else item.otherwise, flow, found)
    frame.items.append(Choice(item, taken, tuple(inner.items), flow, flow))


def branch_for(frame: Frame, item: ast.BranchFor, flow: int, found: list[int]) -> None:
    values = listed(item.iterable, incoming(frame, flow).reader())
    rounds = [
        round_(frame, item.group, flow, found, unpack(item.targets, v, item.span)) for v in values
    ]
    frame.items.append(Loop(item, tuple(rounds)))


def branch_repeat(frame: Frame, item: ast.BranchRepeat, flow: int, found: list[int]) -> None:
    count = whole(item.count, incoming(frame, flow).reader(), "the count of `repeat`", ITEMS)
    rounds = [round_(frame, item.group, flow, found, {}) for _ in range(count)]
    frame.items.append(Loop(item, tuple(rounds)))


def round_(
    frame: Frame,
    group: tuple[ast.BranchItem, ...],
    flow: int,
    found: list[int],
    names: dict[str, Any],
) -> tuple[Any, ...]:
    inner = frame.inner(names)
    frame.builder.budget.step(group[0].span if group else frame.scope.instance.span)
    branches(inner, group, flow, found)
    return tuple(inner.items)


def let(frame: Frame, item: ast.Let, flow: int, found: list[int]) -> None:
    from cnnlang.elaborate.flow import define

    define(incoming(frame, flow), item)


def incoming(frame: Frame, flow: int) -> Frame:
    """The frame as expressions between branches see it: `in` is what flows into the merge."""
    return replace(frame, incoming=flow)


def unpack(targets: tuple[ast.Target, ...], value: Any, span: Span) -> dict[str, Any]:
    """The names of a `for` with their values in one round."""
    if len(targets) == 1 and isinstance(targets[0], ast.Name):
        return {targets[0].name: value}
    if len(targets) == 1:
        return taken_apart(targets[0], value)
    if not isinstance(value, tuple) or len(value) != len(targets):
        size = len(value) if isinstance(value, tuple) else 1
        raise fault(
            "A224",
            f"`for` has {len(targets)} names for items of {size} values",
            targets[0].span.to(targets[-1].span),
        )
    names: dict[str, Any] = {}
    for target, each in zip(targets, value, strict=True):
        found = taken_apart(target, each)
        if twice := sorted(names.keys() & found.keys()):
            raise fault("N115", f"`{twice[0]}` stands twice among the names of `for`", target.span)
        names |= found
    return names


def taken_apart(target: ast.Target, value: Any) -> dict[str, Any]:
    """A name for a value, or names for its items."""
    if isinstance(target, ast.Name):
        return {target.name: value}
    return unpack(target.items, value, target.span)


RULES: dict[type, Any] = {
    ast.Branch: branch,
    ast.BranchIf: branch_if,
    ast.BranchFor: branch_for,
    ast.BranchRepeat: branch_repeat,
    ast.Let: let,
}

__all__ = ["Muted", "is_merge", "operands", "outcomes", "unpack"]
