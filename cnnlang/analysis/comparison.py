"""What changes from one network to another: layers, shapes, costs, and what becomes of weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Literal

from cnnlang.analysis import costs
from cnnlang.analysis.alignment import Pairs, align
from cnnlang.analysis.loading import Loading, loading
from cnnlang.analysis.memory import Unpredictable, memory, setting
from cnnlang.graph import Graph, Node
from cnnlang.layers.base import REGISTRY, Inputs, Layer, LayerError, Need
from cnnlang.layers.tensor import Tensor
from cnnlang.layers.validation import spell
from cnnlang.records import dataclass
from cnnlang.sizes import SizeLimit

Status = Literal["added", "removed", "changed", "follows"]
Names = tuple[tuple[str, ...], tuple[str, ...]]
"""The names of some tensors before and after."""


BATCH = 32
"""Samples of the training step whose memory is compared."""


@dataclass(frozen=True, slots=True)
class Totals:
    """A network in numbers; `macs` is None while it depends on a free dimension.

    `memory` is the peak of a training step in bytes, for a batch of `BATCH` in float32 with plain
    SGD; None where it cannot be told.
    """

    network: str
    parameters: int
    macs: int | None
    memory: int | None
    layers: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    free: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """A layer as one of the networks has it; `written` is how a file would say it.

    `parameters` of a shared module count where it is first applied. `named` is true if the name
    counts: the file gives it, or a checkpoint has it.
    """

    name: str
    kind: str
    written: str
    output: Tensor
    parameters: int
    macs: int | None
    named: bool


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument with its two values, as a file would write them."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """A layer that is not the same in both networks; one side is None if it is added or removed.

    `status` is `follows` for a layer whose own text is the same and whose weights are not, because
    of what flows in. `inputs` are the names of the tensors that flow in, where others do.
    `reshaped` is true where shapes begin to differ. `module` is the outermost module around an
    added or removed layer that is wholly so.
    """

    before: Version | None
    after: Version | None
    status: Status
    arguments: tuple[Argument, ...] = ()
    inputs: Names | None = None
    reshaped: bool = False
    module: str = ""

    @property
    def parameters(self) -> int:
        """How many more parameters the layer has than before."""
        old, new = self.before, self.after
        return (new.parameters if new else 0) - (old.parameters if old else 0)

    @property
    def renamed(self) -> bool:
        """True if the layer has another name, and that counts."""
        old, new = self.before, self.after
        if old is None or new is None:
            return False
        return old.name != new.name and (old.named or new.named)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two networks; `changes` in the order in which the layers run.

    `inputs` are the names of what the network takes, if that comes in another order, `outputs` of
    what it returns, in use and then in training, if that comes from other layers.
    """

    before: Totals
    after: Totals
    changes: tuple[Change, ...]
    inputs: Names | None
    outputs: Names | None
    weights: Loading

    @property
    def equal(self) -> bool:
        """True if both are the same network, whatever it is called."""
        ports = self.inputs or self.outputs
        return not (self.changes or ports) and self.weights.whole


def compare(before: Graph, after: Graph) -> Comparison:
    """What changes from one network to the other.

    `compare(b, a)` tells the same as `compare(a, b)`, turned around. The parameters of all changes
    add up to the difference of the totals.
    """
    pairs = align(before, after)
    return Comparison(
        totals(before),
        totals(after),
        tuple(Differences(before, after, pairs).changes()),
        taken(before, after, pairs),
        returned(before, after, pairs),
        loading(before, after, pairs),
    )


def statuses(before: Graph, after: Graph) -> tuple[dict[int, Status], dict[int, Status]]:
    """What becomes of the nodes of each network, by index; those that stay as they are left out."""
    pairs = align(before, after)
    differences = Differences(before, after, pairs)
    old: dict[int, Status] = {}
    new: dict[int, Status] = {}
    for i, j in order(before, after, pairs):
        if i is None or j is None:
            old |= {} if i is None else {i: "removed"}
            new |= {} if j is None else {j: "added"}
        elif change := differences.both(before.nodes[i], after.nodes[j]):
            old[i] = new[j] = change.status
    return old, new


