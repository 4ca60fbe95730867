"""What becomes of a trained checkpoint when the network changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from cnnlang.analysis import costs
from cnnlang.graph import Graph, Node

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
    old, new = shapes(before), shapes(after)
    shared = [name for name in new if name in old]
    same = tuple(name for name in shared if old[name] == new[name])
    trainable = numbers(after)
    return Loading(
        same,
        tuple(name for name in new if name not in old),
        tuple(name for name in old if name not in new),
        tuple(Misshapen(n, old[n], new[n]) for n in shared if old[n] != new[n]),
        tuple(renamed(before, after, pairs, new).items()),
        tuple(path(node) for node in costs.owners(after) if node.kind == "extern"),
        sum(trainable.get(name, 0) for name in same),
        sum(trainable.values()),
    )


def path(node: Node) -> str:
    return ".".join(node.path)


def shapes(graph: Graph) -> Shapes:
    """The `state_dict` of a network: names and shapes, shared weights once."""
    return {
        weight.under(path(node)): weight.shape
        for node in costs.owners(graph)
        for weight in costs.weights(graph, node)
    }


def numbers(graph: Graph) -> dict[str, int]:
    """The trainable tensors of a network by name, with how many numbers they hold."""
    return {
        weight.under(path(node)): prod(weight.shape)
        for node in costs.owners(graph)
        for weight in costs.weights(graph, node)
        if weight.trainable
    }


def renamed(before: Graph, after: Graph, pairs: Mapping[int, int], new: Shapes) -> dict[str, str]:
    """The weights that are the same but for their names, with the new names."""
    found: dict[str, str] = {}
    for i, j in sorted(pairs.items()):
        a, b = before.nodes[i], after.nodes[j]
        for weight in costs.weights(before, a) if a.path != b.path else ():
            was, is_ = weight.under(path(a)), weight.under(path(b))
            if new.get(is_) == weight.shape:
                found.setdefault(was, is_)
    return found
