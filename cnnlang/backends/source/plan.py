"""Which classes the source has, and which parts of the network each of them is."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from cnnlang.analysis.costs import total_parameters
from cnnlang.analysis.overwriting import overwriting
from cnnlang.analysis.validity import simplified, solve
from cnnlang.backends.source.codes import Codes
from cnnlang.backends.source.express import Vocabulary
from cnnlang.backends.source.helpers import helper_names
from cnnlang.backends.source.layout import attribute, safe
from cnnlang.backends.source.structure import (
    Body,
    Fork,
    Merger,
    Mismatch,
    Part,
    Step,
    outline,
)
from cnnlang.elaborate.reserved import MODULE_ATTRIBUTES
from cnnlang.graph import Apply, Enter, Graph, Instance, Node, flat
from cnnlang.layers.code import SELF, Code, Operand
from cnnlang.layers.tensor import Tensor
from cnnlang.records import dataclass, field, replace
from cnnlang.sizes import Size
from cnnlang.syntax import ast

Key: TypeAlias = tuple[str, int]

RESERVED = frozenset(
    {"torch", "nn", "F", "OrderedDict", "Tensor", "math", *helper_names(), *dir(builtins)}
)


@dataclass(eq=False, slots=True)
class ClassPlan:
    """One class of the source: the instances that it makes, and what they have in common.

    `attributes` are values that the forward needs, by name; `flags` the names of the outcomes of
    its `if`s; `loops` the children that are built in a loop, with the number of its first.
    """

    codes: Codes
    instances: list[Instance]
    body: Body
    words: Vocabulary
    name: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    flags: dict[int, str] = field(default_factory=dict)
    loops: dict[str, int] = field(default_factory=dict)
    counted: bool | None = None

    @property
    def first(self) -> Instance:
        return self.instances[0]

    @property
    def numbered(self) -> bool:
        """True if the children are "0", "1", ... in order: the class is an `nn.Sequential`."""
        if self.counted is None:
            self.counted = self.count()
        return self.counted

    def count(self) -> bool:
        forks = [part for part in self.body.parts if isinstance(part, Fork)]
        if self.first.kind == "network" or any(
            self.codes.has_module(s.first) for s in steps(forks)
        ):
            return False
        own = [part for part in self.body.parts if isinstance(part, Step)]
        made = [step for step in own if self.codes.has_module(step.first)]
        names = list(dict.fromkeys(step.attribute for step in made))
        return (
            bool(names)
            and names == [str(i) for i in range(len(names))]
            and not self.parameters(made)
        )

    def parameters(self, made: Sequence[Step]) -> bool:
        """True if some child is an `nn.Parameter`, which no container numbers."""
        nodes = [step.first for step in made if isinstance(step.first, Node)]
        codes = [self.codes.of(node).module for node in nodes]
        return any(code is not None and code.function == "nn.Parameter" for code in codes)

    def reach(self, name: str) -> str:
        """How a child is reached from `self`."""
        return f"self[{name}]" if self.numbered else attribute(name)

    def unique(self, wish: str) -> str:
        """An attribute name apart from every other of the class and of `nn.Module`."""
        taken = {step.attribute for step in steps(self.body.parts)}
        taken |= {*self.attributes, *self.flags.values(), *MODULE_ATTRIBUTES, "training"}
        name = safe(wish)
        while name in taken:
            name += "_"
        return name


class Planner:
    """The classes of a network, those that others use first."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.codes = Codes(graph)
        self.sets = solve(graph).sets
        self.parameters = total_parameters(graph)
        self.overwriting = overwriting(graph)
        self.owner: dict[int, tuple[ClassPlan, int]] = {}
        self.stacks: dict[int, bool] = {}
        families = [self.variants(group) for group in groups(graph, self.natural)]
        changed = True
        while changed:
            changes = [self.refine(family) for family in families]
            changed = any(changes)
        self.plans = [plan for family in families for plan in family]
        self.name(families)

    def natural(self, instance: Instance) -> bool:
        """True if a stack can be an `nn.Sequential`."""
        if id(instance) not in self.stacks:
            self.stacks[id(instance)] = is_chain(self.codes, instance)
        return self.stacks[id(instance)]

    def shape(self, tensor: Tensor) -> tuple[Size, ...]:
        """The sizes of a tensor, as simple as they are for the valid inputs."""
        return tuple(simplified(size, self.sets) for size in tensor.shape)

    def in_place(self, node: Node, code: Any) -> Any:
        """The code of a node, which writes over its operand where that is possible."""
        if node.index not in self.overwriting:
            return code
        keywords, order = (*code.keywords, ("inplace", True)), (*code.order, "inplace")
        return replace(code, keywords=keywords, order=order)

    def identity(self, instance: Instance) -> int:
        """The class of a child, or its definition while its class is still to come."""
        owner = self.owner.get(id(instance))
        return id(owner[0]) if owner else id(instance.definition)

    # --- classes ---------------------------------------------------------------------------------

    def variants(self, group: list[Instance]) -> list[ClassPlan]:
        """The classes of a group of instances of one block: as few as can be merged."""
        alike: dict[Any, list[int]] = {}
        for index, instance in enumerate(group):
            form = outline(self.codes, instance, self.natural, self.identity)
            alike.setdefault(form, []).append(index)
        clusters: list[list[list[int]]] = []
        for indices in alike.values():
            for cluster in clusters:
                if self.merged([group[each[0]] for each in (*cluster, indices)]):
                    cluster.append(indices)
                    break
            else:
                clusters.append([indices])
        members = [sorted(i for indices in cluster for i in indices) for cluster in clusters]
        return [plan for each in members for plan in self.plan([group[i] for i in each])]

    def merged(self, instances: Sequence[Instance]) -> Body | None:
        try:
            return Merger(self.codes, self.natural, self.identity).merge(dict(enumerate(instances)))
        except Mismatch:
            return None

    def plan(self, instances: list[Instance]) -> list[ClassPlan]:
        """The class of some instances; one class each if they do not merge after all."""
        body = self.merged(instances)
        if body is None:
            return [plan for each in instances for plan in self.plan([each])]
        plan = ClassPlan(self.codes, instances, body, vocabulary(self.graph, instances))
        for row, instance in enumerate(instances):
            self.owner[id(instance)] = plan, row
        return [plan]

    def refine(self, family: list[ClassPlan]) -> bool:
        """Split the classes whose instances have children of different classes."""
        found: list[ClassPlan] = []
        for plan in family:
            parts = self.split(plan)
            found += [plan] if len(parts) == 1 else [p for part in parts for p in self.plan(part)]
        changed = found != family
        family[:] = found
        return changed

    def split(self, plan: ClassPlan) -> list[list[Instance]]:
        """The instances of a class, apart where a child is of another class."""
        parts: list[tuple[dict[int, int], list[Instance]]] = []
        kinds = [self.children(plan, row) for row in range(len(plan.instances))]
        for kind, instance in zip(kinds, plan.instances, strict=True):
            for known, part in parts:
                if all(known.get(step, owner) == owner for step, owner in kind.items()):
                    known |= kind
                    part.append(instance)
                    break
            else:
                parts.append((dict(kind), [instance]))
        return [part for _, part in parts]

    def children(self, plan: ClassPlan, row: int) -> dict[int, int]:
        """The class of every child of one instance, by step."""
        return {
            step.id: self.identity(step.rows[row])
            for step in steps(plan.body.parts)
            if step.is_child and step.body is None and row in step.rows
        }

    def called(self, plan: ClassPlan) -> list[ClassPlan]:
        """The classes of all children."""
        made = [s for s in steps(plan.body.parts) if s.is_child and s.body is None]
        owners = [self.owner[id(child)][0] for step in made for child in step.rows.values()]
        return list({id(each): each for each in owners}.values())

    def name(self, families: Sequence[list[ClassPlan]]) -> None:
        """Give every class its name; the class with most instances has the plain one."""
        root = safe(self.graph.name, RESERVED)
        taken = {root, *RESERVED}
        for family in families:
            for plan in sorted(family, key=lambda plan: -len(plan.instances)):
                plan.name = root if plan.first.kind == "network" else title(plan.first, taken)
                taken.add(plan.name)


