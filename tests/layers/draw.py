"""Draws layers with arguments and inputs, from the types of the fields alone.

A layer that is registered is drawn: nothing here knows a layer by its name, but for a few fields
whose values would hardly ever fit by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from hypothesis import strategies as st

from cnnlang.layers import REGISTRY, Layer, LayerError, Need, Tensor
from cnnlang.layers import fields as types
from cnnlang.layers.tensor import AXES, TOKENS
from cnnlang.layers.validation import annotation
from cnnlang.layers.values import Ref
from cnnlang.sizes import free

CHANNELS = st.sampled_from([1, 2, 3, 4, 6, 8, 12])
LARGEST = {1: 12, 2: 16, 3: 9, 4: 5}
"""The largest size of a spatial axis, by rank: three axes make many numbers."""
SYMBOLS = ("H", "W", "D", "L")


@dataclass(frozen=True)
class Case:
    """A layer and the tensors that flow into it."""

    layer: Layer
    inputs: tuple[Tensor, ...]


def tensors(rank: int) -> st.SearchStrategy[Tensor]:
    """Channels-first tensors of reals, now and then with their axes in another order."""
    sizes = st.one_of(st.integers(1, 3), st.integers(1, LARGEST[rank]))
    shapes = st.tuples(CHANNELS, *[sizes] * (rank - 1))
    straight = shapes.map(lambda shape: Tensor(shape, AXES[rank]))
    turned = st.tuples(straight, st.permutations(range(rank))).map(
        lambda pair: Tensor(
            tuple(pair[0].shape[i] for i in pair[1]), tuple(pair[0].axes[i] for i in pair[1])
        )
    )
    return st.one_of(straight, straight, straight, turned)


def tokens(rank: int) -> st.SearchStrategy[Tensor]:
    shapes = st.tuples(*[st.integers(1, 5)] * rank)
    return shapes.map(lambda shape: Tensor(shape, TOKENS[rank], "int"))


@st.composite
def cases(draw: Any, name: str, *ranks: int) -> Case:
    """A layer called `name` and inputs for it, right or wrong, but seldom hopeless.

    The tensor that flows in mostly has one of these numbers of axes.
    """
    case = draw(attempts(name, ranks))
    for _ in range(3):
        if not hopeless(case):
            break
        case = draw(attempts(name, ranks))
    return case


def hopeless(case: Case) -> bool:
    """True if the layer cannot take a tensor of so many axes, or so many tensors."""
    try:
        case.layer.output(case.inputs, Need())
    except LayerError as error:
        return error.problems[0].code in ("S103", "S104", "A207")
    return False


@st.composite
def attempts(draw: Any, name: str, ranks: tuple[int, ...]) -> Case:
    """A layer called `name` and inputs for it."""
    cls = REGISTRY[name]
    rank = draw(st.sampled_from([*sorted(ranks) * 9, 1, 2, 3, 4]))
    whole = name == "embedding" and rank in TOKENS and draw(st.integers(0, 9)) < 9
    first = draw(tokens(rank) if whole else tensors(rank))
    arguments = draw(named(cls, first))
    try:
        layer = cls.build((), arguments)
    except LayerError:
        layer = None
    if layer is None:
        return draw(attempts(name, ranks))
    return Case(layer, (first, *draw(others(layer, first))))


@st.composite
def others(draw: Any, layer: Layer, first: Tensor) -> tuple[Tensor, ...]:
    """The further operands: mostly like the first, and then the tensors that fields name."""
    least, most = layer.operands
    more = draw(st.integers(least, min(3, most or 3))) - 1
    if vars(layer).get("scalar", ...) is None and draw(st.booleans()):
        more = max(more, 1)
    named = [field for field in layer.references if vars(layer)[field] is not None]
    return tuple(draw(like(first)) for _ in range(more)) + tuple(draw(like(first)) for _ in named)


@st.composite
def like(draw: Any, first: Tensor) -> Tensor:
    """A tensor of the same axes: equal, or with sizes changed, doubled or swapped."""
    shape = list(first.shape)
    match draw(st.sampled_from(["equal", "changed", "changed", "doubled", "swapped"])):
        case "changed":
            place = draw(st.integers(0, first.rank - 1))
            shape[place] = draw(st.sampled_from([1, shape[place] // 2 or 1, shape[place] + 1]))
        case "doubled":
            shape[1:] = [2 * size for size in shape[1:]]
        case "swapped" if first.rank > 1:
            shape[-2:] = shape[:-3:-1]
    return first.resized(shape)


@st.composite
def named(draw: Any, cls: type[Layer], x: Tensor) -> dict[str, Any]:
    """Arguments by name; those with a default are given half of the time."""
    chosen: dict[str, Any] = {}
    for field, default in cls.fields.items():
        if default is ... or draw(st.booleans()):
            chosen[field] = draw(value(cls, field, x))
    return chosen


def value(cls: type[Layer], field: str, x: Tensor) -> st.SearchStrategy[Any]:
    """Values of a field: those of its type, or those that fit the tensor."""
    if field in FITTING:
        return FITTING[field](x)
    kind = annotation(cls, field)
    for option in (kind, *get_args(kind)):
        for known, strategy in BY_TYPE:
            if option == known:
                return strategy(x) | st.just("none") if may_lack(cls, field) else strategy(x)
    return st.sampled_from(literals(kind))


def may_lack(cls: type[Layer], field: str) -> bool:
    """True for a field with a default that may have no value instead."""
    return cls.fields[field] is not None and NoneType in get_args(annotation(cls, field))


def literals(kind: Any) -> tuple[Any, ...]:
    """The words of a Literal, alone or in a union."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return next(get_args(option) for option in get_args(kind) if get_origin(option) is Literal)


