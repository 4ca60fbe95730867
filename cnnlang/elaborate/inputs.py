"""Inputs: fixed sizes, free dimensions, and the sizes that are set from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnlang.diagnostics.model import Span
from cnnlang.elaborate.expressions import evaluate, tell
from cnnlang.elaborate.faults import fault
from cnnlang.elaborate.instances import pattern
from cnnlang.elaborate.scope import Frame, claim
from cnnlang.elaborate.values import (
    MISSING,
    BlockValue,
    ExternValue,
    FunctionValue,
    NetworkValue,
)
from cnnlang.layers.tensor import AXES, SPATIAL, TOKENS, Tensor
from cnnlang.sizes import Free, Size, free
from cnnlang.syntax import ast

if TYPE_CHECKING:
    from cnnlang.elaborate.networks import Settings

LARGEST = 2**31
DEFINITIONS = (BlockValue, NetworkValue, FunctionValue, ExternValue)


def declare(frame: Frame, node: ast.Input, settings: Settings) -> None:
    """An `input` statement: a node, a label if it has a name, and the flow."""
    place = len(frame.builder.inputs)
    shape = shape_written(frame, node)
    override = settings.shapes.get(node.name or "x", settings.shapes.get(place))
    if override is not None:
        shape = replaced(node, shape, override)
    tensor = typed(node, shape)
    if settings.written is not None:
        tensor = opened(tensor, shape_written(frame, node), settings.written)
    name = claim(frame, node.name or "x", "input", node.name_span or node.span)
    value = frame.builder.input(name, tensor, node.span)
    frame.scope.labels[name] = value
    frame.flow = value


def shape_written(frame: Frame, node: ast.Input) -> tuple[Size, ...]:
    """The shape as the file has it."""
    return tuple(dimension(frame, part) for part in pattern(node.shape))


def opened(tensor: Tensor, declared: tuple[Size, ...], written: dict[str, int]) -> Tensor:
    """The tensor with its spatial sizes free: by the letters that it declares, or by new ones.

    Axes of one name and size are one dimension in all inputs; where the size differs it stays.
    """
    shape = list(tensor.shape)
    for place, (axis, size) in enumerate(zip(tensor.axes, tensor.shape, strict=True)):
        if axis not in SPATIAL or not isinstance(size, int):
            continue
        own = declared[place]
        letter = own.symbol if isinstance(own, Free) else axis[0].upper()
        if written.setdefault(letter, size) == size:
            shape[place] = free(letter)
    return tensor.resized(shape)


def dimension(frame: Frame, part: ast.Expression) -> Size:
    """One size of an input: a number, or a capital letter that is free."""
    if isinstance(part, ast.Name) and not defined(frame.names.find(part.name)):
        if len(part.name) == 1 and part.name.isupper():
            return free(part.name)
        help = "a free dimension is a single capital letter" if part.name[:1].isupper() else None
        raise fault("N101", f"unknown name `{part.name}`", part.span, help=help)
    value = evaluate(part, frame.reader())
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < LARGEST:
        return value
    raise fault(
        "A229", f"a size of an input is a whole number above 0, got {tell(value)}", part.span
    )


def defined(value: Any) -> bool:
    """True for what can be a size: not for a network or block that happens to be called `H`."""
    return value is not MISSING and not isinstance(value, DEFINITIONS)


def replaced(
    node: ast.Input, shape: tuple[Size, ...], override: tuple[Any, ...]
) -> tuple[Size, ...]:
    """The shape given from outside, which must have as many axes."""
    if len(override) != len(shape):
        raise fault(
            "A230",
            f"the input has {len(shape)} axes, the shape given has {len(override)}",
            node.shape.span,
            f"declared as {node.shape.span.text}",
        )
    return tuple(free(size) if isinstance(size, str) else size for size in override)


def typed(node: ast.Input, shape: tuple[Size, ...]) -> Tensor:
    if node.dtype not in ("float", "int"):
        raise fault(
            "A231",
            f"an input holds `float` or `int`, not `{node.dtype}`",
            span(node),
            help="leave `of ...` out for real numbers",
        )
    known = TOKENS if node.dtype == "int" else AXES
    if len(shape) not in known or not shape:
        raise fault(
            "A232",
            f"an input of {node.dtype} has 1 to {max(known)} axes, got {len(shape)}",
            node.shape.span,
            help="the batch axis is never written" if len(shape) > 3 else None,
        )
    return Tensor(shape, known[len(shape)], node.dtype)


def span(node: ast.Input) -> Span:
    return node.dtype_span or node.span
