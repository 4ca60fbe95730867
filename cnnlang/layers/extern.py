"""A user's own `nn.Module`, known by its shape rule only."""

from __future__ import annotations

from typing import Any

from cnnlang.layers.base import Inputs, Layer, Need
from cnnlang.layers.code import Code
from cnnlang.layers.reading import UNKNOWN, Reads, Usual
from cnnlang.layers.storage import Stored, Values
from cnnlang.layers.tape import Tape, Unpredictable
from cnnlang.layers.tensor import Tensor
from cnnlang.layers.validation import spell


class ExternModule(Layer, family="Extern"):
    """An extern module applied; `result` is what its declared shape rule gave.

    Its weights and multiply-adds are not known before the module is imported.
    """

    name = "extern"
    title: str
    target: str
    arguments: tuple[tuple[str, Any], ...]
    result: Tensor

    def output(self, inputs: Inputs, need: Need) -> Tensor:
        return self.result

    def reads(self, inputs: Inputs, output: Tensor, usual: Usual) -> Reads:
        return tuple((UNKNOWN,) * each.rank for each in inputs)

    def trace(self, tape: Tape, values: Values, inputs: Inputs, output: Tensor) -> Stored:
        raise Unpredictable(f"`{self.title}` is extern: it is not known before it is imported")

    def module(self, inputs: Inputs, output: Tensor) -> Code:
        return Code(self.title, (), self.arguments)

    def written(self) -> str:
        """The module as it is written in a file."""
        arguments = ", ".join(f"{name}={spell(value)}" for name, value in self.arguments)
        return f"{self.title}({arguments})" if arguments else self.title