def totals(graph: Graph) -> Totals:
    return Totals(
        graph.name,
        costs.total_parameters(graph),
        costs.total_macs(graph),
        peak(graph),
        len(graph.layers),
        tuple(graph.nodes[i].output for i in graph.inputs),
        tuple(graph.nodes[i].output for i in graph.outputs),
        tuple(graph.free),
    )


def peak(graph: Graph) -> int | None:
    """The memory of a training step, None where it cannot be told from the graph."""
    try:
        return memory(graph, setting()).peak(BATCH)
    except Unpredictable:
        return None


class Differences:
    """The layers of two networks side by side."""

    def __init__(self, before: Graph, after: Graph, pairs: Pairs) -> None:
        self.before, self.after, self.pairs = before, after, pairs
        self.back = {j: i for i, j in pairs.items()}
        self.own = [{n.index for n in costs.owners(g)} for g in (before, after)]
        self.flows = sources(before, pairs), sources(after, self.back)
        self.whole = outermost(before, pairs), outermost(after, self.back)

    def changes(self) -> Iterator[Change]:
        """Every change; what is removed stands where it was."""
        for i, j in order(self.before, self.after, self.pairs):
            if i is None or j is None:
                yield self.lone(i, j)
            elif found := self.both(self.before.nodes[i], self.after.nodes[j]):
                yield found

    def lone(self, i: int | None, j: int | None) -> Change:
        """A layer that is removed or added."""
        if j is None:
            assert i is not None
            node = self.before.nodes[i]
            return Change(self.version(node, 0), None, "removed", module=self.whole[0][node.path])
        node = self.after.nodes[j]
        return Change(None, self.version(node, 1), "added", module=self.whole[1][node.path])

    def both(self, old: Node, new: Node) -> Change | None:
        """A layer that both have, None if it is the same."""
        inputs = self.rewired(old, new)
        if inputs is None and self.alike(old, new):
            return None
        versions = self.version(old, 0), self.version(new, 1)
        differing = tuple(arguments(old, new))
        reshaped = self.reshaped(old, new, inputs is not None)
        change = Change(*versions, "changed", differing, inputs, reshaped)
        if differing or inputs or reshaped or change.renamed:
            return change
        return Change(*versions, "follows") if self.follows(old, new) else None

    def alike(self, old: Node, new: Node) -> bool:
        """True if nothing at all can differ, which is soon said."""
        types = self.before.tensors(old) == self.after.tensors(new)
        same = old.path == new.path and old.layer == new.layer and old.output == new.output
        return types and same and self.owned(old, new)

    def owned(self, old: Node, new: Node) -> bool:
        """True if the weights count at this application in both networks, or in none."""
        return (old.index in self.own[0]) == (new.index in self.own[1])

    def reshaped(self, old: Node, new: Node, rewired: bool) -> bool:
        """True if the output differs, and would if the same tensors flowed in."""
        if old.output == new.output or new.layer is None or old.layer is None:
            return old.output != new.output
        was, comes = self.before.tensors(old), self.after.tensors(new)
        return rewired or not (
            gives(new.layer, was, old.output) and gives(old.layer, comes, new.output)
        )

    def follows(self, old: Node, new: Node) -> bool:
        """True if the weights of a layer are others because of what flows in."""
        counts = [costs.weights(g, n) for g, n in ((self.before, old), (self.after, new))]
        return counts[0] != counts[1] or not self.owned(old, new)

    def rewired(self, old: Node, new: Node) -> Names | None:
        """The names of what flows in, if it comes from other layers; added ones pass through."""
        was = [self.flows[0][i] for i in old.inputs]
        comes = [self.flows[1][j] for j in new.inputs]
        if [None if i is None else self.pairs[i] for i in was] == comes:
            return None
        return names(self.before, old.inputs), names(self.after, new.inputs)

    def version(self, node: Node, side: int) -> Version:
        graph = (self.before, self.after)[side]
        count = costs.macs(graph, node)
        return Version(
            node.address,
            node.kind,
            node.layer.written() if node.layer else f"input {node.output}",
            node.output,
            costs.parameters(graph, node) if node.index in self.own[side] else 0,
            count if isinstance(count, int) else None,
            node.labelled or node.kind == "extern" or bool(costs.weights(graph, node)),
        )


