"""From a network of a file to its graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnlang.diagnostics.model import Diagnostic, Related, Span, has_errors
from cnnlang.elaborate.arguments import bind, complete, paired
from cnnlang.elaborate.builder import BAD, Builder
from cnnlang.elaborate.expressions import Reader, argument
from cnnlang.elaborate.faults import Fault, Muted, fault
from cnnlang.elaborate.flow import obey
from cnnlang.elaborate.hints import nearest, respelt
from cnnlang.elaborate.inputs import declare
from cnnlang.elaborate.limits import VARIANT_STEPS, room
from cnnlang.elaborate.scope import Frame, Scope, tensor
from cnnlang.elaborate.values import POISON, BlockValue, Names, NetworkValue, Word
from cnnlang.graph import DEEPEST, Graph, Instance, open_deep
from cnnlang.records import dataclass, field
from cnnlang.syntax import ast


@dataclass(frozen=True)
class Settings:
    """What is set from outside: parameters by name, and input shapes by name or position.

    Where `written` is given, all spatial sizes are free; it then gets those that were numbers.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    shapes: Mapping[str | int, tuple[Any, ...]] = field(default_factory=dict)
    written: dict[str, int] | None = None


AS_WRITTEN = Settings()
"""Nothing is set from outside."""


def elaborate(
    network: NetworkValue, settings: Settings, span: Span
) -> tuple[Graph | None, list[Diagnostic]]:
    """The graph of a network, None if it has errors. `span` is where it was asked for."""
    builder = Builder(network.budget)
    if builder.budget.spent:
        return None, []
    builder.budget.begin()
    with room():
        try:
            graph = unfold(network, settings, span, builder)
        except Fault as problem:
            builder.tell(problem)
            graph = None
    return (None if has_errors(builder.diagnostics) else graph), builder.diagnostics


def is_template(network: NetworkValue) -> bool:
    """True if some parameter has no default, so that the network cannot stand by itself."""
    return any(parameter.default is None for parameter in network.parameters)


def unfold(network: NetworkValue, settings: Settings, span: Span, builder: Builder) -> Graph:
    base, names = resolve(network, settings.parameters, span, builder)
    node = base.definition
    assert isinstance(node, ast.Network)
    root = Instance(
        "network", network.name, (), node.name_span, node, True, parameters=dict(names.own)
    )
    frame = Frame(builder, Scope(root), names, base.defaults)
    outputs, training = statements(frame, node, settings)
    root.items, root.environment = frame.items, names.own
    root.output = outputs[0] if outputs else BAD
    root.inputs = builder.inputs
    if BAD in outputs or (training and BAD in training):
        raise Muted
    if any(len(node.path) > DEEPEST for node in builder.nodes):
        open_deep(root)
    return Graph(
        network.name,
        root,
        builder.nodes,
        tuple(root.inputs),
        outputs,
        training,
        tuple(builder.conditions),
        tuple(builder.requirements),
        builder.externs,
    )


def resolve(
    network: NetworkValue, given: Mapping[str, Any], span: Span, builder: Builder
) -> tuple[NetworkValue, Names]:
    """The network proper behind a chain of variants, with the values of its parameters.

    A value from outside wins over what a variant passes on.
    """
    left = dict(given)
    reader = Reader(network.names, builder.budget)
    names = outside(network, {}, left, span, reader)
    seen = [network]
    while isinstance(network.definition, ast.Variant):
        call = network.definition.call
        target = network.names.find(call.function)
        if target is POISON:
            raise Muted
        if not isinstance(target, NetworkValue):
            known = [n for n in names.all() if isinstance(names.find(n), NetworkValue)]
            near = nearest(call.function, known)
            raise fault(
                "N124",
                f"`{call.function}` is not a network",
                call.name_span,
                f"did you mean `{near}`?" if near else "",
                fixes=respelt(call.function, near, known, call.name_span),
            )
        if target in seen:
            raise circle(seen, target)
        seen.append(target)
        builder.budget.step(call.span, VARIANT_STEPS)
        passed = passed_on(target, call, names, reader, left)
        names = outside(target, passed, left, call.span, reader)
        network = target
    if left:
        raise surplus(left, seen, span)
    return network, names


