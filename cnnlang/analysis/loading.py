"""What becomes of a trained checkpoint when the network changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from cnnlang.analysis import costs
from cnnlang.graph import Graph
from cnnlang.layers.base import Weight
from cnnlang.records import dataclass

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Misshapen:
    """A tensor that both networks have by one name, in two shapes."""

    name: str
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Loading:
    """The `state_dict` of one network, loaded into another; names as PyTorch has them.

    `same` load; the new network waits for `missing`, and does not know `unexpected`. `renamed` are
    the old and the new names of weights of one shape whose layer is called otherwise: renamed so
    in the checkpoint, they load, and where they load anyway, the right ones do. `extern` are the
    modules whose weights are not known before they are imported. `loaded` and `wanted` count the
    trainable numbers that load, and those of the new network.
    """

    same: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[Misshapen, ...]
    renamed: tuple[tuple[str, str], ...]
    extern: tuple[str, ...]
    loaded: int
    wanted: int

    @property
    def whole(self) -> bool:
        """True if the checkpoint loads with `strict=True`, as far as that is known."""
        return not (self.missing or self.unexpected or self.misshapen)


def loading(before: Graph, after: Graph, pairs: Mapping[int, int]) -> Loading:
    """What of a checkpoint of `before` loads into `after`; `pairs` says which node is which.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html
    (`load_state_dict`).
    """
    old, new = ({name: weight.shape for name, weight in tensors(g)} for g in (before, after))
    shared = [name for name in new if name in old]
    same = tuple(name for name in shared if old[name] == new[name])
    numbers = {name: prod(weight.shape) for name, weight in tensors(after) if weight.trainable}
    return Loading(
        same,
        tuple(name for name in new if name not in old),
        tuple(name for name in old if name not in new),
        tuple(Misshapen(n, old[n], new[n]) for n in shared if old[n] != new[n]),
        tuple(renamed(before, after, pairs, new).items()),
        tuple(node.address for node in costs.owners(after) if node.kind == "extern"),
        sum(numbers.get(name, 0) for name in same),
        sum(numbers.values()),
    )


def tensors(graph: Graph) -> Iterator[tuple[str, Weight]]:
    """The `state_dict` of a network: names and weights, shared ones once."""
    for node in costs.owners(graph):
        for weight in costs.weights(graph, node):
            yield weight.under(node.address), weight


def renamed(before: Graph, after: Graph, pairs: Mapping[int, int], new: Shapes) -> dict[str, str]:
    """The weights that are the same but for their names, with the new names."""
    found: dict[str, str] = {}
    nodes = ((before.nodes[i], after.nodes[j]) for i, j in sorted(pairs.items()))
    for a, b in (pair for pair in nodes if pair[0].path != pair[1].path):
        for weight in costs.weights(before, a):
            if new.get(weight.under(b.address)) == weight.shape:
                found.setdefault(weight.under(a.address), weight.under(b.address))
    return found
