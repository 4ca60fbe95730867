"""What the paper figure shows: a feature map for every layer that makes one, or for a block.

A block whose end adds or joins what its branches make is one map; so are equal blocks in a row.
Other modules are opened, the outer ones first, while the figure has room.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cnnlang.backends.diagram.scopes import Mark, Unit, together


@dataclass(frozen=True, slots=True)
class Part:
    """A share of the channels of a joined map, by what made it; `skip` if it comes from afar."""

    channels: int
    category: str
    name: str
    skip: bool = False


@dataclass(eq=False, slots=True)
class Volume:
    """A feature map: `channels` (or features) and the sizes of its spatial axes.

    `name` is the label that the file gives it, if any; `inputs` are the maps that it is made of;
    `joins` those that are added on the way out, as in a named skip. `times` is how many equal
    blocks it stands for, and `sample` the units of one of them; `group` is what the opened module
    around it is called. `outputs` are the names of those that it is. One that is `apart` is
    not shown as one with others; where a cost is told, `value` is that of the map, `heat` its
    colour and `note` its share.
    """

    units: list[Unit]
    channels: int
    spatial: tuple[int, ...]
    category: str
    name: str
    kind: str
    times: int = 1
    parts: tuple[Part, ...] = ()
    residual: bool = False
    kernel: tuple[int, ...] = ()
    group: str = ""
    macs: int = 0
    outputs: tuple[str, ...] = ()
    apart: bool = False
    value: int = 0
    heat: str = ""
    note: str = ""
    sample: list[Unit] = field(default_factory=list)
    inputs: list[Volume] = field(default_factory=list)
    joins: list[Volume] = field(default_factory=list)

    @property
    def flat(self) -> bool:
        """True for a vector."""
        return not self.spatial

    @property
    def size(self) -> int:
        """The largest spatial size, 0 for a vector."""
        return max(self.spatial, default=0)

    @property
    def parameters(self) -> int:
        return sum(unit.parameters for unit in self.units)

    @property
    def mark(self) -> Mark:
        """What becomes of the map where two networks are compared."""
        first = self.units[0].mark
        alone = not self.sample and first in ("added", "removed")
        return first if alone else together(unit.mark for unit in self.units)

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that it shows, by their places in the graph."""
        return tuple(node.index for unit in self.units for node in unit.nodes)

    @property
    def sight(self) -> str:
        """The receptive field of the last layer that it stands for."""
        return self.units[-1].sight if self.units else ""

    @property
    def again(self) -> bool:
        """True if its weights are those of a map before."""
        return any(scope.again for unit in self.units for scope in unit.scope.around)
