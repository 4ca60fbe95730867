"""What is done to a program before it is written: each pass changes its speed alone.

`PASSES` has them by name, in the order in which they run. Every pass is a function of the program
and the target, which tells what its machine can do in one operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from cnnlang.backends.inference.codes import applied, options
from cnnlang.backends.inference.program import Change, Op, Program
from cnnlang.backends.inference.targets import Target
from cnnlang.backends.source.layout import flat, literal
from cnnlang.layers.code import Code, Operand, Raw, Value, X
from cnnlang.layers.tensor import Tensor

ACTIVATIONS = frozenset(
    {
        *("relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "mish"),
        *("sigmoid", "tanh", "hardsigmoid", "hardswish", "hardtanh"),
    }
)
OWN = ACTIVATIONS | {"batchnorm", "maxpool", "avgpool", "concat", "add", "multiply", "upsample"}
"""Operations whose result is new memory, which no other value shares: without autograd, and so more
than a layer's `overwritable`, which leaves out what a backward pass reads."""
IN_PLACE = frozenset(f"F.{name}" for name in ACTIVATIONS - {"gelu", "sigmoid", "tanh"})
"""Functions that take `inplace=True`."""


def fold(program: Program, target: Target) -> None:
    """Norms, learned scales and offsets, and numbers go into the weights of the product before."""
    makers, alone = program.makers(), program.alone()
    gone: set[int] = set()
    for op in program.ops:
        maker = makers.get(op.inputs[0]) if op.inputs else None
        if maker is None or maker.product is None or alone.get(maker.value) is not op:
            continue
        change = changed(maker, op) if applied(maker.code) else None
        if change is not None:
            maker.product.changes += (change,)
            absorb(maker, op, makers)
            gone.add(id(op))
    program.ops = [op for op in program.ops if id(op) not in gone]


def absorb(maker: Op, op: Op, makers: dict[int, Op]) -> None:
    """The value of an operation is from now on made by the one before."""
    makers.pop(maker.value)
    maker.value, maker.output = op.value, op.output
    makers[op.value] = maker


def changed(maker: Op, op: Op) -> Change | None:
    """What an operation does to the weights of the product before it, None if it cannot."""
    wide = maker.product is not None and maker.product.kind == "linear" and maker.output.rank > 1
    if op.module is None:
        return arithmetic(op.code)
    if wide or op.product is not None:
        return None
    if is_affine(op):
        return Change("normed", (Raw("state"), op.address, options(op.module)["eps"]))
    return learned(op, maker.output)


def arithmetic(code: Value) -> Change | None:
    """`x * 2` and the like."""
    if not isinstance(code, Code) or len(code.arguments) != 2 or code.arguments[0] != X:
        return None
    number = code.arguments[1]
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return None
    if code.function in ("*", "+"):
        return Change({"*": "scaled", "+": "shifted"}[code.function], (number,))
    if code.function == "-":
        return Change("shifted", (-number,))
    return Change("scaled", (1 / number,)) if code.function == "/" and number else None


def learned(op: Op, tensor: Tensor) -> Change | None:
    """A learned scale or offset with one number a channel, or a single one."""
    module, code = op.module, op.code
    if module is None or module.function != "nn.Parameter" or not isinstance(code, Code):
        return None
    form = module.arguments[0].arguments[0]
    if len(form) not in (1, tensor.rank) or prod(form[1:]) != 1:
        return None
    return Change(
        {"*": "scaled", "+": "shifted"}[code.function],
        (Raw(f"state[{flat(literal(op.address))}]"),),
    )


def is_affine(op: Op) -> bool:
    """True for a norm that runs on statistics of the past: one factor and offset a channel."""
    kind = op.module.function if op.module else ""
    return kind.startswith(("nn.BatchNorm", "nn.InstanceNorm")) and bool(
        options(op.module)["track_running_stats"]  # type: ignore[arg-type]
    )


def add(program: Program, target: Target) -> None:
    """A sum with the result of a convolution becomes part of that convolution."""
    makers, alone = program.makers(), program.alone()
    places = {id(op): place for place, op in enumerate(program.ops)}
    for op in list(program.ops):
        if op.code != Code("+", (Operand(0), Operand(1))) or not same_shapes(program, makers, op):
            continue
        pair = [makers[v] for v in op.inputs if v in makers and alone.get(v) is op]
        able = [maker for maker in pair if sums(maker, target)]
        if able:
            maker = max(able, key=lambda each: places[id(each)])
            join(maker, op, makers, alone)
            places[id(maker)] = places.pop(id(op))
    program.ops = sorted(
        (op for op in program.ops if id(op) in places), key=lambda o: places[id(o)]
    )


