"""What the functions for Python programs take: a wrong argument is told by its name, at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, overload

Check = Callable[[Any], bool]


def need(**arguments: Any) -> None:
    """Raises `TypeError` for an argument of a wrong kind, `ValueError` for a wrong number or word.

    >>> need(network="N", batch="8")
    Traceback (most recent call last):
    TypeError: `batch` is a whole number from 1 on, not '8'
    """
    for name, value in arguments.items():
        fits, words = NEEDS[name]
        if not fits(value):
            number = words == COUNT and is_whole(value)
            kind = ValueError if number or (fits is is_match and is_text(value)) else TypeError
            raise kind(f"`{name}` is {words}, not {shown(value)}")


@overload
def several(names: Sequence[str]) -> tuple[str, ...]: ...


@overload
def several(names: Sequence[str] | None) -> tuple[str, ...] | None: ...


def several(names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Names as a tuple; a single text is one of them, not its letters."""
    return None if names is None else (names,) if isinstance(names, str) else tuple(names)


def shown(value: Any) -> str:
    """A value as a message has it: itself if it is short, else its type."""
    text = repr(value)
    return text if len(text) <= 60 and "\n" not in text else f"of type {type(value).__name__}"


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_path(value: Any) -> bool:
    """True for a path as text or as an object; one of bytes is none, and neither is no text."""
    return (isinstance(value, str) and value != "") or (
        isinstance(value, os.PathLike) and isinstance(os.fspath(value), str)
    )


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_count(value: Any) -> bool:
    return is_whole(value) and value > 0


def is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def are_texts(value: Any) -> bool:
    """True for several names, and for one."""
    several = isinstance(value, Collection) and not isinstance(value, Mapping)
    return isinstance(value, str) or (several and all(map(is_text, value)))


def are_shapes(value: Any) -> bool:
    """True for shapes by input; whether the inputs are there and take them, the compiler tells."""
    return isinstance(value, Mapping) and all(
        (is_text(key) or is_whole(key))
        and isinstance(shape, (list, tuple))
        and all(map(is_count, shape))
        for key, shape in value.items()
    )


def is_match(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(is_text(each) for pair in value.items() for each in pair)
    return value in ("name", "order") if is_text(value) else False


def optional(check: Check) -> Check:
    return lambda value: value is None or check(value)


PATH = "a path, as text or `pathlib.Path`"
NETWORK = "the name of a network"
NAMES = "a name or a list of names"
COUNT = "a whole number from 1 on"
FLAG = "True or False"

NEEDS: dict[str, tuple[Check, str]] = {
    **dict.fromkeys(("path", "before", "after"), (is_path, PATH)),
    "output": (optional(is_path), PATH),
    **dict.fromkeys(("network", "other"), (optional(is_text), NETWORK)),
    "shapes": (optional(are_shapes), "shapes by input, as in {0: (3, 224, 224)}"),
    "select": (optional(are_texts), NAMES),
    **dict.fromkeys(("extend_select", "ignore", "collapse", "expand"), (are_texts, NAMES)),
    **dict.fromkeys(
        ("format", "style", "theme", "direction", "highlight"), (optional(is_text), "a name")
    ),
    "only": (optional(is_text), "the path of a module or layer, as text"),
    "width": (optional(is_text), "a length, as in '8.5cm'"),
    **dict.fromkeys(("number", "batch"), (is_count, COUNT)),
    **dict.fromkeys(("depth", "columns"), (optional(is_count), COUNT)),
    **dict.fromkeys(("dtype", "optimizer"), (is_text, "a name")),
    "match": (is_match, "'name', 'order', or a mapping from names to names"),
    **dict.fromkeys(("strict", "graphs", "channels_last", "inplace"), (is_flag, FLAG)),
}
"""What an argument must be and how that is said, by the name that it has in every function."""
