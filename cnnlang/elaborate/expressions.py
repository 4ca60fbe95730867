"""Expressions: evaluated exactly, within bounds, without ever running Python of the file's."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Container, Mapping
from typing import Any

from cnnlang.diagnostics.model import Edit, Fix, Span
from cnnlang.elaborate.arguments import bind
from cnnlang.elaborate.builtins import BUILTINS
from cnnlang.elaborate.faults import Muted, fault
from cnnlang.elaborate.hints import nearest, respelt
from cnnlang.elaborate.limits import BITS, Budget, room
from cnnlang.elaborate.lists import listing, weigh
from cnnlang.elaborate.values import MISSING, POISON, FunctionValue, Names, NetworkValue, Word, kind
from cnnlang.layers.initial import SCHEMES, SHORT, make
from cnnlang.layers.tensor import Tensor
from cnnlang.records import dataclass, field
from cnnlang.sizes import Free, Mixed, SizeLimit
from cnnlang.syntax import ast

FIELDS = ("channels", "features", "height", "width", "length", "depth", "shape")


@dataclass(slots=True)
class Reader:
    """What an expression may see: names, the incoming tensor, and further functions."""

    names: Names
    budget: Budget
    incoming: Any = None
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


def evaluate(node: ast.Expression, reader: Reader) -> Any:
    """The value of an expression; a `Fault` says what is wrong with it."""
    reader.budget.step(node.span)
    return RULES[type(node)](node, reader)


def argument(node: ast.Expression, reader: Reader, words: Container[str] = ()) -> Any:
    """The value of an argument, where a name without a value is a word (`padding=same`).

    `words` are words even if they have a value.
    """
    if isinstance(node, ast.Name) and (
        node.name in words or reader.names.find(node.name) is MISSING
    ):
        return Word(node.name)
    if isinstance(node, ast.Sequence):
        reader.budget.step(node.span)
        items = [argument(item, reader, words) for item in node.items]
        return listing(items, node.span, reader.budget)
    if isinstance(node, ast.Conditional):
        return argument(chosen(node, reader), reader, words)
    return evaluate(node, reader)


def truth(node: ast.Expression, reader: Reader) -> bool:
    """A condition; only true and false are conditions."""
    value = evaluate(node, reader)
    if isinstance(value, bool):
        return value
    raise fault("A210", f"a condition is true or false, got {tell(value)}", node.span)


def whole(node: ast.Expression, reader: Reader, what: str, most: int) -> int:
    """An integer from 0 to `most`."""
    value = evaluate(node, reader)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
        return value
    raise fault(
        "A211", f"{what} is a whole number from 0 to {most:,}, got {tell(value)}", node.span
    )


def listed(node: ast.Expression, reader: Reader) -> tuple[Any, ...]:
    """A list to go through."""
    value = evaluate(node, reader)
    if isinstance(value, tuple):
        return value
    counts = isinstance(value, int) and not isinstance(value, bool)
    text = f"range({node.span.text})"
    fixes = (Fix(f"write `{text}` to count", (Edit(node.span, text),)),) if counts else ()
    raise fault("A212", f"`for` goes through a list, got {tell(value)}", node.span, fixes=fixes)


def tell(value: Any) -> str:
    """A value with what it is: `0.5, a number`."""
    if isinstance(value, (int, float, str, Free, Mixed)):
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        text = f'"{text[:40]}"' if type(value) is str else text[:40]
        return f"{text}, {kind(value)}"
    return kind(value)


# --- one rule a node -----------------------------------------------------------------------------


def name(node: ast.Name, reader: Reader) -> Any:
    value = reader.names.find(node.name)
    if value is MISSING:
        raise unknown(node.name, node.span, reader)
    if value is POISON:
        raise Muted
    return value


def unknown(name: str, span: Span, reader: Reader) -> Exception:
    names = (n for n in reader.names.all() if not isinstance(reader.names.find(n), NetworkValue))
    known = (*names, *reader.functions)
    near = nearest(name, known)
    label = f"did you mean `{near}`?" if near else "no parameter, `let` or block has this name"
    fixes = respelt(name, near, known, span)
    return fault("N101", f"unknown name `{name}`", span, label, fixes=fixes)


def size(node: ast.Size, reader: Reader) -> Any:
    for part in node.parts:
        if isinstance(part, str):
            raise fault(
                "N102",
                f"`{part}` is a free dimension, which only an input may have",
                node.span,
                help=f"write a list, with a value for the letter: `[3, {part.lower()}]`",
            )
    return node.parts


def incoming(node: ast.Incoming, reader: Reader) -> Any:
    tensor = reader.incoming
    if tensor is POISON:
        raise Muted
    if node.field not in FIELDS:
        near = nearest(node.field, FIELDS)
        raise fault(
            "N103",
            f"`in` has no `{node.field}`",
            node.span,
            f"did you mean `in.{near}`?" if near else f"it has {', '.join(FIELDS)}",
            fixes=respelt(node.field, near and f"in.{near}", FIELDS, node.span),
        )
    if tensor is None:
        raise fault(
            "N104",
            f"`in.{node.field}`: no tensor flows in here",
            node.span,
            help="place it after an `input`",
        )
    return incoming_size(node, tensor)


def incoming_size(node: ast.Incoming, tensor: Tensor) -> Any:
    if not tensor.certain:
        raise Muted
    if node.field == "shape":
        return tensor.shape
    found = tensor.size(node.field)
    if found is None and tensor.rank == 1 and node.field in ("channels", "features"):
        found = tensor.shape[0]
    if found is None:
        known = ", ".join(f"in.{axis}" for axis in tensor.axes)
        raise fault(
            "N105",
            f"`in.{node.field}`: the tensor {tensor} has no such axis",
            node.span,
            f"it has {known}",
        )
    return found


def sequence(node: ast.Sequence, reader: Reader) -> Any:
    return listing([evaluate(item, reader) for item in node.items], node.span, reader.budget)


def unary(node: ast.Unary, reader: Reader) -> Any:
    if node.operator == "not":
        return not truth(node.operand, reader)
    value = number(node.operand, reader)
    return -1 * value if node.operator == "-" else value


def binary(node: ast.Binary, reader: Reader) -> Any:
    if node.operator == "and":
        return truth(node.left, reader) and truth(node.right, reader)
    if node.operator == "or":
        return truth(node.left, reader) or truth(node.right, reader)
    if node.operator in ("==", "!="):
        return equal(node, reader) == (node.operator == "==")
    if node.operator == "+":
        return plus(node, reader)
    return calculate(node, number(node.left, reader), number(node.right, reader))


def equal(node: ast.Binary, reader: Reader) -> bool:
    left, right = argument(node.left, reader), argument(node.right, reader)
    for side, value, other in ((node.left, left, right), (node.right, right, left)):
        if isinstance(value, Word) and isinstance(side, ast.Name) and not isinstance(other, str):
            raise unknown(side.name, side.span, reader)
    if isinstance(left, tuple) and isinstance(right, tuple):
        reader.budget.step(node.span, min(weigh(left)[0], weigh(right)[0]))
    if isinstance(left, (Free, Mixed)) or isinstance(right, (Free, Mixed)):
        if left != right:
            raise undecided(node)
        return True
    return bool(left == right)


def plus(node: ast.Binary, reader: Reader) -> Any:
    left, right = evaluate(node.left, reader), evaluate(node.right, reader)
    if isinstance(left, tuple) and isinstance(right, tuple):
        return listing([*left, *right], node.span, reader.budget)
    return calculate(node, numeric(left, node.left.span), numeric(right, node.right.span))


def number(node: ast.Expression, reader: Reader) -> Any:
    return numeric(evaluate(node, reader), node.span)


def numeric(value: Any, span: Span) -> Any:
    if isinstance(value, (int, float, Free, Mixed)) and not isinstance(value, bool):
        return value
    raise fault("A213", f"arithmetic needs numbers, got {tell(value)}", span)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def calculate(node: ast.Binary, left: Any, right: Any) -> Any:
    if isinstance(left, (Free, Mixed)) or isinstance(right, (Free, Mixed)):
        return symbolic(node, left, right)
    if node.operator in ("/", "//", "%") and right == 0:
        raise fault("A214", "division by zero", node.right.span, "this is 0")
    if node.operator == "**" and abs(right) * math.log2(abs(left) + 2) > 4 * BITS:
        raise overflow(node)
    try:
        return bounded(OPERATORS[node.operator](left, right), node)
    except (OverflowError, ZeroDivisionError):
        raise overflow(node) from None


def symbolic(node: ast.Binary, left: Any, right: Any) -> Any:
    """Arithmetic with a size that depends on a free dimension."""
    try:
        match node.operator:
            case "+" | "-" | "*" if not isinstance(left, float) and not isinstance(right, float):
                return OPERATORS[node.operator](left, right)
            case "//" if isinstance(right, int) and right > 0:
                return left // right
            case "%" if isinstance(right, int) and right > 0:
                return left - left // right * right
    except SizeLimit as limit:
        raise fault("E305", str(limit), node.span) from None
    raise undecided(node)


def undecided(node: ast.Expression) -> Exception:
    return fault(
        "A215",
        "this depends on a free dimension of the input, which is not known here",
        node.span,
        help="fix the input's size, or use a layer that follows it",
    )


def bounded(value: Any, node: ast.Expression) -> Any:
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        raise overflow(node)
    if isinstance(value, int) and value.bit_length() > BITS:
        raise overflow(node)
    return value


def overflow(node: ast.Expression) -> Exception:
    return fault("A216", f"the result is no number below 2^{BITS}", node.span)


def conditional(node: ast.Conditional, reader: Reader) -> Any:
    return evaluate(chosen(node, reader), reader)


def chosen(node: ast.Conditional, reader: Reader) -> ast.Expression:
    return node.then if truth(node.condition, reader) else node.otherwise


def index(node: ast.Index, reader: Reader) -> Any:
    base, at = evaluate(node.base, reader), evaluate(node.index, reader)
    if not isinstance(base, tuple):
        raise fault("A217", f"only lists have items, got {tell(base)}", node.base.span)
    if not isinstance(at, int) or isinstance(at, bool) or not -len(base) <= at < len(base):
        raise fault(
            "A217", f"the list has {len(base)} items, from 0 on; got {tell(at)}", node.index.span
        )
    return base[at]


def apply(node: ast.Apply, reader: Reader) -> Any:
    value = reader.names.find(node.function)
    if isinstance(value, FunctionValue):
        return call(node, value, reader)
    if value is not MISSING:
        raise fault("A218", f"`{node.function}` is {tell(value)}, not a function", node.name_span)
    given = [argument(each.value, reader) for each in node.arguments]
    positional = [v for each, v in zip(node.arguments, given, strict=True) if each.name is None]
    named = {each.name: v for each, v in zip(node.arguments, given, strict=True) if each.name}
    if node.function in reader.functions:
        return reader.functions[node.function](node, positional, named)
    if node.function in SCHEMES or node.function in SHORT:
        return initialisation(node, positional, named)
    if node.function not in BUILTINS:
        known = (*BUILTINS, *SCHEMES, *reader.functions, *reader.names.all())
        near = nearest(node.function, known)
        raise fault(
            "N106",
            f"unknown function `{node.function}`",
            node.name_span,
            f"did you mean `{near}`?" if near else f"there are {', '.join(BUILTINS)}",
            fixes=respelt(node.function, near, known, node.name_span),
        )
    return builtin(node, positional, named, reader)


def initialisation(node: ast.Apply, positional: list[Any], named: dict[str, Any]) -> Any:
    try:
        return make(node.function, tuple(positional), named)
    except ValueError as problem:
        raise fault("A203", f"this wants {problem}", node.span) from None


def builtin(node: ast.Apply, positional: list[Any], named: dict[str, Any], reader: Reader) -> Any:
    for value in (*positional, *named.values()):
        if isinstance(value, Word):
            raise unknown(value, node.span, reader)
        reader.budget.step(node.span, len(value) if isinstance(value, tuple) else 1)
    usage, function = BUILTINS[node.function]
    try:
        result = function(*positional, **named)
    except (TypeError, ValueError, OverflowError) as problem:
        detail = f": {problem}" if isinstance(problem, ValueError) and problem.args else ""
        raise fault(
            "A219",
            f"`{node.function}` cannot take this{detail}",
            node.span,
            help=f"it is written `{usage}`",
        ) from None
    if isinstance(result, tuple):
        return listing(result, node.span, reader.budget)
    return bounded(result, node)


def call(node: ast.Apply, function: FunctionValue, reader: Reader) -> Any:
    if not reader.budget.calls:
        with room():
            return called(node, function, reader)
    return called(node, function, reader)


def called(node: ast.Apply, function: FunctionValue, reader: Reader) -> Any:
    reader.budget.enter(node.span, function.name)
    try:
        names = bind(function, node.arguments, node.span, reader)
        inner = Reader(names, reader.budget, None, reader.functions)
        return evaluate(function.definition.value, inner)
    finally:
        reader.budget.leave()


def literal(node: Any, reader: Reader) -> Any:
    return node.value


RULES: dict[type, Callable[[Any, Reader], Any]] = {
    ast.Number: literal,
    ast.Text: literal,
    ast.Truth: literal,
    ast.Size: size,
    ast.Name: name,
    ast.Incoming: incoming,
    ast.Sequence: sequence,
    ast.Unary: unary,
    ast.Binary: binary,
    ast.Conditional: conditional,
    ast.Index: index,
    ast.Apply: apply,
}
