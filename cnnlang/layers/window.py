"""Arithmetic of sliding windows, shared by convolution and pooling.

Per axis, with input h, kernel k, stride s, dilation d and padding before/after, the window spans
e = d (k - 1) + 1 positions and the output has (h + before + after - e) // s + 1 of them. With
`padding=same` it has ceil(h / s), and the total padding max(0, (ceil(h / s) - 1) s + e - h) is
split with the odd one at the end.
Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html#shape
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isqrt
from typing import Any, TypeAlias

from cnnlang.layers.base import Layer, Need, Problem, fail
from cnnlang.layers.common import channels_to_front
from cnnlang.layers.reading import Read, Usual, sliding
from cnnlang.layers.remedies import (
    Enlarge,
    Give,
    Insert,
    Remedy,
    Remove,
    Reorder,
    Rerank,
    Retype,
    Together,
)
from cnnlang.layers.tensor import AXES, Tensor, show
from cnnlang.records import dataclass
from cnnlang.sizes import Mixed, Shape, Size, ceil_clamp, pointwise

PER_AXIS = {2: 1, 3: 2, 4: 3}
"""Number of spatial axes by the rank of a channels-first tensor."""

Pads: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Window:
    """Kernel, stride, dilation, one number an axis; `pads` is one pair an axis, None for `same`."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: Pads | None

    @property
    def extent(self) -> tuple[int, ...]:
        """Positions that the dilated kernel spans."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def constant(self) -> Pads | None:
        """The padding if it is the same for every input; None where `same` waits for the size.

        `same` is constant, and equal at both ends, for stride 1 and an odd extent.
        """
        if self.pads is not None:
            return self.pads
        if any(s > 1 or e % 2 == 0 for s, e in zip(self.stride, self.extent, strict=True)):
            return None
        return tuple((e // 2, e // 2) for e in self.extent)

    @property
    def even(self) -> bool:
        """True if every axis gets the same constant padding at both ends."""
        pads = self.constant
        return pads is not None and all(before == after for before, after in pads)

    def borders(self, sizes: Shape) -> tuple[tuple[Size, Size], ...]:
        """The padding before and after each axis, functions of the size for a strided `same`."""
        if self.pads is not None:
            return self.pads
        pairs = []
        for size, e, s in zip(sizes, self.extent, self.stride, strict=True):
            total = e - 1 if s == 1 else positive(((size + s - 1) // s - 1) * s + e - size)
            pairs.append((total // 2, total - total // 2))
        return tuple(pairs)


def positive(size: Size) -> Size:
    """The size, or 0 where it is negative; the size must be periodic."""
    return max(size, 0) if isinstance(size, int) else pointwise(max, size, 0)


def window(
    layer: Layer, x: Tensor, kernel: Any, stride: Any, dilation: Any, padding: Any
) -> Window:
    """The window of a layer on an input, every option spread over the spatial axes."""
    axes = x.rank - 1
    pads = None
    if padding != "same":
        each = spread(layer, "padding", padding, axes)
        pads = tuple(p if isinstance(p, tuple) else (p, p) for p in each)
    return Window(
        spread(layer, "kernel", kernel, axes),
        spread(layer, "stride", stride, axes),
        spread(layer, "dilation", dilation, axes),
        pads,
    )


def spread(layer: Layer, field: str, value: Any, axes: int) -> tuple[Any, ...]:
    """One value per axis; a single one stands for all."""
    if not isinstance(value, tuple):
        return (value,) * axes
    if len(value) == axes:
        return value
    raise fail(
        "S102",
        f"`{field}` of `{layer.name}` has {len(value)} axes, the map has {axes}",
        f"give one number for all axes, or {axes}",
        field=field,
        remedies=respread(layer, field, value, axes),
    )


def respread(layer: Layer, field: str, value: Any, axes: int) -> tuple[Remedy, ...]:
    """An input with the axes that values have numbers for, or values for the axes of the map."""
    rest = {f: v for f, v in vars(layer).items() if isinstance(v, tuple) and len(v) == len(value)}
    fewer = tuple(Give(f, narrow(v[:axes])) for f, v in rest.items())
    short = value[0] if len(set(value)) == 1 else value[:axes]
    return (Rerank(len(value) + 1), Give(field, short), Together(fewer))


def narrow(values: tuple[Any, ...]) -> Any:
    """One value where all are equal, as PyTorch's constructors take it."""
    return values[0] if len(set(values)) == 1 else values


