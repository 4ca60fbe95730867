"""Blocks, stacks, shared pieces and extern modules: what opens a module of its own."""

from __future__ import annotations

from typing import Any

from cnnlang.elaborate.arguments import bind
from cnnlang.elaborate.builder import BAD
from cnnlang.elaborate.expressions import Reader, evaluate
from cnnlang.elaborate.faults import Muted, fault
from cnnlang.elaborate.hints import meant, respelt
from cnnlang.elaborate.scope import Frame, Scope, claim, snake
from cnnlang.elaborate.values import POISON, BlockValue, ExternValue, Names, SharedValue
from cnnlang.graph import Enter, Instance
from cnnlang.layers import REGISTRY
from cnnlang.layers.extern import ExternModule
from cnnlang.layers.tensor import AXES, Tensor
from cnnlang.records import replace
from cnnlang.syntax import ast


def apply_block(
    frame: Frame, block: BlockValue, call: ast.Call, label: str | None, flow: int
) -> int:
    """A block called: a module of its own, with its parameters as names."""
    name = claim(frame, label, snake(block.name), call.span)
    path = frame.scope.instance.child(name)
    return enter_block(frame, block, call, path, label is not None, flow)


def enter_block(
    frame: Frame,
    block: BlockValue,
    call: ast.Call,
    path: tuple[str, ...],
    labelled: bool,
    flow: int,
    shared: bool = False,
) -> int:
    preset = frame.defaults.get(block.name)
    names = bind(block, call.arguments or (), call.span, frame.reader(), preset)
    parameters = dict(names.own)
    instance = Instance(
        "block",
        block.name,
        path,
        call.span,
        block.definition,
        labelled,
        call,
        parameters=parameters,
        shared=shared,
    )
    inner = Frame(
        frame.builder, Scope(instance), names, block.defaults, trail=(*frame.trail, call.span)
    )
    return enter(frame, inner, block.definition.body, flow)


def enter(frame: Frame, inner: Frame, body: ast.Body, flow: int) -> int:
    """Elaborate the body of a module inside the frame that applies it."""
    from cnnlang.elaborate.flow import run

    instance = inner.scope.instance
    inner.depth = frame.depth + 1
    frame.builder.budget.deeper(inner.depth, instance.span, instance.title)
    instance.inputs.append(flow)
    inner.flow = flow
    run(inner, body)
    instance.output = flow if inner.flow is None else inner.flow
    instance.items = inner.items
    instance.environment = inner.names.own
    frame.items.append(Enter(instance))
    return instance.output


def apply_stack(frame: Frame, node: ast.Stack, label: str | None, flow: int) -> int:
    """A stack: a container that numbers its children and sees the names around it."""
    name = claim(frame, label, "stack", node.span)
    path = frame.scope.instance.child(name)
    instance = Instance("stack", "stack", path, node.span, node, label is not None)
    return enter(frame, nested(frame, instance), node.body, flow)


def nested(frame: Frame, instance: Instance) -> Frame:
    """A frame for a module that sees the names and tensors around it."""
    scope = Scope(instance, frame.scope)
    return Frame(frame.builder, scope, frame.names.inner(), frame.defaults, trail=frame.trail)


def apply_shared(
    frame: Frame, piece: SharedValue, call: ast.Call, label: str | None, flow: int
) -> int:
    """A shared piece applied once more, with the weights that it has."""
    node = piece.definition
    if call.arguments:
        raise fault("A226", f"`{node.name}` is a shared piece: it takes no arguments", call.span)
    if frame.scope is not piece.scope:
        raise fault(
            "N117",
            f"the shared piece `{node.name}` belongs to another module",
            call.name_span,
            help="apply it where it is declared, outside blocks and stacks",
        )
    if node.body is not None:
        instance = Instance(
            "shared", node.name, piece.path, call.span, node, True, call, shared=True
        )
        inner = nested(frame, instance)
        inner.names, inner.defaults = piece.names.inner(), piece.defaults
        inner.trail = (*frame.trail, call.span)
        return enter(frame, inner, node.body, flow)
    assert node.call is not None
    return shared_call(frame, piece, node.call, flow)