def same_shapes(program: Program, makers: Mapping[int, Op], op: Op) -> bool:
    """True for a sum of two values of one shape."""
    nodes = program.graph.nodes
    shapes = {(makers[v] if v in makers else nodes[v]).output.shape for v in op.inputs}
    return len(shapes) == 1 and len(set(op.inputs)) == 2


def sums(maker: Op, target: Target) -> bool:
    """True for a convolution that can add something to its result."""
    product = maker.product
    if product is None or not applied(maker.code) or not target.adds(product):
        return False
    return not product.added and product.activation is None


def join(maker: Op, op: Op, makers: dict[int, Op], alone: dict[int, Op]) -> None:
    """The convolution takes the other operand in, and makes the sum."""
    other = next(value for value in op.inputs if value != maker.value)
    assert maker.product is not None
    maker.product.added = True
    maker.inputs = (*maker.inputs, other)
    if alone.get(other) is op:
        alone[other] = maker
    absorb(maker, op, makers)


def activate(program: Program, target: Target) -> None:
    """An activation becomes part of the product before it."""
    makers, alone = program.makers(), program.alone()
    kept: list[Op] = []
    for op in program.ops:
        maker = makers.get(op.inputs[0]) if op.inputs else None
        if maker is not None and alone.get(maker.value) is op and takes(maker, op, target):
            assert maker.product is not None and isinstance(op.code, Code)
            maker.product.activation = op.code
            absorb(maker, op, makers)
        else:
            kept.append(op)
    program.ops = kept


def takes(maker: Op, op: Op, target: Target) -> bool:
    """True if a product can take the activation in."""
    if maker.product is None or not applied(maker.code) or op.kind not in ACTIVATIONS:
        return False
    if op.module is not None or not isinstance(op.code, Code) or maker.product.activation:
        return False
    return target.activates(maker.product, op.code)


def overwrite(program: Program, target: Target) -> None:
    """A result takes the place of an operand that nobody needs any more."""
    last = {value: len(program.ops) for value in program.outputs}
    for place, op in enumerate(program.ops):
        last |= {value: max(place, last.get(value, 0)) for value in op.inputs}
    roots: dict[int, frozenset[int]] = {value: frozenset((-1,)) for value in program.graph.inputs}
    sharing: dict[int, list[int]] = {}
    makers = program.makers()
    for place, op in enumerate(program.ops):
        value = victim(op)
        if value is not None and value in makers and roots[value] == {value}:
            others = [last.get(each, -1) for each in sharing[value] if each != value]
            free = last[value] == place and all(end < place for end in others)
            op.onto = free and op.inputs.count(value) == 1 and fits(op, makers[value].output)
        own = frozenset((op.value,)) if owns(op) else None
        roots[op.value] = own or frozenset[int]().union(*(roots[v] for v in op.inputs))
        for root in roots[op.value]:
            sharing.setdefault(root, []).append(op.value)


def victim(op: Op) -> int | None:
    """The operand whose memory an operation could take; None if it is one that cannot."""
    if op.product is not None:
        return op.inputs[-1] if op.product.added else None
    code = op.code
    if op.module is not None or not isinstance(code, Code) or not op.inputs:
        return None
    sums = code.function in ("+", "*") and code.arguments[0] == X and len(code.arguments) == 2
    simple = code.function in IN_PLACE and code.arguments == (X,)
    return op.inputs[0] if simple or sums else None


def fits(op: Op, tensor: Tensor) -> bool:
    return op.output.shape == tensor.shape and op.output.dtype == tensor.dtype


def owns(op: Op) -> bool:
    """True if the result is memory of its own."""
    if op.product is not None:
        return applied(op.code)
    return op.kind in OWN and (op.module is None or is_affine(op))


def lay(program: Program, target: Target) -> None:
    """Feature maps keep the channels of a position side by side."""
    program.channels_last = target.prefers_channels_last and any(
        op.product is not None and op.product.axes in (2, 3) for op in program.ops
    )


def pack(program: Program, target: Target) -> None:
    """Weights are laid out once as the kernels read them."""
    program.packed = target.packs


def part(program: Program, target: Target) -> None:
    """Large batches run in parts, unless a layer looks at several samples at once."""
    program.parted = program.packed and not any(map(mixes, program.ops))


def mixes(op: Op) -> bool:
    """True if a sample may change what becomes of another one."""
    norm = op.module is not None and op.module.function.startswith("nn.BatchNorm")
    return op.kind == "extern" or (norm and not is_affine(op))


PASSES: dict[str, Callable[[Program, Target], None]] = {
    "fold": fold,
    "add": add,
    "activate": activate,
    "overwrite": overwrite,
    "layout": lay,
    "pack": pack,
    "part": part,
}
