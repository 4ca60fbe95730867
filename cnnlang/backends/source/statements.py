"""The statements of a constructor, and how they are printed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from cnnlang.backends.source.layout import Doc, Group, Named, attribute, lines, literal
from cnnlang.backends.source.runs import number
from cnnlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Assign:
    """`self.target = value`."""

    target: str
    value: Doc


@dataclass(frozen=True, slots=True)
class Branch:
    """`if condition:` with statements on both sides."""

    condition: str
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """`nn.init.HOW_(MODULE.WEIGHT)` for some weights of some modules."""

    weights: tuple[tuple[Any, str], ...]
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`for i in range(count): self.add_module(f"base{i + first}", module)`."""

    base: str
    first: int
    count: int
    module: Doc


Statement: TypeAlias = Assign | Branch | Call | Repeat


def printed(statements: Iterable[Statement], indent: int) -> list[str]:
    """The statements as text."""
    found: list[str] = []
    for each in statements:
        if isinstance(each, Branch):
            found += branch(each, indent)
        elif isinstance(each, Call):
            found += applied(each, indent)
        elif isinstance(each, Repeat):
            found.append(f"{' ' * indent}for i in range({each.count}):")
            name = f'f"{each.base}{number(each.first)}"'
            found += lines(Group("self.add_module(", (name, each.module), ")"), indent + 4)
        elif each.target.startswith("self.") or attribute(each.target).startswith("self."):
            target = each.target if each.target.startswith("self.") else attribute(each.target)
            found += lines(each.value, indent, f"{target} = ")
        else:
            parameter = isinstance(each.value, Group) and each.value.opening == "nn.Parameter("
            adder = "self.register_parameter(" if parameter else "self.add_module("
            found += lines(Group(adder, (literal(each.target), each.value), ")"), indent)
    return found


def branch(each: Branch, indent: int) -> list[str]:
    pad = " " * indent
    if not each.then:
        each = Branch(negated(each.condition), each.otherwise, ())
    found = [f"{pad}if {each.condition}:", *printed(each.then, indent + 4)]
    if each.otherwise:
        found += [f"{pad}else:", *printed(each.otherwise, indent + 4)]
    return found


def negated(condition: str) -> str:
    return f"not {condition}" if " " not in condition else f"not ({condition})"


def applied(call: Call, indent: int) -> list[str]:
    """The initialisation of one module, or of several in a loop."""
    if len(call.modules) == 1:
        return [line for each in call.weights for line in one(*each, call.modules[0], indent)]
    head = lines(Group("(", call.modules, ")"), indent, "for module in ", ":")
    return head + [line for each in call.weights for line in one(*each, "module", indent + 4)]


def one(how: Any, weight: str, module: str, indent: int) -> list[str]:
    options = tuple(Named(name, literal(value)) for name, value in how.options)
    return lines(Group(f"nn.init.{how.function}(", (f"{module}.{weight}", *options), ")"), indent)
