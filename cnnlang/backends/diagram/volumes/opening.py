"""Which modules the paper figure opens, and which are one map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cnnlang.backends.diagram.scopes import Scope, Unit
from cnnlang.layers.tensor import Tensor
from cnnlang.sizes import Size

ROOM = 44
"""Maps up to which modules are opened."""
MAPS = ("conv", "transposed", "pool", "dense", "port", "module")
"""Categories whose output is a map of its own."""


class Opening:
    """Decides which modules are opened and which are shown as one map."""

    def __init__(self, root: Scope) -> None:
        self.root = root
        self.meeting = {each.title for each in scopes(root) if small(each) and meets(each)}

    def items(self) -> list[Unit | Scope]:
        """The items to show: modules are opened level by level as long as there is room."""
        items = list(opened(self.root.items))
        while True:
            wider = [part for item in items for part in self.parts(item)]
            if len(wider) == len(items) or (len(items) > 1 and shown(wider) > ROOM):
                return items
            items = wider

    def parts(self, item: Unit | Scope) -> list[Unit | Scope]:
        """What a module is opened to; itself if it is shown as one map."""
        return [item] if isinstance(item, Unit) or self.whole(item) else item.items

    def whole(self, scope: Scope) -> bool:
        """True for blocks of a kind that ends where its branches meet, and for a row of blocks."""
        if scope.title in self.meeting and small(scope):
            return True
        kinds = {each.title if isinstance(each, Scope) else "" for each in scope.items}
        blocks = [each for each in scope.items if isinstance(each, Scope)]
        alike = len(kinds) == 1 and "" not in kinds and all(map(small, blocks))
        return alike and (len(blocks) > 1 or blocks[0].repeat is not None)


def opened(items: Iterable[Unit | Scope]) -> Iterator[Unit | Scope]:
    """The items, with what is in the modules that are asked to be open."""
    for item in items:
        if isinstance(item, Scope) and item.view == "open":
            yield from opened(item.items)
        else:
            yield item


def scopes(scope: Scope) -> Iterator[Scope]:
    """The modules in a module, at any depth."""
    todo = [scope]
    while todo:
        inside = [item for item in todo.pop().items if isinstance(item, Scope)]
        yield from inside
        todo += inside


def shown(items: Iterable[Unit | Scope]) -> int:
    """How many maps some items are."""
    return sum(isinstance(each, Scope) or each.category in MAPS for each in items)


def small(scope: Scope) -> bool:
    """True for a block that makes one map: its branches have the sizes that come in or go out.

    One that leaves the size that comes in must not come back to it, as an encoder-decoder does.
    """
    units = list(scope.units())
    own = set(units)
    entering = {positions(each.output) for unit in units for each in unit.inputs if each not in own}
    leaving = positions(units[-1].output)
    inside = {each for each in (positions(unit.output) for unit in units) if set(each) != {1}}
    allowed = {leaving} if leaving in entering else {leaving, *entering}
    return bool(scope.title) and inside <= allowed


def positions(tensor: Tensor) -> tuple[Size, ...]:
    """The sizes of the spatial axes; those of a gate, pooled to one position, are all 1."""
    return tuple(s for i, s in enumerate(tensor.shape) if i != tensor.channel_axis)


def meets(scope: Scope) -> bool:
    """True if a block adds or joins what its branches make."""
    return any(each.kind in ("add", "concat") for each in scope.units())
