"""The type of a tensor: its sizes, what its axes are, and whether it holds reals or integers.

The batch axis is never part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cnnlang.records import dataclass
from cnnlang.sizes import UNKNOWN, Shape, Size, is_known

AXES: dict[int, tuple[str, ...]] = {
    0: (),
    1: ("features",),
    2: ("channels", "length"),
    3: ("channels", "height", "width"),
    4: ("channels", "depth", "height", "width"),
}
AXIS_NAMES = ("channels", "features", "length", "depth", "height", "width")
SPATIAL = ("length", "depth", "height", "width")
TOKENS: dict[int, tuple[str, ...]] = {
    1: ("length",),
    2: ("height", "width"),
    3: ("depth", "height", "width"),
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor without its batch axis: `shape`, the names of its `axes`, its `dtype`.

    `dtype` is "float" or "int". `axes` is channels-first unless a `permute` said otherwise.
    """

    shape: Shape
    axes: tuple[str, ...]
    dtype: str = "float"

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def channels(self) -> Size:
        """The size of the channel axis; of the only axis for a flat tensor."""
        return self.shape[self.channel_axis]

    @property
    def channel_axis(self) -> int:
        return self.axes.index("channels") if "channels" in self.axes else 0

    @property
    def spatial(self) -> Shape:
        """The sizes after the first axis."""
        return self.shape[1:]

    @property
    def channels_first(self) -> bool:
        """True for channels followed by spatial axes, in whatever order those are."""
        return self.axes[:1] == ("channels",) and set(self.axes[1:]) <= set(SPATIAL)

    def size(self, axis: str) -> Size | None:
        """The size of the axis called `axis`, None if there is no such axis."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else None

    @property
    def certain(self) -> bool:
        """False if a size is not known because of a mistake."""
        return all(map(is_known, self.shape))

    def open(self, channels: Size) -> Tensor:
        """As many axes with other channels and unknown positions."""
        return self.resized((channels, *(UNKNOWN,) * (self.rank - 1)))

    def resized(self, shape: Iterable[Size]) -> Tensor:
        """The same axes with other sizes."""
        return Tensor(tuple(shape), self.axes, self.dtype)

    def __str__(self) -> str:
        return show(self.shape)


def image(*shape: Size) -> Tensor:
    """A channels-first tensor of reals; a flat one for a single size."""
    return Tensor(shape, AXES[len(shape)])


def show(shape: Shape) -> str:
    """A shape as text: `64x32x32`, `64 x ceil(H/2) x ceil(W/2)`, `scalar` for no axis at all."""
    if not shape:
        return "scalar"
    parts = [str(size) for size in shape]
    if all(part.isalnum() for part in parts):
        return "x".join(parts)
    return " x ".join(f"({part})" if re.search(r" [+-] [0-9]+$", part) else part for part in parts)
