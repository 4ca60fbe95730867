"""Recurrent layers over a sequence of channels x length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cnnlang.layers.base import Inputs, Layer, Need, Weight, call, fail
from cnnlang.layers.code import SELF, Code, Raw, Value, X, unless
from cnnlang.layers.common import count, incoming
from cnnlang.layers.reading import Reads, Usual, owned
from cnnlang.layers.remedies import Insert, Omit
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape, Unpredictable
from cnnlang.layers.tensor import AXES, Tensor
from cnnlang.layers.window import need_map
from cnnlang.sizes import Size

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Count, Flag, Probability


class Recurrent(Layer, family="Sequence"):
    """A state of `hidden` numbers that is carried along a sequence of channels x length.

    Output: `hidden × L`, and `hidden` with `returns=last`; both directions give twice as many
    channels
    """

    gates: ClassVar[int]

    hidden: Count
    """Size of the state: the channels of the output."""
    _: KW_ONLY
    layers: Count = 1
    """Number of layers, each of which reads the one before it."""
    bidirectional: Flag = False
    """Whether a second state reads the sequence from its end."""
    dropout: Probability = 0.0
    """Probability of dropping an output of each layer but the last, in training."""
    bias: Flag = True
    """Whether to add learned numbers."""
    returns: Literal["sequence", "last"] = "sequence"
    """The states at all positions, or the final one of each direction."""
    in_channels: Count | None = None
    """Declared number of incoming channels, checked; it is inferred otherwise."""

    def check(self) -> None:
        if self.dropout and self.layers == 1:
            raise fail(
                "A208",
                f"`dropout` of `{self.name}` acts between layers, and there is one layer",
                field="dropout",
                notes=("a `dropout` behind it acts on what comes out",),
                remedies=(Omit("dropout"),),
            )

    @property
    def state(self) -> int:
        """Numbers that a layer hands on at a position, for one direction."""
        return self.hidden

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_map(self, x)
        if x.rank != 2:
            raise fail(
                "S103",
                f"`{self.name}` needs a sequence of channels x length, got {x}",
                f"{x.rank} axes here",
                remedies=(Insert("flatten(height)"), Insert("mean(height)")),
            )
        incoming(self, x, self.in_channels)
        channels = self.state * self.directions
        if self.returns == "last":
            return Tensor((channels,), AXES[1])
        return x.resized((channels, x.shape[1]))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return (owned(2, 0, 1),)

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        width, wide = count(inputs[0]), self.gates * self.hidden
        weights: list[Weight] = []
        for layer in range(self.layers):
            for way in ("", "_reverse")[: self.directions]:
                end = f"_l{layer}{way}"
                weights.append(Weight(f"weight_ih{end}", (wide, width)))
                weights.append(Weight(f"weight_hh{end}", (wide, self.state)))
                if self.bias:
                    weights += [Weight(f"bias_{part}{end}", (wide,)) for part in ("ih", "hh")]
                weights += self.projected(end)
            width = self.state * self.directions
        return tuple(weights)

    def projected(self, end: str) -> list[Weight]:
        """The weights that make the state smaller."""
        return []

    def macs(self, inputs: Inputs, output: Tensor) -> Size:
        matrices = (w.shape for w in self.weights(inputs) if len(w.shape) == 2)
        return inputs[0].shape[1] * sum(rows * columns for rows, columns in matrices)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        raise Unpredictable(f"`{self.name}` keeps what its kernel (cuDNN, oneDNN) asks for")

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call(
            f"nn.{self.name.upper()}",
            count(inputs[0]),
            self.hidden,
            num_layers=unless(self.layers, 1),
            **self.options(),
            bias=unless(self.bias, True),
            batch_first=True,
            dropout=unless(self.dropout, 0.0),
            bidirectional=unless(self.bidirectional, False),
        )

    def options(self) -> dict[str, Value]:
        return {}

    def code(self, inputs: Inputs, output: Tensor) -> Code:
        both = Code("()", (SELF, call(".transpose", X, 1, 2)))
        if self.returns == "sequence":
            return call(".transpose", item(both, 0), 1, 2)
        final = self.final(item(both, 1))
        if not self.bidirectional:
            return item(final, -1)
        return call(".flatten", call(".transpose", item(final, "-2:"), 0, 1), 1)

    def final(self, states: Code) -> Code:
        """The hidden states among what the module returns beside the sequence."""
        return states

    def caption(self) -> tuple[str, ...]:
        return (str(self.hidden), *(("bidirectional",) if self.bidirectional else ()))


class Lstm(Recurrent, name="lstm"):
    """Long short-term memory: a state behind an input, a forget and an output gate.

    With `projection` a further matrix, projection × hidden, makes h smaller before it is handed on,
    and U has fewer columns.

    Formula: at every position `c = f·c + i·g` and `h = o·tanh(c)`, where i, f, o = sigmoid and g =
    tanh of `W x + a + U h + b`
    Weights: for each layer and direction W, U, a and b: `4·hidden × C`, `4·hidden × hidden`,
    `4·hidden`, `4·hidden`
    MACs: `L·4·hidden·(C + hidden)` for each layer and direction; a further layer has as C what the
    one before it leaves
    Example: `lstm(256)` takes 128x50 to 256x50; 395,264 parameters, 19,660,800 MACs.
    Source: Hochreiter and Schmidhuber 1997;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
    """

    _: KW_ONLY
    projection: Count | None = None
    """Size to which each state is projected before it is handed on; below `hidden`."""

    gates: ClassVar[int] = 4

    def check(self) -> None:
        super().check()
        if self.projection is not None and self.projection >= self.hidden:
            raise fail(
                "A208",
                f"`projection` {self.projection} of `lstm` must be below hidden={self.hidden}",
                field="projection",
                remedies=(Omit("projection"),),
            )

    @property
    def state(self) -> int:
        return self.projection or self.hidden

    def projected(self, end: str) -> list[Weight]:
        if self.projection is None:
            return []
        return [Weight(f"weight_hr{end}", (self.projection, self.hidden))]

    def options(self) -> dict[str, Value]:
        return {"proj_size": unless(self.projection or 0, 0)}

    def final(self, states: Code) -> Code:
        return item(states, 0)


class Gru(Recurrent, name="gru"):
    """Gated recurrent unit: a state behind a reset and an update gate.

    Formula: at every position `h = (1 - z)·n + z·h`, where r, z = sigmoid of `W x + a + U h + b`
    and n = tanh of `W x + a + r·(U h + b)`
    Weights: for each layer and direction W, U, a and b: `3·hidden × C`, `3·hidden × hidden`,
    `3·hidden`, `3·hidden`
    MACs: `L·3·hidden·(C + hidden)` for each layer and direction; a further layer has as C what the
    one before it leaves
    Example: `gru(64)` takes 32x100 to 64x100; 18,816 parameters, 1,843,200 MACs.
    Source: Cho et al. 2014, https://arxiv.org/abs/1406.1078;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html
    """

    gates: ClassVar[int] = 3


class Rnn(Recurrent, name="rnn"):
    """Elman's recurrent layer: the state is a function of the input and of the state before it.

    Formula: at every position `h = tanh(W x + a + U h + b)`
    Weights: for each layer and direction W, U, a and b: `hidden × C`, `hidden × hidden`, `hidden`,
    `hidden`
    MACs: `L·hidden·(C + hidden)` for each layer and direction; a further layer has as C what the
    one before it leaves
    Example: `rnn(64)` takes 32x100 to 64x100; 6,272 parameters, 614,400 MACs.
    Source: Elman 1990; https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html
    """

    _: KW_ONLY
    activation: Literal["tanh", "relu"] = "tanh"
    """The function of the state: tanh, or relu in its place."""

    gates: ClassVar[int] = 1

    def options(self) -> dict[str, Value]:
        return {"nonlinearity": unless(self.activation, "tanh")}


def item(value: Any, index: int | str) -> Code:
    """`value[index]`."""
    return Code("[]", (value, Raw(str(index))))
