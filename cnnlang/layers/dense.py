"""Fully connected layers and look-up tables."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, Problem, Weight, call, fail
from cnnlang.layers.code import SELF, Code, X, unless
from cnnlang.layers.common import asked, axis_index, count, fixed, need_real
from cnnlang.layers.reading import Reads, Usual, own, owned
from cnnlang.layers.remedies import Give, Insert, Omit, Precede, Retype
from cnnlang.layers.storage import Stored, Values, natural
from cnnlang.layers.tape import Tape, Unpredictable
from cnnlang.layers.tensor import AXES, TOKENS, Tensor, image
from cnnlang.sizes import Size, product

if TYPE_CHECKING:
    from dataclasses import KW_ONLY

    from cnnlang.layers.fields import Axis, Count, Flag, Init, Positive, Whole


class Dense(Layer, name="dense", family="Dense"):
    """Fully connected layer: every output is a weighted sum of all features.

    It takes a flat tensor; with `axis=channels` it acts on every position of a map by itself.

    Output: `units`; with `axis` the map stays, with `units` in place of that axis
    Weights: `units × F`, and for the bias `units`
    MACs: `units·F` for each position
    Example: `dense(10)` takes 84 to 10; 850 parameters, 840 MACs.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html
    """

    overwritable: ClassVar[bool] = True

    units: Count
    """Number of outputs."""
    _: KW_ONLY
    axis: Axis | None = None
    """The axis to act on where the tensor is not flat."""
    bias: Flag = True
    """Whether to add a learned number per output."""
    in_features: Count | None = None
    """Declared number of incoming features, checked; it is inferred otherwise."""
    init: Init = None
    """Initialisation of the weights; PyTorch's own otherwise."""
    bias_init: Init = None
    """Initialisation of the bias."""

    def place(self, x: Tensor) -> int:
        """Index of the axis acted on."""
        if self.axis is None:
            if x.rank == 1:
                return 0
            raise fail(
                "S104",
                f"`dense` needs a flat tensor, got {x}",
                f"{x.rank} axes here",
                notes=("`axis=channels` would act on every position by itself",),
                remedies=(Insert("flatten"), Insert("global_avgpool -> flatten")),
            )
        return axis_index(self, x, self.axis)

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        place = self.place(x)
        features = x.shape[place]
        if not isinstance(features, int):
            self.open(features, need)
        elif self.in_features not in (None, features):
            raise fail(
                "S113",
                f"`dense` declares in_features={self.in_features}, but {features} come in",
                f"the tensor here is {x}",
                field="in_features",
                notes=("`in_features` may be left out: it is inferred",),
                remedies=(Give("in_features", features), Omit("in_features")),
            )
        return x.resized((*x.shape[:place], self.units, *x.shape[place + 1 :]))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return (owned(output.rank, self.place(inputs[0])),)

    def open(self, features: Size, need: Need) -> None:
        """The number of features depends on a free dimension: it must be declared."""
        if self.in_features is None:
            raise fail(
                "S114",
                f"`dense` needs a fixed number of features, got {features}",
                "depends on the size of the input",
                notes=("a fixed input, or a declared `in_features=`, would fix the number too",),
                remedies=(Precede(("flatten",), "global_avgpool"),),
            )
        need.equal(
            features,
            self.in_features,
            lambda: Problem(
                "S113",
                f"`dense` declares in_features={self.in_features}, but {features} come in",
                field="in_features",
                remedies=(Precede(("flatten",), "global_avgpool"),),
            ),
        )

    def features(self, x: Tensor) -> int:
        size = x.shape[self.place(x)]
        if isinstance(size, int):
            return size
        assert self.in_features is not None
        return self.in_features

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        weight = Weight("weight", (self.units, self.features(inputs[0])))
        return (weight, Weight("bias", (self.units,))) if self.bias else (weight,)

    def macs(self, inputs: Inputs, output: Tensor) -> Size:
        return self.features(inputs[0]) * product(output.shape)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        place, weight, bias = self.place(inputs[0]) + 1, tape.own["weight"], tape.own.get("bias")
        moved = tape.moved(x, place, -1)
        shape = (*moved.shape[:-1], self.units)
        if natural(moved):
            made = tape.product("linear", shape, moved, weight, bias)
        else:
            made = tape.settle(tape.product("linear", shape, tape.copy(moved), weight))
            if bias is not None:
                made = tape.settle(tape.sum(made, tape.converted(bias, made.dtype)))
        return tape.moved(made, -1, place)

    def meant(self, inputs: Inputs) -> Tensor | None:
        return image(self.units) if self.axis is None else None

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call("nn.Linear", self.features(inputs[0]), self.units, bias=unless(self.bias, True))

    def code(self, inputs: Inputs, output: Tensor) -> Code:
        (x,) = inputs
        if self.place(x) == x.rank - 1:
            return super().code(inputs, output)
        place = self.place(x) + 1
        moved = call(".movedim", X, place, -1)
        return call(".movedim", Code("()", (SELF, moved)), -1, place)

    def initial(self, inputs: Inputs) -> tuple[tuple[str, Any], ...]:
        return asked(("weight", self.init), ("bias", self.bias_init if self.bias else None))

    def caption(self) -> tuple[str, ...]:
        return (str(self.units),)


