"""What several families ask of a tensor, and the words a figure uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnlang.diagnostics.suggest import nearest
from cnnlang.layers.base import Layer, Need, Problem, fail
from cnnlang.layers.remedies import Give, Insert, Omit, Remedy, Reorder, Retype, Widen
from cnnlang.layers.tensor import Tensor
from cnnlang.sizes import Mixed, Shape, Size, product


def need_real(layer: Layer, x: Tensor) -> None:
    """The tensor must hold real numbers."""
    if x.dtype != "float":
        raise fail(
            "S106",
            f"`{layer.name}` needs real numbers, got {x} integers",
            "integers here",
            notes=("integers are looked up first with `embedding(count, width)`",),
            remedies=(Retype("float"),),
        )


def channels_to_front(x: Tensor) -> tuple[Insert, ...]:
    """The permutation after which the channels come first."""
    if "channels" not in x.axes:
        return ()
    order = ("channels", *(axis for axis in x.axes if axis != "channels"))
    return (Insert(f"permute([{', '.join(order)}])"),)


def need_channels(layer: Layer, x: Tensor) -> None:
    """The tensor must hold real numbers and be flat, or have its channels first."""
    need_real(layer, x)
    if x.rank != 1 and not x.channels_first:
        raise fail(
            "S103",
            f"`{layer.name}` needs channels first, got {' x '.join(x.axes) or 'a scalar'}",
            f"the tensor here is {x}",
            remedies=channels_to_front(x),
        )


def widenings(x: Tensor, channels: int) -> tuple[Remedy, ...]:
    """Ways to have so many channels: where they are made, or by a layer more."""
    ones = "x".join("1" * (x.rank - 1))
    return (Widen(channels), Insert(f"conv({channels}, {ones})" if ones else f"dense({channels})"))


def count(x: Tensor) -> int:
    """The number of channels, which is always a plain number once `output` has accepted it."""
    assert isinstance(x.channels, int)
    return x.channels


def incoming(layer: Layer, x: Tensor, declared: int | None) -> int:
    """The incoming channels: a plain number, equal to the declared one if there is one."""
    channels = fixed(layer, x.channels, "channels" if x.rank > 1 else "features")
    if declared is not None and declared != channels:
        raise fail(
            "S110",
            f"`{layer.name}` declares in_channels={declared}, but {channels} channels come in",
            f"the tensor here is {x}",
            field="in_channels",
            notes=("`in_channels` may be left out: it is inferred",),
            remedies=(Reorder(declared), Give("in_channels", channels), Omit("in_channels")),
        )
    return channels


def fixed(layer: Layer, size: Size, what: str) -> int:
    """A size that weights depend on: it must not be free."""
    if isinstance(size, int):
        return size
    raise fail(
        "S105",
        f"`{layer.name}` needs a fixed number of {what}, got {size}",
        "depends on the size of the input",
        notes=("a fixed input has fixed sizes, and `global_avgpool` makes them 1",),
    )


def need_several(need: Need, sizes: Shape, least: int, problem: Callable[[], Problem]) -> None:
    """Some axes must hold at least so many positions together.

    Where several of them are free, each of these must hold as many by itself: the sizes for which
    a network is valid are told for each free dimension apart.
    """
    total = product(sizes)
    listed = [size for size in sizes if not isinstance(size, int)]
    for size in listed if isinstance(total, Mixed) else [total]:
        need.at_least(size, least, problem)


def axis_index(layer: Layer, x: Tensor, axis: Any, field: str = "axis") -> int:
    """The index of an axis given by name or number (the batch axis not counted)."""
    if isinstance(axis, int) and axis < x.rank:
        return axis
    if axis in x.axes:
        return x.axes.index(axis)
    known = ", ".join(x.axes) or "none"
    near = nearest(str(axis), x.axes) or KINDRED.get((axis, x.rank))
    alone = vars(layer).get(field) == axis
    raise fail(
        "S116",
        f"`{layer.name}` has no axis `{axis}` here",
        f"the tensor {x} has {known}",
        field=field,
        remedies=other_axes(x, axis, field, near) if alone else (Omit(field),),
    )


def other_axes(x: Tensor, axis: Any, field: str, near: str | None) -> tuple[Remedy, ...]:
    """An axis of a like name; one that was counted with the batch; the usual one."""
    counted = isinstance(axis, int) and axis == x.rank and x.rank > 0
    named = near or (x.axes[-1] if counted else None)
    return ((Give(field, named),) if named else ()) + (Omit(field),)


KINDRED = {
    **{(axis, 1): "features" for axis in ("channels", "length", "height", "width")},
    ("features", 2): "channels",
    ("features", 3): "channels",
    ("features", 4): "channels",
    ("width", 2): "length",
    ("height", 2): "length",
    ("length", 3): "width",
}
"""The axis that is meant by the name of another, by the number of axes."""


def axis_indices(layer: Layer, x: Tensor, axes: Any) -> tuple[int, ...]:
    """The indices of one or several axes, in the order of the tensor, each once."""
    listed = axes if isinstance(axes, tuple) else (axes,)
    return tuple(sorted({axis_index(layer, x, axis) for axis in listed}))


def dims(places: tuple[int, ...]) -> Any:
    """PyTorch's numbers for some axes: the batch counts there; a single one stands alone."""
    return places[0] + 1 if len(places) == 1 else tuple(place + 1 for place in places)


def asked(*parts: tuple[str, Any]) -> tuple[tuple[str, Any], ...]:
    """The weights for which an initialisation was asked."""
    return tuple((name, how) for name, how in parts if how is not None)


def captions(
    kernel: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1
) -> tuple[str, ...]:
    """The window as a figure says it."""
    parts = [times(kernel)]
    parts += [f"stride {times(stride)}"] if stride not in (1, None) else []
    parts += [f"pad {times(padding)}"] if padding != 0 else []
    parts += [f"dilation {times(dilation)}"] if dilation != 1 else []
    return tuple(parts)


def times(value: Any) -> str:
    """`3×3` for (3, 3)."""
    return "×".join(map(str, value)) if isinstance(value, tuple) else str(value)
