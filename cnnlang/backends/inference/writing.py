"""A program as text: the change of the weights, and a forward without calls of modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnlang.backends.inference.codes import applied, options, rewritten
from cnnlang.backends.inference.passes import IN_PLACE, is_affine
from cnnlang.backends.inference.program import Op, Program
from cnnlang.backends.inference.targets import Target
from cnnlang.backends.source.constructor import single
from cnnlang.backends.source.layout import Chained, Doc, Group, flat, lines, literal, safe
from cnnlang.elaborate.reserved import MODULE_ATTRIBUTES
from cnnlang.layers.code import Code, Value, X
from cnnlang.layers.tensor import show
from cnnlang.records import dataclass, field

POOL = ("x", "y", "z", "u", "v")
OWN = (
    *("geometry", "plain", "packed", "sizes", "dtype", "hold", "choose", "forget", "prepare"),
    *("part", "shortcut", "runs", "pool", "record"),
)
"""Attributes of a network for inference beside its weights and modules."""


@dataclass(slots=True)
class Names:
    """Names of weights: one for each layer and what is done to it, and no two alike."""

    known: dict[tuple[str, str], str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=lambda: {*MODULE_ATTRIBUTES, *OWN})

    def of(self, op: Op) -> str:
        changes = repr(op.product.changes) if op.product else ""
        key = op.address, changes
        if key not in self.known:
            self.known[key] = self.free(safe(op.address))
        return self.known[key]

    def free(self, wish: str) -> str:
        """A name of which none of the buffers' names is taken."""
        name, number = wish, 1
        while any(each in self.taken for each in buffers(name)):
            number += 1
            name = f"{wish}_{number}"
        self.taken.update(buffers(name))
        return name


def buffers(name: str) -> tuple[str, ...]:
    """What the weights under a name may be called."""
    return name, *(f"{name}_{part}" for part in ("weight", "bias", "factor", "offset"))


def text(code: Value) -> str:
    return flat(single(code))


# --- weights -------------------------------------------------------------------------------------


def conversion(program: Program, names: Names) -> list[str]:
    """The statements that make the weights for inference from those of the network."""
    found: dict[str, list[str]] = {}
    for op in program.ops:
        if op.module is not None and (name := names.of(op)) not in found:
            found[name] = lines(converted(op, name), 4)
    return [line for each in found.values() for line in each]


def converted(op: Op, name: str) -> Doc:
    """The statement for the weights of one operation."""
    target, address = flat(literal(name)), flat(literal(op.address))
    if op.product is not None:
        groups = (str(op.product.groups),) if op.product.kind == "conv_transpose" else ()
        pair: Doc = Group("taken(", ("state", address, *groups), ")")
        for change in op.product.changes:
            pair = Group(f"{change.function}(", (pair, *map(text, change.arguments)), ")")
        return Group("keep(", ("found", target, pair, *groups), ")")
    if is_affine(op):
        assert op.module is not None
        eps, axes = options(op.module)["eps"], max(op.output.rank - 1, 0)
        return Group("keep_norm(", ("found", target, "state", address, str(eps), str(axes)), ")")
    return Group("keep_all(", ("found", target, "state", address), ")")


def children(program: Program, names: Names) -> list[str]:
    """The modules that stay modules."""
    made: dict[str, Doc] = {}
    for op in program.ops:
        if op.module is None or op.product is not None or is_affine(op) or is_parameter(op):
            continue
        made[names.of(op)] = single(op.module)
    return [line for name, doc in made.items() for line in lines(doc, 8, f"self.{name} = ")]


def is_parameter(op: Op) -> bool:
    return op.module is not None and op.module.function == "nn.Parameter"


def geometry(program: Program, names: Names, target: Target) -> list[str]:
    """The table of strides, paddings and so on."""
    table = {names.of(op): target.geometry(op.product) for op in program.ops if op.product}
    rows = [
        line
        for name, row in table.items()
        for line in lines(literal(row), 8, f"{flat(literal(name))}: ", ",")
    ]
    return ["    geometry = {", *rows, "    }"] if rows else []


