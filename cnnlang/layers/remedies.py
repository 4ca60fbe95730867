"""What might mend a layer that cannot stand where it stands, as data.

A layer only says what might help; the elaborator turns it into edits of the text, and
`cnnlang.repair` tries it before a word is said of it.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from cnnlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Give:
    """Give `field` another value, or the value that it lacks."""

    field: str
    value: Any
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Omit:
    """Leave the argument `field` out."""

    field: str
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Respell:
    """The argument `field` under the name `name`."""

    field: str
    name: str
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """The argument at `place` by the name of `field`, written as `text` if that is given."""

    place: int
    field: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Insert:
    """Put `text` before the layer; for a merge, at the end of its operand number `side`.

    `goal` is the operand whose channels `text` names.
    """

    text: str
    side: int = 0
    goal: int | None = None


@dataclass(frozen=True, slots=True)
class Become:
    """Another layer with the same arguments."""

    name: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Leave the layer out; with `kinds`, the last one of these kinds before it."""

    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Precede:
    """Put `text` before the last layer of these `kinds` that comes before this one."""

    kinds: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Widen:
    """Let the layer or input that made the channels of operand `side` make so many of them."""

    channels: int
    side: int = 0


@dataclass(frozen=True, slots=True)
class Enlarge:
    """Start from the smallest input for which the layer can stand."""


@dataclass(frozen=True, slots=True)
class Resize:
    """Start from the input of the nearest size for which the layer can stand."""


@dataclass(frozen=True, slots=True)
class Reorder:
    """Start from the input with its channels in front; `channels` is their number if it is known.

    Otherwise an axis of 1, 3 or 4 positions behind many channels is taken for theirs.
    """

    channels: int | None = None


@dataclass(frozen=True, slots=True)
class Rerank:
    """Start from an input with one axis more or less in front, so that it has `rank`."""

    rank: int


@dataclass(frozen=True, slots=True)
class Retype:
    """Declare the input as integers, or as real numbers."""

    dtype: str = "int"


@dataclass(frozen=True, slots=True)
class Together:
    """Several at once: none of them is enough."""

    parts: tuple[Remedy, ...]


Remedy: TypeAlias = (
    Give
    | Omit
    | Respell
    | Name
    | Insert
    | Become
    | Remove
    | Precede
    | Widen
    | Enlarge
    | Resize
    | Reorder
    | Rerank
    | Retype
    | Together
)