class Bilinear(Layer, name="bilinear", family="Dense"):
    """Weighted sums of all products of a feature of the one tensor and a feature of the other.

    Both tensors are flat.

    Output: `units`
    Weights: `units × F₁ × F₂`, and for the bias `units`
    MACs: `units·F₁·F₂`
    Example: `bilinear(skip, units=5)` takes 12 and `skip` 7 to 5; 425 parameters, 420 MACs.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Bilinear.html
    """

    operands: ClassVar[tuple[int, int | None]] = (2, 2)

    _: KW_ONLY
    units: Count
    """Number of outputs."""
    bias: Flag = True
    """Whether to add a learned number per output."""
    init: Init = None
    """Initialisation of the weights; PyTorch's own otherwise."""
    bias_init: Init = None
    """Initialisation of the bias."""

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        for each in inputs:
            need_real(self, each)
            if each.rank != 1:
                raise fail(
                    "S104",
                    f"`bilinear` needs flat tensors, got {inputs[0]} and {inputs[1]}",
                    f"{each.rank} axes here",
                    remedies=(Insert("flatten"), Insert("global_avgpool -> flatten")),
                )
            fixed(self, each.shape[0], "features")
        return inputs[0].resized((self.units,))

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return (owned(1, 0), owned(1, 0))

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        weight = Weight("weight", (self.units, *(count(each) for each in inputs)))
        return (weight, Weight("bias", (self.units,))) if self.bias else (weight,)

    def macs(self, inputs: Inputs, output: Tensor) -> Size:
        return prod(self.weights(inputs)[0].shape)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        left, right = values
        read = (left, right, tape.own["weight"])
        made = tape.op("bilinear", output.shape, *read, saves=(0, 1, 2))
        return tape.sum(made, tape.own["bias"]) if self.bias else made

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        left, right = inputs
        return call(
            "nn.Bilinear", count(left), count(right), self.units, bias=unless(self.bias, True)
        )

    def initial(self, inputs: Inputs) -> tuple[tuple[str, Any], ...]:
        return asked(("weight", self.init), ("bias", self.bias_init if self.bias else None))

    def caption(self) -> tuple[str, ...]:
        return (str(self.units),)


class Embedding(Layer, name="embedding", family="Dense"):
    """Look-up table: every integer becomes a learned vector.

    The vectors are put on the channel axis, so that `conv` can follow.

    Output: `width × L` of `L` integers; `width` before all axes of a map of integers
    Weights: `count × width`
    Example: `embedding(30_000, 128)` takes 50 integers to 128x50; 3,840,000 parameters.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html
    """

    count: Count
    """Number of different integers (0 to count - 1)."""
    width: Count
    """Length of the vectors."""
    _: KW_ONLY
    padding_index: Whole | None = None
    """An integer whose vector stays zero and is not trained."""
    max_norm: Positive | None = None
    """The greatest length of a vector: longer ones are shortened in the table when looked up."""
    norm_type: Positive = 2.0
    """The exponent of that length: 2 is the Euclidean one."""
    scale_grad_by_freq: Flag = False
    """Whether the gradient of a vector is divided by how often the batch holds its integer."""
    sparse: Flag = False
    """Whether the gradient is a sparse tensor, which only some optimisers take."""
    init: Init = None
    """Initialisation of the table; PyTorch's own otherwise."""

    def check(self) -> None:
        if self.norm_type != 2 and self.max_norm is None:
            raise fail("A208", "`norm_type` of `embedding` needs `max_norm`", field="norm_type")
        if self.sparse and self.scale_grad_by_freq:
            raise fail(
                "A208",
                "`sparse` of `embedding` does not go with `scale_grad_by_freq`",
                field="sparse",
            )

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        if x.dtype != "int" or x.rank not in TOKENS:
            raise fail(
                "S106",
                f"`embedding` needs integers, got {x} of real numbers",
                notes=("an input of integers is declared `input tokens: [T] of int`",),
                remedies=(Retype(),) if x.rank in TOKENS else (),
            )
        if self.padding_index is not None and self.padding_index >= self.count:
            raise fail(
                "S115",
                f"`padding_index` {self.padding_index} is not below the count {self.count}",
                field="padding_index",
                remedies=(Give("padding_index", self.count - 1),),
            )
        return Tensor((self.width, *x.shape), AXES[x.rank + 1])

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return (tuple(own(axis) for axis in range(1, output.rank)),)

    def weights(self, inputs: Inputs) -> tuple[Weight, ...]:
        return (Weight("weight", (self.count, self.width)),)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        if self.sparse or self.max_norm is not None:
            raise Unpredictable("`embedding` with `sparse` or `max_norm` is not followed")
        shape = (*x.shape, self.width)
        made = tape.op("embedding", shape, tape.own["weight"], x, saves=(1,))
        return tape.moved(made, -1, 1)

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return call(
            "nn.Embedding",
            self.count,
            self.width,
            padding_idx=unless(self.padding_index, None),
            max_norm=unless(self.max_norm, None),
            norm_type=unless(self.norm_type, 2.0),
            scale_grad_by_freq=unless(self.scale_grad_by_freq, False),
            sparse=unless(self.sparse, False),
        )

    def code(self, inputs: Inputs, output: Tensor) -> Code:
        return call(".movedim", super().code(inputs, output), -1, 1)

    def initial(self, inputs: Inputs) -> tuple[tuple[str, Any], ...]:
        return asked(("weight", self.init))

    def caption(self) -> tuple[str, ...]:
        return (f"{self.count} × {self.width}",)
