"""Noise in training that makes a network rely on no single feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from cnnlang.layers.base import Inputs, Layer, Need, call
from cnnlang.layers.code import Code, unless
from cnnlang.layers.common import need_real
from cnnlang.layers.storage import Bytes, Stored, Values, amount
from cnnlang.layers.tape import Tape, Unpredictable
from cnnlang.layers.tensor import Tensor
from cnnlang.layers.window import need_map

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Probability


class Dropping(Layer, family="Regularisation"):
    """What all layers have that drop something in training, and nothing in evaluation.

    Formula: in training 0 with probability p, else `y = x / (1 - p)`; in evaluation `y = x`
    Output: as the input
    """

    p: Probability = 0.5
    """Probability of dropping."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        return x

    def noisy(self, tape: Tape, x: Stored, noise: Bytes) -> Stored:
        """The tensor times some noise in training, itself in evaluation."""
        if not tape.training or self.p == 0:
            return tape.view(x, x.shape, x.order, way="same")
        return tape.unary("mul", x, noise)

    def caption(self) -> tuple[str, ...]:
        return (f"p {self.p:g}",)


class Dropout(Dropping, name="dropout"):
    """Sets single numbers to 0 in training.

    Example: `dropout(0.2)` takes 4096 to 4096.
    Source: Srivastava et al. 2014;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html
    """

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        noise = x.mask if tape.device == "cuda" else x.size
        return self.noisy(tape, x, noise if self.p < 1 else amount((), x.dtype, batched=False))

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call("nn.Dropout", self.p)


class ChannelDropout(Dropping, name="channel_dropout"):
    """Sets whole channels to 0 in training.

    Example: `channel_dropout(0.1)` takes 64x28x28 to 64x28x28.
    Source: Tompson et al. 2015, https://arxiv.org/abs/1411.4280;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout2d.html
    """

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        need_map(self, inputs[0])
        return inputs[0]

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        shape, batched = (x.shape[:1], True) if self.p < 1 else ((), False)
        return self.noisy(tape, x, amount(shape, x.dtype, batched))

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call(f"nn.Dropout{inputs[0].rank - 1}d", self.p)


class AlphaDropout(Dropping, name="alpha_dropout"):
    """Dropout that keeps mean 0 and variance 1, for networks of `selu`.

    Formula: in training `y = a·x + a·p·α`, with -α in the place of x where it is dropped, `α =
    1.7581` and `a = 1 / √((1 - p)·(1 + p·α²))`; in evaluation `y = x`
    Example: `alpha_dropout(0.1)` takes 256 to 256.
    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AlphaDropout.html
    """

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        raise Unpredictable(f"`{self.name}` is made of many operations, which are not followed")

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call("nn.AlphaDropout", self.p)


class ChannelAlphaDropout(ChannelDropout, name="channel_alpha_dropout"):
    """Alpha dropout of whole channels.

    Formula: as for `alpha_dropout`, the same for all positions of a channel
    Example: `channel_alpha_dropout(0.1)` takes 64x28x28 to 64x28x28.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.FeatureAlphaDropout.html
    """

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        raise Unpredictable(f"`{self.name}` is made of many operations, which are not followed")

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call("nn.FeatureAlphaDropout", self.p)


class DropPath(Dropping, name="droppath"):
    """Stochastic depth: sets whole samples to 0 in training, for use on the path of a residual.

    Example: `droppath(0.1)` takes 96x56x56 to 96x56x56.
    Source: Huang et al. 2016, https://arxiv.org/abs/1603.09382;
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.stochastic_depth.html
    """

    _: KW_ONLY
    mode: Literal["row", "batch"] = "row"
    """`row` draws for each sample by itself, `batch` once for all of them."""

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        return self.noisy(tape, x, amount((), x.dtype, self.mode == "row"))

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call("StochasticDepth", self.p, mode=unless(self.mode, "row"))