def each_axis(x: Tensor, one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One value for all axes, or one for each; seldom for one too many."""
    axes = st.sampled_from([max(1, min(3, x.rank - 1))] * 9 + [2])
    return st.one_of(one, axes.flatmap(lambda n: st.tuples(*[one] * n)))


def sides(x: Tensor, one: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    return st.one_of(each_axis(x, one), each_axis(x, st.tuples(one, one)).filter(is_nested))


def is_nested(pairs: Any) -> bool:
    return isinstance(pairs[0], tuple)


def axes(x: Tensor) -> st.SearchStrategy[Any]:
    return st.one_of(st.sampled_from(x.axes), st.integers(0, x.rank - 1), st.just("channels"))


def targets(x: Tensor) -> st.SearchStrategy[Any]:
    """Shapes that hold as many numbers as the tensor or one of its axes, or nearly."""

    @st.composite
    def split(draw: Any) -> tuple[int, ...]:
        total = draw(st.sampled_from([*x.shape, numbers(x)]))
        parts = []
        for _ in range(draw(st.integers(0, 3))):
            parts.append(draw(st.sampled_from([n for n in range(1, total + 1) if total % n == 0])))
            total //= parts[-1]
        parts.append(draw(st.sampled_from([total, total, -1, total + 1])))
        return tuple(parts)

    return split()


def numbers(x: Tensor) -> int:
    total = 1
    for size in x.shape:
        total *= size
    return total


def orders(x: Tensor) -> st.SearchStrategy[Any]:
    return st.permutations(x.axes).map(tuple)


reals = st.sampled_from([0.5, 1.0, 2.0, 0.25])
BY_TYPE: list[tuple[Any, Any]] = [
    (types.Count, lambda x: st.sampled_from([1, 2, 3, 4, 6])),
    (types.Whole, lambda x: st.integers(0, 2)),
    (types.Integer, lambda x: st.integers(-3, 4)),
    (types.Flag, lambda x: st.booleans()),
    (types.Real, lambda x: reals),
    (types.Positive, lambda x: reals),
    (types.Probability, lambda x: st.sampled_from([0.0, 0.25, 0.5, 1.0])),
    (types.Sizes, lambda x: each_axis(x, st.integers(1, 4))),
    (types.Positions, lambda x: each_axis(x, st.sampled_from([1, 2, 3, 4, "none"]))),
    (types.Wholes, lambda x: each_axis(x, st.integers(0, 2))),
    (types.Padding, lambda x: st.one_of(st.just("same"), sides(x, st.integers(0, 2)))),
    (types.Margins, lambda x: sides(x, st.integers(-2, 3))),
    (types.PadMode, lambda x: st.sampled_from(get_args(types.PadMode))),
    (types.Axis, axes),
    (types.Axes, lambda x: st.one_of(axes(x), st.lists(axes(x), min_size=1).map(tuple))),
    (types.Factor, lambda x: each_axis(x, st.sampled_from([1, 2, 3, 0.5, 1.5, 2.25]))),
    (types.Target, targets),
    (types.Permutation, orders),
    (types.Init, lambda x: st.sampled_from(["zeros", "kaiming_normal"])),
    (types.Reference, lambda x: st.just(Ref("skip"))),
]
FITTING: dict[str, Any] = {
    "in_channels": lambda x: st.sampled_from([x.channels] * 4 + [5]),
    "in_features": lambda x: st.sampled_from([x.channels] * 4 + [5]),
    "groups": lambda x: st.sampled_from([n for n in range(1, 6) if x.channels % n == 0] + [2]),
    "factor": lambda x: st.integers(1, 2),
}


def opened(case: Case) -> Case:
    """The same with free dimensions: equal spatial sizes of one axis become the same function."""
    return Case(case.layer, tuple(open_tensor(each, case.inputs[0]) for each in case.inputs))


def open_tensor(x: Tensor, first: Tensor) -> Tensor:
    shape = []
    for place, (size, axis) in enumerate(zip(x.shape, x.axes, strict=True)):
        base = first.shape[place]
        free_axis = axis in TOKENS[3] or axis == "length"
        shape.append(free(SYMBOLS[place]) + (size - base) if free_axis else size)
    return x.resized(shape)
