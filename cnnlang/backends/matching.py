"""Which tensor of a checkpoint goes to which weight of a network: by name, or by order and shape.

Works on names and shapes alone, so it needs no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest

from cnnlang.diagnostics.suggest import nearest
from cnnlang.layers.tensor import show
from cnnlang.records import dataclass

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]

COUNTER = "num_batches_tracked"
"""A count that checkpoints from before PyTorch 0.4.1 lack: it need not be there."""
WRAPPERS = ("module.", "_orig_mod.")
"""What DataParallel and `torch.compile` put before every name."""
SHOWN = 20
"""Rows of a table of differences."""


class WeightsError(Exception):
    """Weights cannot be read, or do not fit the network; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Matching:
    """Which tensor of a checkpoint each weight takes, and what is left over on both sides.

    `pairs` maps a weight to the checkpoint's key where shapes agree, `misshapen` where they do not.
    """

    network: Shapes
    checkpoint: Shapes
    pairs: Mapping[str, str]
    misshapen: Mapping[str, str]

    @property
    def missing(self) -> list[str]:
        """The weights for which the checkpoint has nothing."""
        counted = any(key.endswith(COUNTER) for key in self.checkpoint)
        return [
            name
            for name in self.network
            if name not in self.pairs and name not in self.misshapen and (counted or plain(name))
        ]

    @property
    def unexpected(self) -> list[str]:
        """The tensors for which the network has no place."""
        taken = {*self.pairs.values(), *self.misshapen.values()}
        return [key for key in self.checkpoint if key not in taken]

    @property
    def complete(self) -> bool:
        return not (self.missing or self.unexpected or self.misshapen)


def plain(name: str) -> bool:
    """True for all but the counters of batch normalisation."""
    return not name.endswith(COUNTER)


# --- by name -------------------------------------------------------------------------------------


def by_name(network: Shapes, checkpoint: Shapes, renamed: Mapping[str, str] = {}) -> Matching:
    """Equal names belong together.

    `renamed` gives the checkpoint's name of a weight, or of a module with all of its weights,
    where it is another one. What wraps all names of the checkpoint is left out.
    """
    keys = unwrapped(network, checkpoint)
    unknown = [name for name in renamed if not any(within(each, name) for each in network)]
    if unknown:
        near = nearest(unknown[0], {part for name in network for part in parts(name)})
        hint = f": did you mean `{near}`?" if near else ""
        raise WeightsError(f"the network has no weight or module `{unknown[0]}`{hint}")
    found = {name: keys[other] for name in network if (other := called(name, renamed)) in keys}
    fits = {name: key for name, key in found.items() if network[name] == checkpoint[key]}
    misshapen = {name: key for name, key in found.items() if name not in fits}
    return Matching(network, checkpoint, fits, misshapen)


def unwrapped(network: Shapes, checkpoint: Shapes) -> dict[str, str]:
    """The checkpoint's keys by their names without what DataParallel and the like put before."""
    keys = {key: key for key in checkpoint}
    while keys:
        wrapper = next((w for w in WRAPPERS if all(k.startswith(w) for k in keys)), None)
        if wrapper is None or any(name.startswith(wrapper) for name in network):
            return keys
        keys = {name.removeprefix(wrapper): key for name, key in keys.items()}
    return keys


def called(name: str, renamed: Mapping[str, str]) -> str:
    """The checkpoint's name of a weight: the longest entry that it lies within decides."""
    entry = max((each for each in renamed if within(name, each)), key=len, default=None)
    return name if entry is None else renamed[entry] + name[len(entry) :]


