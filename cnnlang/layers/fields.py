"""The types of layer arguments, and how pydantic's engine validates each.

A type is annotated with a `Kind`. Imported on the first validation only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import (
    bool_schema,
    float_schema,
    int_schema,
    no_info_plain_validator_function,
)

from cnnlang.layers.initial import Initial, initial
from cnnlang.layers.tensor import AXES
from cnnlang.layers.values import Ref
from cnnlang.records import dataclass

KNOWN = {axis for names in AXES.values() for axis in names}

SIZES = "a number above 0, or one per axis"
POSITIONS = "a number above 0, or one per axis, `none` to keep an axis"
WHOLES = "a number of at least 0, or one per axis"
PADDING = "`same`, `valid`, a number, one number per axis, or a pair [before, after] per axis"
MARGINS = "a number, one number per axis, or a pair [before, after] per axis"
FACTOR = "a factor above 0, or one per axis"
TARGET = "a shape such as `64x7x7`, with at most one -1"
PERMUTATION = "the axes in their new order, by name or index"
REFERENCE = "the name of a tensor"
"""What a value should be, as an error and the documentation of an argument say it."""


@dataclass(frozen=True, eq=False, slots=True)
class Kind:
    """What the values of a type are, in words, and the schema that takes no others."""

    description: str
    schema: CoreSchema


def checked(check: Callable[[Any], Any], description: str) -> Kind:
    """The values that a function lets through, as it gives them back."""
    return Kind(description, no_info_plain_validator_function(check))


def wrong(wanted: str) -> PydanticCustomError:
    return PydanticCustomError("A203", "{wanted}", {"wanted": wanted})


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_int(value: Any, least: int) -> bool:
    return whole(value) and bool(value >= least)


def sizes(least: int, wanted: str) -> Callable[[Any], Any]:
    """One integer for all axes, or one for each of up to three axes."""

    def check(value: Any) -> Any:
        if is_int(value, least):
            return value
        if (
            isinstance(value, tuple)
            and 1 <= len(value) <= 3
            and all(is_int(v, least) for v in value)
        ):
            return value
        raise wrong(wanted)

    return check


def positions(value: Any) -> Any:
    """One size for all axes, or one for each, `none` for an axis that keeps its size."""
    if is_int(value, 1):
        return value
    if isinstance(value, tuple) and 1 <= len(value) <= 3:
        listed = tuple(None if v == "none" else v for v in value)
        if any(listed) and all(v is None or is_int(v, 1) for v in listed):
            return listed
    raise wrong(f"{POSITIONS} (`[1, none]`)")


def padding(value: Any) -> Any:
    """`valid`, `same`, n, one n an axis, or one (before, after) pair an axis."""
    if value in ("valid", "same") or is_int(value, 0):
        return 0 if value == "valid" else value
    if isinstance(value, tuple) and 1 <= len(value) <= 3:
        if all(is_int(v, 0) for v in value):
            return value
        if all(
            isinstance(v, tuple) and len(v) == 2 and all(is_int(n, 0) for n in v) for v in value
        ):
            return value
    raise wrong(PADDING)


def margins(value: Any) -> Any:
    """n for every side, one n an axis, or one (before, after) pair an axis; negative ones crop."""
    if whole(value):
        return value
    if isinstance(value, tuple) and 1 <= len(value) <= 3:
        if all(map(whole, value)):
            return value
        if all(isinstance(v, tuple) and len(v) == 2 and all(map(whole, v)) for v in value):
            return value
    raise wrong(MARGINS)


def axis(value: Any) -> Any:
    """One axis by name or index; the batch axis has none."""
    if is_int(value, 0) or (isinstance(value, str) and value.rstrip("0123456789") in KNOWN):
        return value
    raise wrong("an axis: channels, length, height, width, depth, features, or its index from 0")


def axes(value: Any) -> Any:
    """One axis by name or index, or several."""
    if isinstance(value, tuple) and value:
        return tuple(axis(v) for v in value)
    return axis(value)


def initialiser(value: Any) -> Any:
    try:
        return initial(value)
    except ValueError as problem:
        raise wrong(str(problem)) from None


def scale(value: Any) -> Any:
    """A positive factor for all axes, or one an axis."""
    listed = value if isinstance(value, tuple) else (value,)
    if listed and all(
        isinstance(v, int | float) and not isinstance(v, bool) and v > 0 for v in listed
    ):
        return value
    raise wrong(FACTOR)


def shape(value: Any) -> Any:
    """A target shape; a single -1 stands for what is left over."""
    listed = (value,) if isinstance(value, int) else value
    if not isinstance(listed, tuple) or not listed or listed.count(-1) > 1:
        raise wrong(TARGET)
    if all(is_int(v, -1) and v != 0 for v in listed):
        return listed
    raise wrong(TARGET)


def permutation(value: Any) -> Any:
    if isinstance(value, tuple) and value:
        return tuple(axis(v) for v in value)
    raise wrong(PERMUTATION)


def reference(value: Any) -> Any:
    if isinstance(value, Ref):
        return value
    raise wrong(REFERENCE)


Count: TypeAlias = Annotated[int, Kind("a whole number above 0", int_schema(strict=True, gt=0))]
Whole: TypeAlias = Annotated[
    int, Kind("a whole number of at least 0", int_schema(strict=True, ge=0))
]
Integer: TypeAlias = Annotated[int, Kind("a whole number", int_schema(strict=True))]
Flag: TypeAlias = Annotated[bool, Kind("true or false", bool_schema(strict=True))]
Real: TypeAlias = Annotated[float, Kind("a number", float_schema(strict=True, allow_inf_nan=False))]
Positive: TypeAlias = Annotated[
    float, Kind("a number above 0", float_schema(strict=True, gt=0, allow_inf_nan=False))
]
Probability: TypeAlias = Annotated[
    float, Kind("a number from 0 to 1", float_schema(strict=True, ge=0, le=1))
]
Sizes: TypeAlias = Annotated[Any, checked(sizes(1, f"{SIZES} (`3`, `3x3`, `[3, 1]`)"), SIZES)]
Positions: TypeAlias = Annotated[Any, checked(positions, POSITIONS)]
Wholes: TypeAlias = Annotated[Any, checked(sizes(0, WHOLES), WHOLES)]
Padding: TypeAlias = Annotated[Any, checked(padding, PADDING)]
Margins: TypeAlias = Annotated[Any, checked(margins, MARGINS)]
PadMode: TypeAlias = Literal["zeros", "reflect", "replicate", "circular"]
Axis: TypeAlias = Annotated[Any, checked(axis, "an axis by name or index from 0")]
Axes: TypeAlias = Annotated[
    Any, checked(axes, "an axis by name or index from 0, or several in brackets")
]
Factor: TypeAlias = Annotated[Any, checked(scale, FACTOR)]
Target: TypeAlias = Annotated[Any, checked(shape, TARGET)]
Permutation: TypeAlias = Annotated[Any, checked(permutation, PERMUTATION)]
Init: TypeAlias = Annotated[
    Initial | None,
    checked(initialiser, "an initialisation such as `kaiming_normal` or `normal(std=0.01)`"),
]
Reference: TypeAlias = Annotated[Any, checked(reference, REFERENCE)]
