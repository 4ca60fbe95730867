"""Runs of siblings: `block3`, `block4`, ... built and applied in a loop, as a person would."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from cnnlang.backends.source.layout import Doc, Group, Named, flat
from cnnlang.backends.source.structure import Part, Step
from cnnlang.records import dataclass

SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Run:
    """Children `base{first}`, `base{first + 1}`, ..., each taking what the last one left."""

    base: str
    first: int
    steps: tuple[Step, ...]

    @property
    def count(self) -> int:
        return len(self.steps)


def grouped(parts: Sequence[Part], fits: Callable[[list[Step]], bool]) -> list[Part | Run]:
    """The parts with runs of at least four siblings put together.

    `fits` says of up to three neighbours whether they belong to one run.
    """
    found: list[Part | Run] = []
    at = 0
    while at < len(parts):
        steps = longest(parts, at, fits)
        if len(steps) >= SHORTEST:
            base, number = split(steps[0].attribute)
            found.append(Run(base, number, tuple(steps)))
            at += len(steps)
        else:
            found.append(parts[at])
            at += 1
    return found


def longest(parts: Sequence[Part], at: int, fits: Callable[[list[Step]], bool]) -> list[Step]:
    """The longest run from a place on."""
    steps: list[Step] = []
    for part in map(parts.__getitem__, range(at, len(parts))):
        if (
            not isinstance(part, Step)
            or not part.is_child
            or part.body is not None
            or len(part.rows) != 1
        ):
            break
        if steps and not (next_to(steps[-1], part) and fits([*steps[-2:], part])):
            break
        steps.append(part)
    return steps


def next_to(a: Step, b: Step) -> bool:
    """True if b is the sibling after a, by number and by what flows."""
    base, number = split(a.attribute)
    return split(b.attribute) == (base, number + 1) and b.inputs == (("step", a.id),)


def split(name: str) -> tuple[str, int]:
    found = re.fullmatch(r"(.*?[A-Za-z_])([1-9][0-9]*)", name)
    return (
        (found[1], int(found[2]))
        if found and name.isascii() and name.isidentifier()
        else (name, -9)
    )


def progression(values: Sequence[Any]) -> str | None:
    """Values as an expression of `i` = 0, 1, ...: equal ones, or steps of one size."""
    if all(value == values[0] and type(value) is type(values[0]) for value in values):
        return str(values[0])
    if not all(isinstance(v, str) and re.fullmatch(r"[0-9]+", v) for v in values):
        return None
    numbers = [int(v) for v in values]
    step = numbers[1] - numbers[0]
    if step <= 0 or any(n != numbers[0] + i * step for i, n in enumerate(numbers)):
        return None
    return f"{numbers[0]} + {step} * i" if step > 1 else f"{numbers[0]} + i"


def common(documents: Sequence[Doc]) -> Doc | None:
    """One call for several that differ in numbers of one step; None if they differ otherwise."""
    first = documents[0]
    if isinstance(first, Group):
        if any(
            not isinstance(d, Group)
            or d.opening != first.opening
            or len(d.items) != len(first.items)
            for d in documents
        ):
            return None
        items = [
            common([d.items[i] for d in documents if isinstance(d, Group)])
            for i in range(len(first.items))
        ]
        known = [item for item in items if item is not None]
        return (
            Group(first.opening, tuple(known), first.closing) if len(known) == len(items) else None
        )
    if isinstance(first, Named):
        if any(not isinstance(d, Named) or d.name != first.name for d in documents):
            return None
        value = common([d.value for d in documents if isinstance(d, Named)])
        return Named(first.name, value) if value is not None else None
    return progression([flat(each) for each in documents])


def number(first: int) -> str:
    """`i` counted from 0, as the number in a name."""
    return "{i}" if first == 0 else f"{{i + {first}}}"
