"""The `__init__` of a class: its child modules, built from its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from cnnlang.backends.source.codes import Codes
from cnnlang.backends.source.express import Vocabulary, narrowed
from cnnlang.backends.source.layout import (
    Chained,
    Doc,
    Generated,
    Group,
    Infix,
    Named,
    attribute,
    flat,
    literal,
)
from cnnlang.backends.source.plan import ClassPlan, Planner
from cnnlang.backends.source.runs import SHORTEST, Run, common, grouped, number, split
from cnnlang.backends.source.statements import Assign, Branch, Call, Repeat, Statement
from cnnlang.backends.source.structure import Fork, Part, Step
from cnnlang.elaborate.arguments import paired
from cnnlang.graph import Instance, Node
from cnnlang.layers.code import Code, Operand, Raw
from cnnlang.syntax import ast

Leaf: TypeAlias = Callable[[Mapping[int, Any], str], str]
"""Says some values, one a row, wishing for a name if a new one is needed."""

OPERATORS = ("+", "-", "*", "/", "//", "@")
RUN = 3


def document(
    codes: Mapping[int, Any],
    leaf: Leaf,
    operands: Sequence[Doc] = (),
    own: str = "",
    wish: str = "",
) -> Doc:
    """The code of all rows as one text: what differs between them is said by `leaf`."""
    first = next(iter(codes.values()))
    if isinstance(first, Operand):
        return (
            operands[first.index] if first.index is not None else Group("[", tuple(operands), "]")
        )
    if isinstance(first, Raw):
        return own if first.text == "self" else first.text
    if not isinstance(first, Code):
        return leaf(codes, wish)
    arguments = [
        document(
            {row: code.arguments[i] for row, code in codes.items()},
            leaf,
            operands,
            own,
            f"{wish}_{i + 1}",
        )
        for i in range(len(first.arguments))
    ]
    return written(first.function, arguments, keywords(codes, leaf, operands, own, wish))


def single(code: Any, operands: Sequence[Doc] = (), own: str = "") -> Doc:
    """The code of one layer as text, its values as they are."""
    return document({0: code}, lambda values, wish: flat(literal(values[0])), operands, own)


def keywords(
    codes: Mapping[int, Code], leaf: Leaf, operands: Sequence[Doc], own: str, wish: str
) -> list[Doc]:
    """The keyword arguments; one that is usual in every row is left out."""
    usual: dict[str, Any] = {name: value for code in codes.values() for name, value in code.usual}
    first = next(iter(codes.values()))
    given = {name for code in codes.values() for name, _ in code.keywords}
    names = (
        [name for name in first.order if name in given]
        if first.order
        else [n for n, _ in first.keywords]
    )
    found: list[Doc] = []
    for name in names:
        values = {
            row: dict(code.keywords).get(name, usual.get(name)) for row, code in codes.items()
        }
        if any(isinstance(value, (Code, Operand)) for value in values.values()):
            found.append(Named(name, document(values, leaf, operands, own, name)))
        else:
            found.append(Named(name, leaf(values, f"{wish}_{name}" if wish else name)))
    return found


def written(function: str, arguments: list[Doc], named: list[Doc]) -> Doc:
    """A call the way its function asks for it: operator, method, subscript or plain."""
    if function == "()":
        return Group(f"{flat(arguments[0])}(", (*arguments[1:], *named), ")")
    if function in OPERATORS:
        return Infix(function, tuple(arguments))
    if function == "[]":
        return Chained(arguments[0], Group("[", tuple(arguments[1:]), "]"))
    if function.startswith("."):
        return Chained(arguments[0], Group(f"{function}(", (*arguments[1:], *named), ")"))
    return Group(f"{function}(", (*arguments, *named), ")")


class Constructor:
    """Writes the `__init__` of one class."""

    def __init__(self, planner: Planner, plan: ClassPlan) -> None:
        self.planner = planner
        self.codes: Codes = planner.codes
        self.plan = plan
        self.words: Vocabulary = plan.words
        self.made: set[str] = set()
        self.initial: dict[tuple[Any, str], list[str]] = {}
        self.built: dict[int, Doc] = {}

    def statements(self) -> list[Statement]:
        found = self.parts(self.plan.body.parts)
        found += [Assign(f"self.{name}", text) for name, text in self.plan.attributes.items()]
        return found + self.initialised()

    def initialised(self) -> list[Statement]:
        """The initialisations asked for since the last call, those that are alike together."""
        together: dict[tuple[str, ...], list[tuple[Any, str]]] = {}
        for each, paths in self.initial.items():
            together.setdefault(tuple(dict.fromkeys(paths)), []).append(each)
        self.initial = {}
        return [Call(tuple(weights), modules) for modules, weights in together.items()]

    def make(self, step: Step) -> Assign:
        """An attribute for a module; its initialisation is kept for later."""
        self.made.add(step.attribute)
        for how, weight, path in wanted(self.codes, step, self.plan.reach(step.attribute)):
            self.initial.setdefault((how, weight), []).append(path)
        return Assign(step.attribute, self.built.get(step.id) or self.module(step))

    def parts(self, parts: Sequence[Part]) -> list[Statement]:
        found: list[Statement] = []
        for part in grouped(parts, lambda steps: self.loop(steps) is not None):
            if isinstance(part, Run):
                found.append(Repeat(part.base, part.first, part.count, self.loop(part.steps) or ""))
                self.made |= {step.attribute for step in part.steps}
                self.plan.loops |= {step.attribute: part.first for step in part.steps}
            elif isinstance(part, Fork):
                found += self.fork(part)
            elif self.codes.has_module(part.first) and part.attribute not in self.made:
                found.append(self.make(part))
        return found

    def loop(self, steps: Sequence[Step]) -> Doc | None:
        """What builds all of a run, None if they are not built alike."""
        if any(step.attribute in self.made for step in steps):
            return None
        for step in steps:
            if step.id not in self.built:
                self.built[step.id] = self.module(step)
        return common([self.built[step.id] for step in steps])

    # --- modules ---------------------------------------------------------------------------------

    def module(self, step: Step) -> Doc:
        """The constructor call of a layer or child."""
        if not step.is_child:
            return self.layer(step)
        return self.child(step) if step.body is None else self.stack(step)

    def layer(self, step: Step) -> Doc:
        codes: dict[int, Any] = {}
        for row, node in step.rows.items():
            codes[row] = self.planner.in_place(node, self.codes.of(node).module)
        given = written_fields(step.first)
        hints, sure = list(given.values()), certain(step.first, given)
        text = document(codes, lambda v, w: self.words.say(v, hints, w, sure), wish=step.attribute)
        self.learn(step, hints)
        return text

    def learn(self, step: Step, hints: Sequence[ast.Expression]) -> None:
        """Remember how the number of channels after a layer is said."""
        values = {row: node.output.channels for row, node in step.rows.items() if node.output.rank}
        if all(type(value) is int for value in values.values()):
            self.words.learn(values, hints)

    def child(self, step: Step) -> Doc:
        """A block: its class, called with what its parameters are here."""
        owners = {row: self.planner.owner[id(child)] for row, child in step.rows.items()}
        plan = next(iter(owners.values()))[0]
        given, usual = called(plan, step), defaults(plan)
        arguments: list[Doc] = []
        for name in signature(plan):
            values = {
                row: plan.words.parameters[name][place] for row, (plan, place) in owners.items()
            }
            default = usual.get(name)
            if default is not None and all(
                type(v) is type(default[0]) and v == default[0] for v in values.values()
            ):
                continue
            hints = [given[name]] if name in given else []
            wish = name if step.attribute.isdigit() else f"{step.attribute}_{name}"
            text = self.words.say(values, hints, wish)
            arguments.append(Named(name, text) if default is not None else text)
        return Group(f"{plan.name}(", tuple(arguments), ")")

    def stack(self, step: Step) -> Doc:
        """An `nn.Sequential`; named children make it an ordered dictionary."""
        assert step.body is not None
        children = [part for part in step.body.parts if isinstance(part, Step)]
        items = [self.module(child) for child in children]
        if [child.attribute for child in children] == [str(i) for i in range(len(children))]:
            return Group("nn.Sequential(", tuple(folded(items)), ")")
        named = looped(children, items) or listed(children, items)
        return Group("nn.Sequential(", (Group("OrderedDict(", (named,), ")"),), ")")

    # --- forks -----------------------------------------------------------------------------------

    def fork(self, fork: Fork) -> list[Statement]:
        """An `if`: what both sides have is built before it, the rest inside."""
        sides = [
            {s.attribute: s for s in modules(self.codes, parts)}
            for parts in (fork.then, fork.otherwise)
        ]
        common = [
            name
            for name in sides[0]
            if name in sides[1] and self.alike(sides[0][name], sides[1][name])
        ]
        found: list[Statement] = []
        for name in common:
            rows = sides[0][name].rows | sides[1][name].rows
            both = Step(
                -1, name, dict(sorted(rows.items())), sides[0][name].inputs, sides[0][name].body
            )
            found.append(self.make(both))
        wish = flag(self.codes, self.plan, fork)
        condition = self.words.condition(fork.taken, fork.origin.condition, wish)
        test = presence(self.codes, fork, common)
        if test is None:
            found.append(Assign(f"self.{wish}", condition))
            condition = f"self.{wish}"
        else:
            found.append(Assign(test, "None"))
        before, outer, self.initial = set(self.made), self.initial, {}
        then = self.parts(fork.then) + self.initialised()
        self.made = before
        otherwise = self.parts(fork.otherwise) + self.initialised()
        self.initial = outer
        if then or otherwise:
            found.append(Branch(condition, tuple(then), tuple(otherwise)))
        return found

    def alike(self, a: Step, b: Step) -> bool:
        """True if two sides build the same kind of module, so that it can be built once."""
        if a.body is not None or b.body is not None or a.is_child != b.is_child:
            return False
        if a.is_child:
            owners = {id(self.planner.owner[id(c)][0]) for s in (a, b) for c in s.rows.values()}
            return len(owners) == 1
        return len({self.codes.of(node).form for s in (a, b) for node in s.rows.values()}) == 1


def written_fields(what: Node | Instance) -> dict[str, ast.Expression]:
    """The arguments of a layer as the file writes them, by field."""
    if not isinstance(what, Node) or what.layer is None or what.call is None:
        return {}
    return paired(what.call.arguments, type(what.layer).positional)


def certain(what: Node | Instance, given: Mapping[str, ast.Expression]) -> list[ast.Expression]:
    """The arguments whose value no other argument of the layer has."""
    layer = what.layer if isinstance(what, Node) else None
    values = [repr(narrowed(vars(layer).get(field))) for field in given] if layer else []
    return [e for e, v in zip(given.values(), values, strict=False) if values.count(v) == 1]


def modules(codes: Codes, parts: Sequence[Part]) -> Iterable[Step]:
    return [part for part in parts if isinstance(part, Step) and codes.has_module(part.first)]


def presence(codes: Codes, fork: Fork, common: Sequence[str] = ()) -> str | None:
    """The attribute that is None where the only side of a fork is absent."""
    if fork.then and fork.otherwise:
        return None
    own = [
        s.attribute
        for s in modules(codes, fork.then or fork.otherwise)
        if s.attribute not in common
    ]
    return own[0] if own and attribute(own[0]).startswith("self.") else None


def flag(codes: Codes, plan: ClassPlan, fork: Fork) -> str:
    """The name for the outcome of a condition: its own if it has one, else after what it adds."""
    if fork.id not in plan.flags:
        condition = fork.origin.condition
        own = [s.attribute for s in modules(codes, fork.then or fork.otherwise)]
        wish = spoken(condition) or f"with_{own[0] if own else 'it'}"
        plan.flags[fork.id] = plan.unique(wish)
    return plan.flags[fork.id]


def spoken(condition: ast.Expression) -> str:
    """A condition as a name: `active`, `norm_is_layer` for `norm == layer`; "" if it has none."""
    if isinstance(condition, ast.Name):
        return condition.name
    if isinstance(condition, ast.Binary) and condition.operator in ("==", "!="):
        sides = [spoken(each) for each in (condition.left, condition.right)]
        word = "is" if condition.operator == "==" else "is_not"
        return f"{sides[0]}_{word}_{sides[1]}" if all(sides) else ""
    return ""


def called(plan: ClassPlan, step: Step) -> dict[str, ast.Expression]:
    """The arguments of a block's call, by the parameters of its class."""
    call = step.first.call
    given = paired(call.arguments if call else None, plan.first.parameters)
    return {plan.words.renamed.get(name, name): value for name, value in given.items()}


