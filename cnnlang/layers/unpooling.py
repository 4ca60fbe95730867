"""Layers around pooling that need more than a window: unpooling, and pooling after a blur."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, Problem, Weight, call, fail
from cnnlang.layers.code import Code, Operand, Raw, X, unless
from cnnlang.layers.common import captions, count, fixed
from cnnlang.layers.fitting import LIKE
from cnnlang.layers.joining import fitting
from cnnlang.layers.pooling import MaxPool
from cnnlang.layers.reading import Reads, Usual, own, sliding, spreading, through
from cnnlang.layers.remedies import Give, Insert
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor, show
from cnnlang.layers.window import need_map, slid
from cnnlang.sizes import Size, product

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Count, Flag, PadMode, Reference, Sizes, Wholes


class MaxUnpool(Layer, name="maxunpool", family="Pooling"):
    """Puts every number where the largest of its window was, and 0 elsewhere.

    `like` names the tensor that the max pooling took in (not the one that it gave); the places are
    found by pooling it again, so that `maxpool` itself stays as it is.

    Output: `C × H₂ × W₂`, the shape of `like`
    Example: `maxunpool(2x2, like=skip)` takes 64x14x14 and `skip` 64x28x28 to 64x28x28.
    Source: Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901; Badrinarayanan et al. 2015
    (SegNet), https://arxiv.org/abs/1511.00561;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxUnpool2d.html
    """

    references: ClassVar[tuple[str, ...]] = ("like",)

    kernel: Sizes
    """Size of the window of the max pooling."""
    _: KW_ONLY
    like: Reference
    """The tensor that the max pooling took in."""
    stride: Sizes | None = None
    """Stride of the max pooling; the size of the window unless given."""
    padding: Wholes = 0
    """Padding of the max pooling."""
    ceil: Flag = False
    """Whether the max pooling rounds up."""

    def pool(self) -> MaxPool:
        """The max pooling to invert."""
        return MaxPool.make(
            {name: vars(self)[name] for name in ("kernel", "stride", "padding", "ceil")}
        )

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        x, before = inputs
        need_map(self, x)
        if before.rank != x.rank or before.channels != x.channels or not before.channels_first:
            raise fail(
                "S121",
                f"`maxunpool` of {x} cannot put its numbers into {before}",
                "as many channels and axes are needed",
                field="like",
            )
        after = self.pool().output((before,), need)
        for mine, pooled in zip(x.spatial, after.spatial, strict=True):
            need.alike(mine, pooled, lambda: self.unpooled(x, before, after))
        return before

    def unpooled(self, x: Tensor, before: Tensor, after: Tensor) -> Problem:
        """Not pooled yet, or changed in size since it was pooled."""
        pools = (self.pool().written(),) if x.spatial == before.spatial else ()
        return Problem(
            "S132",
            f"`maxunpool` needs {show(after.spatial)}, what pooling makes of {before}, got {x}",
            "the sizes do not belong together",
            field="like",
            notes=("`like` names the tensor that went into the matching `maxpool`",),
            remedies=tuple(map(Insert, (*pools, *fitting(x, after)))),
        )

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        _, before = inputs
        w = self.pool().window(before)
        pads = (pad for pad, _ in w.borders(before.spatial))
        axes = zip(w.kernel, w.stride, map(usual, pads), strict=True)
        there = tuple(spreading(axis, k, s, 1, pad) for axis, (k, s, pad) in enumerate(axes, 1))
        again = slid(w, before.spatial, usual)
        back = tuple(through(*pair) for pair in zip(there, again, strict=True))
        return (own(0), *there), (own(0), *back)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        x, _ = values
        return tape.op("max_unpool", output.shape, x, saves=(tape.indices(x),))

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        x, before = inputs
        axes, pool = x.rank - 1, self.pool()
        w = pool.window(before)
        options = pool.options(w)
        again = call(f"F.max_pool{axes}d", Operand(1), pool.size(w), **options, return_indices=True)
        del options["ceil_mode"], options["dilation"]
        places = Code("[]", (again, Raw("1")))
        return call(f"F.max_unpool{axes}d", X, places, pool.size(w), **options, output_size=LIKE)

    def caption(self) -> tuple[str, ...]:
        return captions(self.kernel, self.stride, self.padding)


class BlurPool(Layer, name="blurpool", family="Pooling"):
    """Anti-aliased downsampling: a fixed binomial filter, then every stride-th position.

    Output: `C × H' × W'`, where `H' = ⌈H / stride⌉`
    Buffers: the filter of every channel, `C × 1 × kernel × kernel`
    MACs: `C·H'·W'·kernel²`
    Example: `blurpool(3)` takes 64x112x112 to 64x56x56; 1,806,336 MACs.
    Source: Zhang 2019, https://arxiv.org/abs/1904.11486
    """

    kernel: Count = 4
    """Number of taps of the filter on each axis."""
    _: KW_ONLY
    stride: Count = 2
    """Step between the positions that are kept."""
    pad_mode: PadMode = "reflect"
    """What to pad with."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_map(self, x)
        fixed(self, x.channels, "channels")
        pad = self.kernel // 2
        least = {"reflect": pad + 1, "circular": pad}.get(self.pad_mode, 1)
        for size in x.spatial if least > 1 else ():
            need.at_least(size, least, lambda s=size: narrow_map(self, s, pad))  # type: ignore[misc]
        sizes = tuple((size + self.stride - 1) // self.stride for size in x.spatial)
        return x.resized((x.channels, *sizes))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        spatial = range(1, output.rank)
        before = (self.kernel - 1) // 2
        return ((own(0), *(sliding(i, self.kernel, self.stride, before) for i in spatial)),)

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        (x,) = inputs
        taps = (self.kernel,) * (x.rank - 1)
        return (Weight("filt", (count(x), 1, *taps), trainable=False),)

    def macs(self, inputs: Inputs, output: Tensor) -> Size:
        return prod(self.weights(inputs)[0].shape[1:]) * product(output.shape)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        pad = ((self.kernel - 1) // 2, self.kernel // 2)
        padded = tape.padded(x, (pad,) * len(inputs[0].spatial), self.pad_mode)
        return tape.product("convolution", output.shape, padded, tape.own["filt"])

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        (x,) = inputs
        return call(
            "BlurPool",
            count(x),
            axes=unless(x.rank - 1, 2),
            kernel_size=unless(self.kernel, 4),
            stride=unless(self.stride, 2),
            padding_mode=unless(self.pad_mode, "reflect"),
        )

    def caption(self) -> tuple[str, ...]:
        return captions(self.kernel, self.stride)


def narrow_map(layer: BlurPool, size: Size, pad: int) -> Problem:
    return Problem(
        "S112",
        f"`pad_mode={layer.pad_mode}` of `blurpool` cannot take {pad} from an axis of {size}",
        "pads more than there is",
        field="pad_mode",
        remedies=(Give("pad_mode", "replicate"),),
    )
