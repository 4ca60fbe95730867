"""Normalisation: mean 0 and variance 1 over some axes, then a learned scale and offset."""

from __future__ import annotations

from math import gcd, prod
from typing import TYPE_CHECKING, Any, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, Problem, Weight, call, fail
from cnnlang.layers.code import Code, unless
from cnnlang.layers.common import (
    asked,
    axis_indices,
    count,
    fixed,
    incoming,
    need_channels,
    need_real,
    need_several,
)
from cnnlang.layers.reading import Reads, Usual, owned
from cnnlang.layers.remedies import Become, Give, Omit, Remove
from cnnlang.layers.storage import Bytes, Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor
from cnnlang.layers.window import need_map

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Axes, Count, Flag, Init, Positive, Probability


class Normalization(Layer, family="Normalisation"):
    """What the layers have in common that learn a scale and an offset per channel.

    Formula: `y = weight·(x - mean(x)) / √(var(x) + eps) + bias`
    Output: as the input
    Weights: scales `C` and offsets `C`
    """

    _: KW_ONLY
    eps: Positive = 1e-5
    """Added to the variance, against division by 0."""
    affine: Flag = True
    """Whether to learn a scale and an offset per channel."""
    bias: Flag = True
    """Whether to learn the offset too; without it the source needs PyTorch above 2.11."""
    in_channels: Count | None = None
    """Declared number of incoming channels, checked; it is inferred otherwise."""
    init: Init = None
    """Initialisation of the scales; 1 otherwise."""
    bias_init: Init = None
    """Initialisation of the offsets; 0 otherwise."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_channels(self, x)
        incoming(self, x, self.in_channels)
        return x

    def meant(self, inputs: Inputs) -> Tensor | None:
        return inputs[0]

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        channels = (count(inputs[0]),)
        names = ("weight", "bias")[: self.affine * (1 + self.bias)]
        return tuple(Weight(name, channels) for name in names)

    def initial(self, inputs: Inputs) -> tuple[tuple[str, Any], ...]:
        own = {weight.name for weight in self.weights(inputs)}
        return tuple(
            (name, how)
            for name, how in asked(("weight", self.init), ("bias", self.bias_init))
            if name in own
        )


class Running(Normalization):
    """Normalisation that may keep running statistics for evaluation."""

    if TYPE_CHECKING:
        track: Flag

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        if not self.track:
            return super().weights(inputs)
        channels = (count(inputs[0]),)
        return (
            *super().weights(inputs),
            Weight("running_mean", channels, trainable=False),
            Weight("running_var", channels, trainable=False),
            Weight("num_batches_tracked", (), trainable=False),
        )


class BatchNorm(Running, name="batchnorm"):
    """Batch normalisation: every channel gets mean 0 and variance 1 over the batch.

    The mean is over the batch and all positions; in evaluation, running statistics take its place.

    Buffers: running means `C`, running variances `C`, and the number of batches so far
    Example: `batchnorm` takes 64x56x56 to 64x56x56; 128 parameters.
    Source: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
    """

    overwritable: ClassVar[bool] = True
    _: KW_ONLY
    momentum: Probability | None = 0.1
    """Share of the newest batch in the running statistics; `none` for their plain average."""
    track: Flag = True
    """Whether to keep running statistics for evaluation."""

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        (x,) = inputs
        return (owned(x.rank, *(range(1, x.rank) if not self.track else ())),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        if self.track and not tape.training:
            return tape.op("batch_norm", x.shape, x, order=x.order)
        return tape.normalized("batch_norm", x, Bytes(2 * tape.wide * count(inputs[0])))

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        (x,) = inputs
        return call(
            f"nn.BatchNorm{max(1, x.rank - 1)}d",
            count(x),
            eps=unless(self.eps, 1e-5),
            momentum=unless(self.momentum, 0.1),
            affine=unless(self.affine, True),
            track_running_stats=unless(self.track, True),
            bias=unless(self.bias, True),
        )


class InstanceNorm(Running, name="instancenorm"):
    """Instance normalisation: every channel of every sample gets mean 0 and variance 1.

    It has weights with `affine=true` only, and running statistics like those of `batchnorm` with
    `track=true` only.

    Example: `instancenorm(affine=true)` takes 64x56x56 to 64x56x56; 128 parameters.
    Source: Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.InstanceNorm2d.html
    """

    _: KW_ONLY
    affine: Flag = False
    """Whether to learn a scale and an offset per channel."""
    momentum: Probability = 0.1
    """Share of the newest batch in the running statistics."""
    track: Flag = False
    """Whether to keep running statistics for evaluation."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_map(self, x)
        need_several(need, x.spatial, 2, lambda: single(x))
        return super().output(inputs, need)

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return (owned(output.rank, *(() if self.track else range(1, output.rank))),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        repeated = {name: tape.repeated(each) for name, each in tape.own.items() if each.shape}
        if self.track and not tape.training:
            return tape.op("batch_norm", x.shape, x, order=x.order)
        tape.own = repeated
        return tape.normalized("batch_norm", x, Bytes(0, 2 * tape.wide * count(inputs[0])))

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        (x,) = inputs
        return call(
            f"nn.InstanceNorm{x.rank - 1}d",
            count(x),
            eps=unless(self.eps, 1e-5),
            momentum=unless(self.momentum, 0.1),
            affine=unless(self.affine, False),
            track_running_stats=unless(self.track, False),
            bias=unless(self.bias, True),
        )


class GroupNorm(Normalization, name="groupnorm"):
    """Group normalisation: every group of channels of every sample gets mean 0 and variance 1.

    Example: `groupnorm(32)` takes 64x56x56 to 64x56x56; 128 parameters.
    Source: Wu and He 2018, https://arxiv.org/abs/1803.08494;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html
    """

    groups: Count
    """Number of groups; it divides the channels."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        result = super().output(inputs, need)
        if count(x) % self.groups:
            raise fail(
                "S111",
                f"`groupnorm` cannot split {x.channels} channels into {self.groups} groups",
                f"{x.channels} is not divisible by {self.groups}",
                field="groups",
                remedies=(Give("groups", gcd(count(x), self.groups)),),
            )
        return result

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return (owned(output.rank, *range(output.rank)),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.normalized("group_norm", values[0], Bytes(0, 2 * tape.wide * self.groups))

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call(
            "nn.GroupNorm",
            self.groups,
            count(inputs[0]),
            eps=unless(self.eps, 1e-5),
            affine=unless(self.affine, True),
            bias=unless(self.bias, True),
        )

    def caption(self) -> tuple[str, ...]:
        return (f"{self.groups} groups",)


class Shaped(Layer, family="Normalisation"):
    """What `layernorm` and `rmsnorm` share: weights of the shape of the normalised axes.

    Output: as the input
    """

    axis: Axes | None = None
    """The axes to normalise over: the channels, or the last axes; all of them unless given."""
    _: KW_ONLY
    affine: Flag = True
    """Whether to learn a scale (and an offset) for each position of those axes."""
    in_channels: Count | None = None
    """Declared number of incoming channels, checked; it is inferred otherwise."""
    init: Init = None
    """Initialisation of the scales; 1 otherwise."""

    def first(self, x: Tensor) -> int | None:
        """The index from which all axes are normalised; None for the channels of a map alone."""
        if not x.rank:
            raise fail("S103", f"`{self.name}` needs an axis, got a scalar")
        if self.axis is None:
            return 0
        places = axis_indices(self, x, self.axis)
        if places == tuple(range(places[0], x.rank)):
            return places[0]
        if places == (0,):
            return None
        named = [x.axes[place] for place in places]
        raise fail(
            "S130",
            f"`{self.name}` works over the last axes or the first, not {', '.join(named)}",
            f"the tensor {x} has {', '.join(x.axes)}",
            field="axis",
            notes=("a `permute` before it may put the axes last",),
            remedies=(Give("axis", "channels"), Omit("axis")),
        )

    def normalized(self, x: Tensor) -> tuple[int, ...]:
        """The sizes of the normalised axes."""
        first = self.first(x)
        sizes = x.shape[:1] if first is None else x.shape[first:]
        return tuple(fixed(self, size, "positions to normalise over") for size in sizes)

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        if self.in_channels is not None:
            incoming(self, x, self.in_channels)
        self.normalized(x)
        return x

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        first = self.first(output)
        return (owned(output.rank, *((0,) if first is None else range(first, output.rank))),)

    def faced(self, tape: Tape, value: Stored, x: Tensor) -> tuple[Stored, int]:
        """The tensor with the normalised axes last, and the number of rows before them."""
        turned = tape.moved(value, 1, -1) if self.first(x) is None else value
        return turned, prod(turned.shape) // prod(self.normalized(x))

    def turned(self, tape: Tape, value: Stored, x: Tensor) -> Stored:
        """The tensor with its axes as they were."""
        return tape.moved(value, -1, 1) if self.first(x) is None else value

    def made(self, x: Tensor, kind: str, **options: Any) -> Code:
        """The module `kind`, or the one from the prelude for the first axis of a map."""
        owner = "Channel" if self.first(x) is None else "nn."
        affine = unless(self.affine, True)
        shape = self.normalized(x)
        sizes = shape[0] if len(shape) == 1 else shape
        return call(f"{owner}{kind}", sizes, elementwise_affine=affine, **options)

    def caption(self) -> tuple[str, ...]:
        return () if self.axis is None else (f"over {self.axis}",)


class LayerNorm(Shaped, name="layernorm"):
    """Layer normalisation: every sample gets mean 0 and variance 1 over some axes.

    `axis=channels` normalises every position of a map by itself, as ConvNeXt does. The normalised
    axes must not be free.

    Formula: `y = weight·(x - mean(x)) / √(var(x) + eps) + bias`
    Weights: over the channels scales `C` and offsets `C`; over other axes as many as these have
    positions
    Example: `layernorm(channels)` takes 96x56x56 to 96x56x56; 192 parameters.
    Source: Ba et al. 2016, https://arxiv.org/abs/1607.06450;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
    """

    _: KW_ONLY
    eps: Positive = 1e-5
    """Added to the variance, against division by 0."""
    bias: Flag = True
    """Whether to learn the offset too."""
    bias_init: Init = None
    """Initialisation of the offsets; 0 otherwise."""

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        if not self.affine:
            return ()
        shape = self.normalized(inputs[0])
        weight = Weight("weight", shape)
        return (weight, Weight("bias", shape)) if self.bias else (weight,)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        x, rows = self.faced(tape, values[0], inputs[0])
        made = tape.normalized("layer_norm", x, Bytes(0, 2 * tape.wide * rows))
        return self.turned(tape, made, inputs[0])

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        eps, bias = unless(self.eps, 1e-5), unless(self.bias, True)
        return self.made(inputs[0], "LayerNorm", eps=eps, bias=bias)

    def initial(self, inputs: Inputs) -> tuple[tuple[str, Any], ...]:
        if not self.affine:
            return ()
        return asked(("weight", self.init), ("bias", self.bias_init if self.bias else None))


class RmsNorm(Shaped, name="rmsnorm"):
    """Divides by the root of the mean square over some axes, then applies a learned scale.

    The axes are as for `layernorm`.

    Formula: `y = weight·x / √(mean(x²) + eps)`
    Weights: over the channels scales `C`; over other axes as many as these have positions
    Example: `rmsnorm(channels)` takes 96x56x56 to 96x56x56; 96 parameters.
    Source: Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.RMSNorm.html
    """

    _: KW_ONLY
    eps: Positive | None = None
    """Added to the mean square; the smallest step of the number format unless given."""

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        return (Weight("weight", self.normalized(inputs[0])),) if self.affine else ()

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        x, rows = self.faced(tape, values[0], inputs[0])
        if tape.device == "cuda":
            made = tape.normalized("rms_norm", x, Bytes(0, tape.wide * rows))
        else:
            made = self.composed(tape, x, rows)
        return self.turned(tape, made, inputs[0])

    def composed(self, tape: Tape, x: Stored, rows: int) -> Stored:
        """The operations that make it up where there is no fused one."""
        squares = tape.unary("pow", x, 0, most=x.size.times(3))
        means = tape.op("mean", (rows,), squares)
        roots = tape.unary("rsqrt", means, "result", most=means.size.times(3))
        tape.release(squares, means)
        made = tape.scaled(x, roots)
        made = tape.scaled(made, tape.own["weight"]) if self.affine else made
        return made if x.order is None else tape.copy(made)

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return self.made(inputs[0], "RMSNorm", eps=unless(self.eps, None))

    def initial(self, inputs: Inputs) -> tuple[tuple[str, Any], ...]:
        return asked(("weight", self.init)) if self.affine else ()


def single(x: Tensor) -> Problem:
    return Problem(
        "S131",
        f"`instancenorm` needs more than one position, got {x}",
        "one value has no variance",
        remedies=(Remove(), Become("layernorm")),
    )
