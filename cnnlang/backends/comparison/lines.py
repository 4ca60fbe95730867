"""What is told of a comparison, and in which words; how it looks is the matter of the formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from cnnlang import amounts
from cnnlang.amounts import count, inflect, plural
from cnnlang.analysis.comparison import BATCH, Change, Comparison, Names, Totals
from cnnlang.analysis.loading import Loading, Misshapen
from cnnlang.layers.tensor import Tensor, show

ARROW = " -> "
DIGITS = 9


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of a whole network, before and after; `difference` is empty if it is the same."""

    name: str
    before: str
    after: str
    difference: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line about layers: `+` they are added, `-` removed, `~` changed."""

    sign: str
    name: str
    detail: str


# --- totals --------------------------------------------------------------------------------------


def title(comparison: Comparison, sides: tuple[str, str]) -> str:
    """Both networks by name, with the files that they come from if those tell more."""
    totals = (comparison.before, comparison.after)
    names = [f"{t.network} ({side})" for t, side in zip(totals, sides, strict=True)]
    return ARROW.join(names)


def quantities(comparison: Comparison) -> list[Quantity]:
    """The totals of both networks side by side."""
    old, new = comparison.before, comparison.after
    return [
        amount("Parameters", old.parameters, new.parameters),
        amount("MACs", old.macs, new.macs),
        *memory(old, new),
        amount("Layers", old.layers, new.layers),
        Quantity("Input", shown(old.inputs), shown(new.inputs)),
        Quantity("Output", shown(old.outputs), shown(new.outputs)),
    ]


def amount(name: str, before: int | None, after: int | None) -> Quantity:
    """A number, `?` where it is not known."""
    if before is None or after is None:
        return Quantity(name, *("?" if each is None else f"{each:,}" for each in (before, after)))
    return grown(name, before, after, "{:,}".format)


def memory(old: Totals, new: Totals) -> Iterator[Quantity]:
    """The memory of a training step, where it is known of both."""
    if old.memory is not None and new.memory is not None:
        yield grown(f"Training, batch {BATCH}", old.memory, new.memory, amounts.memory)


def grown(name: str, before: int, after: int, write: Callable[[int], str]) -> Quantity:
    """A number and by how much it grows, also in percent."""
    growth = after - before
    percent = f" ({100 * growth / before:+.1f} %)" if before else ""
    difference = f"{'-' if growth < 0 else '+'}{write(abs(growth))}{percent}" if growth else ""
    return Quantity(name, write(before), write(after), difference)


def shown(tensors: tuple[Tensor, ...]) -> str:
    return ", ".join(map(str, tensors))


def unknown(comparison: Comparison) -> str:
    """Why MACs are not known; empty if they are."""
    free = [t.free for t in (comparison.before, comparison.after) if t.macs is None]
    names = " and ".join(dict.fromkeys(name for each in free for name in each))
    return f"MACs depend on {names}: --input gives the size" if names else ""


# --- layers --------------------------------------------------------------------------------------


def entries(comparison: Comparison) -> list[Entry]:
    """A line for every change; modules that are wholly new, gone or renamed are one."""
    told = [change for change in comparison.changes if change.status != "follows"]
    return [entry for key, group in groupby(told, bundle) for entry in lines(list(group))]


def bundle(change: Change) -> tuple[str, ...]:
    """What consecutive changes have in common that are told in one line."""
    if change.before is None or change.after is None:
        return change.status, change.module
    more = change.arguments or change.inputs or change.reshaped or change.parameters
    if change.renamed and not more:
        return "renamed", *shift(*stripped(change.before.name, change.after.name))
    return "changed", change.before.name, change.after.name


def shift(before: str, after: str) -> tuple[str, ...]:
    """What names that are counted on have in common: all but the number, and by how much it grows.

    >>> shift("conv9", "conv11") == shift("conv10", "conv12")
    True
    """
    (old, a), (new, b) = numbered(before), numbered(after)
    return (old, new, str(int(b) - int(a))) if a and b else (before, after)


def numbered(name: str) -> tuple[str, str]:
    """A name and the number at its end, apart; of a very long one the last digits."""
    digits = len(name) - len(name.rstrip("0123456789"))
    place = len(name) - min(digits, DIGITS)
    return name[:place], name[place:]


def lines(group: list[Change]) -> Iterator[Entry]:
    first, last = group[0], group[-1]
    if first.status in ("added", "removed"):
        yield Entry("+" if first.status == "added" else "-", first.module, lone(group))
    elif len(group) > 1:
        pairs = [
            stripped(c.before.name, c.after.name) for c in (first, last) if c.before and c.after
        ]
        names = [old if old == new else f"{old} to {new}" for old, new in zip(*pairs, strict=True)]
        yield Entry("~", ARROW.join(names), f"renamed, {len(group):,} layers")
    else:
        yield changed(first)


def lone(group: list[Change]) -> str:
    """What is added or removed: a layer as it is written, or how many."""
    first = group[0].after or group[0].before
    assert first is not None
    what = first.written if first.name == group[0].module else plural(len(group), "layer")
    number = abs(sum(each.parameters for each in group))
    return f"{what}, {plural(number, 'parameter')}" if number else what


def changed(change: Change) -> Entry:
    """A layer that both networks have."""
    old, new = change.before, change.after
    assert old is not None and new is not None
    parts = ["renamed"] if change.renamed else []
    if change.arguments:
        parts += [", ".join(argument(a.name, a.before, a.after) for a in change.arguments)]
    if change.inputs:
        parts += [f"takes {flow(change.inputs)}"]
    if change.reshaped and old.kind != "input":
        parts += [f"output {old.output}{ARROW}{new.output}"]
    if change.parameters:
        parts += [f"{change.parameters:+,} {inflect(change.parameters, 'parameter')}"]
    name = old.name if old.name == new.name else f"{old.name}{ARROW}{new.name}"
    return Entry("~", name, "; ".join(parts))


def argument(name: str, before: str, after: str) -> str:
    """`stride 1 -> 2`; for another layer or type only the two."""
    words = f"{before}{ARROW}{after}"
    return words if name in ("layer", "type") else f"{name} {words}"


def flow(names: Names) -> str:
    return ARROW.join(" and ".join(each) or "nothing" for each in names)


def stripped(before: str, after: str) -> tuple[str, str]:
    """Two paths without what they have in common at the end; something is left of both.

    >>> stripped("layer1.0.conv1", "stage1.0.conv1")
    ('layer1', 'stage1')
    """
    old, new = before.split("."), after.split(".")
    while min(len(old), len(new)) > 1 and old[-1] == new[-1]:
        old.pop()
        new.pop()
    return ".".join(old), ".".join(new)


def followers(comparison: Comparison) -> str:
    """The layers whose weights change because of what flows in; empty if there are none."""
    found = [each for each in comparison.changes if each.status == "follows"]
    if not found:
        return ""
    total = sum(each.parameters for each in found)
    names = [each.after.name for each in found if each.after]
    verb = "follows" if len(found) == 1 else "follow"
    change = f", {total:+,} {inflect(total, 'parameter')}" if total else ""
    return f"{listed(names, 4)} {verb}: other weights for what flows in{change}"


def ports(comparison: Comparison) -> list[str]:
    """Inputs and outputs that are others."""
    both = (("takes", comparison.inputs), ("returns", comparison.outputs))
    return [f"the network {verb} {flow(names)}" for verb, names in both if names]


# --- weights -------------------------------------------------------------------------------------


def verdict(comparison: Comparison) -> str:
    """Whether a checkpoint of the old network survives."""
    weights = comparison.weights
    wanted = len(weights.same) + len(weights.missing) + len(weights.misshapen)
    if weights.whole:
        return f"all {plural(wanted, 'tensor')} of a checkpoint load" if wanted else "no weights"
    share = f", {100 * weights.loaded / weights.wanted:.1f} %" if weights.wanted else ""
    return (
        f"{len(weights.same):,} of {plural(wanted, 'tensor')} load "
        f"({count(weights.loaded)} of {count(weights.wanted)} parameters{share})"
    )


def losses(weights: Loading) -> list[tuple[str, int, list[str]]]:
    """What does not load: a title, how many tensors, and their names."""
    wanted = {*weights.same, *weights.missing, *(m.name for m in weights.misshapen)}
    given = {*weights.same, *weights.unexpected, *(m.name for m in weights.misshapen)}
    found = [
        ("missing", len(weights.missing), folded(weights.missing, wanted)),
        ("unexpected", len(weights.unexpected), folded(weights.unexpected, given)),
        ("another shape", len(weights.misshapen), list(map(shape, weights.misshapen))),
        ("renamed", len(weights.renamed), renames(weights.renamed)),
        ("extern, not known", len(weights.extern), list(weights.extern)),
    ]
    return [each for each in found if each[1]]


def shape(each: Misshapen) -> str:
    return f"{each.name} {show(each.before)}{ARROW}{show(each.after)}"


def folded(names: Iterable[str], known: set[str]) -> list[str]:
    """Names, those of a module that has no other ones as `layer1.2.* (10)`."""
    listed = list(names)
    kept = {prefix for name in known - set(listed) for prefix in prefixes(name)}
    keys = {name: next((p for p in prefixes(name) if p not in kept), name) for name in listed}
    found = []
    for key, group in groupby(listed, keys.__getitem__):
        first, *rest = group
        found.append(f"{key}.* ({len(rest) + 1})" if rest else first)
    return found


def prefixes(name: str) -> list[str]:
    """The modules around a weight, outermost first, and the weight."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def renames(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Old and new names, those of one module once."""
    found = []
    for (old, new), group in groupby(pairs, lambda pair: stripped(*pair)):
        number = len(list(group))
        found.append(f"{old}{ARROW}{new}" + (f" ({number})" if number > 1 else ""))
    return found


# --- words ---------------------------------------------------------------------------------------


def same(before: Totals, after: Totals) -> str:
    """What is said of equal networks."""
    if before.network == after.network:
        return f"{before.network} is the same in both"
    return f"{before.network} and {after.network} are the same but for their names"


def listed(items: list[str], most: int) -> str:
    """Some items in a row, and how many more there are."""
    more = [f"{len(items) - most:,} more"] if len(items) > most else []
    return ", ".join([*items[:most], *more])