def signature(plan: ClassPlan) -> list[str]:
    """The parameters of a class that its code uses; those with a default last."""
    used = [name for name in plan.words.parameters if name in plan.words.used]
    known = defaults(plan)
    return [n for n in used if n not in known] + [n for n in used if n in known]


def defaults(plan: ClassPlan) -> dict[str, tuple[Any]]:
    """The literal defaults of a block's parameters."""
    definition = plan.first.definition
    found: dict[str, tuple[Any]] = {}
    for parameter in getattr(definition, "parameters", ()):
        default = parameter.default
        if isinstance(default, (ast.Number, ast.Truth, ast.Text)) and plan.first.kind == "block":
            found[plan.words.renamed.get(parameter.name, parameter.name)] = (default.value,)
    return found


def listed(children: Sequence[Step], items: Sequence[Doc]) -> Doc:
    """Children by name, as a list of pairs."""
    pairs = zip(children, items, strict=True)
    return Group("[", tuple(Group("(", (literal(c.attribute), d), ")") for c, d in pairs), "]")


def looped(children: Sequence[Step], items: Sequence[Doc]) -> Doc | None:
    """Siblings that grow by one step as pairs made in a loop, if they are all there is."""
    base, first = split(children[0].attribute) if len(items) >= SHORTEST else ("", -1)
    if any(split(c.attribute) != (base, first + i) for i, c in enumerate(children)):
        return None
    alike = common(items)
    if alike is None:
        return None
    pair = Group("(", (f'f"{base}{number(first)}"', alike), ")")
    return Generated(pair, f"for i in range({len(items)})")


def folded(items: Sequence[Doc]) -> list[Doc]:
    """Items of which three or more equal ones in a row are one comprehension."""
    found: list[Doc] = []
    at = 0
    while at < len(items):
        end = at
        while end < len(items) and items[end] == items[at]:
            end += 1
        if end - at >= RUN:
            found.append(f"*[{flat(items[at])} for _ in range({end - at})]")
        else:
            found += items[at:end]
        at = end
    return found


def wanted(codes: Codes, step: Step, path: str) -> Iterable[tuple[Any, str, str]]:
    """Initialisations asked for by a layer, or by those of a stack: how, weight, and module."""
    first = step.first
    if step.body is not None:
        children = [part for part in step.body.parts if isinstance(part, Step)]
        counted = [each.attribute for each in children] == [str(i) for i in range(len(children))]
        for child in children:
            inner = f"{path}[{child.attribute}]" if counted else reach(path, child.attribute)
            yield from wanted(codes, child, inner)
    elif isinstance(first, Node) and first.layer is not None:
        for weight, how in codes.of(first).initial:
            part, _, last = weight.rpartition(".")
            yield how, last, f"{path}[{part}]" if part else path


def reach(base: str, name: str) -> str:
    return attribute(name).replace("self", base, 1)
