"""The types of layer arguments: what the values of each are, and the function that takes no others.

A type is annotated with a `Kind`. Imported on the first validation only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, isfinite
from typing import Annotated, Any, Literal, TypeAlias

from cnnlang.layers.initial import Initial, initial
from cnnlang.layers.tensor import AXES
from cnnlang.layers.values import Ref
from cnnlang.records import dataclass

Check: TypeAlias = Callable[[Any], Any]
"""Gives a value back as a layer keeps it; raises `Wrong` for one that is not of the type."""

KNOWN = {axis for names in AXES.values() for axis in names}

FLAG = "true or false"
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
    """What the values of a type are, in words, and the function that takes no others."""

    description: str
    check: Check


class Wrong(Exception):
    """A value is not of a type: what is `wanted`, and the bound that a number is beyond."""

    def __init__(
        self,
        wanted: str,
        *,
        above: int | None = None,
        least: int | None = None,
        most: int | None = None,
    ) -> None:
        super().__init__(wanted)
        self.wanted, self.above, self.least, self.most = wanted, above, least, most


# --- numbers and words ---------------------------------------------------------------------------


def integer(value: Any) -> Any:
    if not whole(value):
        raise Wrong("a whole number")
    return value


def real(value: Any) -> float:
    """A finite number; a whole one is made a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong("a number")
    try:
        number = float(value)
    except OverflowError:
        number = inf
    if not isfinite(number):
        raise Wrong("a finite number")
    return number


def above(bound: int, kind: Check) -> Check:
    def check(value: Any) -> Any:
        number = kind(value)
        if number <= bound:
            raise Wrong(f"a number above {bound}", above=bound)
        return number

    return check


def at_least(bound: int, kind: Check) -> Check:
    def check(value: Any) -> Any:
        number = kind(value)
        if number < bound:
            raise Wrong(f"a number of at least {bound}", least=bound)
        return number

    return check


def at_most(bound: int, kind: Check) -> Check:
    def check(value: Any) -> Any:
        number = kind(value)
        if number > bound:
            raise Wrong(f"a number of at most {bound}", most=bound)
        return number

    return check


def flag(value: Any) -> Any:
    if not isinstance(value, bool):
        raise Wrong(FLAG)
    return value


def word(words: Sequence[str]) -> Check:
    """One of some words."""
    said = [f"`{each}`" for each in words]
    wanted = "one of " + " or ".join(filter(None, (", ".join(said[:-1]), said[-1])))

    def check(value: Any) -> Any:
        if value not in words:
            raise Wrong(wanted)
        return words[words.index(value)]

    return check


def optional(kind: Check) -> Check:
    """None, or what another check takes."""
    return lambda value: None if value is None else kind(value)


# --- values of several axes, and names -----------------------------------------------------------


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_int(value: Any, least: int) -> bool:
    return whole(value) and bool(value >= least)


def sizes(least: int, wanted: str) -> Check:
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
        raise Wrong(wanted)

    return check


def positions(value: Any) -> Any:
    """One size for all axes, or one for each, `none` for an axis that keeps its size."""
    if is_int(value, 1):
        return value
    if isinstance(value, tuple) and 1 <= len(value) <= 3:
        listed = tuple(None if v == "none" else v for v in value)
        if any(listed) and all(v is None or is_int(v, 1) for v in listed):
            return listed
    raise Wrong(f"{POSITIONS} (`[1, none]`)")


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
    raise Wrong(PADDING)


def margins(value: Any) -> Any:
    """n for every side, one n an axis, or one (before, after) pair an axis; negative ones crop."""
    if whole(value):
        return value
    if isinstance(value, tuple) and 1 <= len(value) <= 3:
        if all(map(whole, value)):
            return value
        if all(isinstance(v, tuple) and len(v) == 2 and all(map(whole, v)) for v in value):
            return value
    raise Wrong(MARGINS)


def axis(value: Any) -> Any:
    """One axis by name or index; the batch axis has none."""
    if is_int(value, 0) or (isinstance(value, str) and value.rstrip("0123456789") in KNOWN):
        return value
    raise Wrong("an axis: channels, length, height, width, depth, features, or its index from 0")


def axes(value: Any) -> Any:
    """One axis by name or index, or several."""
    if isinstance(value, tuple) and value:
        return tuple(axis(v) for v in value)
    return axis(value)


def initialiser(value: Any) -> Any:
    try:
        return initial(value)
    except ValueError as problem:
        raise Wrong(str(problem)) from None


def scale(value: Any) -> Any:
    """A positive factor for all axes, or one an axis."""
    listed = value if isinstance(value, tuple) else (value,)
    if listed and all(
        isinstance(v, int | float) and not isinstance(v, bool) and v > 0 for v in listed
    ):
        return value
    raise Wrong(FACTOR)


def shape(value: Any) -> Any:
    """A target shape; a single -1 stands for what is left over."""
    listed = (value,) if isinstance(value, int) else value
    if not isinstance(listed, tuple) or not listed or listed.count(-1) > 1:
        raise Wrong(TARGET)
    if all(is_int(v, -1) and v != 0 for v in listed):
        return listed
    raise Wrong(TARGET)


def permutation(value: Any) -> Any:
    if isinstance(value, tuple) and value:
        return tuple(axis(v) for v in value)
    raise Wrong(PERMUTATION)


def reference(value: Any) -> Any:
    if isinstance(value, Ref):
        return value
    raise Wrong(REFERENCE)


# --- the types -----------------------------------------------------------------------------------

Count: TypeAlias = Annotated[int, Kind("a whole number above 0", above(0, integer))]
Whole: TypeAlias = Annotated[int, Kind("a whole number of at least 0", at_least(0, integer))]
Integer: TypeAlias = Annotated[int, Kind("a whole number", integer)]
Flag: TypeAlias = Annotated[bool, Kind(FLAG, flag)]
Real: TypeAlias = Annotated[float, Kind("a number", real)]
Positive: TypeAlias = Annotated[float, Kind("a number above 0", above(0, real))]
Probability: TypeAlias = Annotated[
    float, Kind("a number from 0 to 1", at_least(0, at_most(1, real)))
]
Sizes: TypeAlias = Annotated[Any, Kind(SIZES, sizes(1, f"{SIZES} (`3`, `3x3`, `[3, 1]`)"))]
Positions: TypeAlias = Annotated[Any, Kind(POSITIONS, positions)]
Wholes: TypeAlias = Annotated[Any, Kind(WHOLES, sizes(0, WHOLES))]
Padding: TypeAlias = Annotated[Any, Kind(PADDING, padding)]
Margins: TypeAlias = Annotated[Any, Kind(MARGINS, margins)]
PadMode: TypeAlias = Literal["zeros", "reflect", "replicate", "circular"]
Axis: TypeAlias = Annotated[Any, Kind("an axis by name or index from 0", axis)]
Axes: TypeAlias = Annotated[
    Any, Kind("an axis by name or index from 0, or several in brackets", axes)
]
Factor: TypeAlias = Annotated[Any, Kind(FACTOR, scale)]
Target: TypeAlias = Annotated[Any, Kind(TARGET, shape)]
Permutation: TypeAlias = Annotated[Any, Kind(PERMUTATION, permutation)]
Init: TypeAlias = Annotated[
    Initial | None,
    Kind("an initialisation such as `kaiming_normal` or `normal(std=0.01)`", initialiser),
]
Reference: TypeAlias = Annotated[Any, Kind(REFERENCE, reference)]
