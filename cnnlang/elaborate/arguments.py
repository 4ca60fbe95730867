"""Arguments meet parameters: of blocks, networks, functions and extern modules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from cnnlang.diagnostics.model import Related, Span
from cnnlang.elaborate.faults import fault
from cnnlang.elaborate.hints import nearest, respelt
from cnnlang.elaborate.values import Names
from cnnlang.syntax import ast

if TYPE_CHECKING:
    from cnnlang.elaborate.expressions import Reader


class Callee(Protocol):
    """Something with parameters, and the names that its defaults may use."""

    @property
    def name(self) -> str: ...
    @property
    def parameters(self) -> tuple[ast.Parameter, ...]: ...
    @property
    def names(self) -> Names: ...


def paired(
    arguments: Sequence[ast.Argument] | None, names: Iterable[str]
) -> dict[str, ast.Expression]:
    """The values of a call by the names that they are for, as they are written.

    Arguments beyond the names, which another check tells, are left out.
    """
    left = iter(names)
    pairs = ((each.name or next(left, ""), each.value) for each in arguments or ())
    return {name: value for name, value in pairs if name}


def bind(
    callee: Callee,
    arguments: Sequence[ast.Argument],
    span: Span,
    reader: Reader,
    preset: Mapping[str, Any] | None = None,
) -> Names:
    """The parameters with their values, as names inside those of the callee.

    `preset` has values for parameters that the call leaves open (scoped defaults).
    """
    from cnnlang.elaborate.expressions import argument

    given: dict[str, ast.Argument] = {}
    for place, each in enumerate(arguments):
        parameter = accept(callee, place, each, given)
        given[parameter] = each
    values = {name: argument(each.value, reader) for name, each in given.items()}
    return complete(callee, dict(preset or {}) | values, span, reader)


def distinct(parameters: Sequence[ast.Parameter]) -> None:
    """No two parameters may have one name."""
    first: dict[str, Span] = {}
    for each in parameters:
        earlier = first.setdefault(each.name, each.span)
        if earlier is not each.span:
            raise fault(
                "N115",
                f"two parameters are called `{each.name}`",
                each.span,
                "the second one",
                related=(Related(earlier, "the first one"),),
            )


def accept(callee: Callee, place: int, each: ast.Argument, given: Mapping[str, Any]) -> str:
    """The parameter that an argument is for."""
    known = [parameter.name for parameter in callee.parameters]
    if each.name is None:
        if place >= len(known):
            most = f"at most {len(known)} ({', '.join(known)})" if known else "none"
            raise fault(
                "A204", f"`{callee.name}` got too many arguments, it takes {most}", each.span
            )
        name = known[place]
    elif each.name not in known:
        near = nearest(each.name, known)
        raise fault(
            "A202",
            f"`{callee.name}` has no parameter `{each.name}`",
            each.name_span or each.span,
            f"did you mean `{near}`?" if near else f"it has {', '.join(known) or 'none'}",
            fixes=respelt(each.name, near, known, each.name_span or each.span, "="),
        )
    else:
        name = each.name
    if name in given:
        raise fault(
            "A205",
            f"`{callee.name}` gets `{name}` twice",
            each.span,
            related=(Related(given[name].span, "here first"),),
        )
    return name


def complete(callee: Callee, values: Mapping[str, Any], span: Span, reader: Reader) -> Names:
    """All parameters: the given values, else the defaults, which may use earlier parameters."""
    from cnnlang.elaborate.expressions import Reader as Inner
    from cnnlang.elaborate.expressions import argument

    names = callee.names.inner()
    for parameter in callee.parameters:
        if parameter.name in values:
            names.own[parameter.name] = values[parameter.name]
        elif parameter.default is not None:
            names.own[parameter.name] = argument(parameter.default, Inner(names, reader.budget))
        else:
            signature = ", ".join(p.name for p in callee.parameters)
            raise fault(
                "A201",
                f"`{callee.name}` needs `{parameter.name}`",
                span,
                f"`{parameter.name}` is missing",
                related=(Related(parameter.span, "declared here without a default"),),
                help=f"it is written `{callee.name}({signature})`",
            )
    return names
