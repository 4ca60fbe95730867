"""How much work sizes that depend on free dimensions are, and a bound on how large they grow."""

from __future__ import annotations

from collections.abc import Iterable

from cnnlang.layers.tensor import Tensor
from cnnlang.sizes import Free, Mixed, Size, SizeLimit

OPERATIONS = 200


def effort(tensors: Iterable[Tensor]) -> int:
    """The values to go through in a computation with the sizes of some tensors.

    Raises `SizeLimit` for a size that has more than `OPERATIONS` operations.
    """
    return sum(terms(s) for each in tensors for s in each.shape if not isinstance(s, int))


def terms(size: Size) -> int:
    """The values in the periods of a size."""
    if isinstance(size, Free):
        return size.period
    count, total = 0, 0
    todo: list[Size] = [size]
    while todo:
        each = todo.pop()
        if isinstance(each, Mixed):
            count += 1
            todo += [each.left, each.right]
        elif isinstance(each, Free):
            total += each.period
        if count > OPERATIONS:
            raise SizeLimit(f"a size here takes more than {OPERATIONS} operations to compute")
    return total + count
