"""Layer arguments, validated by pydantic's engine, which is imported a third as fast as pydantic.

The validator of a layer is made when the layer is first used.
"""

from __future__ import annotations

import re
import sys
import typing
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any

from pydantic_core import CoreSchema, SchemaValidator, ValidationError
from pydantic_core.core_schema import (
    literal_schema,
    nullable_schema,
    typed_dict_field,
    typed_dict_schema,
)

from cnnlang.diagnostics.suggest import is_slip, nearest
from cnnlang.layers import fields
from cnnlang.layers.base import Layer, LayerError, Problem, unknown_argument
from cnnlang.layers.initial import Initial
from cnnlang.layers.remedies import Give, Name, Omit, Remedy, Together
from cnnlang.layers.values import Ref
from cnnlang.sizes import Free, Mixed

WORDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a word",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than_equal": "a number of at most {le:g}",
    "literal_error": "one of {expected}",
}


VALIDATORS: dict[type[Layer], SchemaValidator] = {}


def validator(cls: type[Layer]) -> SchemaValidator:
    """What validates the fields of a layer by name."""
    if cls not in VALIDATORS:
        fields = {
            name: typed_dict_field(schema(annotation(cls, name)), required=default is ...)
            for name, default in cls.fields.items()
        }
        VALIDATORS[cls] = SchemaValidator(typed_dict_schema(fields, extra_behavior="forbid"))
    return VALIDATORS[cls]


def annotation(cls: type[Layer], field: str) -> Any:
    """The type of a field: its annotation, read with the names of `fields` in sight."""
    owner = next(base for base in cls.__mro__ if field in vars(base).get("__annotations__", {}))
    return eval(owner.__annotations__[field], vars(sys.modules[owner.__module__]), vars(fields))


def schema(form: Any) -> CoreSchema:
    """How a type is validated; only types of `fields`, words, and either or nothing are known."""
    members = typing.get_args(form)
    if typing.get_origin(form) is typing.Literal:
        return literal_schema(list(members))
    if typing.get_origin(form) in (typing.Union, UnionType):
        (inner,) = (each for each in members if each is not NoneType)
        return nullable_schema(schema(inner))
    (found,) = (each for each in members[1:] if isinstance(each, fields.Kind))
    return found.schema


def validate(
    cls: type[Layer], positional: Sequence[Any], named: Mapping[str, Any]
) -> dict[str, Any]:
    """The values of the fields given; raises `LayerError` with every problem at once."""
    problems = [unknown_argument(cls, name) for name in named if name not in cls.fields]
    given: dict[str, Any] = {k: v for k, v in named.items() if k in cls.fields}
    if len(positional) > len(cls.positional):
        problems.append(surplus(cls, positional))
    for field, value in zip(cls.positional, positional, strict=False):
        if field in given:
            problems.append(
                Problem(
                    "A205",
                    f"`{cls.name}` gets `{field}` twice",
                    field=field,
                    remedies=(Omit(field, safe=given[field] == value),),
                )
            )
        given[field] = value
    given = {k: None if is_none(cls, k, v) else v for k, v in given.items()}
    problems += [open_size(cls, field, value) for field, value in given.items() if is_open(value)]
    if not problems:
        try:
            values: dict[str, Any] = validator(cls).validate_python(given)
            return values
        except ValidationError as error:
            problems = [translate(cls, each, given) for each in distinct(error)]
    raise LayerError(*problems)


def is_none(cls: type[Layer], field: str, value: Any) -> bool:
    """True for the word `none` where a field may be left without a value."""
    return bool(value == "none") and NoneType in typing.get_args(annotation(cls, field))


def distinct(error: ValidationError) -> list[Any]:
    """One error a field: a union reports each of its members."""
    first: dict[Any, Any] = {}
    for each in error.errors(include_url=False):
        first.setdefault(each["loc"][0], each)
    return list(first.values())


def translate(cls: type[Layer], error: Any, given: Mapping[str, Any]) -> Problem:
    field = str(error["loc"][0])
    if error["type"] == "missing":
        return missing(cls, field)
    context = error.get("ctx", {})
    wanted = (
        context["wanted"] if error["type"] == "A203" else WORDS[error["type"]].format(**context)
    )
    return Problem(
        "A203",
        f"`{field}` of `{cls.name}` is {wanted.replace(chr(39), '`')}, got {clipped(given[field])}",
        field=field,
        remedies=legal(cls, field, error, given[field]),
    )


ANSWERS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
"""Other words for `true` and `false`."""


