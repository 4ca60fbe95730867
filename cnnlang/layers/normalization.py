"""Normalisation: mean 0 and variance 1 over some axes, then a learned scale and offset."""

from __future__ import annotations

from dataclasses import KW_ONLY
from math import gcd
from typing import TYPE_CHECKING, Any, Literal

from cnnlang.layers.base import Inputs, Layer, Need, Problem, Weight, call, fail
from cnnlang.layers.code import Code, X, unless
from cnnlang.layers.common import (
    asked,
    axis_index,
    axis_indices,
    count,
    fixed,
    incoming,
    need_channels,
    need_real,
    need_several,
)
from cnnlang.layers.tensor import Tensor
from cnnlang.layers.window import need_map

if TYPE_CHECKING:
    from cnnlang.layers.fields import Axes, Axis, Count, Flag, Init, Positive, Probability, Real


class Normalization(Layer, family="Normalisation"):
    """What the layers have in common that learn a scale and an offset per channel."""

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

    In evaluation the running statistics take the place of the batch's. Weights: a scale and an
    offset per channel. Source: Ioffe and Szegedy 2015;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
    """

    _: KW_ONLY
    momentum: Probability | None = 0.1
    """Share of the newest batch in the running statistics; `none` for their plain average."""
    track: Flag = True
    """Whether to keep running statistics for evaluation."""

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

    Source: Ulyanov et al. 2016;
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
        need_several(need, x.spatial, 2, lambda: single(self, x))
        return super().output(inputs, need)

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

    Source: Wu and He 2018; https://docs.pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html
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
                help=f"use `groups={gcd(count(x), self.groups)}`",
            )
        if count(x) == self.groups:
            need_several(need, x.spatial, 2, lambda: single(self, x))
        return result

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
    """What `layernorm` and `rmsnorm` share: weights of the shape of the normalised axes."""

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
            help="`permute` the axes first",
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

    Over all axes unless `axis` is given; `axis=channels` normalises every position of a map by
    itself, as ConvNeXt does. Weights: a scale and an offset of the shape of those axes, which must
    not be free. Source: Ba et al. 2016;
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

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        eps, bias = unless(self.eps, 1e-5), unless(self.bias, True)
        return self.made(inputs[0], "LayerNorm", eps=eps, bias=bias)

    def initial(self, inputs: Inputs) -> tuple[tuple[str, Any], ...]:
        if not self.affine:
            return ()
        return asked(("weight", self.init), ("bias", self.bias_init if self.bias else None))


class RmsNorm(Shaped, name="rmsnorm"):
    """Divides by the root of the mean square over some axes, then applies a learned scale.

    Axes as for `layernorm`. Source: Zhang and Sennrich 2019;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.RMSNorm.html
    """

    _: KW_ONLY
    eps: Positive | None = None
    """Added to the mean square; the smallest step of the number format unless given."""

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        return (Weight("weight", self.normalized(inputs[0])),) if self.affine else ()

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return self.made(inputs[0], "RMSNorm", eps=unless(self.eps, None))

    def initial(self, inputs: Inputs) -> tuple[tuple[str, Any], ...]:
        return asked(("weight", self.init)) if self.affine else ()


class LocalResponseNorm(Layer, name="lrn", family="Normalisation"):
    """Local response normalisation: x / (k + alpha * mean of x * x over the neighbours) ** beta.

    The neighbours are `size` channels, or with `region=within` a window of each channel.
    Source: Krizhevsky et al. 2012 (AlexNet);
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LocalResponseNorm.html
    """

    size: Count = 5
    """Number of neighbouring channels, or the side of the window; odd for `region=within`."""
    _: KW_ONLY
    alpha: Real = 1e-4
    """Factor of the mean square."""
    beta: Real = 0.75
    """The exponent."""
    k: Real = 1.0
    """Added to the mean square."""
    region: Literal["across", "within"] = "across"
    """Neighbours `across` the channels, or `within` each channel."""

    def check(self) -> None:
        if self.region == "within" and self.size % 2 == 0:
            raise fail(
                "A208", f"`lrn` within channels needs an odd size, got {self.size}", field="size"
            )

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        need_map(self, inputs[0])
        return inputs[0]

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        name = "nn.LocalResponseNorm" if self.region == "across" else "WindowResponseNorm"
        return call(
            name,
            self.size,
            alpha=unless(self.alpha, 1e-4),
            beta=unless(self.beta, 0.75),
            k=unless(self.k, 1.0),
        )

    def caption(self) -> tuple[str, ...]:
        return (str(self.size),)


class L2Norm(Layer, name="l2norm", family="Normalisation"):
    """x divided by its Euclidean length along an axis.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.normalize.html
    """

    axis: Axis | None = None
    """The axis to measure; the channels (the features of a flat tensor) unless given."""
    _: KW_ONLY
    eps: Positive = 1e-12
    """The least length to divide by."""

    def place(self, x: Tensor) -> int:
        if not x.rank:
            raise fail("S103", "`l2norm` needs an axis, got a scalar")
        return x.channel_axis if self.axis is None else axis_index(self, x, self.axis)

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        self.place(x)
        return x

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call("L2Norm", dim=unless(self.place(inputs[0]) + 1, 1), eps=unless(self.eps, 1e-12))

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        dim = unless(self.place(inputs[0]) + 1, 1)
        return call("F.normalize", X, dim=dim, eps=unless(self.eps, 1e-12))


def single(layer: Layer, x: Tensor) -> Problem:
    what = "position" if layer.name == "instancenorm" else "value per group"
    return Problem(
        "S131",
        f"`{layer.name}` needs more than one {what}, got {x}",
        "one value has no variance",
        help="leave it out here, or use `layernorm`",
    )
