"""Receptive fields: what one position of a tensor reads of each input of the network.

The theoretical field of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional
Neural Networks" (Distill 2019): every weight counts, and borders are not regarded. On one axis,
position o reads from low(o) to high(o); a layer replaces o by what it reads itself, and where
branches meet the field is the hull of theirs. The cost is linear in the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from cnnlang.graph import Graph, Node
from cnnlang.layers.reading import EVERYTHING, UNKNOWN, Read, Usual, hull, own, through
from cnnlang.layers.tensor import SPATIAL, Tensor
from cnnlang.records import dataclass, replace
from cnnlang.sizes import at

if TYPE_CHECKING:
    from fractions import Fraction

State: TypeAlias = dict[tuple[int, int], Read]
"""How a tensor reads the inputs of the network, by their node and axis."""


@dataclass(frozen=True, slots=True)
class Field:
    """The field on one axis of one input, as position o of an axis of the tensor has it.

    `whole` is true where it is all of the axis or grows with it. Where it is that, or not known,
    the numbers are None.
    """

    axis: str
    read: Read

    @property
    def whole(self) -> bool:
        return self.read == EVERYTHING

    @property
    def exact(self) -> bool:
        """False where it is not the same for every free size or position: one of them is told."""
        return self.read.exact

    @property
    def size(self) -> int | None:
        """Positions of the input; the most that neighbouring positions have."""
        return None if self.read.axis is None else self.read.size

    @property
    def jump(self) -> Fraction | None:
        """Distance in the input between the fields of neighbouring positions, in the mean."""
        return None if self.read.axis is None else self.read.low.slope

    @property
    def start(self) -> int | None:
        """Where the field of position 0 begins; negative before the border."""
        return None if self.read.axis is None else self.read.low(0)


Fields: TypeAlias = Mapping[str, tuple[Field, ...]]
"""The fields by the name of the input, one for each of its spatial axes."""


WORK = 500_000
"""The most phases that are kept of one network; what comes after them is not known."""


def receptive(graph: Graph, sizes: Mapping[str, int]) -> list[Fields]:
    """The receptive fields of every node; `sizes` are ordinary ones for the free dimensions."""
    tracing = Tracing(graph, sizes)
    return [told(graph, state) for state in tracing.states]


def spatial(x: Tensor) -> list[int]:
    """The indices of the spatial axes."""
    return [place for place, axis in enumerate(x.axes) if axis in SPATIAL]


class Tracing:
    """Goes through the nodes in order, and keeps what each reads of the inputs."""

    def __init__(self, graph: Graph, sizes: Mapping[str, int]) -> None:
        self.graph = graph
        self.sizes = sizes
        self.work = 0
        self.states: list[State] = []
        for node in graph.nodes:
            self.states.append(self.begun(node) if node.layer is None else self.follow(node))

    def begun(self, node: Node) -> State:
        """An input reads itself."""
        return {(node.index, axis): own(axis) for axis in spatial(node.output)}

    def follow(self, node: Node) -> State:
        """What a layer reads, through all that it takes in."""
        assert node.layer is not None
        usual, found = Usual(self.sizes), State()
        reads = node.layer.reads(self.graph.tensors(node), node.output, usual)
        for i, axes in zip(node.inputs, reads, strict=False):
            for key, before in self.states[i].items() if axes else ():
                read = before if before.axis is None else through(axes[before.axis], before)
                known = found.get(key)
                found[key] = read if known is None else self.met(known, read, node.output)
        exact = not usual.asked
        return {key: self.kept(read, exact) for key, read in found.items()}

    def met(self, a: Read, b: Read, output: Tensor) -> Read:
        """The hull of two branches."""
        return hull(a, b, 1 if a.axis is None else at(output.shape[a.axis], self.sizes))

    def kept(self, read: Read, exact: bool) -> Read:
        """What is read, as far as there is room for its phases."""
        phases = len(read.low.values)
        self.work += phases if phases > 1 else 0
        if self.work > WORK and phases > 1:
            return UNKNOWN
        return replace(read, exact=read.exact and exact, part=False)


def told(graph: Graph, state: State) -> Fields:
    """A state as it is told, by input."""
    return {
        graph.nodes[i].name: tuple(
            Field(graph.nodes[i].output.axes[axis], state[i, axis])
            for axis in spatial(graph.nodes[i].output)
        )
        for i in graph.inputs
        if any(key[0] == i for key in state)
    }


# --- words ---------------------------------------------------------------------------------------


def words(fields: Fields) -> str:
    """The fields on all inputs: `35x35 /8`; those that are alike once."""
    return ", ".join(dict.fromkeys(phrase(each) for each in fields.values()))


def phrase(axes: tuple[Field, ...]) -> str:
    """The field on one input: its size, then the jump; `all` for the whole, `~` if not exact."""
    sizes = [size(each) for each in axes]
    if len(set(sizes)) == 1 and axes[0].size is None:
        return sizes[0]
    jumps = [f"{float(each.jump):.3g}" for each in axes if each.jump is not None]
    jump = jumps[0] if len(set(jumps)) == 1 else "x".join(jumps)
    about = "" if all(each.exact for each in axes) else "~"
    return f"{about}{'x'.join(sizes)} /{jump}"


def size(axis: Field) -> str:
    if axis.size is not None:
        return str(axis.size)
    return "all" if axis.whole else "?"