def parts(name: str) -> Iterator[str]:
    """A weight and the modules that hold it: `a.b.weight`, `a.b`, `a`."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


# --- by order ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """The weights of one module, in order; counters are apart, for a checkpoint may lack them."""

    module: str
    shapes: dict[str, Shape]
    counter: str | None

    def fits(self, other: Group) -> bool:
        """True if the tensors of both can be paired: by their names, else by their order."""
        return self.shapes == other.shapes or (
            list(self.shapes.values()) == list(other.shapes.values())
        )

    def clear(self, other: Group) -> bool:
        """True if there is only one way to pair them: equal names, or no two equal shapes."""
        shapes = list(self.shapes.values())
        return self.shapes.keys() == other.shapes.keys() or len(set(shapes)) == len(shapes)

    def key(self, leaf: str) -> str:
        return f"{self.module}.{leaf}" if self.module else leaf


def groups(shapes: Shapes) -> list[Group]:
    """Weights by their modules, in the order in which these were made."""
    modules: dict[str, dict[str, Shape]] = {}
    for key, shape in shapes.items():
        module, _, leaf = key.rpartition(".")
        modules.setdefault(module, {})[leaf] = shape
    return [
        Group(
            module,
            {leaf: shape for leaf, shape in leaves.items() if plain(leaf)},
            next((leaf for leaf in leaves if not plain(leaf)), None),
        )
        for module, leaves in modules.items()
    ]


def by_order(network: Shapes, checkpoint: Shapes) -> Matching:
    """The modules belong together in the order in which they were made, shapes agreeing.

    Raises `WeightsError` if that is impossible, or possible in several ways.
    """
    ours, theirs = groups(network), groups(checkpoint)
    first = embedded(ours, theirs)
    last = [len(theirs) - 1 - i for i in reversed(embedded(ours[::-1], theirs[::-1]))]
    for group, i, j in zip(ours, first, last, strict=True):
        if i != j:
            options = f"`{theirs[i].module}` or `{theirs[j].module}`"
            raise ambiguous(f"`{group.module}` could be {options} of the checkpoint")
    pairs = dict(pair for g, i in zip(ours, first, strict=True) for pair in paired(g, theirs[i]))
    crossing = next((n for n, k in pairs.items() if k != n and n in checkpoint), None)
    if crossing:
        raise ambiguous(
            f"by order `{crossing}` would get the checkpoint's `{pairs[crossing]}`, "
            f"but the checkpoint has a `{crossing}` too"
        )
    return Matching(network, checkpoint, pairs, {})


def embedded(ours: list[Group], theirs: list[Group]) -> list[int]:
    """For each of our modules the first of theirs that fits it and comes after the ones before."""
    found: list[int] = []
    for group in ours:
        start = found[-1] + 1 if found else 0
        place = next((i for i in range(start, len(theirs)) if group.fits(theirs[i])), None)
        if place is None:
            raise WeightsError(unplaced(group, theirs[start : start + 1]))
        found.append(place)
    return found


def unplaced(group: Group, following: list[Group]) -> str:
    """Why there is no order: the first module that nothing fits."""
    there = [f"the checkpoint goes on with `{each.module}` ({told(each)})" for each in following]
    return (
        f"order and shapes do not match: nothing fits `{group.module}` ({told(group)}); "
        + "".join(there or ["the checkpoint ends before"])
    )


def told(group: Group) -> str:
    return ", ".join(f"{leaf} {show(shape)}" for leaf, shape in group.shapes.items())


def paired(ours: Group, theirs: Group) -> Iterator[tuple[str, str]]:
    """The weights of two modules that belong together."""
    if not ours.clear(theirs):
        leaves = ", ".join(theirs.shapes)
        raise ambiguous(f"{leaves} of `{theirs.module}` have equal shapes and names of their own")
    same = ours.shapes.keys() == theirs.shapes.keys()
    for leaf, other in zip(ours.shapes, theirs.shapes, strict=True):
        yield ours.key(leaf), theirs.key(leaf if same else other)
    if ours.counter and theirs.counter:
        yield ours.key(ours.counter), theirs.key(theirs.counter)


def ambiguous(why: str) -> WeightsError:
    return WeightsError(f"order and shapes leave it open what belongs together: {why}")


# --- in words ------------------------------------------------------------------------------------


def differences(matching: Matching) -> str:
    """What does not match, in a table: the network's weights beside the checkpoint's tensors."""
    rows = list(lines(matching))
    heads = ("network", "here", "there", "checkpoint")
    widths = [max(len(row[i]) for row in (heads, *rows[:SHOWN])) for i in range(3)]
    table = [
        "  " + "  ".join((*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[3]))
        for row in (heads, *rows[:SHOWN])
    ]
    more = [f"  and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    return "\n".join([counted(matching), "", *(line.rstrip() for line in table), *more])


def counted(matching: Matching) -> str:
    parts = (
        (matching.missing, "missing"),
        (matching.unexpected, "unexpected"),
        (matching.misshapen, "of another shape"),
    )
    return ", ".join(f"{len(each)} {word}" for each, word in parts if each)


def lines(matching: Matching) -> Iterator[tuple[str, str, str, str]]:
    """The rows of the table: first pairs that nearly match, then what is left on both sides."""
    here, there = matching.network, matching.checkpoint
    for name, key in matching.misshapen.items():
        yield name, show(here[name]), show(there[key]), key
    missing, unexpected = list(matching.missing), list(matching.unexpected)
    for name in missing[:SHOWN]:
        near = counterpart(name, here[name], {key: there[key] for key in unexpected})
        if near is not None:
            missing.remove(name)
            unexpected.remove(near)
            yield name, show(here[name]), show(there[near]), f"{near}   did you mean this?"
    for ours, theirs in zip_longest(missing, unexpected):
        left = ("-", "") if ours is None else (ours, show(here[ours]))
        right = ("", "-") if theirs is None else (show(there[theirs]), theirs)
        yield (*left, *right)


def counterpart(name: str, shape: Shape, left: Shapes) -> str | None:
    """The tensor that a missing weight may be: of its shape, and nearly of its name."""
    return nearest(name, [key for key in left if left[key] == shape])
