"""Learned numbers that scale or shift a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, Weight, call
from cnnlang.layers.code import SELF, Code, X
from cnnlang.layers.common import axis_indices, fixed, incoming, need_real
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Axes, Count, Flag, Real


class Learned(Layer, family="Learned"):
    """One learned number for each position of some axes, the same for all others.

    It is an `nn.Parameter` of the network itself, called as the layer is, so that `layer_scale:
    scale(1e-6)` of a ConvNeXt block is `layer_scale` of shape C x 1 x 1, as in torchvision.

    Output: as the input
    Weights: `C × 1 × 1`, and `1` with `single=true`
    """

    sign: ClassVar[str]

    if TYPE_CHECKING:
        initial_value: Real

    _: KW_ONLY
    axis: Axes = "channels"
    """The axes that have numbers of their own; the features of a flat tensor count as channels."""
    single: Flag = False
    """Whether a single number is learned for all positions."""
    in_channels: Count | None = None
    """Declared number of incoming channels, checked; it is inferred otherwise."""

    def places(self, x: Tensor) -> tuple[int, ...]:
        """The indices of the axes that have numbers of their own."""
        if x.rank == 1 and self.axis == "channels":
            return (0,)
        return axis_indices(self, x, self.axis)

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        if self.in_channels is not None:
            incoming(self, x, self.in_channels)
        self.form(x)
        return x

    def form(self, x: Tensor) -> tuple[int, ...]:
        """The shape of the parameter: 1 for the axes that share their numbers."""
        if self.single:
            return (1,)
        own = self.places(x)
        return tuple(
            fixed(self, size, x.axes[i]) if i in own else 1 for i, size in enumerate(x.shape)
        )

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        return (Weight("", self.form(inputs[0])),)

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call("nn.Parameter", call("torch.full", self.form(inputs[0]), self.initial_value))

    def code(self, inputs: Inputs, output: Tensor) -> Code:
        return Code(type(self).sign, (X, SELF))


class Scale(Learned, name="scale"):
    """Multiplies by a learned factor for each channel.

    Formula: `y = weight·x`
    Example: `scale(1e-6)` takes 96x56x56 to 96x56x56; 96 parameters.
    Source: Touvron et al. 2021 (LayerScale), https://arxiv.org/abs/2103.17239; Bachlechner et al.
    2020 (ReZero, with `single=true`), https://arxiv.org/abs/2003.04887
    """

    initial_value: Real = 1.0
    """The factor to begin with."""

    sign: ClassVar[str] = "*"

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.scaled(values[0], tape.own[""])


class Bias(Learned, name="bias"):
    """Adds a learned offset for each channel.

    With `axis=[channels, height, width]` it is a learned position encoding.

    Formula: `y = x + weight`
    Example: `bias` takes 16x8x8 to 16x8x8; 16 parameters.
    Source: Dosovitskiy et al. 2020 (position embeddings), https://arxiv.org/abs/2010.11929;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html
    """

    initial_value: Real = 0.0
    """The offset to begin with."""

    sign: ClassVar[str] = "+"

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        return tape.sum(values[0], tape.own[""])