def gives(layer: Layer, inputs: Inputs, output: Tensor) -> bool:
    """True if a layer makes this output of these inputs."""
    try:
        return layer.output(inputs, Need()) == output
    except (LayerError, SizeLimit):
        return False


def arguments(old: Node, new: Node) -> Iterator[Argument]:
    """The arguments that differ; the whole layer if it is one of another kind."""
    a, b = old.layer, new.layer
    if a is None or b is None:
        if old.output != new.output:
            yield Argument("type", described(old.output), described(new.output))
    elif type(a) is not type(b) or a.name not in REGISTRY:
        if a != b:
            yield Argument("layer", a.written(), b.written())
    else:
        yield from fields(a, b)


def fields(a: Layer, b: Layer) -> Iterator[Argument]:
    for field in a.fields:
        was, is_ = vars(a)[field], vars(b)[field]
        same = was == is_ or (field in a.per_axis and single(was) == single(is_))
        if not same and field not in a.references:
            yield Argument(field, spell(was), spell(is_))


def single(value: object) -> object:
    """Equal numbers for all axes as the one number that stands for them: `3x3` is `3`."""
    numbers = [single(each) for each in value] if isinstance(value, tuple) else []
    one = len(set(numbers)) == 1 and not isinstance(numbers[0], tuple)
    return numbers[0] if one else value


def described(tensor: Tensor) -> str:
    return str(tensor) if tensor.dtype == "float" else f"{tensor} of {tensor.dtype}"


def names(graph: Graph, indices: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(graph.nodes[i].address for i in indices)


def sources(graph: Graph, partners: Mapping[int, int]) -> list[int | None]:
    """For every node the last one that the other network has too, going back along first inputs."""
    found: list[int | None] = []
    for node in graph.nodes:
        passed = found[node.inputs[0]] if node.inputs else None
        found.append(node.index if node.index in partners else passed)
    return found


def outermost(graph: Graph, partners: Mapping[int, int]) -> dict[tuple[str, ...], str]:
    """For every path the shortest one before it under which no node has a partner."""
    kept: Counter[tuple[str, ...]] = Counter()
    for node in graph.nodes:
        if node.index in partners:
            kept.update(node.path[:length] for length in range(len(node.path) + 1))
    found = {}
    for node in graph.nodes:
        above = [node.path[:length] for length in range(1, len(node.path))]
        found[node.path] = ".".join(next((p for p in above if not kept[p]), node.path))
    return found


def order(before: Graph, after: Graph, pairs: Pairs) -> Iterator[tuple[int | None, int | None]]:
    """All nodes in the order of `after`, those that are gone after the one that they followed."""
    back = {j: i for i, j in pairs.items()}
    gone: dict[int, list[int]] = {}
    last = -1
    for node in before.nodes:
        last = pairs.get(node.index, last)
        if node.index not in pairs:
            gone.setdefault(last, []).append(node.index)
    yield from ((i, None) for i in gone.get(-1, ()))
    for node in after.nodes:
        yield back.get(node.index), node.index
        yield from ((i, None) for i in gone.get(node.index, ()))


def taken(before: Graph, after: Graph, pairs: Pairs) -> Names | None:
    """The names of the inputs, if those that both networks have come in another order."""
    kept = [pairs[i] for i in before.inputs if i in pairs]
    if kept == [j for j in after.inputs if j in kept]:
        return None
    return names(before, before.inputs), names(after, after.inputs)


def returned(before: Graph, after: Graph, pairs: Pairs) -> Names | None:
    """The names of the outputs, if they come from other layers; added ones pass through."""
    flows = sources(before, pairs), sources(after, {j: i for i, j in pairs.items()})
    was = [flows[0][i] for i in before.ends]
    comes = [flows[1][j] for j in after.ends]
    numbers = [len(before.outputs), len(before.training_outputs or ())]
    same = numbers == [len(after.outputs), len(after.training_outputs or ())]
    if same and [None if i is None else pairs[i] for i in was] == comes:
        return None
    return names(before, before.ends), names(after, after.ends)
