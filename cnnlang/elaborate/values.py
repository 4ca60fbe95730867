"""What names can stand for while a file is unfolded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from cnnlang.elaborate.limits import Budget
from cnnlang.records import dataclass
from cnnlang.sizes import Size
from cnnlang.syntax import ast


class Word(str):
    """A name that stands for itself, like `same` in `padding=same`."""

    __slots__ = ()


@dataclass(frozen=True, eq=False, slots=True)
class Names:
    """Names in scope: a chain of dictionaries, the innermost first."""

    own: dict[str, Any]
    outer: Names | None = None

    def find(self, name: str) -> Any:
        """The value of a name, `MISSING` if it has none."""
        scope: Names | None = self
        while scope is not None:
            if name in scope.own:
                return scope.own[name]
            scope = scope.outer
        return MISSING

    def all(self) -> list[str]:
        """Every name in sight."""
        found: dict[str, None] = {}
        scope: Names | None = self
        while scope is not None:
            found |= dict.fromkeys(scope.own)
            scope = scope.outer
        return list(found)

    def inner(self, own: dict[str, Any] | None = None) -> Names:
        return Names({} if own is None else own, self)


MISSING = object()

POISON = object()
"""What a name stands for after a mistake in its definition, and the tensor after a mistake:
whatever asks for it is `Muted`.
"""

Defaults: TypeAlias = Mapping[str, Mapping[str, Any]]
"""`default` arguments in force: by layer name, then by argument."""


class Defined:
    """What a definition of a file stands for; a message that names it calls it so."""

    __slots__ = ()
    definition: Any

    def __str__(self) -> str:
        kind = type(self).__name__.removesuffix("Value").lower()
        return f"the {kind} `{self.definition.name}`"


@dataclass(frozen=True, eq=False, slots=True)
class BlockValue(Defined):
    """A block with the names and defaults that its file gives it."""

    definition: ast.Block
    names: Names
    defaults: Defaults

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def parameters(self) -> tuple[ast.Parameter, ...]:
        return self.definition.parameters


@dataclass(frozen=True, eq=False, slots=True)
class NetworkValue(Defined):
    """A network or a variant of one; `budget` is that of the whole compilation."""

    definition: ast.Network | ast.Variant
    names: Names
    defaults: Defaults
    budget: Budget

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def parameters(self) -> tuple[ast.Parameter, ...]:
        return self.definition.parameters


@dataclass(frozen=True, eq=False, slots=True)
class FunctionValue(Defined):
    definition: ast.Function
    names: Names

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def parameters(self) -> tuple[ast.Parameter, ...]:
        return self.definition.parameters


@dataclass(frozen=True, eq=False, slots=True)
class ExternValue(Defined):
    definition: ast.Extern
    names: Names

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def parameters(self) -> tuple[ast.Parameter, ...]:
        return self.definition.parameters


@dataclass(frozen=True, eq=False, slots=True)
class SharedValue(Defined):
    """A shared piece: one set of weights under `path`, applied as often as it is named.

    `scope` is the scope that declares it, the only one in which it may be applied; `names` and
    `defaults` are those in force at its declaration.
    """

    definition: ast.Shared
    scope: Any
    path: tuple[str, ...]
    names: Names
    defaults: Defaults


Number: TypeAlias = Size | float


def kind(value: Any) -> str:
    """What a value is, in words."""
    names = {
        bool: "a truth value",
        int: "a whole number",
        float: "a number",
        Word: "a word",
        str: "a text",
        tuple: "a list",
        BlockValue: "a block",
        NetworkValue: "a network",
        FunctionValue: "a function",
        ExternValue: "an extern module",
        SharedValue: "a shared piece",
    }
    return names.get(type(value), "a size of the input")
