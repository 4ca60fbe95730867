"""The steps of a chain: what a name means, and what applying it adds to the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnnlang.diagnostics.model import Edit, Fix, Related, Span
from cnnlang.elaborate.builder import BAD
from cnnlang.elaborate.expressions import argument, tell
from cnnlang.elaborate.faults import Fault, Muted, fault
from cnnlang.elaborate.hints import meant, relayered
from cnnlang.elaborate.instances import apply_block, apply_extern, apply_shared, apply_stack
from cnnlang.elaborate.lists import weigh
from cnnlang.elaborate.merges import is_merge, operands, outcomes
from cnnlang.elaborate.mistakes import located, mistaken
from cnnlang.elaborate.scope import Frame, claim, spell, tensor
from cnnlang.elaborate.sites import Site
from cnnlang.elaborate.values import (
    MISSING,
    POISON,
    BlockValue,
    ExternValue,
    NetworkValue,
    SharedValue,
)
from cnnlang.graph import Apply, Node
from cnnlang.layers import REGISTRY, foreign
from cnnlang.layers.base import Layer, LayerError, Weight
from cnnlang.layers.tensor import AXIS_NAMES, show
from cnnlang.layers.values import Ref
from cnnlang.records import replace
from cnnlang.syntax import ast


def advance(frame: Frame, step: ast.Step, flow: int | None) -> int:
    """The value that a step makes of `flow`; on a mistake, tells it and gives `BAD`."""
    label: str | None = None
    frame.step = step
    try:
        label = spell(step.label, frame) if step.label else None
        value = element(frame, step, label, flow)
    except Fault as problem:
        frame.builder.report(problem, frame.trail)
        label, value = label or plain(step.label), BAD
        flow = BAD if isinstance(problem, Muted) else flow
    if flow == BAD:
        frame.builder.budget.mute(step.span)
    if label is not None:
        frame.scope.labels[label] = value
    return value


def plain(label: ast.Label | None) -> str | None:
    """The text of a label without holes: who uses it after a mistake is muted."""
    parts = label.parts if label else ()
    return "".join(map(str, parts)) if all(isinstance(p, str) for p in parts) else None


def element(frame: Frame, step: ast.Step, label: str | None, flow: int | None) -> int:
    what = step.element
    if flow is None:
        raise fault(
            "N111", "no tensor flows in here", what.span, help="declare an `input` before it"
        )
    if isinstance(what, ast.Stack):
        return apply_stack(frame, what, label, flow)
    if isinstance(what, ast.Residual):
        return apply_residual(frame, what, label, flow)
    return named(frame, what, label, flow)


def named(frame: Frame, call: ast.Call, label: str | None, flow: int) -> int:
    """A call by name: a block, shared piece or extern in scope, else a layer."""
    value = frame.names.find(call.name)
    cls = REGISTRY.get(call.name)
    if value is POISON:
        raise Muted
    if call.group is not None and (value is not MISSING or not is_merge(cls)):
        raise fault(
            "A220",
            f"`{call.name}` takes no branches",
            call.name_span,
            help="branches belong to a merge such as `concat`, `add` or `multiply`",
        )
    if (apply := APPLIERS.get(type(value))) is not None:
        return apply(frame, value, call, label, flow)
    if call.name == "identity":
        return identity(call, flow)
    if cls is not None:
        return apply_layer(frame, cls, call, label, flow)
    raise unknown(frame, call, value, label)


def identity(call: ast.Call, flow: int) -> int:
    if call.arguments:
        raise fault("A204", "`identity` takes no arguments", call.arguments[0].span)
    return flow


def unknown(frame: Frame, call: ast.Call, value: Any, label: str | None) -> Fault:
    """What to say of a name that is no layer and no block."""
    if isinstance(value, NetworkValue):
        return fault(
            "N112",
            f"`{call.name}` is a network, not a block",
            call.name_span,
            help=f"write `block {call.name}(...)` to use it inside another",
        )
    if value is not MISSING:
        return fault(
            "N112", f"`{call.name}` is {tell(value)}, not a layer or block", call.name_span
        )
    if frame.scope.find(call.name) is not None:
        joined = () if label else join(call)
        label = f"label the layer that follows: `{call.name} -> {label}: ...`" if label else ""
        return fault(
            "N113",
            f"`{call.name}` is a tensor; a tensor can only begin a chain",
            call.name_span,
            notes=(label,) if label else (),
            fixes=joined,
        )
    blocks = [
        name for name in frame.names.all() if isinstance(frame.names.find(name), tuple(APPLIERS))
    ]
    known = (*REGISTRY, *blocks, *frame.scope.visible(), "identity")
    near = meant(call.name, known)
    fixes = relayered(call, near, known)
    return fault(
        "N114",
        f"unknown layer or block `{call.name}`",
        call.name_span,
        f"did you mean `{near}`?" if near else "",
        notes=(foreign.WAYS[call.name],) if call.name in foreign.WAYS else (),
        help=next((each.help for each in fixes if each.edits[0].span is call.span), None),
        fixes=fixes,
    )


def join(call: ast.Call) -> tuple[Fix, ...]:
    """The merges that may be meant by a tensor in a chain."""
    texts = (f"{merge}({call.name})" for merge in ("add", "concat"))
    return tuple(Fix(f"join it with `{text}`", (Edit(call.span, text),)) for text in texts)


def apply_layer(
    frame: Frame, cls: type[Layer], call: ast.Call, label: str | None, flow: int
) -> int:
    """A layer (or merge) applied to the flow."""
    sources, rest = operands(frame, cls, call)
    positional, given, references = read(frame, cls, rest)
    layer = build(frame, cls, call, positional, given)
    inputs = (*outcomes(frame, call, flow), *sources) if is_merge(cls) else (flow,)
    name = claim(frame, label, cls.name, call.span, module=cls.operands == (1, 1))
    counted(cls, call, len(inputs))
    inputs = (*inputs, *references)
    if BAD in inputs:
        mute(frame, call)
        return BAD
    return place(frame, layer, call, inputs, frame.scope.instance.child(name), label is not None)


def counted(cls: type[Layer], call: ast.Call, count: int) -> None:
    """A merge of two tensors takes two; the others leave the number to the layer."""
    low, high = cls.operands
    if high is None or low <= count <= high:
        return
    raise fault(
        "A233",
        f"`{cls.name}` takes {high} tensors, got {count}",
        call.span,
        help=f"the incoming tensor counts: write `{cls.name}(other)`, or two branches",
    )


def read(
    frame: Frame, cls: type[Layer], arguments: tuple[ast.Argument, ...]
) -> tuple[list[Any], dict[str, Any], list[int]]:
    """Arguments by position, by name (defaults in force included), and tensors referred to."""
    positional: list[Any] = []
    given: dict[str, Any] = dict(frame.defaults.get(cls.name, {}))
    references: list[int] = []
    if not arguments:
        return positional, given, references
    reader, named = frame.reader(), {each.name for each in arguments}
    for each in arguments:
        if each.name in cls.references and isinstance(each.value, ast.Name):
            references.append(tensor(frame, each.value.name, each.value.span))
            given[each.name] = Ref(each.value.name)
        elif each.name is None:
            field = next(iter(cls.positional[len(positional) :]), "")
            positional.append(argument(each.value, reader, axis_words(cls, field)))
        else:
            given[each.name] = argument(each.value, reader, axis_words(cls, each.name))
    for field in cls.positional[: len(positional)]:
        if field not in named:
            given.pop(field, None)
    return positional, given, references


def axis_words(cls: type[Layer], field: str) -> tuple[str, ...]:
    """The words that are axes in an argument, whatever else has such a name."""
    return AXIS_NAMES if field in cls.axes else ()


def build(
    frame: Frame, cls: type[Layer], call: ast.Call, positional: list[Any], given: Mapping[str, Any]
) -> Layer:
    lists = [each for each in (*positional, *given.values()) if isinstance(each, tuple)]
    if lists:
        frame.builder.budget.step(call.span, weigh(lists)[0])
    try:
        return frame.builder.layer(cls, positional, given)
    except LayerError as error:
        site = Site(frame.builder.nodes, cls, call, frame.step)
        problem = located(frame, site, error, (*positional, *given.values()))
        layer = ".".join(frame.scope.instance.child(expected(frame, cls.name)))
        raise Fault(*(replace(each, layer=layer) for each in problem.diagnostics)) from None


def expected(frame: Frame, kind: str) -> str:
    """The name that a layer would get which cannot be made."""
    label = plain(frame.step.label) if frame.step else None
    scope = frame.scope
    number = scope.counts.get("", 0) if scope.numbered else scope.counts.get(kind, 0) + 1
    return label or (str(number) if scope.numbered else f"{kind}{number}")


def place(
    frame: Frame,
    layer: Layer,
    call: ast.Call,
    inputs: tuple[int, ...],
    path: tuple[str, ...],
    labelled: bool,
) -> int:
    """The node of a layer; what is wrong with its inputs is told at its arguments."""
    try:
        index = frame.builder.add(layer, inputs, path, call.span, labelled, call, frame.step)
    except LayerError as error:
        site = Site(frame.builder.nodes, type(layer), call, frame.step, inputs, layer)
        return mistaken(frame, site, error, path, labelled)
    if frame.builder.diagnostics and not all(frame.builder.nodes[i].output.certain for i in inputs):
        mute(frame, call)
    share(frame, index)
    frame.items.append(Apply(index))
    return index


def mute(frame: Frame, call: ast.Call) -> None:
    """Nothing sure can be told of a layer; its branches are judged by themselves."""
    frame.builder.budget.mute(call.name_span if call.group else call.span)


def share(frame: Frame, index: int) -> None:
    """Layers with one path share their weights, which then must have one shape."""
    nodes = frame.builder.nodes
    node = nodes[index]
    owner = frame.builder.owners.setdefault(node.path, index)
    if owner == index:
        return
    before, weights = weighed(nodes, owner), weighed(nodes, index)
    if weights != before:
        inside = bool(frame.trail)
        raise fault(
            "S117",
            f"the shared `{node.name}` would need weights of two shapes",
            frame.trail[-1] if inside else node.span,
            f"here {times(weights)}, before {times(before)}",
            related=(Related(node.span, "these weights"),) if inside else (),
            help="apply it to tensors with the same number of channels",
        )


def weighed(nodes: list[Node], index: int) -> tuple[Weight, ...]:
    """The weights of a node."""
    layer, inputs = nodes[index].layer, nodes[index].inputs
    return layer.weights(tuple(nodes[i].output for i in inputs)) if layer else ()


def times(weights: tuple[Weight, ...]) -> str:
    return show(weights[0].shape) if weights else "none"


def apply_residual(frame: Frame, what: ast.Residual, label: str | None, flow: int) -> int:
    """`add` of two bodies that start from one tensor; the shortcut is the identity if empty."""
    from cnnlang.elaborate.flow import body

    sides = [body(frame, what.main, flow)]
    sides.append(body(frame, what.shortcut, flow) if what.shortcut else flow)
    name = claim(frame, label, "add", what.span, module=False)
    if BAD in sides:
        frame.builder.budget.mute(head(what.span))
        return BAD
    call = ast.Call("add", None, None, what.span, head(what.span))
    path = frame.scope.instance.child(name)
    return place(
        frame,
        frame.builder.layer(REGISTRY["add"], (), {}),
        call,
        tuple(sides),
        path,
        label is not None,
    )


def head(span: Span) -> Span:
    """The first word of a span."""
    word = span.text.split("{")[0].rstrip()
    return Span(span.source, span.start, span.start + max(1, len(word)))


APPLIERS: dict[type, Callable[..., int]] = {
    BlockValue: apply_block,
    SharedValue: apply_shared,
    ExternValue: apply_extern,
}
