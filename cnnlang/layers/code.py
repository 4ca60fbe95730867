"""A little language for the PyTorch code that a layer stands for.

A layer answers with `Code`; the source backend finds what several uses of a block have in common
in it, gives the rest names, and prints it.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from cnnlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A call: `function` applied to `arguments`, written the way its first characters say.

    `nn.Conv2d` is a plain call; `.flatten` a method of the first argument; `+` an operator between
    the arguments; `[]` a subscript of the first argument. Arguments are Python values, further
    `Code`, an `Operand` or `SELF`.
    """

    function: str
    arguments: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()
    usual: tuple[tuple[str, Value], ...] = ()
    """Keywords that are not written because they have their usual values."""
    order: tuple[str, ...] = ()
    """All keywords, written or not, in the order in which a person writes them."""


@dataclass(frozen=True, slots=True)
class Operand:
    """The tensor that flows in as input number `index`; `index` None is the list of them all."""

    index: int | None = 0


@dataclass(frozen=True, slots=True)
class Raw:
    """Text that is printed as it stands: `torch.float32`, `slice(1, 3)`, `"trunc"`."""

    text: str


Value: TypeAlias = Any

SELF = Raw("self")
"""The layer's own module, called in `Layer.code`."""

X = Operand(0)


def call(function: str, *arguments: Value, **keywords: Value) -> Code:
    """`Code` with the arguments as given; those that have their usual value are not written.

    Of the positional ones, that is so at the end only. A keyword equal to `...` is left out.
    """
    while arguments and isinstance(arguments[-1], Usual):
        arguments = arguments[:-1]
    arguments = tuple(a.value if isinstance(a, Usual) else a for a in arguments)
    kept = tuple((n, v) for n, v in keywords.items() if v is not ... and not isinstance(v, Usual))
    usual = tuple((n, v.value) for n, v in keywords.items() if isinstance(v, Usual))
    return Code(function, arguments, kept, usual, tuple(keywords))


@dataclass(frozen=True, slots=True)
class Usual:
    """A value that need not be written."""

    value: Value


def unless(value: Value, usual: Value) -> Value:
    """The value, marked as `Usual` where it is the usual one."""
    return Usual(value) if value == usual else value
