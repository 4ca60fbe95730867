"""Python text laid out as ruff (and Black) would: 88 columns, brackets split from the right."""

from __future__ import annotations

import keyword
from typing import Any, TypeAlias

from cnnlang.records import dataclass

WIDTH = 88


@dataclass(frozen=True, slots=True)
class Group:
    """Something in brackets, preceded by what opens it: `nn.Conv2d(` and `)`."""

    opening: str
    items: tuple[Doc, ...]
    closing: str


@dataclass(frozen=True, slots=True)
class Infix:
    """Operands joined by one operator; put in parentheses inside others that bind as tight."""

    operator: str
    operands: tuple[Doc, ...]


@dataclass(frozen=True, slots=True)
class Chained:
    """A method call or subscript of an expression: `base` and what follows it."""

    base: Doc
    rest: Group


@dataclass(frozen=True, slots=True)
class Named:
    """`name=value` among arguments."""

    name: str
    value: Doc


@dataclass(frozen=True, slots=True)
class Generated:
    """A generator expression: an element and the `for` that follows it."""

    element: Doc
    loop: str


Doc: TypeAlias = str | Group | Infix | Chained | Named | Generated


def flat(doc: Doc) -> str:
    """The text on one line."""
    match doc:
        case Group(opening, items, closing):
            inner = ", ".join(map(flat, items))
            comma = "," if opening == "(" and len(items) == 1 else ""
            return f"{opening}{inner}{comma}{closing}"
        case Infix(operator, operands):
            return f" {operator} ".join(flat(wrapped(each, operator)) for each in operands)
        case Chained(base, rest):
            return flat(wrapped(base)) + flat(rest)
        case Named(name, value):
            return f"{name}={flat(value)}"
        case Generated(element, loop):
            return f"{flat(element)} {loop}"
        case _:
            return str(doc)


def wrapped(doc: Doc, operator: str = "") -> Doc:
    """An operand that is itself infix, in parentheses; a product in a sum needs none."""
    if not isinstance(doc, Infix) or (operator in ("+", "-") and doc.operator in ("*", "/")):
        return doc
    return f"({flat(doc)})"


def lines(doc: Doc, indent: int, prefix: str = "", suffix: str = "") -> list[str]:
    """The text over as many lines as it needs."""
    pad = " " * indent
    whole = f"{pad}{prefix}{flat(doc)}{suffix}"
    if len(whole) <= WIDTH:
        return [whole]
    match doc:
        case Named(name, value):
            return lines(value, indent, f"{prefix}{name}=", suffix)
        case Generated(element, loop):
            return [*lines(element, indent, prefix), f"{pad}{loop}{suffix}"]
        case Chained(base, Group(opening, items, closing)):
            return lines(
                Group(flat(wrapped(base)) + opening, items, closing), indent, prefix, suffix
            )
        case Group(opening, items, closing) if items:
            return [f"{pad}{prefix}{opening}", *inside(doc, indent + 4), f"{pad}{closing}{suffix}"]
        case Infix(operator, operands):
            parts = [flat(wrapped(each, operator)) for each in operands]
            return enclosed(parts, operator, indent, prefix, suffix)
        case str() if "(" not in doc and '"' not in doc and (word := connective(doc)):
            return enclosed(doc.split(f" {word} "), word, indent, prefix, suffix)
        case _:
            return [whole]


def connective(text: str) -> str:
    """The word at which a long condition is split."""
    return next((word for word in ("or", "and") if f" {word} " in text), "")


def enclosed(parts: list[str], operator: str, indent: int, prefix: str, suffix: str) -> list[str]:
    """A long expression in parentheses: on one line of its own, or one operand a line."""
    pad, inner = " " * indent, " " * (indent + 4)
    row = inner + f" {operator} ".join(parts)
    rest = (
        [row]
        if len(row) <= WIDTH
        else [inner + parts[0], *(f"{inner}{operator} {p}" for p in parts[1:])]
    )
    return [f"{pad}{prefix}(", *rest, f"{pad}){suffix}"]


def inside(group: Group, indent: int) -> list[str]:
    """The items of a split call on one line if they fit; those of a literal one a line."""
    row = " " * indent + ", ".join(map(flat, group.items))
    alone = len(group.items) == 1
    if len(row) <= WIDTH and group.opening not in ("(", "["):
        return [row]
    comma = "" if alone and group.opening != "(" else ","
    return [line for item in group.items for line in lines(item, indent, "", comma)]


def literal(value: Any) -> Doc:
    """A Python value as source text."""
    if isinstance(value, str):
        quote = "'" if '"' in value and "'" not in value else '"'
        return quote + escaped(value, quote) + quote
    if isinstance(value, tuple):
        return Group("(", tuple(map(literal, value)), ")")
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    return repr(value)


def escaped(text: str, quote: str = '"') -> str:
    """A text as it can stand between quotes of that kind, whatever is in it."""
    return "".join(
        f"\\{c}" if c in (quote, "\\") else c if c.isprintable() else repr(c)[1:-1] for c in text
    )


def attribute(name: str) -> str:
    """How a child module is reached from `self`."""
    if name.isascii() and name.isidentifier() and not keyword.iskeyword(name):
        return f"self.{name}"
    return f"getattr(self, {flat(literal(name))})"


def safe(name: str, taken: set[str] | frozenset[str] = frozenset()) -> str:
    """A name that Python takes for a variable or class, apart from those taken."""
    name = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    name = f"_{name}" if not name or name[0].isdigit() else name
    while keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in taken:
        name += "_"
    return name