# --- forward -------------------------------------------------------------------------------------


@dataclass(slots=True)
class Forward:
    """The statements of the forward, and the variables that hold what is still needed."""

    program: Program
    names: Names
    target: Target
    variables: dict[int, str]
    left: dict[int, int] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)

    def write(self) -> list[str]:
        self.left = dict(self.program.uses())
        for op in self.program.ops:
            self.statement(op)
        results = [self.variables[value] for value in self.program.outputs]
        self.text.append(f"        return {', '.join(results)}")
        return self.text

    def statement(self, op: Op) -> None:
        """One operation; the memory of operands that it used last is free afterwards."""
        doc = self.expression(op, [self.variables[value] for value in op.inputs])
        for value in op.inputs:
            self.left[value] -= 1
        dead = [v for v in dict.fromkeys(op.inputs) if not self.left[v]]
        names = [self.variables.pop(value) for value in dead]
        if not self.left.get(op.value):
            return
        name = self.result(op, dict(zip(dead, names, strict=True)))
        self.variables[op.value] = name
        shape = show(op.output.shape)
        written = lines(doc, 8, f"{name} = ")
        if len(written) == 1 and len(written[0]) + len(shape) + 4 <= 88:
            written[0] += f"  # {shape}"
        self.text += written
        rest = [each for each in names if each != name and each not in self.variables.values()]
        self.text += [f"        del {', '.join(rest)}"] if rest else []

    def result(self, op: Op, dead: dict[int, str]) -> str:
        """The variable for a result: that of the operand whose memory it takes, if there is one."""
        taken = [op.inputs[-1 if op.product else 0]] if op.onto else []
        return next((dead[value] for value in (*taken, *dead) if value in dead), self.free())

    def free(self) -> str:
        """A name that holds nothing that is needed."""
        taken = set(self.variables.values())
        pool = (*POOL, *(f"v{i}" for i in range(1, len(taken) + 2)))
        return next(name for name in pool if name not in taken)

    def expression(self, op: Op, operands: list[Doc]) -> Doc:
        """What an operation computes."""
        if op.product is not None:
            return self.product(op, operands)
        if is_affine(op):
            own = f"self.{self.names.of(op)}"
            return Group("torch.addcmul(", (f"{own}_offset", operands[0], f"{own}_factor"), ")")
        own = f"self.{self.names.of(op)}" if op.module is not None else ""
        if op.onto and isinstance(op.code, Code):
            return onto(op.code, operands)
        return single(op.code, operands, own)

    def product(self, op: Op, operands: list[Doc]) -> Doc:
        weights = f'*w["{self.names.of(op)}"]'
        if applied(op.code):
            assert isinstance(op.code, Code)
            source = single(op.code.arguments[1], operands[:1])
            return self.target.call(op, [source, *operands[1:]], weights)
        inner = inner_argument(op.code)
        source = single(inner, operands)
        call = self.target.call(op, [source], weights)
        return single(rewritten(op.code, lambda own: X), [call])


def inner_argument(code: Value) -> Value:
    """What the product is applied to, inside an expression."""
    return next(each.arguments[1] for each in codes(code) if applied(each))


def codes(code: Value) -> Iterator[Code]:
    """The calls in an expression, outermost first."""
    if isinstance(code, Code):
        yield code
        for each in code.arguments:
            yield from codes(each)


def onto(code: Code, operands: Sequence[Doc]) -> Doc:
    """An operation whose result takes the place of its first operand."""
    if code.function in IN_PLACE:
        keywords = (*code.keywords, ("inplace", True))
        return single(Code(code.function, code.arguments, keywords), operands)
    method = {"+": ".add_(", "*": ".mul_("}[code.function]
    other = single(code.arguments[1], operands)
    return Chained(operands[0], Group(method, (other,), ")"))
