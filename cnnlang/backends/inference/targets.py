"""What machines can do in one operation, and how it is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnlang.backends.inference.codes import options
from cnnlang.backends.inference.program import Op, Product
from cnnlang.backends.source.layout import Chained, Doc, Group, literal
from cnnlang.layers.code import Code


class Target:
    """PyTorch's own operations, on any device and in any type of numbers."""

    name = "any device"
    base = "Inference"
    records = False
    prefers_channels_last = False
    packs = False
    orders: Mapping[str, tuple[str, ...]] = {
        "conv": ("stride", "padding", "dilation", "groups"),
        "conv_transpose": ("stride", "padding", "extra", "groups", "dilation"),
        "linear": (),
    }

    def adds(self, product: Product) -> bool:
        """True if the product can add a tensor to its result."""
        return False

    def activates(self, product: Product, code: Code) -> bool:
        """True if the product can apply this activation to its result."""
        return False

    def geometry(self, product: Product) -> tuple[Any, ...]:
        """What follows weight and bias among the arguments."""
        return tuple(getattr(product, name) for name in self.orders[product.kind])

    def call(self, op: Op, operands: list[Doc], weights: Doc) -> Doc:
        """The product applied; `weights` stand for weight, bias and geometry."""
        assert op.product is not None
        axes = f"{op.product.axes}d" if op.product.axes else ""
        made = Group(f"F.{op.product.kind}{axes}(", (operands[0], weights), ")")
        if not op.product.added:
            return made
        return Chained(made, Group(".add_(", (operands[1],), ")"))


class Onednn(Target):
    """oneDNN's convolutions and products on a CPU, which add and activate on the way."""

    name = "a CPU"
    prefers_channels_last = True
    packs = True
    orders = {
        "conv": ("padding", "stride", "dilation", "groups"),
        "conv_transpose": ("padding", "extra", "stride", "dilation", "groups"),
        "linear": (),
    }

    def adds(self, product: Product) -> bool:
        return product.kind == "conv" and product.groups == 1 and product.axes > 1

    def activates(self, product: Product, code: Code) -> bool:
        if product.added:
            return code.function == "F.relu"
        return attribute(code) is not None

    def call(self, op: Op, operands: list[Doc], weights: Doc) -> Doc:
        assert op.product is not None
        word, numbers, way = attribute(op.product.activation) or ("none", (), "")
        if op.product.added:
            relu = '"relu"' if word == "relu" else "None"
            pair = operands[::-1] if op.onto else operands
            end = "_" if op.onto else ""
            last = ('"add"', "1.0", relu, "()", '""')
            return Group(f"conv_add{end}(", (*pair, weights, *last), ")")
        rest = (literal(word), literal(numbers), literal(way))
        return Group(f"{op.product.kind}(", (operands[0], weights, *rest), ")")


def attribute(code: Code | None) -> tuple[str, tuple[float, ...], str] | None:
    """An activation as oneDNN's operations take it: name, numbers, way; None if they cannot."""
    if code is None:
        return None
    given = options(code)
    match code.function:
        case "F.relu" | "F.hardswish" | "F.hardsigmoid":
            return code.function.removeprefix("F."), (), ""
        case "torch.sigmoid" | "torch.tanh":
            return code.function.removeprefix("torch."), (), ""
        case "F.silu":
            return "swish", (), ""
        case "F.relu6":
            return "hardtanh", (0.0, 6.0), ""
        case "F.hardtanh":
            return "hardtanh", (float(given["min_val"]), float(given["max_val"])), ""
        case "F.leaky_relu":
            return "leaky_relu", (float(given["negative_slope"]),), ""
        case "F.gelu":
            return "gelu", (), given["approximate"]
    return None


class Cudnn(Target):
    """cuDNN's convolutions on a CUDA device, which add and apply a ReLU on the way."""

    name = "a CUDA device"
    base = "GraphedInference"
    records = True
    prefers_channels_last = True

    def adds(self, product: Product) -> bool:
        return product.kind == "conv" and product.groups == 1 and product.axes == 2

    def activates(self, product: Product, code: Code) -> bool:
        return code.function == "F.relu" and self.adds(product)

    def call(self, op: Op, operands: list[Doc], weights: Doc) -> Doc:
        assert op.product is not None
        if op.product.added and op.product.activation:
            return Group("conv_add_relu(", (*operands, weights), ")")
        if op.product.activation:
            return Group("conv_relu(", (operands[0], weights), ")")
        return super().call(op, operands, weights)


TARGETS: dict[str, Target] = {"cpu": Onednn(), "cuda": Cudnn(), "any": Target()}