def flat(pads: tuple[tuple[Any, Any], ...]) -> tuple[Any, ...]:
    """Pairs per axis as `F.pad` takes them: the last axis first."""
    return tuple(n for pair in reversed(pads) for n in pair)


def is_map(x: Tensor) -> bool:
    """True for a channels-first feature map of one, two or three spatial axes."""
    return x.dtype == "float" and x.channels_first and x.rank in PER_AXIS


def need_map(layer: Layer, x: Tensor) -> None:
    """The input must be a channels-first feature map of one, two or three spatial axes."""
    if is_map(x):
        return
    if x.dtype != "float":
        raise fail(
            "S106",
            f"`{layer.name}` needs a map of real numbers, got {x} integers",
            "integers here",
            notes=("integers are looked up first with `embedding(count, width)`",),
            remedies=(Retype("float"),),
        )
    if x.rank in PER_AXIS:
        raise fail(
            "S103",
            f"`{layer.name}` needs channels first, got {' x '.join(x.axes)}",
            f"the tensor here is {x}",
            remedies=channels_to_front(x),
        )
    raise fail(
        "S103",
        f"`{layer.name}` needs a feature map, got {x}",
        "it is flat here" if x.rank == 1 else f"channels and 1 to 3 axes, here are {x.rank}",
        remedies=(Remove(("flatten",)), *unflattenings(x)) if x.rank == 1 else (),
    )