def legal(cls: type[Layer], field: str, error: Any, value: Any) -> tuple[Remedy, ...]:
    """The legal values nearest to a wrong one: the same in another form is safe."""
    context = error.get("ctx", {})
    if isinstance(value, str):
        words = re.findall("['`]([a-z_]+)['`]", str([*context.values()]))
        if error["type"] == "bool_type":
            words, value = ["true", "false"], ANSWERS.get(value.lower(), value)
        near = nearest(value, words)
        if re.fullmatch("[0-9]+(x[0-9]+)*", value):
            sizes = tuple(map(int, value.split("x")))
            return (Give(field, sizes if len(sizes) > 1 else sizes[0], safe=True),)
        usual = () if cls.fields[field] is ... else (Omit(field),)
        return (Give(field, near, safe=is_slip(value, near, words)),) if near else usual
    if error["type"] == "bool_type" and value in (0, 1):
        return (Give(field, bool(value), safe=True),)
    if isinstance(value, float) and value.is_integer() and cls.fields.get(field) is not value:
        return (Give(field, int(value), safe=True),)
    if "gt" in context and cls.fields[field] is not ...:
        return (Omit(field),)  # the bound itself is not legal
    bound = context.get("ge", context.get("le", 1 if "gt" in context else None))
    if bound is None and isinstance(value, int) and not isinstance(value, bool):
        bound = 1 if "above 0" in str(context) else 0
    if context.get("le") == 1 and 2 <= value <= 100:  # a percentage
        return (Give(field, value / 100),)
    whole = isinstance(bound, float) and bound.is_integer()
    return (Give(field, int(bound) if whole else bound),) if bound is not None else ()


def missing(cls: type[Layer], field: str) -> Problem:
    example = ", ".join(name for name in cls.positional if cls.fields[name] is ...)
    return Problem(
        "A201",
        f"`{cls.name}` needs `{field}`",
        f"`{field}` is missing",
        help=f"a `{cls.name}` is written `{cls.name}({example})`" if example else None,
    )


def surplus(cls: type[Layer], given: Sequence[Any]) -> Problem:
    most, count = len(cls.positional), len(given)
    allowed = f"at most {most} ({', '.join(cls.positional)})" if most else "none"
    options = [name for name in cls.fields if name not in cls.positional]
    plural = "s" if count > 1 else ""
    notes: tuple[str, ...] = (
        f"the others are given by name: {', '.join(f'{name}=' for name in options)}",
    )
    remedies = by_name(given, most, options)
    if "in_channels" in options and most and not remedies:
        call = f"{cls.name}({', '.join(cls.positional)})"
        notes = (f"incoming channels are inferred: it is written `{call}`", *notes)
    return Problem(
        "A204",
        f"`{cls.name}` got {count} argument{plural} without a name, it takes {allowed}",
        notes=notes if options else (),
        remedies=remedies,
    )


def by_name(given: Sequence[Any], most: int, options: Sequence[str]) -> tuple[Remedy, ...]:
    """The arguments beyond those that have a place, by the names that they most likely lack.

    An even number before them is no kernel but, in the order of other tools, the channels.
    """
    extra = given[most:]
    if len(extra) == 1 and extra[0] in ("same", "valid") and "padding" in options:
        return (Name(most, "padding", extra[0]),)
    even = most > 0 and isinstance(given[most - 1], int) and given[most - 1] % 2 == 0
    if len(extra) > min(3, len(options)) or (even and "in_channels" in options):
        return ()
    return (Together(tuple(Name(most + i, options[i]) for i in range(len(extra)))),)


def is_open(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(is_open(each) for each in value)
    return isinstance(value, (Free, Mixed))


def open_size(cls: type[Layer], field: str, value: Any) -> Problem:
    return Problem(
        "A206",
        f"`{field}` of `{cls.name}` must be known before the module runs, got {clipped(value)}",
        "depends on a free dimension",
        field=field,
        notes=("`global_avgpool` and `like=` work for every size",),
    )


def clipped(value: Any) -> str:
    """A value as it is written, at most 40 characters of it."""
    text = f'"{value}"' if type(value) is str else spell(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def spell(value: Any) -> str:
    """A value as it is written in a file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Initial):
        options = ", ".join(f"{name}={spell(each)}" for name, each in value.options)
        return f"{value.scheme}({options})" if options else value.scheme
    if isinstance(value, Ref):
        return value.name
    if isinstance(value, tuple):
        plain = len(value) > 1 and all(isinstance(v, int) and v >= 0 for v in value)
        return "x".join(map(str, value)) if plain else listing(value)
    return "none" if value is None else str(value)


def listing(values: tuple[Any, ...]) -> str:
    """A list as it is written; pairs in it are lists too."""
    return f"[{', '.join(listing(v) if isinstance(v, tuple) else spell(v) for v in values)}]"
