"""What the documentation of a layer says, read from its class: the docstring, and the fields.

The docstring of a layer begins with a sentence that says what it does; others may follow. Then
come sections, each of which begins a line with its title:

    Formula: the number `y` that comes out, of the numbers `x` that come in
    Output: the shape that comes out
    Weights: the shape of each parameter, in the order of the `state_dict`
    Buffers: the shape of each tensor that is kept but not trained
    MACs: multiply-accumulates for one sample
    Example: `conv(8, 3x3)` takes 3x32x32 to 8x30x30; 224 parameters, 194,400 MACs.
    Source: He et al. 2015, https://...; https://docs.pytorch.org/...

A layer takes over the rules (all sections but the last two) of its base classes. In formulas the
names of arguments stand for their values, `C`, `D`, `H`, `W`, `L` and `F` for the sizes of the
incoming channels, depth, height, width, length and features, `H'` for an outgoing height; `·` is
the product of numbers and `×` stands between the sizes of a shape.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import typing
from functools import cache
from types import UnionType
from typing import Any

from cnnlang.layers.base import Layer
from cnnlang.layers.fields import Kind
from cnnlang.layers.validation import annotation, spell
from cnnlang.records import dataclass

RULES = ("Formula", "Output", "Weights", "Buffers", "MACs")
"""Titles of the sections that a layer has from its base classes too, in the order of a page."""
TITLES = (*RULES, "Example", "Source")
SECTION = re.compile(rf"^({'|'.join(TITLES)}): ", re.MULTILINE)
SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z`])")


@dataclass(frozen=True, slots=True)
class ArgumentPage:
    """An argument: what it takes, in words, and what it does.

    `default` is written as in a file, and None for an argument that must be given.
    """

    name: str
    kind: str
    default: str | None
    text: str
    positional: bool

    @property
    def written(self) -> str:
        """The argument in a signature: `stride=1`."""
        return self.name if self.default is None else f"{self.name}={self.default}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a layer comes from: a paper or a page, by its title; papers may have no address."""

    title: str
    url: str | None


@dataclass(frozen=True, slots=True)
class LayerPage:
    """All that there is to know of a layer; `rules` are pairs of title and text.

    What a class does not tell is empty: `details` after the summary, and in a foreign layer any.
    """

    name: str
    family: str
    signature: str
    summary: str
    details: str
    rules: tuple[tuple[str, str], ...]
    arguments: tuple[ArgumentPage, ...]
    example: str
    sources: tuple[Source, ...]


def layer_page(cls: type[Layer]) -> LayerPage:
    """The page of a layer class."""
    prose, own = parts(cls)
    summary, *details = SENTENCE.split(prose, maxsplit=1)
    inherited = [parts(base)[1] for base in reversed(cls.__mro__) if issubclass(base, Layer)]
    merged = {title: text for each in inherited for title, text in each.items()}
    listed = arguments(cls)
    return LayerPage(
        cls.name,
        cls.family,
        signature(cls, listed),
        summary,
        "".join(details),
        tuple((title, merged[title]) for title in RULES if title in merged),
        listed,
        own.get("Example", ""),
        sources(own.get("Source", "")),
    )


def parts(cls: type[Layer]) -> tuple[str, dict[str, str]]:
    """The prose of a docstring, and its sections by title, each in one line."""
    prose, *rest = SECTION.split(inspect.cleandoc(cls.__doc__ or ""))
    return flowing(prose), {t: flowing(text) for t, text in zip(rest[::2], rest[1::2], strict=True)}


def flowing(text: str) -> str:
    return " ".join(text.split())


def signature(cls: type[Layer], listed: tuple[ArgumentPage, ...]) -> str:
    """`conv(filters, kernel, *, stride=1, ...)`, without parentheses if it has no arguments."""
    before = ["tensor, ..."] if cls.operands != (1, 1) else []
    before += [each.written for each in listed if each.positional]
    after = [each.written for each in listed if not each.positional]
    written = [*before, *(["*"] if after else []), *after]
    return f"{cls.name}({', '.join(written)})" if written else cls.name


# --- arguments -----------------------------------------------------------------------------------


def arguments(cls: type[Layer]) -> tuple[ArgumentPage, ...]:
    """The arguments in the order in which they are written."""
    return tuple(
        ArgumentPage(
            field,
            kind(annotation(cls, field), default),
            None if default is ... else spell(default),
            remark(cls, field),
            field in cls.positional,
        )
        for field, default in cls.fields.items()
    )


def kind(form: Any, default: Any = None) -> str:
    """The values of a type, in words: `a whole number above 0`.

    That nothing may be given is told where the default is something.
    """
    origin, members = typing.get_origin(form), typing.get_args(form)
    if origin is typing.Literal:
        return either([f"`{word}`" for word in members])
    if origin in (typing.Union, UnionType):
        kinds = [kind(each) for each in members if each is not type(None)]
        absent = type(None) in members and default is not None
        return either([*kinds, "`none`"] if absent else kinds)
    said = (each.description for each in members[1:] if isinstance(each, Kind))
    return next((text for text in said if text), getattr(form, "__name__", str(form)))


def either(words: list[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def remark(cls: type[Layer], field: str) -> str:
    """The text under a field, in the class nearest to `cls` that has one."""
    known = (remarks(base.__module__).get((base.__name__, field)) for base in cls.__mro__)
    return next((text for text in known if text), "")


@cache
def remarks(module: str) -> dict[tuple[str, str], str]:
    """The texts under the fields of the classes of a module, by class and field.

    There are none where the source of a module is not at hand.
    """
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError):  # no file, or a module of Python itself
        return {}
    return {
        (each.name, field): text
        for each in tree.body
        if isinstance(each, ast.ClassDef)
        for field, text in documented(each)
    }


def documented(node: ast.ClassDef) -> list[tuple[str, str]]:
    """The fields of a class that have a text under them."""
    pairs = zip(node.body, node.body[1:], strict=False)
    return [
        (field.target.id, flowing(text.value.value))
        for field, text in pairs
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    ]


# --- sources -------------------------------------------------------------------------------------


def sources(text: str) -> tuple[Source, ...]:
    return tuple(source(each) for each in text.rstrip(".").split("; ") if each)


def source(text: str) -> Source:
    """`He et al. 2015, https://...`; a page of PyTorch is called after what it is about."""
    title, scheme, rest = text.partition("https://")
    if not scheme:
        return Source(text, None)
    page = rest.rsplit("/", 1)[-1].removesuffix(".html")
    return Source(title.rstrip(", ") or page, scheme + rest)
