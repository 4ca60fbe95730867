"""Plain functions of each number by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cnnlang.layers.base import Inputs, Layer, Need, call, fail
from cnnlang.layers.code import Code, X, unless
from cnnlang.layers.common import need_real
from cnnlang.layers.storage import Saved, Stored, Values
from cnnlang.layers.tape import Tape
from cnnlang.layers.tensor import Tensor

if TYPE_CHECKING:
    from cnnlang.layers.fields import Real


class Elementwise(Layer, family="Arithmetic"):
    """A function of each number by itself, without a module in PyTorch; the shape stays.

    `saves` is what autograd keeps, `work` the number of tensors that its gradient takes.

    Output: as the input
    """

    kind: ClassVar[str]
    saves: ClassVar[tuple[Saved, ...]] = (0,)
    work: ClassVar[int] = 1

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        return x

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        (x,) = values
        work = x.size.times(type(self).work)
        return tape.unary(type(self).kind, x, *type(self).saves, most=work)

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call(f"torch.{type(self).kind}", X)


class Abs(Elementwise, name="abs"):
    """The size of each number without its sign.

    Formula: `y = |x|`
    Example: `abs` takes 16 to 16.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.abs.html
    """

    kind: ClassVar[str] = "abs"
    work: ClassVar[int] = 2


class Exp(Elementwise, name="exp"):
    """e to the power of each number.

    Formula: `y = exp(x)`
    Example: `exp` takes 16 to 16.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.exp.html
    """

    kind: ClassVar[str] = "exp"
    saves: ClassVar[tuple[Saved, ...]] = ("result",)


class Log(Elementwise, name="log"):
    """The natural logarithm of each number.

    Formula: `y = log(x)`
    Example: `log` takes 16 to 16.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.log.html
    """

    kind: ClassVar[str] = "log"


class Sqrt(Elementwise, name="sqrt"):
    """The square root of each number.

    Formula: `y = √(x)`
    Example: `sqrt` takes 16 to 16.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.sqrt.html
    """

    kind: ClassVar[str] = "sqrt"
    saves: ClassVar[tuple[Saved, ...]] = ("result",)
    work: ClassVar[int] = 2


class Square(Elementwise, name="square"):
    """Each number times itself.

    Formula: `y = x²`
    Example: `square` takes 16 to 16.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.square.html
    """

    kind: ClassVar[str] = "square"
    work: ClassVar[int] = 3


class Negative(Elementwise, name="negative"):
    """Each number with the other sign.

    Formula: `y = -x`
    Example: `negative` takes 16 to 16.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.neg.html
    """

    kind: ClassVar[str] = "neg"
    saves: ClassVar[tuple[Saved, ...]] = ()


class Sin(Elementwise, name="sin"):
    """The sine of each number.

    Formula: `y = sin(x)`
    Example: `sin` takes 16 to 16.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.sin.html
    """

    kind: ClassVar[str] = "sin"
    work: ClassVar[int] = 2


class Cos(Elementwise, name="cos"):
    """The cosine of each number.

    Formula: `y = cos(x)`
    Example: `cos` takes 16 to 16.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.cos.html
    """

    kind: ClassVar[str] = "cos"
    work: ClassVar[int] = 3


class Power(Elementwise, name="power"):
    """Each number to the power of an exponent; of a negative number only whole powers are defined.

    Formula: `y = x^exponent`
    Example: `power(3)` takes 16 to 16.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.pow.html
    """

    exponent: Real
    """The exponent: -1 for the reciprocal, 0.5 for the square root."""

    kind: ClassVar[str] = "pow"
    work: ClassVar[int] = 3

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call("torch.pow", X, self.exponent)

    def caption(self) -> tuple[str, ...]:
        return (f"{self.exponent:g}",)


class Clamp(Layer, name="clamp", family="Arithmetic"):
    """Each number held between bounds, of which one may be left out.

    Formula: `y = min(max(low, x), high)`
    Output: as the input
    Example: `clamp(0, 1)` takes 3x32x32 to 3x32x32.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.clamp.html
    """

    low: Real | None = None
    """The lower bound."""
    high: Real | None = None
    """The upper bound."""

    def check(self) -> None:
        if self.low is None and self.high is None:
            raise fail("A207", "`clamp` needs a bound: `low`, `high` or both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise fail("A208", f"`clamp` needs low <= high, got {self.low:g} and {self.high:g}")

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        (x,) = inputs
        need_real(self, x)
        return x

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        bounds = 2 - (self.low, self.high).count(None)
        return tape.clamp(values[0], bounds)

    def function(self, inputs: Inputs, output: Tensor) -> Code:
        return call("torch.clamp", X, min=unless(self.low, None), max=unless(self.high, None))