def shareable(frame: Frame, call: ast.Call) -> None:
    """Only a block or a layer of one tensor can be shared."""

    cls = REGISTRY.get(call.name)
    if frame.names.find(call.name) is POISON:
        raise Muted
    if isinstance(frame.names.find(call.name), BlockValue) or (cls and cls.operands == (1, 1)):
        return
    known = (*REGISTRY, *frame.names.all())
    near = meant(call.name, known) if cls is None else None
    raise fault(
        "A227",
        f"`{call.name}` cannot be shared: it is no block and no layer of one tensor",
        call.name_span,
        f"did you mean `{near}`?" if near else "",
        fixes=respelt(call.name, near, known, call.name_span),
    )


def shared_call(frame: Frame, piece: SharedValue, call: ast.Call, flow: int) -> int:
    """`shared x = Block(...)` or `shared x = layer(...)`, applied."""
    from cnnlang.elaborate import steps

    there = replace(frame, names=piece.names, defaults=piece.defaults)
    target = piece.names.find(call.name)
    if isinstance(target, BlockValue):
        return enter_block(there, target, call, piece.path, True, flow, shared=True)
    cls = REGISTRY[call.name]
    positional, given, references = steps.read(there, cls, call.arguments or ())
    layer = steps.build(there, cls, call, positional, given)
    inputs = (flow, *references)
    return BAD if BAD in inputs else steps.place(there, layer, call, inputs, piece.path, True)


def apply_extern(
    frame: Frame, extern: ExternValue, call: ast.Call, label: str | None, flow: int
) -> int:
    """A user's own module: its output is what the declared shape rule says."""
    from cnnlang.elaborate import steps

    names = bind(extern, call.arguments or (), call.span, frame.reader())
    sources: tuple[int, ...] = (flow,)
    name = claim(frame, label, snake(extern.name), call.span)
    if BAD in sources:
        return BAD
    tensor = frame.builder.nodes[flow].output
    if not tensor.certain:
        return BAD
    output = matched(frame, extern, call, tensor, names)
    node = extern.definition
    layer = ExternModule.make(
        {
            "title": extern.name,
            "target": node.target,
            "arguments": tuple(names.own.items()),
            "result": output,
        }
    )
    frame.builder.externs[extern.name] = node.target
    path = frame.scope.instance.child(name)
    return steps.place(frame, layer, call, sources, path, label is not None)


def matched(
    frame: Frame, extern: ExternValue, call: ast.Call, tensor: Tensor, names: Names
) -> Tensor:
    """The output of an extern: its input pattern matched, its output worked out."""
    node = extern.definition
    if len(node.inputs) != 1:
        raise fault(
            "A228", f"`{extern.name}` takes {len(node.inputs)} tensors, one flows in", call.span
        )
    bound = names.inner()
    parts = pattern(node.inputs[0])
    reader = Reader(bound, frame.builder.budget)
    wanted = node.inputs[0].span.text
    if len(parts) != tensor.rank:
        raise mismatch(extern, call, tensor, wanted)
    for part, size in zip(parts, tensor.shape, strict=True):
        if isinstance(part, ast.Name) and len(part.name) == 1 and part.name not in names.own:
            if bound.own.setdefault(part.name, size) != size:
                raise mismatch(extern, call, tensor, wanted)
        elif evaluate(part, reader) != size:
            raise mismatch(extern, call, tensor, wanted)
    shape = tuple(evaluate(part, reader) for part in pattern(node.output))
    if not all(is_size(each) for each in shape) or len(shape) not in AXES:
        sizes = ", ".join(map(str, shape))
        raise fault(
            "S118",
            f"the output of `{extern.name}` is no shape",
            node.output.span,
            f"this is [{sizes}]",
            help="each size is a whole number above 0",
        )
    return Tensor(shape, AXES[len(shape)])


def is_size(value: Any) -> bool:
    return not isinstance(value, (bool, float, str, tuple)) and (
        not isinstance(value, int) or value > 0
    )


def pattern(node: ast.Expression) -> tuple[ast.Expression, ...]:
    """The sizes of a shape pattern, one expression each."""
    if isinstance(node, ast.Sequence):
        return node.items
    if isinstance(node, ast.Size):
        return tuple(
            ast.Number(part, node.span) if isinstance(part, int) else ast.Name(part, node.span)
            for part in node.parts
        )
    return (node,)


def mismatch(extern: ExternValue, call: ast.Call, tensor: Tensor, wanted: str) -> Exception:
    return fault("S119", f"`{extern.name}` takes {wanted}, got {tensor}", call.span)