def title(instance: Instance, taken: set[str]) -> str:
    """The name of a class, apart from all others."""
    base = instance.title if instance.kind == "block" else camel(instance.name)
    name, number = safe(base, RESERVED), 1
    while name in taken:
        number += 1
        name = safe(f"{base}{number}", RESERVED)
    return name


def groups(graph: Graph, natural: Callable[[Instance], bool]) -> list[list[Instance]]:
    """Instances of one definition together, children before those that contain them."""
    found: dict[Key, list[Instance]] = {}
    uses: dict[Key, dict[Key, None]] = {}
    todo: list[tuple[Instance, Key]] = [(graph.root, identity(graph.root))]
    while todo:
        instance, inside = todo.pop()
        if not natural(instance):
            uses.setdefault(inside, {})[identity(instance)] = None
            inside = identity(instance)
            found.setdefault(inside, []).append(instance)
        children = [each.instance for each in flat(instance.items) if isinstance(each, Enter)]
        todo += [(child, inside) for child in reversed(children)]
    return [found[key] for key in ordered(identity(graph.root), uses)]


def identity(instance: Instance) -> Key:
    return instance.kind, id(instance.definition)


def ordered(root: Key, uses: Mapping[Key, Iterable[Key]]) -> list[Key]:
    """Every key after those that it uses, as far as there is no cycle."""
    finished: dict[Key, None] = {}
    seen: set[Key] = set()
    todo: list[tuple[Key, bool]] = [(root, False)]
    while todo:
        key, left = todo.pop()
        if left:
            finished.setdefault(key)
        elif key not in seen:
            seen.add(key)
            todo.append((key, True))
            todo += [(each, False) for each in reversed(list(uses.get(key, ())))]
    return list(finished)


