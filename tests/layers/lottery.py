"""Draws layers as `draw` does, but by plain chance: quick enough for tens of thousands.

The numbers are wilder than those of `draw`, so that about half of the layers cannot stand.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, get_args

from draw import Case, literals, numbers

from cnnlang.layers import REGISTRY, Layer, LayerError, Tensor
from cnnlang.layers import fields as types
from cnnlang.layers.tensor import AXES, TOKENS
from cnnlang.layers.validation import annotation
from cnnlang.layers.values import Ref

SIZES = {1: 12, 2: 14, 3: 9, 4: 5}
CHANNELS = (1, 2, 3, 4, 6, 8, 12)
WINDOWED = (
    "conv",
    "depthwise",
    "conv_transpose",
    "maxpool",
    "avgpool",
    "lppool",
    "pad",
    "upsample",
)
NAMES = (*sorted(REGISTRY), *WINDOWED * 5)
"""Layers with windows have the most rules, and are drawn the most."""

Draw = Callable[[Random, Tensor], Any]


def case(random: Random) -> Case:
    """A layer that can be made, and tensors that it may or may not take."""
    while True:
        cls = REGISTRY[random.choice(NAMES)]
        first = tensor(random, integers=cls.name == "embedding")
        try:
            layer = cls.build((), arguments(random, cls, first))
        except LayerError:
            continue
        return Case(layer, (first, *others(random, layer, first)))


def tensor(random: Random, integers: bool = False) -> Tensor:
    """Mostly a channels-first map, now and then flat or with its axes in another order."""
    if integers and random.random() < 0.9:
        rank = random.choice((1, 2, 3))
        return Tensor(tuple(random.randint(1, 5) for _ in range(rank)), TOKENS[rank], "int")
    rank = random.choice((1, 2, 2, 3, 3, 3, 3, 4))
    most = SIZES[rank]
    spatial = [random.randint(1, random.choice((3, most))) for _ in range(rank - 1)]
    places = list(range(rank))
    if random.random() < 0.05:
        random.shuffle(places)
    shape = (random.choice(CHANNELS), *spatial)
    return Tensor(tuple(shape[i] for i in places), tuple(AXES[rank][i] for i in places))


def others(random: Random, layer: Layer, first: Tensor) -> tuple[Tensor, ...]:
    """Further operands and the tensors that fields name: like the first one, or nearly."""
    least, most = layer.operands
    more = random.randint(max(least, 1), min(3, most or 3)) - 1
    if vars(layer).get("scalar", ...) is None and random.random() < 0.7:
        more = max(more, 1)
    named = sum(vars(layer)[field] is not None for field in layer.references)
    return tuple(like(random, first) for _ in range(more + named))


def like(random: Random, first: Tensor) -> Tensor:
    shape = list(first.shape)
    kind = random.random()
    if kind < 0.4:
        place = random.randrange(first.rank)
        shape[place] = random.choice((1, shape[place] // 2 or 1, shape[place] + 1))
    elif kind < 0.6:
        shape[1:] = [2 * size for size in shape[1:]]
    return first.resized(shape)


def arguments(random: Random, cls: type[Layer], x: Tensor) -> dict[str, Any]:
    """Arguments by name; those with a default are given half of the time."""
    chosen: dict[str, Any] = {}
    for field, default in cls.fields.items():
        if default is ... or random.random() < 0.5:
            value = FITTING[field](random, x) if field in FITTING else drawn(random, cls, field, x)
            chosen |= {} if value is None else {field: value}
    return chosen


def drawn(random: Random, cls: type[Layer], field: str, x: Tensor) -> Any:
    kind = annotation(cls, field)
    for option in (kind, *get_args(kind)):
        for known, draw in BY_TYPE:
            if option == known:
                return draw(random, x)
    return random.choice(literals(kind))


def each_axis(random: Random, x: Tensor, one: Callable[[], Any]) -> Any:
    """One value for all axes, or one for each; seldom for one too many."""
    if random.random() < 0.6:
        return one()
    axes = max(1, min(3, x.rank - 1)) if random.random() < 0.95 else 2
    return tuple(one() for _ in range(axes))


def sides(random: Random, x: Tensor, low: int, high: int) -> Any:
    """A number, one an axis, or a pair an axis."""
    if random.random() < 0.8:
        return each_axis(random, x, lambda: random.randint(low, high))
    axes = range(max(1, min(3, x.rank - 1)))
    return tuple((random.randint(low, high), random.randint(low, high)) for _ in axes)


def target(random: Random, x: Tensor) -> tuple[int, ...]:
    """A shape that holds as many numbers as the tensor or one of its axes, or nearly."""
    total, parts = random.choice((*x.shape, numbers(x))), []
    for _ in range(random.randint(0, 3)):
        parts.append(random.choice([n for n in range(1, total + 1) if total % n == 0]))
        total //= parts[-1]
    return (*parts, random.choice((total, total, -1, total + 1)))


def axis(random: Random, x: Tensor) -> Any:
    return random.choice((*x.axes, "channels", random.randrange(x.rank)))


def axes(random: Random, x: Tensor) -> Any:
    few = random.randint(1, x.rank)
    return axis(random, x) if random.random() < 0.5 else tuple(axis(random, x) for _ in range(few))


def padding(random: Random, x: Tensor) -> Any:
    return "same" if random.random() < 0.2 else sides(random, x, 0, random.choice((1, 2, 5)))


def among(*values: Any) -> Draw:
    return lambda random, x: random.choice(values)


def sizes(low: int, *highs: int) -> Draw:
    """A number up to one of some limits for all axes, or one for each."""
    return lambda random, x: each_axis(random, x, lambda: random.randint(low, random.choice(highs)))


BY_TYPE: list[tuple[Any, Draw]] = [
    (types.Count, among(1, 2, 3, 4, 6)),
    (types.Whole, among(0, 1, 2)),
    (types.Integer, among(*range(-4, 6))),
    (types.Flag, among(True, False)),
    (types.Real, among(0.5, 1.0, 2.0, 0.25)),
    (types.Positive, among(0.5, 1.0, 2.0, 0.25)),
    (types.Probability, among(0.0, 0.25, 0.5, 1.0)),
    (types.Sizes, sizes(1, 2, 4, 7)),
    (types.Positions, lambda r, x: each_axis(r, x, lambda: r.choice((1, 2, 3, 4, "none")))),
    (types.Wholes, sizes(0, 1, 3)),
    (types.Padding, padding),
    (types.Margins, lambda random, x: sides(random, x, -4, 6)),
    (types.PadMode, among(*get_args(types.PadMode))),
    (types.Axis, axis),
    (types.Axes, axes),
    (types.Factor, lambda r, x: each_axis(r, x, lambda: r.choice((1, 2, 3, 0.5, 0.25, 1.5, 0.1)))),
    (types.Target, target),
    (types.Permutation, lambda random, x: tuple(random.sample(x.axes, x.rank))),
    (types.Init, among("zeros", "kaiming_normal")),
    (types.Reference, among(Ref("skip"))),
]
FITTING: dict[str, Draw] = {
    "in_channels": lambda random, x: random.choice((*[x.channels] * 5, 5)),
    "in_features": lambda random, x: random.choice((*[x.channels] * 5, 5)),
    "factor": among(1, 2, 3),
    "correction": among(0, 1, 2),
}
"""Fields whose values would hardly ever fit by chance."""