def unflattenings(x: Tensor) -> Iterator[Insert]:
    """Maps that a flat tensor may stand for: a square one, a row, one position."""
    size = x.shape[0] if isinstance(x.shape[0], int) else 0
    for channels in (1, 3):
        side = isqrt(size // channels)
        if side and channels * side * side == size:
            yield Insert(f"unflatten({channels}x{side}x{side})")
    yield Insert(f"unflatten({x}x1x1)")
    yield Insert(f"unflatten(1x{x})")


def convolved(layer: Layer, sizes: Shape, w: Window, need: Need) -> Shape:
    """Output sizes of a convolution; the padded input must hold at least one window."""
    if w.pads is None:
        return tuple((h + s - 1) // s for h, s in zip(sizes, w.stride, strict=True))
    result: list[Size] = []
    for h, e, s, (before, after) in zip(sizes, w.extent, w.stride, w.pads, strict=True):
        padded, spare = h + before + after, before + after + 1 - e
        if spare < 0:  # or else one position is enough
            need.at_least(padded, e, lambda p=padded, e=e: too_large(layer, w, sizes, p, e))  # type: ignore[misc]
        result.append((h + spare - 1) // s + 1 if s > 1 else h + spare)
    return tuple(result)


def slid(w: Window, sizes: Shape, usual: Usual) -> tuple[Read, ...]:
    """How the positions of a window read the spatial axes."""
    befores = [usual(before) for before, _ in w.borders(sizes)]
    axes = zip(w.extent, w.stride, befores, strict=True)
    return tuple(sliding(axis, e, s, before) for axis, (e, s, before) in enumerate(axes, 1))


def too_large(layer: Layer, w: Window, sizes: Shape, padded: Size, extent: int) -> Problem:
    padding = " with its padding" if any(map(any, w.pads or ())) else ""
    place = next(i for i, e in enumerate(w.extent) if e == extent)
    place = next((i for i, s in enumerate(sizes) if short(w, i, s)), place)
    return Problem(
        "S101",
        f"`{layer.name}` kernel {show(w.kernel)} is larger than its {show(sizes)} input",
        f"needs at least {extent}, has {padded}{padding}",
        notes=(formula(w, sizes, place),),
        field="kernel",
        remedies=(Reorder(), *fitting(w, sizes), Enlarge()),
    )


def short(w: Window, place: int, size: Size) -> bool:
    """True if an axis is known to hold no whole window."""
    pads = (w.pads or ())[place]
    return isinstance(size, int) and size + sum(pads) < w.extent[place]


def fitting(w: Window, sizes: Shape) -> tuple[Give, ...]:
    """The least padding and the largest kernel with which a window fits."""
    known = [size for size in sizes if isinstance(size, int)]
    if len(known) < len(sizes):
        return ()
    needed = [max(0, -((h - e) // 2)) for h, e in zip(known, w.extent, strict=True)]
    pads = [max(n, *p) for n, p in zip(needed, w.pads or (), strict=True)]
    rooms = [h + sum(p) for h, p in zip(known, w.pads or (), strict=True)]
    kernel = [
        min(k, (room - 1) // d + 1) for k, d, room in zip(w.kernel, w.dilation, rooms, strict=True)
    ]
    return (Give("padding", alike(pads, max)), Give("kernel", alike(kernel, min)))


def alike(values: list[int], choose: Callable[[list[int]], int]) -> Any:
    """One number for all axes where the values are equal, else one for each."""
    return choose(values) if len(set(values)) == 1 else tuple(values)


def formula(w: Window, sizes: Shape, place: int, ceil: bool = False) -> str:
    """The size of one axis of the output, the numbers put in."""
    h, k, s, d = sizes[place], w.kernel[place], w.stride[place], w.dilation[place]
    before, after = (w.pads or ())[place]
    pad = f"2*{before}" if before == after else f"{before} + {after}"
    extent = str(k) if d == 1 else f"({d}*({k} - 1) + 1)"
    top = h + before + after - w.extent[place] + (s - 1 if ceil else 0)
    up = f" + {s} - 1" if ceil else ""
    axis = names(len(sizes))[place]
    return f"{axis} of the output: ({h} + {pad} - {extent}{up}) // {s} + 1 = {top // s + 1}"


def names(axes: int) -> tuple[str, ...]:
    """The spatial axes of a map."""
    return AXES[axes + 1][1:]


def pooled(layer: Layer, sizes: Shape, w: Window, ceil: bool, need: Need) -> Shape:
    """Output sizes of pooling: floor or ceil mode, the last window never in the right padding."""
    if w.pads is None:
        return tuple((h + s - 1) // s for h, s in zip(sizes, w.stride, strict=True))
    result: list[Size] = []
    for h, e, s, (before, after) in zip(sizes, w.extent, w.stride, w.pads, strict=True):
        spare = before + after - e + (s if ceil else 1)
        outputs = (h + spare - 1) // s + 1 if s > 1 else h + spare
        if ceil:
            outputs = ceil_clamp(outputs, s, one_free(layer, h, "ceil") + before)
        if spare < 0:  # or else one position is enough
            need.at_least(outputs, 1, lambda: empty(layer, w, sizes, ceil))
        result.append(outputs)
    return tuple(result)


def one_free(layer: Layer, size: Size, field: str) -> Size:
    """A size of at most one free dimension, which rounding up and clamping need."""
    if isinstance(size, Mixed):
        raise fail(
            "S105",
            f"`{field}` of `{layer.name}` needs an axis of one free dimension, got {size}",
            "depends on several sizes at once",
            field=field,
        )
    return size


POOLS = ("maxpool", "avgpool", "lppool")


def empty(layer: Layer, w: Window, sizes: Shape, ceil: bool) -> Problem:
    place = next((i for i, s in enumerate(sizes) if short(w, i, s)), 0)
    rounding = () if ceil else (Give("ceil", True),)
    return Problem(
        "S107",
        f"`{layer.name}` of {show(w.kernel)} leaves nothing of a {show(sizes)} map",
        "the output would be empty",
        notes=(formula(w, sizes, place, ceil),),
        field="kernel",
        remedies=(Reorder(), *rounding, Remove(POOLS), Remove(), Enlarge()),
    )
