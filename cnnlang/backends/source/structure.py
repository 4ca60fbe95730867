"""What several uses of one block have in common: their item lists, walked side by side.

Every value gets names that do not depend on the instance (`Ref`): an input of the body, the output
of an item, the outcome of a choice. Instances that differ in more than sizes and in the sides of
their `if`s do not match.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import count
from typing import Any, TypeAlias

from cnnlang.backends.source.codes import Codes
from cnnlang.graph import Apply, Choice, Enter, Instance, Item, Loop, Node
from cnnlang.records import dataclass, field
from cnnlang.syntax import ast

Ref: TypeAlias = tuple[str, int]
Rows: TypeAlias = dict[int, Any]
Natural: TypeAlias = Callable[[Instance], bool]
Identity: TypeAlias = Callable[[Instance], int]


class Mismatch(Exception):
    """The instances cannot share one class."""


@dataclass(eq=False, slots=True)
class Step:
    """A layer or child module applied: `rows` has the node or instance of every instance.

    `body` is the merged body of a natural stack, None otherwise.
    """

    id: int
    attribute: str
    rows: Rows
    inputs: tuple[Ref, ...]
    body: Body | None = None

    @property
    def first(self) -> Node | Instance:
        found: Node | Instance = next(iter(self.rows.values()))
        return found

    @property
    def is_child(self) -> bool:
        """True for a block, stack or shared piece, False for a layer."""
        return isinstance(self.first, Instance)


@dataclass(eq=False, slots=True)
class Fork:
    """An `if` on which the instances differ; `taken` has the side of each."""

    id: int
    origin: ast.If
    taken: dict[int, bool]
    before: Ref
    then: list[Part]
    otherwise: list[Part]
    then_result: Ref
    other_result: Ref


Part: TypeAlias = Step | Fork


@dataclass(eq=False, slots=True)
class Body:
    """The merged body of some instances: `inputs` many tensors flow in, `result` flows out.

    `names` has the references of the first instance's values.
    """

    inputs: int
    parts: list[Part]
    result: Ref
    names: dict[int, Ref]


@dataclass(slots=True)
class Row:
    """One instance on its way through the merge: its items, and the names of its values."""

    index: int
    items: Sequence[Item]
    names: dict[int, list[Ref]] = field(default_factory=dict)

    def with_items(self, items: Sequence[Item], copy: bool = False) -> Row:
        names = {value: list(refs) for value, refs in self.names.items()} if copy else self.names
        return Row(self.index, items, names)


class Merger:
    """Merges instances.

    `natural` says which stacks are an `nn.Sequential`, `identity` what makes two children alike:
    their class where it is known, their definition where it is still to come.
    """

    def __init__(self, codes: Codes, natural: Natural, identity: Identity) -> None:
        self.codes = codes
        self.natural = natural
        self.identity = identity
        self.ids = count()

    def merge(self, instances: dict[int, Instance]) -> Body:
        """The common body of some instances; raises `Mismatch`."""
        sizes = {len(instance.inputs) for instance in instances.values()}
        if len(sizes) != 1:
            raise Mismatch
        rows = []
        for index, instance in instances.items():
            row = Row(index, instance.items)
            for place, value in enumerate(instance.inputs):
                row.names.setdefault(value, []).append(("in", place))
            rows.append(row)
        parts = self.items(rows)
        self.distinct(parts, {})
        result = self.common(rows, [instances[row.index].output for row in rows])
        return Body(sizes.pop(), parts, result, {v: refs[-1] for v, refs in rows[0].names.items()})

    def distinct(self, parts: Sequence[Part], known: dict[str, Step]) -> dict[str, Step]:
        """Every attribute is made once, or on both sides of one `if`, or is a shared piece."""
        found = dict(known)
        for part in parts:
            if isinstance(part, Fork):
                found = self.distinct(part.then, found) | self.distinct(part.otherwise, found)
            elif self.codes.has_module(part.first):
                if part.attribute in found and not shared(found[part.attribute], part):
                    raise Mismatch
                found[part.attribute] = part
        return found

    def items(self, rows: list[Row]) -> list[Part]:
        """The merged items; loops and `if`s on which all agree are opened."""
        lists = [row.items for row in rows]
        if len({len(each) for each in lists}) > 1:
            raise Mismatch
        parts: list[Part] = []
        for column in zip(*lists, strict=True):
            parts += self.item(rows, column)
        return parts

    def item(self, rows: list[Row], column: tuple[Any, ...]) -> list[Part]:
        kinds = {type(each) for each in column}
        if len(kinds) != 1:
            raise Mismatch
        if kinds == {Choice}:
            return self.choice(rows, column)
        if kinds == {Loop}:
            return self.loop(rows, column)
        return [self.step(rows, column)]

    def step(self, rows: list[Row], column: tuple[Any, ...]) -> Step:
        nodes = self.codes.graph.nodes
        what = [nodes[e.node] if isinstance(e, Apply) else e.instance for e in column]
        if len({self.kind(each) for each in what}) != 1:
            raise Mismatch
        arity = {len(each.inputs) for each in what}
        if len(arity) != 1:
            raise Mismatch
        inputs = tuple(self.common(rows, [w.inputs[i] for w in what]) for i in range(arity.pop()))
        named = {row.index: each for row, each in zip(rows, what, strict=True)}
        body = None
        if isinstance(what[0], Instance) and self.natural(what[0]):
            inner = {row: each for row, each in named.items() if isinstance(each, Instance)}
            body = Merger(self.codes, self.natural, self.identity).merge(inner)
            if any(isinstance(part, Fork) for part in body.parts):
                raise Mismatch
        step = Step(next(self.ids), what[0].name, named, inputs, body)
        for row, each in zip(rows, what, strict=True):
            value = each.output if isinstance(each, Instance) else each.index
            row.names.setdefault(value, []).append(("step", step.id))
        return step

    def kind(self, what: Node | Instance) -> Hashable:
        """What must be equal for two items to be one line of code."""
        if isinstance(what, Instance):
            return (what.kind, self.identity(what), what.name, self.natural(what))
        return self.codes.of(what).form, what.name

    def choice(self, rows: list[Row], column: tuple[Choice, ...]) -> list[Part]:
        origin = column[0].origin
        if any(each.origin is not origin for each in column):
            raise Mismatch
        sides = {each.taken for each in column}
        if len(sides) == 1:
            return self.items(
                [row.with_items(e.items) for row, e in zip(rows, column, strict=True)]
            )
        if not isinstance(origin, ast.If):
            raise Mismatch
        before = self.common(rows, [each.before for each in column])
        then, then_result = self.side(rows, column, True)
        otherwise, other_result = self.side(rows, column, False)
        self.consistent(then, otherwise)
        taken = {row.index: each.taken for row, each in zip(rows, column, strict=True)}
        fork = Fork(
            next(self.ids), origin, taken, before, then, otherwise, then_result, other_result
        )
        for row, each in zip(rows, column, strict=True):
            row.names.setdefault(each.after, []).append(("fork", fork.id))
        return [fork]

    def consistent(self, then: list[Part], otherwise: list[Part]) -> None:
        """A name on both sides of an `if` must be one kind of module."""
        known = {part.attribute: self.kind(part.first) for part in then if isinstance(part, Step)}
        for part in otherwise:
            if isinstance(part, Step) and known.get(
                part.attribute, self.kind(part.first)
            ) != self.kind(part.first):
                raise Mismatch

    def side(
        self, rows: list[Row], column: tuple[Choice, ...], taken: bool
    ) -> tuple[list[Part], Ref]:
        chosen = [
            (r.with_items(e.items, copy=True), e)
            for r, e in zip(rows, column, strict=True)
            if e.taken is taken
        ]
        inner = [row for row, _ in chosen]
        parts = self.items(inner)
        return parts, self.common(inner, [each.after for _, each in chosen])

    def loop(self, rows: list[Row], column: tuple[Loop, ...]) -> list[Part]:
        if len({(id(each.origin), len(each.rounds)) for each in column}) != 1:
            raise Mismatch
        parts: list[Part] = []
        for rounds in zip(*(each.rounds for each in column), strict=True):
            parts += self.items(
                [row.with_items(items) for row, items in zip(rows, rounds, strict=True)]
            )
        return parts

    def common(self, rows: list[Row], values: list[int]) -> Ref:
        """The latest name that a value has in every row."""
        names = [row.names.get(value, []) for row, value in zip(rows, values, strict=True)]
        shared = set(names[0]).intersection(*names[1:])
        if not shared:
            raise Mismatch
        return next(ref for ref in reversed(names[0]) if ref in shared)


def shared(a: Step, b: Step) -> bool:
    """True if two steps apply one module in every instance."""
    return a.rows.keys() == b.rows.keys() and all(
        a.rows[row].path == b.rows[row].path for row in a.rows
    )


def outline(codes: Codes, instance: Instance, natural: Natural, identity: Identity) -> Hashable:
    """The exact form of an instance: instances with one outline surely merge."""

    def describe(items: Sequence[Item]) -> Hashable:
        found: list[Hashable] = []
        for item in items:
            if isinstance(item, Apply):
                node = codes.graph.nodes[item.node]
                found.append((codes.of(node).form, node.name))
            elif isinstance(item, Enter):
                inner = item.instance
                inside = describe(inner.items) if natural(inner) else None
                found.append((inner.kind, identity(inner), inner.name, inside))
            elif isinstance(item, Choice):
                found.append((id(item.origin), item.taken, describe(item.items)))
            else:
                found.append((id(item.origin), tuple(describe(each) for each in item.rounds)))
        return tuple(found)

    return describe(instance.items)
