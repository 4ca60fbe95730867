"""What the layers' documentation tells of shapes, weights and multiply-adds is right.

The rules are tried on the layer of each example, with other sizes and options too; they must say
what the layer says, which says what PyTorch says by `test_contract`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor
from typing import Any

import pytest
from documented import PAGES, inputs_of, layer_of
from formulas import Span, defined, spans, value

from cnnlang.layers import Layer, LayerError, Need, Tensor
from cnnlang.layers.base import Inputs
from cnnlang.layers.documentation import LayerPage
from cnnlang.layers.tensor import SPATIAL

pages = pytest.mark.parametrize("page", PAGES.values(), ids=list(PAGES))
PROBES = (
    ("stride", "2"),
    ("stride", "3"),
    ("padding", "1"),
    ("dilation", "2"),
    ("output_padding", "1"),
    ("groups", "2"),
    ("multiplier", "3"),
    ("kernel", "5"),
    ("start", "3"),
    ("step", "3"),
    ("hidden", "5"),
)
"""Options to try where a layer has them."""


@pages
def test_output_is_right(page: LayerPage) -> None:
    for layer, inputs, made in trials(page.name):
        assert shape(page, layer, inputs, None) == made.shape, layer
    for variant in variants(page, "Output"):
        for layer, inputs, made in sizes(page.name, variant):
            assert shape(page, layer, inputs, variant) == made.shape, layer


@pages
def test_weights_are_right(page: LayerPage) -> None:
    for layer, inputs, _ in trials(page.name):
        weights = layer.weights(inputs)
        kept = [w.shape for w in weights if not w.trainable and w.shape]
        assert told(page, "Weights", layer, inputs) == [w.shape for w in weights if w.trainable]
        assert told(page, "Buffers", layer, inputs) == kept
    for variant in variants(page, "Weights"):
        for layer, inputs, _ in sizes(page.name, variant):
            weights = layer.weights(inputs)
            assert told(page, "Weights", layer, inputs, variant) == [w.shape for w in weights]


@pages
def test_macs_are_right(page: LayerPage) -> None:
    rule = spans(dict(page.rules).get("MACs", "`0`"))[0]
    for layer, inputs, made in trials(page.name):
        known = names(layer, inputs) | outgoing(page, layer, inputs, None)
        assert value(rule.text, known) == layer.macs(inputs, made), layer


# --- what is tried -------------------------------------------------------------------------------


def trials(name: str) -> Iterator[tuple[Layer, Inputs, Tensor]]:
    """The layer of an example with other sizes and options, what it takes and what it makes."""
    yield from sizes(name, None)
    own = vars(layer_of(name))
    for probe in PROBES:
        if isinstance(own.get(probe[0]), int | tuple):
            yield from sizes(name, probe, must=False)


def sizes(
    name: str, variant: tuple[str, str] | None, must: bool = True
) -> Iterator[tuple[Layer, Inputs, Tensor]]:
    """The layer with the inputs of the example, and with larger ones if it can take them."""
    layer = layer_of(name, variant)
    for more in range(3):
        inputs = tuple(enlarged(each, more) for each in inputs_of(name))
        try:
            made = layer.output(inputs, Need())
        except LayerError:
            assert more or not must
        else:
            yield layer, inputs, made


def enlarged(x: Tensor, more: int) -> Tensor:
    """The tensor with more positions on each axis that has several."""
    return x.resized(
        size + more * (axis in SPATIAL and size != 1)
        for size, axis in zip(x.shape, x.axes, strict=True)
    )


# --- what a rule says ----------------------------------------------------------------------------


def variants(page: LayerPage, title: str) -> set[tuple[str, str]]:
    """The arguments with which a rule tells something of its own."""
    return {span.variant for span in spans(dict(page.rules).get(title, "")) if span.variant}


def shape(page: LayerPage, layer: Layer, inputs: Inputs, variant: Any) -> tuple[Any, ...]:
    """The shape of the output: that of a variant, if the rule has one, or the first one."""
    rule = dict(page.rules)["Output"]
    if rule.startswith("as the input") and not variant:
        return inputs[0].shape
    found = [each for each in spans(rule) if " = " not in each.text]
    (first, *_) = [each for each in found if each.variant == variant] or found
    return sized(first, names(layer, inputs) | outgoing(page, layer, inputs, variant))


def outgoing(page: LayerPage, layer: Layer, inputs: Inputs, variant: Any) -> dict[str, int]:
    """`H_out`, `W_out` and their like, by the formula for H' where there is one."""
    found = list(defined(dict(page.rules)["Output"], "H'"))
    chosen = [each for each in found if each.variant == variant] or found[:1]
    known = names(layer, inputs)
    return {
        f"{letter}_out": value(each.text, known | {"H": known[letter]})
        for each in chosen
        for letter in (axis[0].upper() for axis in inputs[0].axes[1:])
    }


def told(
    page: LayerPage, title: str, layer: Layer, inputs: Inputs, variant: Any = None
) -> list[tuple[Any, ...]]:
    """The shapes that a rule tells of weights."""
    rule = spans(dict(page.rules).get(title, ""))
    return [sized(each, names(layer, inputs)) for each in rule if each.variant == variant]


def sized(span: Span, names: dict[str, Any]) -> tuple[Any, ...]:
    """`filters × H' × W'` in numbers; an argument alone may be a shape."""
    sizes = [value(factor, names) for factor in span.text.split(" × ")]
    return sizes[0] if isinstance(sizes[0], tuple) else tuple(sizes)


def names(layer: Layer, inputs: Inputs) -> dict[str, Any]:
    """What the names in a rule stand for: arguments, and the sizes that come in."""
    own = {name: narrow(each) for name, each in vars(layer).items()}
    own |= {"stride": own["kernel"]} if own.get("stride", ...) is None else {}
    known: dict[str, Any] = {"floor": floor, "ceil": ceil}
    for number, tensor in reversed(list(enumerate(inputs, 1))):
        for axis, size in zip(tensor.axes, tensor.shape, strict=True):
            known[f"{axis[0].upper()}{number}"] = known[axis[0].upper()] = size
    return own | known


def narrow(value: Any) -> Any:
    """One number for equal numbers on all axes."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
