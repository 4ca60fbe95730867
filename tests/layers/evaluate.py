"""Runs the `Code` of a layer, as the module that a backend writes would."""

from __future__ import annotations

from functools import reduce
from operator import add, mul, sub, truediv
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from cnnlang.backends import prelude
from cnnlang.layers.code import SELF, Code, Operand, Raw

NAMES = vars(prelude) | {"nn": nn, "F": F, "torch": torch}
OPERATORS = {"+": add, "-": sub, "*": mul, "/": truediv}


def evaluate(code: Any, tensors: tuple[torch.Tensor, ...] = (), module: Any = None) -> Any:
    """The value of `code`: `tensors` are its operands, `module` is what SELF stands for."""
    match code:
        case Operand(index):
            return list(tensors) if index is None else tensors[index]
        case Raw(text):
            return module if code == SELF else eval(text, dict(NAMES))
        case tuple():
            return tuple(evaluate(each, tensors, module) for each in code)
        case Code("[]", (value, Raw(text))):
            return eval(f"value[{text}]", {"value": evaluate(value, tensors, module)})
        case Code():
            arguments = evaluate(code.arguments, tensors, module)
            keywords = {name: evaluate(each, tensors, module) for name, each in code.keywords}
            return apply(code.function, arguments, keywords)
    return code


def apply(function: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """A call, written the way its first characters say."""
    if function in OPERATORS:
        return reduce(OPERATORS[function], arguments)
    if function == "()":
        return arguments[0](*arguments[1:], **keywords)
    if function.startswith("."):
        return getattr(arguments[0], function[1:])(*arguments[1:], **keywords)
    return eval(function, dict(NAMES))(*arguments, **keywords)