def is_chain(codes: Codes, instance: Instance) -> bool:
    """True for a stack whose children are modules that take one tensor from one another."""
    if instance.kind != "stack" or len(instance.inputs) != 1:
        return False
    value = instance.inputs[0]
    for item in flat(instance.items):
        if isinstance(item, Apply):
            node = codes.graph.nodes[item.node]
            if node.inputs != (value,) or node.layer is None:
                return False
            found = codes.of(node)
            if found.module is None or found.code != Code("()", (SELF, Operand(0))):
                return False
            value = node.index
        else:
            child = item.instance
            if child.inputs != [value] or child.shared:
                return False
            value = child.output
    return value == instance.output


def steps(parts: Sequence[Part]) -> Iterator[Step]:
    """All steps of some parts, those in forks and in natural stacks included."""
    for part in parts:
        if isinstance(part, Fork):
            yield from steps((*part.then, *part.otherwise))
        else:
            yield part
            if part.body is not None:
                yield from steps(part.body.parts)


def vocabulary(graph: Graph, instances: Sequence[Instance]) -> Vocabulary:
    """The words for what differs between instances: parameters, channels, the file's own."""
    rows = range(len(instances))
    first = instances[0]
    given = {name: {r: instances[r].parameters[name] for r in rows} for name in first.parameters}
    channels = {r: channels_in(graph, instances[r]) for r in rows}
    known = None if any(type(v) is not int for v in channels.values()) else channels
    body = first.definition.body if first.definition else None
    lets = {s.name: s.value for s in body.statements if isinstance(s, ast.Let)} if body else {}
    return Vocabulary(rows, given, known, tuple(arguments(body)) if body else (), lets)


def channels_in(graph: Graph, instance: Instance) -> Any:
    tensor = graph.nodes[instance.inputs[0]].output if instance.inputs else None
    return tensor.channels if tensor and tensor.rank and tensor.dtype == "float" else None


def arguments(body: Any) -> Iterator[ast.Expression]:
    """The expressions that a body gives as arguments, in the order of the text."""
    todo: list[Any] = [body]
    while todo:
        each = todo.pop()
        if isinstance(each, ast.Argument):
            yield each.value
        elif isinstance(each, tuple):
            todo += reversed(each)
        elif hasattr(each, "__match_args__"):
            names = [n for n in each.__match_args__ if "span" not in n]
            todo += [getattr(each, n) for n in reversed(names)]


def camel(name: str) -> str:
    """An attribute as a class name: `layer1` and `dense_block` give `Layer1`, `DenseBlock`."""
    return (
        "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name)) or "Stack"
    )
