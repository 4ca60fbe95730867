"""Tensors while a network runs: their storages, their gradients, and how these are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Literal, TypeAlias

from cnnlang.records import dataclass
from cnnlang.sizes import Size

WIDTHS = {"float32": 4, "float64": 8, "bf16": 2, "float16": 2, "int": 8, "bool": 1}
"""Bytes of a number."""


@dataclass(frozen=True, slots=True)
class Bytes:
    """An amount that grows with the batch: `fixed`, and `each` for every sample."""

    fixed: int = 0
    each: int = 0

    def __add__(self, other: Bytes) -> Bytes:
        return Bytes(self.fixed + other.fixed, self.each + other.each)

    def __sub__(self, other: Bytes) -> Bytes:
        return Bytes(self.fixed - other.fixed, self.each - other.each)

    def times(self, number: int) -> Bytes:
        return Bytes(self.fixed * number, self.each * number)

    def at(self, batch: int) -> int:
        """The bytes for a batch."""
        return self.fixed + self.each * batch


NOTHING = Bytes()

Order: TypeAlias = tuple[int, ...] | None
"""Axes as they lie in memory, the batch being 0; None for their natural order."""


@dataclass(eq=False, slots=True)
class Storage:
    """Memory that tensors share; it is free once `uses` is 0. `saved` counts those of autograd."""

    size: Bytes
    uses: int = 0
    saved: int = 0


@dataclass(eq=False, slots=True)
class Stored:
    """A tensor while the network runs: its shape without the batch, which it has if `batched`.

    `order` lists its axes (the batch is 0) as they lie in memory; it is not `whole` if it is a
    part of what lies there. `learned` is true for one whose gradient is wanted, `leaf` for a
    parameter. `gradient` is what has come in of its gradient.
    """

    storage: Storage
    shape: tuple[int, ...]
    dtype: str
    batched: bool = True
    order: Order = None
    whole: bool = True
    learned: bool = False
    leaf: bool = False
    gradient: Gradient | None = None

    @property
    def size(self) -> Bytes:
        return amount(self.shape, self.dtype, self.batched)

    def of(self, dtype: str) -> Bytes:
        """What as many numbers of that type take."""
        return amount(self.shape, dtype, self.batched)

    @property
    def mask(self) -> Bytes:
        """What a truth value for each number takes."""
        return self.of("bool")


@dataclass(eq=False, slots=True)
class Gradient:
    """A gradient on its way; `holders` refer to it. Autograd never adds to one that is a view."""

    storage: Storage
    holders: int = 1
    view: bool = False


Way: TypeAlias = Literal["new", "turned", "same", "view"]


@dataclass(frozen=True, slots=True)
class Edge:
    """How the gradient of one operand is made of that of the result.

    `new` memory, `turned` (new, but seen through a view), the `same` tensor, or a `view` of it;
    `most` is the most that making it takes, the result included.
    """

    target: Stored
    way: Way
    most: Bytes


@dataclass(frozen=True, slots=True)
class Step:
    """An operation with a backward: its result, what it saved, the gradients that it makes."""

    result: Stored
    saved: tuple[Storage, ...]
    edges: tuple[Edge, ...]


Values: TypeAlias = tuple[Stored, ...]
Saved: TypeAlias = "int | Stored | Bytes | Literal['result']"
"""What autograd saves: an operand by its index, another tensor, new memory, or the result."""


def amount(shape: Iterable[int], dtype: str, batched: bool = True) -> Bytes:
    """What a tensor of that shape takes."""
    total = prod(shape) * WIDTHS[dtype]
    return Bytes(0, total) if batched else Bytes(total)


def widest(reads: Sequence[Stored]) -> str:
    """The type of the result of operands of several types."""
    return max((each.dtype for each in reads if each.dtype != "int"), key=lambda d: WIDTHS[d])


def larger(a: Bytes, b: Bytes) -> Bytes:
    """The larger of two amounts, for every batch."""
    return Bytes(max(a.fixed, b.fixed), max(a.each, b.each))


def kept(saved: Saved, reads: Sequence[Stored]) -> Saved:
    """What is saved, an operand by itself in place of its index."""
    return reads[saved] if isinstance(saved, int) else saved


def kept_in(saved: Saved, result: Stored) -> Storage:
    """The storage of something that is saved; new memory for an amount."""
    if isinstance(saved, Bytes):
        return Storage(saved)
    return saved.storage if isinstance(saved, Stored) else result.storage


def stretched(x: Stored, full: Bytes, way: Way, work: Bytes) -> Edge:
    """The way back to an operand; one that was stretched gets a sum over what was made of it."""
    if x.size == full:
        return Edge(x, way, work)
    reduced: Way = "new" if x.batched else "turned"
    return Edge(x, reduced, x.size if way == "same" else larger(work, full + x.size))


def aligned(a: Stored, b: Stored) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shapes with as many axes, which are added in front."""
    axes = max(len(a.shape), len(b.shape))
    first, second = ((1,) * (axes - len(x.shape)) + x.shape for x in (a, b))
    return first, second


def natural(x: Stored) -> bool:
    """True if the numbers lie in the order of the axes; those of size 1 do not count."""
    if not x.whole:
        return False
    sizes = (2, *x.shape)
    axes = [axis for axis in x.order or () if sizes[axis] > 1]
    return axes == sorted(axes)


def joined(x: Stored, number: int) -> bool:
    """True if the first axes, so many, lie next to one another and can be seen as one."""
    sizes = (2, *x.shape)
    order = [axis for axis in x.order or range(len(sizes)) if sizes[axis] > 1]
    first = [axis for axis in range(number) if sizes[axis] > 1]
    start = order.index(0)
    return x.whole and order[start : start + len(first)] == first


def known(shape: Sequence[Size]) -> tuple[int, ...]:
    """A shape whose sizes are all numbers."""
    sizes = tuple(size for size in shape if isinstance(size, int))
    assert len(sizes) == len(shape)
    return sizes