def circle(seen: Sequence[NetworkValue], target: NetworkValue) -> Fault:
    """Variants of one another are told once, at the first of them."""
    ring = seen[seen.index(target) :]
    first = min(ring, key=lambda each: each.definition.span.start)
    if first is not seen[0]:
        return Muted()
    others = [each for each in ring if each is not first][:3]
    return fault(
        "N125",
        f"`{first.name}` is a variant of itself",
        first.definition.name_span,
        related=tuple(Related(each.definition.name_span, "by way of this one") for each in others),
        help="one network of the circle must have a body",
    )


def passed_on(
    target: NetworkValue, call: ast.Apply, names: Names, reader: Reader, left: Mapping[str, Any]
) -> dict[str, Any]:
    """What a variant passes to its network, checked by binding it."""
    inner = Reader(names, reader.budget)
    open_ = {p.name: None for p in target.parameters if p.name in left}
    bind(target, call.arguments, call.span, inner, open_)
    given = paired(call.arguments, (p.name for p in target.parameters))
    return {name: argument(value, inner) for name, value in given.items()}


def outside(
    network: NetworkValue,
    passed: Mapping[str, Any],
    left: dict[str, Any],
    span: Span,
    reader: Reader,
) -> Names:
    """The parameters of a network; those set from outside are taken out of `left`."""
    mine = {p.name: left.pop(p.name) for p in network.parameters if p.name in left}
    mine = {name: block(network, value) for name, value in mine.items()}
    return complete(network, {**passed, **mine}, span, reader)


def block(network: NetworkValue, value: Any) -> Any:
    """A word from outside that names a block of the file stands for that block."""
    found = network.names.find(value) if isinstance(value, Word) else value
    return found if isinstance(found, BlockValue) else value


def surplus(left: Mapping[str, Any], seen: Sequence[NetworkValue], span: Span) -> Fault:
    name = next(iter(left))
    known = [p.name for network in seen for p in network.parameters]
    near = nearest(name, known)
    label = f"did you mean `{near}`?" if near else f"it has {', '.join(known) or 'none'}"
    return fault("A202", f"`{seen[0].name}` has no parameter `{name}`", span, label)


def statements(
    frame: Frame, node: ast.Network, settings: Settings
) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Elaborate the body; inputs and outputs are statements of the network alone."""
    outputs: dict[bool, ast.Output] = {}
    frame.builder.budget.descend(node.body.span)
    for statement in node.body.statements:
        try:
            if isinstance(statement, ast.Input):
                declare(frame, statement, settings)
            elif isinstance(statement, ast.Output):
                once(outputs, statement)
            else:
                obey(frame, statement)
        except Fault as problem:
            frame.builder.report(problem, frame.trail)
            frame.flow = BAD
    frame.builder.budget.ascend()
    if not frame.builder.inputs and frame.flow != BAD:
        raise fault(
            "N126",
            f"the network `{node.name}` has no input",
            node.name_span,
            help="declare one, as in `input 3x224x224`",
        )
    known_inputs(frame, node, settings)
    plain = returned(frame, outputs[False]) if False in outputs else (frame.flow,)
    training = returned(frame, outputs[True]) if True in outputs else None
    return tuple(BAD if v is None else v for v in plain), training


def known_inputs(frame: Frame, node: ast.Network, settings: Settings) -> None:
    """Every shape set from outside must be that of an input."""
    names = [frame.builder.nodes[i].name for i in frame.builder.inputs]
    if len(names) < sum(isinstance(each, ast.Input) for each in node.body.statements):
        return
    for key in settings.shapes:
        if key in names or key in range(len(names)):
            continue
        near = nearest(key, names) if isinstance(key, str) else None
        label = f"did you mean `{near}`?" if near else f"it has {', '.join(names)}"
        what = f"input `{key}`" if isinstance(key, str) else f"input number {key + 1}"
        message = f"`{node.name}` has no {what}, for which a shape is given"
        raise fault("N130", message, node.name_span, label)


def once(outputs: dict[bool, ast.Output], statement: ast.Output) -> None:
    earlier = outputs.get(statement.training)
    if earlier is not None:
        raise fault(
            "N127",
            "a network says only once what it returns",
            statement.span,
            related=(Related(earlier.span, "said here"),),
            help="name all outputs in one statement",
        )
    outputs[statement.training] = statement


def returned(frame: Frame, node: ast.Output) -> tuple[int, ...]:
    found = []
    for name in node.names:
        try:
            found.append(tensor(frame, name.name, name.span))
        except Fault as problem:
            frame.builder.report(problem)
            found.append(BAD)
    return tuple(found)
