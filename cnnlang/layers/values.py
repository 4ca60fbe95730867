"""Values that arguments may have beside numbers, words and tuples."""

from __future__ import annotations

from cnnlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Ref:
    """A named tensor given as an argument, as in `crop(like=skip)`."""

    name: str
